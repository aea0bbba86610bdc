#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
A run of the tests that is stopped, at any moment and by any means, leaves no process, mount, cgroup
or file, and does not hurt another run. The runs are of a program of the fault tier, which always
has a detached container with cgroups of its own.
"""
import glob
import os
import re
import signal
import subprocess
import sys

import peers
import report
from report import check

BUILD = sys.argv[1]
RUN = [
    sys.executable, "-B",
    os.path.join(peers.scene.TOP, "tests", "runner", "main.py"), "--build-dir", BUILD,
    "--no-install"
]


def environment(token):
    env = {
        k: v
        for k, v in os.environ.items()
        if k not in ("CT_TESTS_ISOLATED", "CT_TIER", "CMOCKA_MESSAGE_OUTPUT", "CT_MUST_RUN")
    }
    return dict(env, CT_TOKEN=token)


def of_run(token):
    """The run's processes: the variable comes to all of them but those in containers, which are
    below one that has it."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if f"CT_TOKEN={token}\0".encode() in f.read():
                    found.add(int(path.split("/")[2]))
        except OSError:
            pass
    return found | {b for p in found for b in peers.below(p)}


def places(pids):
    """Cgroups of containers that these are in."""
    found = set()
    for pid in pids:
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8") as f:
                found |= {m for line in f for m in re.findall(r"[^/]*ct\.payload\.[^/\n]*", line)}
        except OSError:
            pass
    return found


def names_left(names):
    return [g for n in names for g in peers.scene.groups(n) if g.endswith("/" + n)]


def remove_empty(names):
    for g in names_left(names):
        for base, _dirs, _files in os.walk(g, topdown=False):
            try:
                os.rmdir(base)
            except OSError:
                return False
    return True


class Run:
    """A run in the background, below us as subreaper."""

    def __init__(self, token, *args):
        self.token = f"{token}-{os.getpid()}"
        self.out = open(f"{os.environ['TMPDIR']}/{self.token}", "w+b")
        self.mounts = sorted(
            line.split(" ", 2)[2] for line in open("/proc/self/mountinfo", encoding="utf-8"))
        self.process = subprocess.Popen([*RUN, *args], env=environment(
            self.token), stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT,
                                        start_new_session=True)
        self.pids, self.names = set(), set()

    def look(self):
        self.pids |= of_run(self.token)
        self.names |= places(self.pids)
        return self.names

    def said(self):
        self.out.seek(0)
        return self.out.read().decode(errors="replace")

    def reap(self):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    def gone(self):
        self.reap()
        return not of_run(self.token)

    def judge(self, what, noted=True):
        """What is left, once its processes have had time to go. Where whoever keeps notes of the
        run's cgroups was killed, or their parent was, nobody may have seen one that was made in the
        same moment: it is only seen to be empty, and removed here."""
        check(f"{what}: it had cgroups", self.names, self.said())
        check(f"{what}: no process is left", peers.until(self.gone),
              *[peers.describe(p) for p in of_run(self.token)])
        if noted:
            check(f"{what}: no cgroup is left", peers.until(lambda: not names_left(self.names)),
                  *names_left(self.names), self.said())
        else:
            check(f"{what}: no cgroup is left with a process in it",
                  peers.until(lambda: remove_empty(self.names)), *names_left(self.names),
                  self.said())
        now = sorted(
            line.split(" ", 2)[2] for line in open("/proc/self/mountinfo", encoding="utf-8"))
        check(f"{what}: the mounts are what they were", self.mounts == now,
              *(set(now) ^ set(self.mounts)))
        left = glob.glob("/tmp/ct-run-*/notes")
        check(f"{what}: no file is left", not [p for p in left if mine(p)], *left)
        self.close()

    def close(self):
        self.out.close()
        os.unlink(f"{os.environ['TMPDIR']}/{self.token}")


def mine(notes):
    """Whether these notes are of a run that nobody follows any more."""
    base = os.path.dirname(notes).encode()
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if b"CT_TESTS_ISOLATED=" + base in f.read():
                    return False
        except OSError:
            pass
    return True


def sentinel(run):
    """The process between the one that was called and the run's first."""
    children = peers.below(run.process.pid)
    return children[0] if children else 0


def below(run, nr):
    """One further down: 0 is unshare, 1 the run's first process."""
    got = peers.below(sentinel(run))
    return sorted(got)[nr] if len(got) > nr else 0


CASES = [
    ("SIGTERM", lambda r: r.process.send_signal(signal.SIGTERM)),
    ("SIGINT", lambda r: r.process.send_signal(signal.SIGINT)),
    ("SIGHUP twice", lambda r: [r.process.send_signal(s) for s in (signal.SIGHUP, signal.SIGHUP)]),
    ("SIGINT, then SIGTERM to its group",
     lambda r: [os.killpg(r.process.pid, s) for s in (signal.SIGINT, signal.SIGTERM)]),
    ("SIGKILL", lambda r: r.process.kill()),
    ("SIGKILL of the sentinel", lambda r: os.kill(sentinel(r), signal.SIGKILL)),
    ("SIGKILL of its namespaces' parent", lambda r: os.kill(below(r, 0), signal.SIGKILL)),
    ("SIGTERM of its namespaces' parent",
     lambda r: [os.kill(below(r, 0), signal.SIGTERM),
                r.process.terminate()]),
]
UNNOTED = ("SIGKILL of the sentinel", "SIGKILL of its namespaces' parent")
peers.libc.prctl(peers.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
point = peers.random.Random(7)
for name, kill in CASES:
    one = Run("stopped", "--tier", "fault", "--filter", "fault.(detached|stop-detached)-kill")
    peers.until(one.look)
    # somewhere in its work
    more = len(one.pids) + point.randrange(40)
    peers.until(lambda r=one, n=more: r.look() and len(r.pids) >= n or r.process.poll() is not None,
                30)
    kill(one)
    check(f"{name}: it ends", peers.until(lambda r=one: r.process.poll() is not None), one.said())
    check(f"{name}: and not as if all were well", one.process.returncode != 0,
          one.process.returncode)
    one.judge(name, noted=name not in UNNOTED)

# ---- its time is over
os.environ["CT_RUN_SECONDS"] = "20"
limited = Run("limit", "--tier", "fault", "--filter", "fault.detached-kill")
del os.environ["CT_RUN_SECONDS"]
peers.until(lambda: limited.look() and False or limited.process.poll() is not None, 120)
check("its time is over: it says so", limited.process.returncode == 124 and
      "too long" in limited.said(), limited.said())
limited.judge("its time is over")

# ---- two at once: one is stopped, the other does not notice
first = Run("first", "--tier", "fault", "--filter", "fault.detached-kill")
peers.until(first.look)
second = Run("second", "--tier", "root", "--filter", r"root\.(lifecycle|detached)$")
peers.until(lambda: second.look() or second.process.poll() is not None)
first.process.terminate()
peers.until(lambda: first.process.poll() is not None)
first.judge("the first of two")
peers.until(lambda: second.process.poll() is not None, 300)
check("the second of two has passed", second.process.returncode == 0,
      *re.findall("^FAIL.*$", second.said(), re.M), second.said())
second.judge("the second of two")
sys.exit(report.done())
