# SPDX-License-Identifier: LGPL-2.1-or-later
"""
What a run of container tests may leave behind: processes, mounts, cgroups, interfaces, files,
profiles of AppArmor.
Orphans come to the test's own watcher (tests/lib/orphans.c) or to this process, so that nobody
else's processes are ever counted.
"""
import ctypes
import os
import re
import signal
import subprocess
import time

import isolate

PR_SET_CHILD_SUBREAPER = 36
OURS = re.compile(r"^(ct|libcontain)[-._0-9]|libcontain")
# what the name of a cgroup that belongs to a calling process ends with: its pid namespace first
# (lib/backend/cgroup/owner.c)
MARK = re.compile(r"@([0-9a-f]+)\.[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+")
USER_ID = "64321"


def mounts():
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            fields = line.split()
            dash = fields.index("-")
            key = (fields[3], fields[4], fields[dash + 1], fields[dash + 2])
            found[key] = found.get(key, 0) + 1
    return found


def cgroup_hierarchies():
    """Where each hierarchy is mounted, by its name in /proc/PID/cgroup."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        where = {
            line.partition(" - ")[0].split()[4]: line.partition(" - ")[2].split() for line in f
        }
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as f:
        names = [line.split(":", 2)[1] for line in f]
    for mount, (kind, _source, options, *_more) in where.items():
        for name in names:
            if (kind == "cgroup2" and
                    not name) or (kind == "cgroup" and name and
                                  set(name.split(",")) <= set(options.split(","))):
                found.setdefault(name, mount)
    return found


def cgroup_mounts():
    return set(cgroup_hierarchies().values())


def pidns(pid):
    """Number of the pid namespace; 0: cannot be told."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except OSError:
        return 0


