# SPDX-License-Identifier: LGPL-2.1-or-later
"""
systemd.py BUILD [RELEASE [make]]: a Debian system with systemd as init, within limits, limiting and
freezing in its turn. The tree is made once, by the template, and kept in the build directory, where
guests without a network find it; "make" does that alone.
"""
import glob
import hashlib
import os
import re
import shlex
import subprocess
import sys
import time

from scene import SLOW, TOP, Scene, shift_tree

sys.path.append(os.path.join(TOP, "tests", "vm"))
import cache        # noqa: E402

RELEASE = sys.argv[2] if len(sys.argv) > 2 else "bookworm"
MEMORY, PIDS, MIB = 128, 200, 1 << 20
FIRST = 100000      # on the host, of the ids of a mapped system
# takes so many MiB, says how many are not swapped out
HOG = ('my $x = "x" x ($ARGV[0] << 20); open F, "/proc/self/status"; '
       'while (<F>) { print $1 >> 10 if /RssAnon:\\s+(\\d+)/ }')
# as many processes as it gets, up to 1000; none stays
FORKS = (
    'my @p; while (@p < 1000) { my $p = fork; last unless defined $p; if (!$p) { sleep 1000; exit '
    '} push @p, $p }'
    'kill "KILL", @p; wait for @p; print scalar @p')
# raises each limit that is in sight, at its place and in mounts of its own making;
# says which it could
RAISE = r"""
mkdir -p /mnt/2 /mnt/memory /mnt/pids
mount -t cgroup2 none /mnt/2; mount -t cgroup -o memory none /mnt/memory; mount -t cgroup -o pids none /mnt/pids
find /sys/fs/cgroup /mnt -name memory.max -o -name pids.max -o -name memory.limit_in_bytes -o -name memory.memsw.limit_in_bytes |
	while read -r f; do { echo max > "$f" || echo -1 > "$f"; } && echo "$f"; done 2> /dev/null
find /mnt -name 'ct.*'
umount /mnt/*
"""
# a group of the service's own, with a process in it
OWN = r"""
set -e
d=/sys/fs/cgroup; [ ! -d $d/unified ] || d=$d/unified; [ -e $d/cgroup.procs ] || d=/sys/fs/cgroup/systemd
d=$d$(sed -n 's/^0:://p;s/^[0-9]*:name=systemd://p' /proc/self/cgroup | tail -n 1)
mkdir $d/own
echo 0 > $d/own/cgroup.procs
[ ! -e $d/memory.max ] || { echo +memory > $d/cgroup.subtree_control; echo 16M > $d/own/memory.max; cat $d/own/memory.max; }
cat /proc/self/cgroup
"""


def tree(s):
    """The directory that the template's system is in: config and rootfs. Made on the host, a
    guest has no network."""
    with open(os.path.join(s.tools, "templates", "ct-debian"), "rb") as f:
        name = f"debian-{RELEASE}-{hashlib.sha256(f.read()).hexdigest()[:12]}"
    base = os.path.join(cache.directory(sys.argv[1]), "trees")
    made = os.path.join(base, name)
    if os.path.isdir(made):
        return made
    if "CT_LAYOUT" in os.environ:
        s.skip("the host has made no Debian tree for its guests")
    with cache.locked(base + ".lock"):
        if not os.path.isdir(made):
            for old in glob.glob(f"{base}/debian-{RELEASE}-*"):
                s.run("ct-destroy", "-P", base, "-n", os.path.basename(old), place=False)
            code, out, err = s.run("ct-create", "-P", base, "-n", name, "-t", "debian", "--",
                                   "--init", "systemd", "--release", RELEASE, place=False,
                                   timeout=400)
            s.check("the template makes a system", code == 0, out, err)
    return made


def mount(s, lower):
    """The tree below a layer for what this container writes: its rootfs."""
    root, upper, work = (os.path.join(s.base, d) for d in ("root", "upper", "work"))
    for d in (root, upper, work):
        os.mkdir(d)
    os.chmod(upper, 0o755)
    options = f"lowerdir={lower}/rootfs,upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "ct-tree", root], check=True)
    return root


