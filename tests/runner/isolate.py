# SPDX-License-Identifier: LGPL-2.1-or-later
"""
As root, the whole run gets mount and pid namespaces of its own with a fresh /tmp, /run/libcontain
and /var/lib/libcontain: what other people do on the machine is not seen, what the tests leave is,
and nothing can stay behind, however the run ends (sentinel.py). Several runs may go on at once.
"""
import fcntl
import os
import signal
import tempfile

import sentinel

MARK = "CT_TESTS_ISOLATED"
STATE = ("/run/libcontain", "/var/lib/libcontain")
# the mode of a mount point that a run has made: such a one goes with the last run that uses it
OURS = 0o1755


def wanted():
    return os.geteuid() == 0 and MARK not in os.environ


def mount_point(d):
    """Makes the directory when it is missing; a descriptor of it, with a lock that all
    runs share."""
    while True:
        try:
            os.makedirs(os.path.dirname(d), 0o755, exist_ok=True)
            os.mkdir(d)
            os.chmod(d, OURS)
        except FileExistsError:
            pass
        try:
            fd = os.open(d, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue        # the last run before us has just removed it
        fcntl.flock(fd, fcntl.LOCK_SH)
        try:
            if os.path.samestat(os.fstat(fd), os.stat(d)):
                return fd
        except FileNotFoundError:
            pass
        os.close(fd)


def drop(d, fd):
    """Removes it when a run has made it and no other has it: a mount point that is removed takes
    the mounts of all with it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_mode & 0o7777 == OURS:
            os.rmdir(d)
    except OSError:
        pass
    os.close(fd)


def run_isolated(top, build_dirs):
    """Runs this same command again inside; returns its exit code. Trees below /tmp stay visible
    at their own place."""
    base = tempfile.mkdtemp(prefix="ct-run-")
    os.mkdir(os.path.join(base, "tmp"))
    os.chmod(os.path.join(base, "tmp"), 0o1777)
    points = [(d, mount_point(d)) for d in STATE]
    keep = [top] + [d for d in build_dirs if not d.startswith(top + "/")]
    keep = [d for d in keep if d.startswith("/tmp/")]
    for d in keep:
        os.makedirs(d, exist_ok=True)
    env = dict(os.environ, **{MARK: base, "CT_TESTS_TOP": top, "CT_TESTS_KEEP": "\n".join(keep)})
    env.pop("TMPDIR", None)
    asked = []
    hear, tell = os.pipe2(os.O_CLOEXEC)
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, lambda nr, _frame: (asked.append(nr), os.write(tell, b"s")))
    pid = os.fork()
    if pid == 0:
        os.close(tell)
        sentinel.watch(base, env, hear, lambda: [drop(d, fd) for d, fd in points])
    status = os.waitpid(pid, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        sentinel.clean_after(base)
        for d, fd in points:
            drop(d, fd)
    if asked:
        print(f"tests/run: stopped by {signal.Signals(asked[0]).name}", flush=True)
        return 128 + asked[0]
    return code if code >= 0 else 128 - code
