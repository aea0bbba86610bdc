# SPDX-License-Identifier: LGPL-2.1-or-later
"""
hooks.py BUILD [record]: a script for each hook of a busybox system that boots, reboots and stops:
the order, the namespaces it sees, its arguments and variables are LXC's. What LXC 5.0.2 gave is
kept in tests/data/lxc-hooks, made by "record", which needs LXC; what differs is in the table
below, with the reason.
"""
import os
import re
import shutil
import stat
import subprocess
import sys
import time

from scene import TOP, Scene

DATA = os.path.join(TOP, "tests", "data", "lxc-hooks")
HOOKS = ("pre-start", "pre-mount", "mount", "autodev", "start-host", "start", "stop", "post-stop")
NAME = "hooked"

# Lines of a report that only one side has: (boot, hook, whose, line; regular expressions), why.
DIFFERENCES = (
    ((".*", ".*", "lxc", r"var LXC_ROOTFS_MOUNT=/.*/lxc/rootfs"),
     "LXC mounts the root on a directory of its package where rootfs.mount names none"),
    ((".*", ".*", "ours", r"var LXC_ROOTFS_MOUNT=ROOTFS"),
     "here it needs no mount point: for mount hooks it is on its own path"),
    (("2", "pre-start|pre-mount|mount|autodev|start", "lxc",
      r"var LXC_(TARGET|PID|[A-Z]+_NS)=.*|told .*|init .*"),
     "LXC sets them in its own environment for the stop hooks, and they are still there for the "
     "next boot: of an init that has gone"
     ),
    (("2", "start-host", "lxc", r"var LXC_(TARGET|[A-Z]+_NS)=.*|told .*"),
     "the same, but for LXC_PID, which is the new one's"),
    ((".*", ".*", "lxc", r"other CALLERS"),
     "a hook of LXC's has the environment of whoever starts the container; here only what the "
     "config gives it"
     ),
    ((".*", "start", "lxc", r"other container_ttys"),
     "of init's own environment, which a start hook of LXC's has already"),
    ((".*", "post-stop", "lxc", r"told [a-z]+ another's"),
     "LXC has closed the descriptors by then; the variables are left over, and lead anywhere"),
    ((".*", "post-stop", "ours", r"told [a-z]+ container"), "here what a variable says holds"),
    ((".*", "start-host", "lxc", r"init lxc-start"),
     "the process that becomes init: each has its own name"),
    ((".*", "start-host", "ours", r"init ct-stage"), "the same"),
)

CONFIG = """
lxc.rootfs.path = dir:{root}
lxc.uts.name = hooked
lxc.signal.halt = SIGUSR1
lxc.signal.reboot = SIGTERM
lxc.tty.max = 1
lxc.pty.max = 8
lxc.net.0.type = empty
lxc.mount.auto = cgroup:mixed proc:mixed sys:ro
lxc.mount.entry = {io} probe none bind,create=dir 0 0
lxc.log.level = INFO
lxc.log.file = {base}/run.log
lxc.hook.version = {version}
"""


