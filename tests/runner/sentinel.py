# SPDX-License-Identifier: LGPL-2.1-or-later
"""
The process that stands between `tests/run`, which anybody may kill, and the run in its namespaces.
When the run ends, when it is asked to, when the process that was called is gone or the time is
over, it ends all processes of the run and removes its cgroups: those that its processes were seen
in, and those whose names tell of its pid namespace or of one of its processes. Others on the host
have cgroups with such names, too; theirs are not touched. If this process is killed itself, the
kernel ends the run, and the one that was called removes the cgroups.
"""
import ctypes
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import leaks

PR_SET_PDEATHSIG = 1
LOOK = 2            # seconds between two looks at where the run's processes are
REMEMBER = 10       # looks
LIMIT = 4 * 3600    # seconds of a whole run, unless CT_RUN_SECONDS says otherwise
HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()
    except OSError:
        return ""


def below(pid):
    """All descendants of a process."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        try:
            tasks = os.listdir(f"/proc/{one}/task")
        except OSError:
            continue
        children = [int(c) for t in tasks for c in read(f"/proc/{one}/task/{t}/children").split()]
        found += children
        todo += children
    return found


class Run:
    """What is known of one run: enough to find its cgroups when all its processes are gone."""

    def __init__(self, before):
        self.before = set(before)
        self.places, self.pidns = set(), 0
        # ids in the run's own namespace: the look that saw them last
        self.pids, self.looks = {}, 0
        self.newest, self.oldest = 0, 0         # of those ids, now and a look ago

    def top(self, mount, path):
        """The uppermost directory of mount + path that the run, or somebody, has made
        meanwhile; None."""
        at = mount
        for part in path.strip("/").split("/"):
            at = os.path.join(at, part)
            if part and at not in self.before:
                return at
        return None

    def look(self, pids):
        """Notes where these processes are, and who they are in the run's own pid namespace."""
        mounts, level = leaks.cgroup_hierarchies(), len(leaks.own_pids())
        self.looks += 1
        for pid in pids:
            names = re.search(r"^NSpid:(.*)$", read(f"/proc/{pid}/status"), re.M)
            names = names[1].split() if names else []
            if len(names) > level:
                self.pids[int(names[level])] = self.looks
            if len(names) == level + 1 and not self.pidns:
                self.pidns = leaks.pidns(pid)
            for line in read(f"/proc/{pid}/cgroup").splitlines():
                _id, controllers, path = line.split(":", 2)
                mount = mounts.get(controllers)
                place = mount and self.top(mount, path)
                if place:
                    self.places.add(place)
        self.newest = max((p for p, look in self.pids.items() if look == self.looks),
                          default=self.newest)
        self.oldest = self.oldest or self.newest

    def forget(self):
        """Ids come again; those of long ago mean nothing."""
        self.oldest = self.newest
        self.pids = {p: look for p, look in self.pids.items() if self.looks - look < REMEMBER}

    def is_process(self, number):
        """One that was seen, or has begun since."""
        more = min(20000, int(read("/proc/sys/kernel/pid_max") or 0) // 64)
        return number in self.pids or self.oldest <= number < max(self.newest, self.oldest) + more

    def save(self, path):
        with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as f:
            json.dump(
                {
                    "before": sorted(self.before), "places": sorted(
                        self.places), "pidns": self.pidns, "pids": sorted(self.pids),
                    "newest": self.newest, "oldest": self.oldest
                }, f)
        os.rename(path + ".new", path)

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8", errors="surrogateescape") as f:
            saved = json.load(f)
        run = Run(saved["before"])
        run.places, run.pidns = set(saved["places"]), saved["pidns"]
        run.pids, run.newest, run.oldest = dict.fromkeys(saved["pids"],
                                                         0), saved["newest"], saved["oldest"]
        return run

    def owns(self, group, mount):
        top = self.top(mount, group[len(mount):])
        name = group[len(os.path.dirname(top)):] if top else ""
        if not top:
            return False
        if top in self.places:
            return True
        mark = leaks.MARK.search(name)
        # a name may have a number that is no process': "web-1" is the second of that name, on a
        # host where another run has the first
        if mark:
            return bool(self.pidns) and int(mark[1], 16) == self.pidns
        return bool(leaks.OURS.search(os.path.basename(top))) and any(
            self.is_process(int(n)) for n in re.findall(r"\d{2,}", name))

    def groups(self):
        """Its cgroups, the deepest first."""
        mounts = leaks.cgroup_mounts()
        mine = {g for m in mounts for g in leaks.cgroups({m}) - self.before if self.owns(g, m)}
        return sorted(mine, key=lambda g: -g.count("/"))

    def thaw(self):
        for group in self.groups():
            for name, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
                try:
                    with open(os.path.join(group, name), "w", encoding="ascii") as f:
                        f.write(word)
                except OSError:
                    pass

    def remove(self, seconds=10):
        """Removes its cgroups; what is still in use by then is told."""
        end = time.monotonic() + seconds
        while True:
            left = []
            for group in self.groups():
                try:
                    os.rmdir(group)
                except FileNotFoundError:
                    pass
                except OSError as e:
                    left.append(f"{group}: {e.strerror}")
            if not left or time.monotonic() > end:
                break
            self.thaw()
            time.sleep(0.1)
        for text in left:
            print(f"tests/run: cannot remove {text}", flush=True)


def notes(base):
    return os.path.join(base, "notes")


def as_child():
    """In the child: it goes with the sentinel, and finds signals as they usually are."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, signal.SIG_DFL)


def begin(env):
    """The run in its namespaces. It is their process 1, so that none of its processes
    outlives it."""
    return subprocess.Popen([
        "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child=SIGKILL",
        "--mount-proc", "bash",
        os.path.join(HERE, "isolate.sh"), sys.executable, "-B", *sys.argv
    ], env=env, preexec_fn=as_child)


def end_all(run, child, seconds=60):
    """Ends all processes below us. A frozen one must be let go to end."""
    end = time.monotonic() + seconds
    run.look(below(os.getpid()))
    child.kill()
    while time.monotonic() < end:
        left = below(os.getpid())
        if not left:
            return
        run.look(left)
        run.thaw()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        time.sleep(0.05)
    print(
        "tests/run: processes do not end: " +
        ", ".join(leaks.describe(p) for p in below(os.getpid())), flush=True)


def follow(run, child, hear, base):
    """Until the run ends by itself: its exit code; None when it has to be ended."""
    limit = time.monotonic() + float(os.environ.get("CT_RUN_SECONDS", LIMIT))
    while True:
        run.forget()
        run.look(below(child.pid))
        run.save(notes(base))
        until = time.monotonic() + LOOK
        while time.monotonic() < until:
            if select.select([hear], [], [], 0.1)[0]:
                return None
            if child.poll() is not None:
                return child.returncode
        if time.monotonic() > limit:
            print("tests/run: the whole run takes too long (CT_RUN_SECONDS)", flush=True)
            return None


def watch(base, env, hear, drop):
    """The sentinel's whole life; never returns. `hear` tells when the run shall end: a byte, or its
    end when the caller is gone."""
    code = 1
    try:
        os.setsid()
        for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(s, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(leaks.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        run = Run(leaks.cgroups())
        run.save(notes(base))
        sys.stdout.flush()
        child = begin(env)
        got = follow(run, child, hear, base)
        end_all(run, child)
        if got is None or got < 0:
            run.remove()
        code = 124 if got is None else got if got >= 0 else 128 - got
    finally:
        shutil.rmtree(base, ignore_errors=True)
        drop()
        os._exit(code)


def clean_after(base):
    """The sentinel was killed, and the run with it."""
    try:
        Run.load(notes(base)).remove()
    except (OSError, ValueError):
        pass
    shutil.rmtree(base, ignore_errors=True)
