# SPDX-License-Identifier: LGPL-2.1-or-later
"""The other programs that run a command in a container, each asked for the same as far as it
can: all namespaces but user and time, a read-only root, its own /proc and /dev, the capabilities
that engines grant."""
import json
import os
import shutil
import subprocess

CAPS = [
    "CAP_" + c
    for c in ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
              "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE").split()
]
NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")
QUIET = ["nosuid", "noexec", "nodev"]
MOUNTS = [
    ("/proc", "proc", QUIET),
    ("/dev", "tmpfs", ["nosuid", "mode=755", "size=500k"]),
    ("/dev/pts", "devpts", [
        "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"
    ]),
    ("/dev/shm", "tmpfs", QUIET + ["mode=1777"]),
    ("/dev/mqueue", "mqueue", QUIET),
    ("/sys", "sysfs", QUIET + ["ro"]),
]
MASKED = [
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"
]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
LXC = """lxc.rootfs.path = dir:{rootfs}
lxc.rootfs.options = ro
lxc.mount.auto = proc:mixed sys:ro
lxc.autodev = 1
lxc.uts.name = bench
lxc.net.0.type = empty
lxc.tty.max = 0
lxc.console.path = none
lxc.init.cmd = /bin/true
lxc.cap.keep = {caps}
"""


def oci_bundle(work, name, rootfs):
    """An OCI bundle for the program `name`; its directory."""
    bundle = os.path.join(work, "bundle-" + name)
    os.makedirs(bundle)
    config = {
        "ociVersion": "1.0.0",
        "process": {
            "terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["/bin/true"], "cwd": "/",
            "env": ["PATH=/bin"],
            "capabilities": {s: CAPS for s in ("bounding", "effective", "permitted")}
        },
        "root": {"path": rootfs, "readonly": True},
        "hostname": "bench",
        "mounts": [{"destination": d, "type": t, "source": t, "options": o} for d, t, o in MOUNTS],
        "linux": {
            "namespaces": [{"type": t} for t in NAMESPACES], "maskedPaths": MASKED,
            "readonlyPaths": READONLY
        },
    }
    with open(os.path.join(bundle, "config.json"), "w", encoding="ascii") as f:
        json.dump(config, f)
    return bundle


def bwrap(_work, rootfs):
    unshare = [f"--unshare-{n}" for n in ("ipc", "pid", "net", "uts", "cgroup")]
    keep = [x for c in CAPS for x in ("--cap-add", c)]
    return [
        "bwrap", *unshare, "--cap-drop", "ALL", *keep, "--ro-bind", rootfs, "/", "--proc", "/proc",
        "--dev", "/dev", "/bin/true"
    ]


def crun(work, rootfs):
    return ["crun", "--root", os.path.join(work, "crun"), "--cgroup-manager=disabled", "run", "-b",
            oci_bundle(work, "crun", rootfs), "bench-crun-@"]


def runc(work, rootfs):
    return [
        "runc", "--root",
        os.path.join(work, "runc"), "run", "-b",
        oci_bundle(work, "runc", rootfs), "bench-runc-@"
    ]


def lxc(work, rootfs, tool):
    config = os.path.join(work, tool + ".conf")
    os.makedirs(os.path.join(work, "lxc"), exist_ok=True)
    with open(config, "w", encoding="ascii") as f:
        f.write(LXC.format(rootfs=rootfs, caps=" ".join(c[4:].lower() for c in CAPS)))
    command = [
        tool, "-P",
        os.path.join(work, "lxc"), "-n", f"{tool}-@", "-f", config, "-l", "ERROR", "-o", "/dev/null"
    ]
    return command + (["-F"] if tool == "lxc-start" else ["--", "/bin/true"])


def lxc_execute(work, rootfs):
    return lxc(work, rootfs, "lxc-execute")


def lxc_start(work, rootfs):
    return lxc(work, rootfs, "lxc-start")


ALL = {
    "bwrap": bwrap, "crun": crun, "runc": runc, "lxc-execute": lxc_execute, "lxc-start": lxc_start
}


def find(work, rootfs):
    """{name: argv} of those that run here, {name: reason} of the others."""
    there, missing = {}, {}
    for name, make in ALL.items():
        if not shutil.which(name):
            missing[name] = "not installed"
            continue
        argv = make(work, rootfs)
        r = subprocess.run([a.replace("@", "0") for a in argv], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                           check=False)
        if r.returncode:
            said = r.stdout.strip().splitlines()
            why = said[-1] if said else f"exit code {r.returncode}"
            missing[name] = f"does not run here: {why}"
        else:
            there[name] = argv
    return there, missing