class Place:
    """Where a container of LXC's form is: lxcpath/NAME/config, and its hooks beside it."""

    def __init__(self, base, root, version):
        self.base, self.io = base, os.path.join(base, "io")
        self.config = os.path.join(base, "p", NAME, "config")
        os.makedirs(self.io)
        os.makedirs(os.path.dirname(self.config))
        shutil.copy(os.path.join(DATA, "probe"), self.io)
        for hook in HOOKS:
            os.symlink("probe", os.path.join(self.io, hook))
        self.root = root
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(root=root, io=self.io, base=base, version=version))
            for hook in HOOKS:
                where = "/probe" if hook == "start" else self.io
                # a start hook of LXC's takes no words of its own
                f.write(f"lxc.hook.{hook} = {where}/{hook}{'' if hook == 'start' else ' word'}\n")

    def log(self):
        path = os.path.join(self.io, "log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def reports(self):
        """[(boot, hook, lines)] in their order, what differs from run to run by name."""
        blocks = [b.splitlines() for b in re.split(r"^hook ", self.log(), flags=re.M)[1:]]
        host = {kind: os.readlink(f"/proc/self/ns/{kind}") for kind in os.listdir("/proc/self/ns")}
        found, boot, own = [], 0, {}
        for block in blocks:
            hook = block[0]
            if hook == "pre-start":
                boot += 1
            if hook == "pre-mount":
                # of its cgroup namespace, too: init has made it by then
                own = {line.split()[1]: line.split()[2] for line in block if line.startswith("ns ")}
            lines = [self.named(line, host, own) for line in block[1:]]
            found.append((boot, hook, lines))
        return found

    def named(self, line, host, own):
        words = line.split(" ")
        if words[0] in ("ns", "told"):
            kind, value = words[1].lower(), words[2]
            whose = "host" if value == host[kind] and words[
                0] == "ns" else "container" if value == own.get(kind) else "another's"
            return f"{words[0]} {kind} {whose}"
        for text, name in ((self.config, "CONFIG"), (self.root, "ROOTFS"), (self.io, "IO")):
            line = line.replace(text, name)
        line = re.sub(r"/proc/\d+/fd/\d+", "/proc/PID/fd/N", line)
        return re.sub(r"LXC_PID=\d+", "LXC_PID=NUMBER", line)


def text_of(reports):
    return "".join(f"{boot} {hook}\n" + "".join(f"\t{line}\n"
                                                for line in lines)
                   for boot, hook, lines in reports)


def read_text(text):
    found = []
    for line in text.splitlines():
        if line.startswith("\t"):
            found[-1][2].append(line[1:])
        else:
            boot, hook = line.split()
            found.append((int(boot), hook, []))
    return found


def expected(version):
    return os.path.join(DATA, f"lxc-5.0.2-version-{version}")


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def record(s, root):
    """By LXC itself. Its hooks get its environment: a small one, so that nothing of
    this machine is kept."""
    env = {"PATH": os.environ["PATH"], "CALLERS": "1"}
    for version in (0, 1):
        p = Place(os.path.join(s.base, f"lxc{version}"), root, version)
        where = ["-P", os.path.join(p.base, "p"), "-n", NAME]
        with subprocess.Popen(["lxc-start", "-F", *where], env=env,
                              stdin=subprocess.DEVNULL) as start:
            for boots in (1, 2):
                until(lambda n=boots: p.log().count("hook start-host") == n)
                until(
                    lambda: subprocess.run(["lxc-attach", *where, "--", "pidof", "syslogd"], stdout=
                                           subprocess.DEVNULL, check=False).returncode == 0)
                subprocess.run(["lxc-stop", *where, *(["-r"] if boots == 1 else []), "-t", "20"],
                               check=True)
            start.wait(30)
        with open(expected(version), "w", encoding="utf-8") as f:
            f.write(text_of(p.reports()))


def compare(s, version, ours, theirs):
    order = [(boot, hook) for boot, hook, _ in ours]
    want = [(boot, hook) for boot, hook, _ in theirs]
    s.check(f"version {version}: the hooks run in LXC's order", order == want, order, want)
    used, wrong = set(), []
    for (boot, hook, mine), (_, _, lxc) in zip(ours, theirs):
        both = [(line, "ours") for line in mine if line not in lxc
                ] + [(line, "lxc") for line in lxc if line not in mine]
        for line, whose in both:
            row = next((i for i, (r, _) in enumerate(DIFFERENCES) if all(
                re.fullmatch(p, str(v)) for p, v in zip(r, (boot, hook, whose, line)))), None)
            if row is None:
                wrong.append(f"boot {boot}, {hook}: only {whose} has: {line}")
            used.add(row)
        if not both and mine != lxc:
            wrong.append(f"boot {boot}, {hook}: another order: {mine}, {lxc}")
    s.check(f"version {version}: namespaces, arguments and variables are LXC's, but for the table",
            not wrong, *wrong)
    return used


def run_ours(s, root, version):
    p = Place(os.path.join(s.base, f"ours{version}"), root, version)
    name = s.name("hooked")
    os.rename(os.path.dirname(p.config), os.path.join(p.base, "p", name))
    p.config = os.path.join(p.base, "p", name, "config")
    where = ["-P", os.path.join(p.base, "p"), "--state-dir", os.path.join(s.base, "s"), "-n", name]
    s.expect(f"version {version}: start", "ct-start", *where, place=False)
    for again in (True, False):
        s.check(
            "init runs",
            s.until(
                lambda: s.run("ct-attach", *where, "--", "pidof", "syslogd", place=False)[0] == 0,
                60))
        s.expect("reboot" if again else "stop", "ct-stop", *where, *(["-r"] if again else []), "-t",
                 "60", place=False, timeout=90)
    reports = [(boot, hook, [line.replace(name, NAME)
                             for line in lines])
               for boot, hook, lines in p.reports()]
    with open(os.path.join(p.base, "run.log"), encoding="utf-8") as f:
        log = f.read()
    s.check("nothing went wrong in the log", " ERROR " not in log and " WARN " not in log, log)
    return reports


def main():
    s = Scene()
    s.expect("a busybox system", "ct-create", "-n", "tree", "-t", "busybox")
    root = os.path.join(s.base, "c", "tree", "rootfs")
    os.chmod(s.base, os.stat(s.base).st_mode | stat.S_IXOTH)
    if sys.argv[2:] == ["record"]:
        record(s, root)
    used = set()
    for version in (0, 1):
        with open(expected(version), encoding="utf-8") as f:
            used |= compare(s, version, run_ours(s, root, version), read_text(f.read()))
    stale = [DIFFERENCES[i] for i in range(len(DIFFERENCES)) if i not in used]
    s.check("each row of the table of differences is one", not stale, *stale)
    s.expect("destroy", "ct-destroy", "tree")
    shutil.rmtree(os.path.join(s.base, "s"), ignore_errors=True)
    s.done()


if __name__ == "__main__":
    main()
