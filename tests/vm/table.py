# SPDX-License-Identifier: LGPL-2.1-or-later
"""What runs in the guests: one row for each test. A boot serves all rows that name it."""
import os
import sys
from dataclasses import dataclass, field

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKS = "tests/vm/guest/checks.py"
SYSTEMD = "tests/scenario/systemd.py"
SELINUX = "tests/scenario/selinux.py"
APPARMOR = "tests/scenario/apparmor.py"


@dataclass
class Boot:
    name: str
    layout: str             # of control groups: v2, v1, hybrid
    init: str = "plain"     # or systemd
    lsm: str = "apparmor"   # the large security module
    memory: int = 3072      # MiB
    env: dict = field(default_factory=lambda: {"CT_QUICK": "1", "CT_SLOW": "4"})


@dataclass
class Row:
    name: str
    boots: tuple
    # in the source tree, BUILD: the build directory; prints TAP, or is one test by its exit
    # code, 77 for a skip
    command: tuple = ()
    tier: str = ""          # instead: all programs of a tier of tests/run,
    only: str = ""          # ... or those whose name matches this
    # of a command, in seconds of the guest; programs of a tier have their own
    timeout: int = 60
    first: tuple = ()       # run on the host before the boot: brings what needs a network
    as_user: bool = False   # as an ordinary user; under systemd in a session of his
    # boot -> why it cannot run there, a sentence that is printed
    without: dict = field(default_factory=dict)


BOOTS = {b.name: b for b in (
    Boot("v2", "v2"),
    Boot("v1", "v1"),
    Boot("hybrid", "hybrid"),
    Boot("systemd", "v2", init="systemd"),
    Boot("selinux", "v2", lsm="selinux"),
)}
# what costs most in the guest and does not depend on the layout of control groups: on v2 only, and
# with --long only
LONG = "besieged|hostile|output|untouched|watcher|killed-steps"
# what the layout of control groups can make a difference for: the only ones that run on version
# 1 without --long
BY_LAYOUT = ("attach-same|captured|cgroup-.*|detached|events.*|killed|lifecycle|limits|nowait|"
             "own-work|plan-strace|protections.*|reaper|reboot|stop")
# with --long; the guest is told by a name of its own: rounds without end are for the host, whose
# processors are not emulated
ALL_OF_ROOT = bool(os.environ.get("CT_LONG") or os.environ.get("CT_VM_ALL"))

ROWS = [
    Row("guest", tuple(BOOTS), (CHECKS, "guest"), timeout=120),
    Row("session", ("systemd",), (CHECKS, "session"), timeout=120, as_user=True),
    Row("systemd", ("v2",), (SYSTEMD, "BUILD"), first=(SYSTEMD, "BUILD", "bookworm", "make"),
        timeout=600),
    # its policy stays for what comes after it
    Row("selinux", ("selinux",), (SELINUX, "BUILD"), timeout=600),
    Row("root", ("selinux",), tier="root", only=r"root\.selinux$"),
    Row("apparmor", ("v2",), (APPARMOR, "BUILD"), first=(SYSTEMD, "BUILD", "bookworm", "make"),
        timeout=600),
    Row("root", ("v2",), tier="root", only="" if ALL_OF_ROOT else rf"root\.(?!({LONG})$)"),
    Row("root", ("v1",), tier="root",
        only=rf"root\.(?!({LONG})$)" if ALL_OF_ROOT else rf"root\.({BY_LAYOUT})$"),
    Row("root", ("hybrid",), tier="root", only=rf"root\.(?!({LONG})$)"),
    Row("root", ("systemd",), tier="root", only=r"root\.systemd$"),
    Row("user", ("systemd",), tier="root", only=r"root\.systemd$", as_user=True),
    Row("scenario", ("v2", "v1"), tier="scenario", only=r"scenario\.tools-limits$"),
    Row("scenario", ("v2", "v1") if ALL_OF_ROOT else (), tier="scenario",
        only=r"scenario\.tools-watching$"),
]


def words(command, build_dir):
    """What is run for a row's command."""
    path, *args = (build_dir if w == "BUILD" else w for w in command)
    path = os.path.join(TOP, path)
    return [*([sys.executable, "-B"] if path.endswith(".py") else []), path, *args]


def rows_of(boot):
    """(rows that run there, [(name, why)] of those that cannot)."""
    named = [r for r in ROWS if boot in r.boots or boot in r.without]
    return [r for r in named if boot not in r.without
            ], [(r.name, r.without[boot]) for r in named if boot in r.without]