def own_pids():
    """Our ids, from the namespace that /proc shows to our own."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as f:
        return re.search(r"^NSpid:(.*)$", f.read(), re.M)[1].split()


def text_of(path):
    try:
        with open(path, encoding="ascii") as f:
            return f.read()
    except OSError:
        return ""


def populated(group):
    """Whether somebody lives in the group or below it."""
    for base, _dirs, _files in os.walk(group):
        if text_of(os.path.join(base, "cgroup.procs"))[:1]:
            return True
    return False


def of_others(group, mounts):
    """Whether a process that is in no namespace of ours lives there: it is counted, but
    its id is not told."""
    mount = max((m for m in mounts if group.startswith(m + "/")), key=len)
    for m in mounts:
        same = m + group[len(mount):]
        for base, _dirs, _files in os.walk(same):
            if any(line == "0" for line in text_of(os.path.join(base, "cgroup.procs")).split()):
                return True
            if int(text_of(os.path.join(base, "pids.current")) or 0) and not populated(same):
                return True
    return False


def own_cgroups():
    """Where we are in each hierarchy, and all above."""
    found, mounts = set(), cgroup_hierarchies()
    for line in text_of("/proc/self/cgroup").splitlines():
        _id, controllers, path = line.split(":", 2)
        at = mounts.get(controllers, "") + path.rstrip("/")
        while at:
            found.add(at)
            at = at.rpartition("/")[0]
    return found


def of_older(group, others):
    """Whether it was made in a group that others had made before."""
    return os.path.dirname(group) in others


def cgroups(mounts=None):
    """All groups in all hierarchies, or in these."""
    found = set()
    for mount in cgroup_mounts() if mounts is None else mounts:
        for base, dirs, _files in os.walk(mount):
            found.update(os.path.join(base, d) for d in dirs)
    return found


def may_be_ours(group):
    """A name that tells whose it is tells it; other names are those of containers and of tests."""
    mark = MARK.search(group)
    return int(mark[1], 16) == pidns("self") if mark else OURS.search(os.path.basename(group))


def cgroups_left(before):
    """New groups that stay: those with a name of ours, and any other that nobody is in. A group
    with a process that is none of ours is somebody else's, for ours have all ended; one without may
    be about to go. Nor is one ours that was made below an older group which we are not in."""
    end = time.monotonic() + 3
    left = None
    while True:
        mounts = cgroup_mounts()
        own = own_cgroups()
        new = {
            g for g in cgroups(mounts) - before if (may_be_ours(g) or not (
                MARK.search(g) or populated(g) or of_older(g, before - own))) and
            not of_others(g, mounts)
        }
        left = new if left is None else left & new
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def interfaces():
    return {n for n in os.listdir("/sys/class/net") if OURS.search(n)}


def profiles():
    """Generated profiles of AppArmor; empty where it is not there, or may not be asked."""
    text = text_of("/sys/kernel/security/apparmor/profiles")
    return {line for line in text.splitlines() if line.startswith("ct.")}


def files():
    found = set()
    for d in ("/run/libcontain", "/var/lib/libcontain"):
        for base, dirs, names in os.walk(d):
            found.update(os.path.join(base, n) for n in dirs + names)
    for n in os.listdir("/tmp"):
        if n.startswith("ct-") and not n.startswith("ct-run-"):
            found.add("/tmp/" + n)
    return found


def children(mine):
    """Children of this process that it did not start itself: orphans of tests."""
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as f:
                found += [int(p) for p in f.read().split() if int(p) not in mine]
        except OSError:
            pass
    return found


def describe(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            comm = f.read().split("(", 1)[1].rsplit(")", 1)[0]
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            cmd = f.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        return f"{pid} ({comm}) {cmd}"
    except OSError:
        return str(pid)


class Session:
    """One run of the tiers that touch the host."""

    def __init__(self, top, build_dir):
        self.top = top
        self.build_dir = build_dir
        self.began = False
        self.user_tree = None

    def begin(self):
        if self.began:
            return
        self.began = True
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.before = {
            "mount": mounts(), "cgroup": cgroups(), "interface": interfaces(), "file": files(),
            "profile": profiles()
        }

    def wrap(self, p, cmd, env, tmp):
        """The command as it is really run: below the orphan watcher, perhaps as an
        ordinary user."""
        if not p.row.touches_host:
            return cmd, env
        watcher = os.path.join(p.row.builds(self.build_dir)[0].dir, "tests", "lib", "orphans")
        if p.row.as_user:
            cmd, env = self.as_user(cmd, env, tmp)
        return [watcher, *cmd], env

    def as_user(self, cmd, env, tmp):
        """The tree may lie where a user cannot go: it is shown to him at a place where he can."""
        if self.user_tree is None:
            self.user_tree = "/tmp/tree"
            if isolate.MARK in os.environ and not os.path.isdir(self.user_tree):
                os.mkdir(self.user_tree)
                subprocess.run(["mount", "--bind", self.top, self.user_tree], check=True)
                self.before["mount"] = mounts()
        moved = [c.replace(self.top, self.user_tree) for c in cmd]
        env = {k: v.replace(self.top, self.user_tree) for k, v in env.items()}
        env["XDG_RUNTIME_DIR"] = tmp
        os.chown(tmp, int(USER_ID), int(USER_ID))
        return [
            "setpriv", f"--reuid={USER_ID}", f"--regid={USER_ID}", "--clear-groups",
            "--inh-caps=-all", "--", *moved
        ], env

    def processes(self):
        end = time.monotonic() + 3
        while True:
            left = []
            for pid in children(set()):
                try:
                    if os.waitpid(pid, os.WNOHANG | 0x40000000)[0] == 0:
                        left.append(pid)
                except OSError:
                    pass
            if not left or time.monotonic() > end:
                break
            time.sleep(0.05)
        texts = [describe(p) for p in left]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return texts

    def left_behind(self):
        left = ["process " + t for t in self.processes()]
        now = mounts()
        left += [
            "mount " + " ".join(k) for k, n in now.items() if n > self.before["mount"].get(k, 0)
        ]
        left += [
            "mount is gone: " + " ".join(k)
            for k, n in self.before["mount"].items()
            if n > now.get(k, 0)
        ]
        left += [f"cgroup {x}" for x in sorted(cgroups_left(self.before["cgroup"]))]
        for kind, probe in (("interface", interfaces), ("file", files), ("profile", profiles)):
            left += [f"{kind} {x}" for x in sorted(probe() - self.before[kind])]
        return left
