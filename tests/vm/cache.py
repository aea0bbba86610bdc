# SPDX-License-Identifier: LGPL-2.1-or-later
"""The directory that keeps kernels between runs and holds the files of each run; nothing is
written anywhere else."""
import contextlib
import fcntl
import os
import shutil
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Problem(Exception):
    """What keeps a guest from being started, in one sentence."""


class Missing(Problem):
    """The machine lacks something: a reason to skip, not to fail."""


def directory(build_dir=None):
    """DIR/vm of the build directory, made if needed."""
    base = build_dir or os.environ.get("CT_BUILD") or os.path.join(TOP, "build")
    path = os.path.join(os.path.abspath(base), "vm")
    os.makedirs(path, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(path):
    """Holds the lock file `path`, so that two runs do not fetch the same kernel at once."""
    with open(path, "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def sweep(runs):
    """Removes directories of runs that were killed: nobody holds their lock."""
    for name in os.listdir(runs):
        path = os.path.join(runs, name)
        try:
            with open(os.path.join(path, "lock"), "w", encoding="ascii") as f:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


@contextlib.contextmanager
def run_directory(cache, keep=False):
    """A directory for one run, removed at its end."""
    runs = os.path.join(cache, "runs")
    os.makedirs(runs, exist_ok=True)
    with locked(os.path.join(cache, "runs.lock")):
        sweep(runs)
        path = tempfile.mkdtemp(prefix="run-", dir=runs)
        lock = open(os.path.join(path, "lock"), "w", encoding="ascii")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield path
    finally:
        if not keep:
            shutil.rmtree(path, ignore_errors=True)
        lock.close()
