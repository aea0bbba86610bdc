#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A policy says the same through us as through the program that it was written for: the profile of
Docker and Podman as crun loads it, LXC's common.seccomp and other policies of its form as LXC loads
them. Compared are the verdicts on all calls 0..1023 of three architectures and on arguments, as
verdicts.c, run in a container of each, meets them."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import report
from report import check, skip

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))
import scene  # noqa: E402  (beside this directory)

TOOL = os.path.join(sys.argv[1], "tools", "ct-run")
VERDICTS = os.environ.get("CT_VERDICTS", os.path.join(sys.argv[1], "tests", "root", "verdicts"))
PROFILE = "/usr/share/containers/seccomp.json"
COMMON = "/usr/share/lxc/config/common.seccomp"
PATIENCE = 60 * scene.SLOW

DOCKER = ("chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap "
          "net_bind_service sys_chroot kill audit_write")
CAPS = {
    "Docker's capabilities": DOCKER,
    "more capabilities": DOCKER + " sys_admin sys_ptrace sys_time dac_read_search",
    "few capabilities": "chown kill"
}


def arguments():
    """Calls by their arguments: those that the policies look at and their neighbours, with and
    without bits in the upper half."""
    values = {
        # personality: the five that are allowed, others
        "x86_64:135": ["0", "8", "20000", "20008", "ffffffff", "1", "40000", "28008"],
        "x32:135": ["0", "8", "40000"],
        "i386:136": ["0", "8", "20000", "20008", "ffffffff", "1", "40000"],
        # socket: families, and AF_NETLINK with protocol 9 and others
        "x86_64:41": ["1", "2:1:0", "10:3:9", "10:3:0", "10:2:f", "28:1:0", "1:1:9"],
        "x32:41": ["1", "10:3:9", "28:1:0"],
        "i386:359": ["1", "10:3:9", "10:3:0", "28:1:0"],
        # socketcall, whose calls have their arguments in memory; ipc
        "i386:102": [f"{n:x}" for n in range(24)],
        "i386:117": [f"{n:x}" for n in range(28)],
        # clone, unshare, setns: namespaces
        "x86_64:56": ["11", "3d0f00", "10000011", "20011", "7e020011", "40000011"],
        "i386:120": ["11", "10000011", "20011"],
        "x86_64:272": ["0", "200", "10000000", "20000"],
        # umount2: MNT_FORCE and other flags
        "x86_64:166": ["0:0", "0:1", "0:2", "0:3", "0:9"],
        "x32:166": ["0:1", "0:2"],
        "i386:52": ["0:0", "0:1", "0:2", "0:3"],
        # ioctl
        "x86_64:16": ["0:5412", "0:5413", "0:541c"],
        "i386:54": ["0:5412", "0:5413"]
    }
    found = []
    for call, rest in values.items():
        found += [f"{call}:{v}" for v in rest]
        if not call.startswith("i386"):
            found += [
                f"{call}:" + re.sub(r"[0-9a-f]+", lambda m: "55" + m.group().rjust(8, "0"), v,
                                    count=1 if call.split(":")[1] != "166" else 2) for v in rest
            ]
    return found


ARGUMENTS = arguments()
# as many as are made, so that a test that compares nothing fails
PROBES = 3 * 1024 + len(ARGUMENTS)

# LXC's form with sections, comparisons, and each action that a program survives or not
POLICIES = {
    "sections":
        "2\ndenylist\n[x86]\nmkdir errno 5\n[x86_64]\nrmdir errno 6\n[x32]\nunlink errno 7\n"
        "[arm]\ngetppid errno 9\n[all]\nkexec_load errno 1\nsocketcall errno 8\n",
    "comparisons":
        "2\ndenylist\n[all]\npersonality errno 3 [0,8,SCMP_CMP_EQ]\n"
        "socket errno 4 [0,16,SCMP_CMP_EQ][2,9,SCMP_CMP_EQ]\n"
        "unshare errno 5 [0,0x10000000,SCMP_CMP_MASKED_EQ,0x10000000]\n"
        "umount2 errno 6 [1,1,SCMP_CMP_GT]\nioctl errno 7 [1,0x5412,SCMP_CMP_LE]\n",
    "actions":
        "2\ndenylist\nreject_force_umount\n[all]\nacct kill\nswapon trap\nswapoff errno 77\n"
        "mknod\nsemop errno 3\nshmget errno 4\nbind errno 5\nrecvmmsg kill\n",
}

# of LEFT_OUT
ALSO = {
    "sections": {"i386:102": "errno 8", "i386:102:1": "errno 8"},
    "comparisons": {
        "i386:359:10:3:9": "errno 4", "i386:359:10:3:0": "allow", "i386:102:1": "errno 4",
        "i386:102:2": "allow"
    },
    "actions": {
        "i386:337": "signal 31", "i386:361": "errno 5", "i386:395": "errno 4",
        "i386:102:2": "errno 5", "i386:102:3": "allow", "i386:117:1": "errno 3"
    },
}


class Place:
    """A root file system with the program, and what the loaders need."""

    def __init__(self, base):
        self.base, self.root = base, os.path.join(base, "rootfs")
        for d in ("bin", "dev", "proc", "sys", "tmp", "etc"):
            os.makedirs(os.path.join(self.root, d))
        shutil.copy(VERDICTS, os.path.join(self.root, "bin"))
        shutil.copy("/bin/busybox", os.path.join(self.root, "bin"))
        os.symlink("busybox", os.path.join(self.root, "bin", "sh"))
        self.write("rootfs/bin/tell", "#!/bin/sh\n/bin/verdicts >/tmp/told && /bin/verdicts " +
                   " ".join(ARGUMENTS) + " >>/tmp/told\n")
        os.chmod(os.path.join(self.root, "bin", "tell"), 0o755)

    def write(self, name, text):
        path = os.path.join(self.base, name)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return path

    def run(self, argv):
        """What the program has told, {probe: verdict}, and what the loader has."""
        told = os.path.join(self.root, "tmp", "told")
        if os.path.exists(told):
            os.unlink(told)
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        said = r.stdout.decode(errors="replace").strip()
        if r.returncode or not os.path.exists(told):
            return {}, f"exit code {r.returncode}: {said}"
        with open(told, encoding="ascii") as f:
            return dict(line.rstrip("\n").split(" ", 1) for line in f), said


