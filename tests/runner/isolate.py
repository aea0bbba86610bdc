# SPDX-License-Identifier: LGPL-2.1-or-later
"""
As root, the whole run gets a mount namespace of its own with a fresh /tmp, /run/libcontain and /var/lib/libcontain: what
other people do on the machine is not seen, what the tests leave is, and nothing can stay behind.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

MARK = "CT_TESTS_ISOLATED"
STATE = ("/run/libcontain", "/var/lib/libcontain")


def wanted():
    return os.geteuid() == 0 and MARK not in os.environ


def run_isolated(top, build_dirs):
    """Runs this same command again inside; returns its exit code. Trees below /tmp stay visible at their own place."""
    base = tempfile.mkdtemp(prefix="ct-run-")
    os.mkdir(os.path.join(base, "tmp"))
    os.chmod(os.path.join(base, "tmp"), 0o1777)
    made = []
    for d in STATE:
        if not os.path.isdir(d):
            os.makedirs(d, 0o755)
            made.append(d)
    keep = [top] + [d for d in build_dirs if not d.startswith(top + "/")]
    keep = [d for d in keep if d.startswith("/tmp/")]
    for d in keep:
        os.makedirs(d, exist_ok=True)
    env = dict(os.environ, **{MARK: base, "CT_TESTS_TOP": top, "CT_TESTS_KEEP": "\n".join(keep)})
    env.pop("TMPDIR", None)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "isolate.sh")
    child = subprocess.Popen(["unshare", "--mount", "--propagation=private", "bash", script, sys.executable, "-B", *sys.argv],
                             env=env)
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, lambda nr, _frame: child.send_signal(nr))
    try:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue
    finally:
        shutil.rmtree(base, ignore_errors=True)
        for d in made:
            try:
                os.rmdir(d)
            except OSError:
                pass
