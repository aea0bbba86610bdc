# SPDX-License-Identifier: LGPL-2.1-or-later
"""
kill -9 at each system call of a start, one after the other, by strace: of the stage (launcher, then
init) and of the caller. The caller, if it is not the one killed, comes back soon with a reason;
nothing stays: no process, no mount, no file.
"""
import collections
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "house"))
from house import Tap  # noqa: E402

PLAN_RUN = sys.argv[2]
QUICK = bool(os.environ.get("CT_QUICK") or os.environ.get("CT_SANITIZED"))
# calls that only the stage makes, and calls that only the caller (or its keeper) makes
STAGE = ("open_tree", "mount_setattr", "clone3", "sendmsg", "setsid", "fsopen", "fsconfig",
         "fsmount", "move_mount", "openat2", "mkdirat", "mknodat", "symlinkat", "pivot_root",
         "umount2", "setgroups", "setresuid", "capset", "umask", "exit_group")
CALLER = ("memfd_create", "socketpair", "clone", "recvmsg", "execveat", "wait4", "close_range",
          "munmap")
LIMIT_S = 120


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG | 0x40000000)[0]:
            pass
    except ChildProcessError:
        pass


def orphans():
    """What is still below us after a while."""
    end = time.monotonic() + 60
    while True:
        reap()
        left = []
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as f:
                left += f.read().split()
        if not left or time.monotonic() > end:
            for pid in left:
                os.kill(int(pid), signal.SIGKILL)
            return left
        time.sleep(0.005)


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        return f.read()


def strace(base, *options, out="/dev/null"):
    """(exit code or None, what was said)."""
    cmd = [
        "strace", "-f", "-qq", "-o", out, *options, PLAN_RUN, "run",
        os.path.join(base, "config"), "/bin/true"
    ]
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        _out, said = p.communicate(timeout=LIMIT_S)
        return p.returncode, said
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.communicate()
        return None, f"it hung for {LIMIT_S} s"


def count_calls(base):
    """How often each process at most makes each call, and how often the caller does."""
    trace = os.path.join(base, "trace")
    rc, said = strace(base, out=trace)
    if rc != 0:
        sys.exit(f"the plain run fails: {said}")
    per, caller = collections.Counter(), None
    with open(trace, encoding="utf-8", errors="replace") as f:
        for line in f:
            m = re.match(r"^(\d+)\s+(\w+)\(", line)
            if m:
                caller = caller or m[1]
                per[(m[1], m[2])] += 1
    os.unlink(trace)
    most = collections.Counter()
    for (_pid, call), n in per.items():
        most[call] = max(most[call], n)
    return most, {call: n for (pid, call), n in per.items() if pid == caller}


def shots(most, calls):
    for call in calls:
        n = most[call]
        step = max(1, n // 4) if QUICK else max(1, n // 12)
        for when in range(1, n + 1, step):
            yield call, when


def sweep(base, most, own, calls):
    before, files = mounts(), sorted(os.listdir(base))
    for call, when in shots(most, calls):
        rc, said = strace(base, "-e", "trace=" + call, "-e",
                          f"inject={call}:signal=SIGKILL:when={when}")
        what = f"{call} {when}: "
        if rc is None:
            yield what + said
        # a recvmsg above the caller's own is the keeper's, after the exec
        elif rc == 0 and call not in ("exit_group", "munmap", "wait4", "close_range", "clone") and \
                not (call == "recvmsg" and when > own.get(call, 0)):
            yield what + "nobody noticed"
        elif rc == 1 and "plan-run:" not in said:
            yield what + f"no reason: {said}"
        elif rc not in (0, 1) and when > own.get(call, 0):
            yield what + f"exit code {rc}: {said}"
        left = orphans()
        if left:
            yield what + f"processes left: {left}"
        if mounts() != before:
            yield what + "the mount table changed"
        if sorted(os.listdir(base)) != files:
            yield what + f"files: {sorted(os.listdir(base))}"


def main():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)     # orphans come to us
    tap = Tap()
    base = tempfile.mkdtemp(prefix="ct-killed-")
    try:
        for d in ("bin", "proc", "sys", "dev", "mnt"):
            os.makedirs(os.path.join(base, "rootfs", d))
        shutil.copy("/bin/busybox", os.path.join(base, "rootfs/bin/true"))
        with open(os.path.join(base, "config"), "w", encoding="ascii") as f:
            f.write(f"rootfs.path = {base}/rootfs\nuts.name = web\nproc.oom_score_adj = 1\n")
        most, own = count_calls(base)
        missing = [
            c for c in ("clone3", "move_mount", "pivot_root", "execveat", "recvmsg") if not most[c]
        ]
        tap.check("the calls are seen", missing)
        tap.check("the stage is killed", sweep(base, most, own, STAGE))
        tap.check("the caller is killed", sweep(base, most, own, CALLER))
        # which clears the groups that the last one has left
        rc, said = strace(base)
        tap.check("the next start", [said] if rc else [])
    finally:
        shutil.rmtree(base)
    tap.done()


main()