class System:
    """The container: a name that nobody else has, the template's config with limits
    and terminals."""

    def __init__(self, s, made, root):
        self.s, self.root, self.name = s, root, f"sysd-{os.getpid()}"
        self.log = os.path.join(s.base, "console")
        with open(os.path.join(made, "config"), encoding="utf-8") as f:
            lines = [line for line in f if not re.match(r"lxc\.(uts\.name|rootfs\.path)", line)]
        conf = os.path.join(s.base, "conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.writelines(lines)
            f.write(
                f"rootfs.path = {root}\nconsole.logfile = {self.log}\ntty.max = 1\nlimit.memory = "
                f"{MEMORY}M\nlimit.pids = {PIDS}\n"
            )
        s.expect("create", "ct-create", "-n", self.name, "-t", "none", "-f", conf)

    def inside(self, *cmd):
        return self.s.run("ct-attach", self.name, "--", *cmd, timeout=60 * SLOW)

    def service(self, *args):
        """A service of systemd's, in the foreground."""
        return self.inside("systemd-run", "-q", "--wait", "--pipe", "--collect", *args)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def up(self, name):
        """Waits until it has booted; what failed in it is told."""
        began, state = time.monotonic(), ""

        def booted():
            nonlocal state
            state = self.inside("systemctl", "is-system-running", "--wait")[1].strip()
            return state in ("running", "degraded", "maintenance")
        self.s.until(booted, 60 * SLOW)
        print(f"## {name}: {time.monotonic() - began:.1f} s", flush=True)
        if not self.s.check(name, state == "running", state,
                            self.inside("systemctl", "--failed", "--no-legend", "--no-pager")[1],
                            self.inside("journalctl", "-p", "warning", "-b", "--no-pager")[1],
                            self.said()[-3000:]):
            return
        got = self.inside("systemctl", "is-active", "multi-user.target")[1]
        self.s.check(f"{name}: multi-user.target", got == "active\n", got)

    def limits(self, name):
        got = self.s.json(f"{name}, figures", "ct-info", self.name) or {}
        usage = got.get("usage", {})
        self.s.check(name,
                     (usage.get("memory_limit"), usage.get("pids_limit")) == (MEMORY * MIB, PIDS),
                     usage)

    def groups(self):
        return glob.glob(f"/sys/fs/cgroup/ct.*{self.name}*") + glob.glob(
            f"/sys/fs/cgroup/*/ct.*{self.name}*")

    def processes(self):
        found = set()
        for base in self.groups():
            for procs in glob.glob(base + "/**/cgroup.procs", recursive=True):
                with open(procs, encoding="ascii") as f:
                    found.update(f.read().split())
        return found


def interface(c):
    """What systemd's "Container Interface" promises it."""
    s = c.s
    got = c.inside("systemd-detect-virt", "-c")[1]
    # its config is one of LXC's
    s.check("it knows that it is in a container", got == "lxc\n", got)
    got = c.inside("cat", "/etc/machine-id")[1]
    s.check("it has an identity of its own", re.fullmatch(r"[0-9a-f]{32}\n", got), got)
    for tty in ("0", "1"):
        code, out = s.on_terminal("ct-console", "-n", c.name, "-t", tty,
                                  script=[("Connected", "\r"), ("login:", "\x01q")])
        s.check(f"a login on terminal {tty}", code == 0 and "login:" in out, code, out)


def own_limits(c):
    """Services with limits, and with groups of their own."""
    s, version2 = c.s, os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    code, out, err = c.service("perl", "-e", HOG, "64")
    s.check("a service without a limit has the memory it takes", code == 0 and int(out or 0) >= 64,
            code, out, err)
    # version 1 may swap it out instead
    code, out, err = c.service("-p", "MemoryMax=32M",
                               *(["-p", "MemorySwapMax=0"] if version2 else []), "perl", "-e", HOG,
                               "64")
    s.check("MemoryMax= holds", code != 0 if version2 else code != 0 or int(out) <= 32, code, out,
            err)
    if version2:
        s.check("and systemd knows why it ended", "oom-kill" in c.inside(
            "journalctl", "-b", "--no-pager", "-g", "oom-kill")[1])
    code, out, err = c.service("-p", "TasksMax=20", "perl", "-e", FORKS)
    s.check("TasksMax= holds", code == 0 and 0 < int(out or 0) < 20, code, out, err)
    code, out, err = c.service("-p", "Delegate=yes", "sh", "-c", OWN)
    limited = not version2 or f"{16 * MIB}\n" in out
    s.check("Delegate= gives groups to a service", code == 0 and "/own\n" in out and limited, code,
            out, err)


def limits_of_the_container(c):
    s = c.s
    c.limits("the container's limits")
    code, out, err = c.inside("sh", "-c", RAISE)
    raised = "/mnt/" in out and "/sys/" in out and "/ct." not in out
    s.check("inside, only limits of its own are to be seen and raised", raised, code, out, err)
    c.limits("nothing inside raised them")
    code, out, err = c.service("-p", "MemoryMax=infinity", "perl", "-e", HOG, str(MEMORY + 50))
    s.check("nobody inside gets more memory", code != 0, out, err)
    code, out, err = c.service("-p", "TasksMax=infinity", "perl", "-e", FORKS)
    s.check("nobody inside gets more processes", code == 0 and 20 < int(out or 0) < PIDS, code, out,
            err)
    got = c.inside("systemctl", "is-system-running")[1]
    s.check("all that left systemd running", got == "running\n", got)


def freezing(c):
    s, ticks = c.s, os.path.join(c.root, "ticks")

    def moves():
        before = os.path.getsize(ticks) if os.path.exists(ticks) else 0
        return s.until(lambda: os.path.exists(ticks) and os.path.getsize(ticks) > before, 2 * SLOW)

    c.inside("systemd-run", "-q", "--unit=ticks", "sh", "-c",
             "while :; do echo >> /ticks; sleep 0.1; done")
    s.check("a service that moves", moves())
    s.expect("freeze", "ct-freeze", c.name)
    s.expect("frozen", "ct-info", c.name, "-sH", out="FROZEN")
    s.check("nothing moves", not moves())
    s.expect("unfreeze", "ct-unfreeze", c.name)
    s.check("it moves again", moves())


def stopping(c):
    s, before = c.s, c.s.pid(c.name)
    s.expect("reboot", "ct-stop", "-r", "-t", str(30 * SLOW), c.name, timeout=40 * SLOW)
    s.check("it came back", s.until(lambda: s.pid(c.name) not in (0, before), 5 * SLOW))
    c.up("it boots again")
    c.limits("the limits after a reboot")
    lived, began = c.processes(), time.monotonic()
    s.expect("stop", "ct-stop", "--nokill", "-t", str(30 * SLOW), c.name, timeout=40 * SLOW)
    print(f"## stopped in {time.monotonic() - began:.1f} s", flush=True)
    s.check("systemd itself shut it down", re.search(r"(Halting|Powering off)", c.said()),
            c.said()[-1000:])
    s.expect("stopped", "ct-info", c.name, "-sH", out="STOPPED")
    left = [p for p in lived if os.path.exists(f"/proc/{p}")]
    s.check("no process is left in its groups", len(lived) > 3 and not left, len(lived), *left)
    s.check("no group is left", not c.groups(), *c.groups())


def bare(s, root):
    """The same tree without a line of the template's: what is missing is told, and is enough."""
    name = s.name("bare")
    code, _, err = s.run("ct-create", "-n", name, "-t", "none", "--dir", root)
    s.check("a bare tree of systemd: what its config lacks is told", code == 0 and
            "systemd" in err and "ct-config" in err, code, err)
    words = shlex.split(err[err.rindex("ct-config"):])
    s.expect("what was told", *words)
    s.expect("start the bare tree", "ct-start", name)
    state = s.until(
        lambda: s.run("ct-attach", name, "--", "systemctl", "is-system-running")[1] == "running\n",
        60)
    s.check("it boots", state,
            s.run("ct-attach", name, "--", "systemctl", "--failed", "--no-legend", "--no-pager")[1])
    s.expect("and stops", "ct-stop", "--nokill", "-t", str(30 * SLOW), name, timeout=40 * SLOW)
    s.expect("destroy the bare one", "ct-destroy", name)


def mapped(s, made):
    """The same system as root of a user namespace alone: it boots, reboots and stops
    in its own way."""
    name, conf = s.name("mapped"), os.path.join(s.base, "mapped.conf")
    root = os.path.join(s.base, "shifted")
    shift_tree(f"{made}/rootfs", root, FIRST)
    # the container's root has to get at it
    os.chmod(s.base, 0o755)
    with open(os.path.join(made, "config"), encoding="utf-8") as f:
        lines = [line for line in f if not re.match(r"lxc\.(uts\.name|rootfs\.path)", line)]
    with open(conf, "w", encoding="utf-8") as f:
        f.writelines(lines)
        f.write(f"lxc.rootfs.path = {root}\n" +
                "".join(f"lxc.idmap = {kind} 0 {FIRST} 65536\n" for kind in "ug"))
    s.expect("create a mapped one", "ct-create", "-n", name, "-t", "none", "-f", conf)
    s.expect("start it", "ct-start", name)

    def up():
        return s.until(
            lambda: s.run("ct-attach", name, "--", "systemctl", "is-system-running")[1] ==
            "running\n", 60)

    s.check("mapped, it boots", up(),
            s.run("ct-attach", name, "--", "systemctl", "--failed", "--no-legend", "--no-pager")[1])
    s.expect("its root is nobody of the host's", "ct-attach", name, "--", "cat",
             "/proc/self/uid_map", out=str(FIRST))
    before = s.pid(name)
    s.expect("it reboots", "ct-stop", "-r", "-t", "30", name, timeout=40)
    s.check("it came back", s.until(lambda: s.pid(name) not in (0, before), 5))
    s.check("mapped, it boots again", up())
    s.expect("it stops by itself", "ct-stop", "--nokill", "-t", "30", name, timeout=40)
    s.expect("destroy the mapped one", "ct-destroy", name)


def main():
    s = Scene()
    made = tree(s)
    if sys.argv[3:] == ["make"]:
        s.done()
    root = mount(s, made)
    try:
        c = System(s, made, root)
        s.expect("start", "ct-start", c.name)
        c.up("it boots")
        for part in (interface, own_limits, limits_of_the_container, freezing, stopping):
            part(c)
        s.expect("destroy", "ct-destroy", c.name)
        # more boots, which an emulated processor takes minutes for
        if SLOW == 1:
            bare(s, root)
            mapped(s, made)
    finally:
        s.run("ct-stop", "-k", f"sysd-{os.getpid()}")
        subprocess.run(["umount", root], check=False)
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        mounts = [line for line in f if s.base in line]
    s.check("no mount is left", not mounts, *mounts)
    s.done()


if __name__ == "__main__":
    main()