def ours(place, policy, caps):
    keep = ["-s", f"cap.keep={caps}"] if caps else []
    return place.run(
        [TOOL, "--rootfs", place.root, "--seccomp", policy, *keep, "--", "/bin/tell"])


# crun refuses hosts with cgroups of both versions
ONE_HIERARCHY = [
    "unshare", "--mount", "--propagation", "private", "sh", "-c",
    "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec \"$@\"", "sh"
]

# ---- OCI's form: what an engine makes of the profile, then crun ----------------------------------


def resolved(profile, caps):
    """The profile as the run-time specification has it, for x86-64: Docker's conditions are
    decided, its lists of names stay."""
    def holds(condition, default):
        if not condition:
            return default
        if "arches" in condition:
            return "amd64" in condition["arches"]
        return all(c in caps for c in condition.get("caps", []))

    rules = []
    for s in profile["syscalls"]:
        if not holds(s.get("includes"), True) or holds(s.get("excludes"), False):
            continue
        rules.append({k: s[k] for k in ("names", "action", "errnoRet", "args") if s.get(k)})
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "syscalls": rules
    }


def crun(place, seccomp, caps):
    config = {
        "ociVersion": "1.0.0",
        "process": {
            "terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/bin/tell"], "cwd": "/",
            "env": ["PATH=/bin"],
            "capabilities": {s: caps for s in ("bounding", "effective", "permitted")}
        },
        "root": {"path": place.root}, "hostname": "filters",
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
            "seccomp": seccomp
        },
    }
    os.makedirs(os.path.join(place.base, "bundle"), exist_ok=True)
    place.write("bundle/config.json", json.dumps(config))
    return place.run(ONE_HIERARCHY + [
        "crun", "--root", os.path.join(place.base, "crun"), "--cgroup-manager=disabled", "run",
        "-b", os.path.join(place.base, "bundle"), f"ct-filters-{os.getpid()}"
    ])


# What i386 has through socketcall or ipc as well, and both of these: LXC (5.0.2) leaves rules for
# these calls out there, we do not.
LEFT_OUT = {
    f"i386:{nr}" for nr in (102, 117, 337, 345, *range(359, 374), *range(393, 403))
}


# ---- LXC's form ----------------------------------------------------------------------------------


def lxc(place, policy):
    config = place.write("lxc.conf", "\n".join((
        f"lxc.rootfs.path = dir:{place.root}", "lxc.mount.auto = proc:mixed", "lxc.autodev = 1",
        "lxc.uts.name = filters", "lxc.net.0.type = empty", "lxc.tty.max = 0",
        "lxc.console.path = none", "lxc.init.cmd = /bin/tell", f"lxc.seccomp.profile = {policy}",
        "")))
    os.makedirs(os.path.join(place.base, "lxc"), exist_ok=True)
    before = scene.groups("lxc.pivot")
    got = place.run([
        "lxc-start", "-P", os.path.join(place.base, "lxc"), "-n", f"ct-filters-{os.getpid()}", "-f",
        config, "-l", "ERROR", "-o", "/dev/stderr", "-F"
    ])
    for left in set(scene.groups("lxc.pivot")) - set(before):  # LXC leaves an empty one
        os.rmdir(left)
    return got


# ---- the comparison ------------------------------------------------------------------------------


def compare(name, mine, theirs, left_out=()):
    (got, said), (want, told) = mine, theirs
    if not want:
        skip(name, f"the other loader does not run here: {told.splitlines()[-1]}")
        return
    differ = [
        f"{p}: {got.get(p)}, theirs {want[p]}" for p in want
        if got.get(p) != want[p] and ":".join(p.split(":")[:2]) not in left_out
    ]
    refused = sum(v != "allow" for v in want.values())
    check(f"{name}: {len(want)} probes, {refused} of them refused",
          len(want) == len(got) == PROBES and not differ, said, *differ[:40])


def main():
    with tempfile.TemporaryDirectory(prefix="ct-filters.") as base:
        os.chmod(base, 0o755)
        place = Place(base)
        if shutil.which("crun") and os.path.exists(PROFILE):
            with open(PROFILE, encoding="utf-8") as f:
                profile = json.load(f)
            for name, caps in CAPS.items():
                names = ["CAP_" + c.upper() for c in caps.split()]
                compare(f"containers-common's profile, {name}", ours(place, PROFILE, caps),
                        crun(place, resolved(profile, names), names))
        else:
            skip("containers-common's profile", "crun or the profile is not installed")
        if shutil.which("lxc-start") and os.path.exists(COMMON):
            compare("common.seccomp", ours(place, COMMON, ""), lxc(place, COMMON))
            for name, text in POLICIES.items():
                policy = place.write(name, text)
                got = ours(place, policy, "")
                compare(f"LXC's form: {name}", got, lxc(place, policy), LEFT_OUT)
                wrong = {p: v for p, v in ALSO[name].items() if got[0].get(p) != v}
                check(f"LXC's form: {name}, calls behind socketcall", not wrong, wrong)
        else:
            skip("LXC's form", "lxc is not installed")
    return report.done()


sys.exit(main())
