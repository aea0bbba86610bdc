# SPDX-License-Identifier: LGPL-2.1-or-later
"""Struct layout against the golden file (x86_64). A difference is a break of the ABI, unless it is
a new line at the end of a struct that was never released."""
import difflib
import platform
import sys

from tap import Tap, output

tap = Tap()
if platform.machine() != "x86_64":
    tap.skip("layout", f"the golden file is for x86_64, this is {platform.machine()}")
    tap.done()
_rc, now = output([sys.argv[1]])
with open(sys.argv[2], encoding="ascii") as f:
    golden = [line for line in f.read().splitlines() if not line.startswith("#")]
tap.check(
    "layout", "\n".join(
        difflib.unified_diff(golden, now.splitlines(), "golden", "now", lineterm="", n=1)))
tap.done()
