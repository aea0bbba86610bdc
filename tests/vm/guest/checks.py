#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""checks.py guest|session: that the guest is what it claims to be, as TAP. In the guest only."""
import ctypes
import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time

CGROUPS = "/sys/fs/cgroup"
V1 = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "net_cls",
      "net_prio", "perf_event")
LAYOUT = os.environ.get("CT_LAYOUT", "v2")
LSM = os.environ.get("CT_LSM", "apparmor")
SYSTEMD = os.environ.get("CT_INIT") == "systemd"
USER = 64321


def out(*cmd):
    return subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def put(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(str(value))


def mounts():
    """Mount point -> (type, options of the file system)."""
    rows = [line.split() for line in text("/proc/self/mountinfo").splitlines()]
    return {r[4]: (r[r.index("-") + 1], r[-1].split(",")) for r in rows}


def layout_of_control_groups():
    found = mounts()
    if LAYOUT == "v2":
        assert found[CGROUPS][0] == "cgroup2", found[CGROUPS]
        enabled = set(text(CGROUPS + "/cgroup.subtree_control").split())
        # systemd enables the others when a unit asks for them
        assert enabled >= {"memory", "pids"
                           } | (set() if SYSTEMD else {"cpu", "cpuset", "io"}), enabled
        assert not any(t == "cgroup" for t, _o in found.values())
        return
    assert found[CGROUPS][0] == "tmpfs", found[CGROUPS]
    for c in V1:
        where = os.path.realpath(f"{CGROUPS}/{c}")
        assert found[where][0] == "cgroup" and c in found[where][1], (c, found.get(where))
    assert os.readlink(CGROUPS + "/cpu") == os.readlink(CGROUPS + "/cpuacct") == "cpu,cpuacct"
    assert "name=systemd" in found[CGROUPS + "/systemd"][1]
    unified = found.get(CGROUPS + "/unified", ("none",))[0]
    assert unified == ("cgroup2" if LAYOUT == "hybrid" else "none"), unified
    if LAYOUT == "hybrid":
        assert text(CGROUPS + "/unified/cgroup.controllers").split() == []


def memory_is_limited_and_swapped():
    """A program that needs more than its limit goes on by swapping."""
    base = f"{CGROUPS}/{'' if LAYOUT == 'v2' else 'memory/'}ct-check-memory"
    if LAYOUT == "v2":
        limit, tasks, swap = "memory.max", "cgroup.procs", "memory.swap.current"
    else:
        limit, tasks, swap = "memory.limit_in_bytes", "tasks", "memory.memsw.usage_in_bytes"
    os.mkdir(base)
    try:
        put(f"{base}/{limit}", 32 << 20)
        script = (f"open('{base}/{tasks}', 'w').write('0'); b = b'x' * (64 << 20); "
                  f"print(open('{base}/{swap}').read())")
        used = int(out(sys.executable, "-c", script)) - (0 if LAYOUT == "v2" else 32 << 20)
        assert used > 8 << 20, f"only {used} bytes were swapped"
    finally:
        os.rmdir(base)


def disk_for_io_limits():
    number = os.stat("/dev/ct-disk").st_rdev
    size = int(text(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/size")) * 512
    assert size == 64 << 20, size
    if LAYOUT != "v2" or SYSTEMD:
        return
    base = CGROUPS + "/ct-check-io"
    os.mkdir(base)
    try:
        put(base + "/io.max", f"{os.major(number)}:{os.minor(number)} wbps=1048576")
        assert "wbps=1048576" in text(base + "/io.max")
    finally:
        os.rmdir(base)


def clock():
    built = os.stat(__file__).st_mtime
    assert time.time() > built, "the guest's time is before that of its own files"


def security_module():
    modules = text("/sys/kernel/security/lsm").strip().split(",")
    assert LSM in modules and "landlock" in modules, modules
    if LSM == "apparmor":
        assert text("/sys/module/apparmor/parameters/enabled").strip() == "Y"


def files_of_the_root_directory():
    """Files below and in the overlay: execution, set-user-id, device nodes, locks."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        os.chmod(d, 0o755)
        copy = shutil.copy("/usr/bin/id", d)
        os.chmod(copy, 0o4755)
        said = out("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", copy)
        assert f"uid={USER}" in said and "euid=0" in said, said
        os.mknod(d + "/zero", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        with open(d + "/zero", "rb") as f:
            assert f.read(4) == b"\0\0\0\0"
        with open(copy, "rb") as one, open(copy, "rb") as other, open("/usr/bin/id", "rb") as lower:
            fcntl.flock(lower, fcntl.LOCK_EX)
            fcntl.flock(one, fcntl.LOCK_EX)
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                raise AssertionError("two locks on one file")
            except BlockingIOError:
                pass


def execution_of_a_sealed_memfd():
    fd = os.memfd_create("ct-check", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open("/bin/busybox", "rb") as f:
        os.write(fd, f.read())
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS,
                fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    pid = os.fork()
    if not pid:
        os.execve(fd, ["true"], {})
    assert os.waitpid(pid, 0)[1] == 0


def module_on_demand():
    out("modprobe", "veth")
    out("ip", "link", "add", "ct-check0", "type", "veth", "peer", "name", "ct-check1")
    out("ip", "link", "del", "ct-check0")
    with open("/dev/net/tun", "rb"):
        pass


def first_process():
    name = text("/proc/1/comm").strip()
    assert (name == "systemd") == SYSTEMD, name
    shared = [line for line in text("/proc/self/mountinfo").splitlines() if line.split()[4] == "/"]
    assert "shared:" in shared[-1], "mounts are not shared, as they are under systemd"


def systemd_makes_a_delegated_scope():
    if SYSTEMD:
        said = out("systemd-run", "-q", "--scope", "-p", "Delegate=yes", "-p", "MemoryMax=64M",
                   "cat", "/proc/self/cgroup")
        assert ".scope" in said, said
        state = subprocess.run(["systemctl", "is-system-running"], stdout=subprocess.PIPE,
                               text=True, check=False).stdout
        assert state.strip() in ("running",
                                 "starting"), out("systemctl", "--failed", "--no-legend") + state


def user_has_a_session():
    assert os.getuid() == USER, os.getuid()
    assert os.environ["XDG_RUNTIME_DIR"] == f"/run/user/{USER}"
    assert f"user@{USER}.service" in text("/proc/self/cgroup"), text("/proc/self/cgroup")
    assert f"{USER}" in out("loginctl", "list-users", "--no-legend")


def user_makes_a_delegated_scope():
    said = out(
        "systemd-run", "-q", "--user", "--scope", "-p", "Delegate=yes", "sh", "-c",
        "d=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup) && mkdir $d/inner && rmdir $d/inner && "
        "cat $d/cgroup.controllers"
    )
    assert {"memory", "pids"} <= set(said.split()), said


CHECKS = {
    "guest": (layout_of_control_groups, memory_is_limited_and_swapped, disk_for_io_limits, clock,
              security_module, files_of_the_root_directory, execution_of_a_sealed_memfd,
              module_on_demand, first_process, systemd_makes_a_delegated_scope),
    "session": (user_has_a_session, user_makes_a_delegated_scope),
}


def main():
    ctypes.CDLL(None).umask(0o022)
    checks = CHECKS[sys.argv[1]]
    print(f"1..{len(checks)}")
    failed = 0
    for i, check in enumerate(checks, 1):
        name = check.__name__.replace("_", " ")
        try:
            check()
            print(f"ok {i} - {name}", flush=True)
        except (AssertionError, OSError, subprocess.CalledProcessError, KeyError, ValueError) as e:
            failed += 1
            print(f"not ok {i} - {name}\n# {type(e).__name__}: {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
