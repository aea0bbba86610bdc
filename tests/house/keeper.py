# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keeper shares the caller's memory: its object may need nothing of the C library,
neither errno nor locks."""
import os
import subprocess
import sys

from house import Tap

BUILD = sys.argv[1]
# what compilers put in by themselves: plain memory routines and the stack protector
ALLOWED = {"memcpy", "memset", "memmove", "memcmp", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}


def objects():
    for base, _dirs, names in os.walk(BUILD):
        for n in names:
            if n.endswith(("keeper.c.o", "keeper.o", "confine.c.o", "confine.o")):
                yield os.path.join(base, n)


def needs():
    found = sorted(objects())
    if not found:
        yield "no object of lib/run/child/keeper.c in the build"
    for o in found:
        out = subprocess.run(["nm", "-u", o], stdout=subprocess.PIPE, text=True, check=True).stdout
        for line in out.splitlines():
            name = line.split()[-1]
            if name not in ALLOWED and not name.startswith(
                ("__asan", "__ubsan", "__tsan", "__sanitizer", "ct_")):
                yield f"{os.path.relpath(o, BUILD)}: {name}"


tap = Tap()
tap.check("the keeper's object needs no libc", needs())
tap.done()
