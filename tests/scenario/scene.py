# SPDX-License-Identifier: LGPL-2.1-or-later
"""A place to use the tools in: own container and state directories, every step told in TAP,
nothing left at the end."""
import glob
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# how many times slower than usual this machine is, as an emulated one
SLOW = int(os.environ.get("CT_SLOW", "1"))


def hierarchies():
    """The cgroup hierarchies as the kernel tells: (mount point, version, controllers)."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            at, _, rest = line.partition(" - ")
            kind, _, options = rest.split(" ", 2)
            where = at.split()[4]
            if kind == "cgroup":
                found.append((where, 1, set(options.strip().split(","))))
            elif kind == "cgroup2":
                with open(where + "/cgroup.controllers", encoding="utf-8") as c:
                    found.append((where, 2, set(c.read().split())))
    return found


def version_of(controller):
    """Which version of cgroups serves it here; 0: none."""
    return max((version for _, version, controllers in hierarchies() if controller in controllers),
               default=0)


def layout():
    versions = {version for _, version, _ in hierarchies()}
    return "none" if not versions else "hybrid" if len(versions) == 2 else f"v{versions.pop()}"


def groups(part):
    """All cgroups with this in their name."""
    return sorted({
        os.path.join(at, d) for where, _, _ in hierarchies()
        for at, dirs, _ in os.walk(where) for d in dirs if part in d
    })


def shift_tree(tree, copy, first):
    """A copy of a root file system that belongs to the ids of a map, from `first` on."""
    subprocess.run(["cp", "-a", tree, copy], check=True)
    for base, dirs, files in os.walk(copy):
        links = [d for d in dirs if os.path.islink(os.path.join(base, d))]
        for path in [base] + [os.path.join(base, n) for n in files + links]:
            st = os.lstat(path)
            os.lchown(path, st.st_uid + first, st.st_gid + first)
            # a change of owner takes these bits away
            if not os.path.islink(path):
                os.chmod(path, st.st_mode & 0o7777)


class Scene:
    def __init__(self):
        self.tools = os.path.join(sys.argv[1], "tools")
        self.base = tempfile.mkdtemp(prefix="ct-scenario-")
        self.where = ["-P", self.base + "/c", "--state-dir", self.base + "/s"]
        self.rows, self.supervised, self.names, self.begun = [], set(), [], []

    def name(self, word):
        """A container's name that nobody else on the host has: done() then looks whether a
        cgroup of it is left."""
        self.names.append(f"{word}-{os.getpid()}")
        return self.names[-1]

    def begin(self, tool, *args, place=True):
        """A tool that goes on meanwhile; done() ends it."""
        cmd = [os.path.join(self.tools, tool), *(self.where if place else []), *args]
        self.begun.append(
            subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True))
        return self.begun[-1]

    def run(self, tool, *args, place=True, **more):
        """(exit code, output, errors) of a tool."""
        cmd = [os.path.join(self.tools, tool), *(self.where if place else []), *args]
        r = subprocess.run(cmd, stdin=more.pop("stdin", subprocess.DEVNULL), capture_output=True,
                           text=True, errors="replace", timeout=more.pop("timeout", 60) * SLOW,
                           check=False, **more)
        return r.returncode, r.stdout, r.stderr

    def check(self, name, good, *said):
        self.rows.append(bool(good))
        print(f"{'' if good else 'not '}ok {len(self.rows)} - {name}", flush=True)
        for text in said if not good else ():
            for line in str(text).splitlines():
                print(f"# {line}")
        return good

    def expect(self, name, tool, *args, code=0, out=None, err=None, **more):
        """A tool's exit code, and what must stand in its output and its errors; "" for
        nothing at all."""
        got = self.run(tool, *args, **more)
        good = got[0] == code
        for text, want in ((got[1], out), (got[2], err)):
            good &= want is None or (text == "" if want == "" else want in text)
        self.check(name, good, f"{tool} {' '.join(args)}", f"exit code {got[0]}, expected {code}",
                   got[1], got[2])
        return got[1]

    def json(self, name, tool, *args):
        code, out, err = self.run(tool, "--json", *args)
        try:
            value = json.loads(out)
        except ValueError as e:
            self.check(name, False, f"{tool} --json {' '.join(args)}: {e}", out, err)
            return None
        self.check(name, code in (0, 1, 2), out, err)
        return value

    def on_terminal(self, tool, *args, script=(), place=True, before=None):
        """The same on a pseudo terminal, set up by before(); script: (wait for this text, then send
        that) pairs. (exit code, output)."""
        pid, fd = pty.fork()
        if pid == 0:
            if before:
                before()
            os.execv(os.path.join(self.tools, tool), [tool, *(self.where if place else []), *args])
        out, script, end = b"", list(script), time.monotonic() + 30 * SLOW
        while time.monotonic() < end:
            if script and (script[0][0].encode() in out):
                send = script.pop(0)[1]
                if callable(send):
                    send()
                else:
                    os.write(fd, send.encode())
                out, self.seen = b"", getattr(self, "seen", b"") + out
            if not select.select([fd], [], [], 0.1)[0]:
                continue
            try:
                more = os.read(fd, 4096)
            except OSError:
                break
            if not more:
                break
            out += more
        else:
            os.kill(pid, 9)
        whole = getattr(self, "seen", b"") + out
        self.seen = b""
        status = os.waitpid(pid, 0)[1]
        os.close(fd)
        return os.waitstatus_to_exitcode(status), whole.decode(errors="replace")

    def pid(self, name):
        out = self.run("ct-info", "-n", name, "-pH")[1].strip()
        return int(out) if out.isdigit() else 0

    def until(self, what, seconds=10):
        """Waits until what() is true."""
        end = time.monotonic() + seconds * SLOW
        while not what() and time.monotonic() < end:
            time.sleep(0.05)
        return bool(what())

    def skip(self, why):
        shutil.rmtree(self.base)
        print(f"1..0 # SKIP {why}")
        sys.exit(0)

    def done(self):
        for p in self.begun:
            p.kill()
            p.communicate()
        left = [
            p for p in glob.glob(self.base + "/c/*") + glob.glob(self.base + "/c/.*") +
            glob.glob(self.base + "/s/*/*")
        ]
        self.check("nothing is left in the container and state directories", not left, *left)
        mine = []
        for path in glob.glob("/proc/[0-9]*/root"):
            try:
                if os.readlink(path).startswith(self.base):
                    mine.append(path)
            except OSError:
                pass
        self.check("no process is left", not mine, *mine)
        here = [g for name in self.names for g in groups(name)]
        self.check("no cgroup is left", not here, *here)
        shutil.rmtree(self.base, ignore_errors=True)
        print(f"1..{len(self.rows)}")
        sys.exit(not all(self.rows))
