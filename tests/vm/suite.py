#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
suite.py BOOT [REGEX]: starts the guest BOOT of table.py once, runs its rows there (those whose name
matches), and prints the TAP of all their tests.
"""
import os
import re
import signal
import subprocess
import sys

import cache
import machine
import table

RESULT = re.compile(rb"^(?:not )?ok \d+ ", re.M)
LIMIT = 3600        # seconds for all rows of a boot; one that gets nowhere is found by its silence


class Lines:
    """Passes output on and counts the results in it."""

    def __init__(self):
        self.rest = b""
        self.count = 0

    def write(self, data):
        lines, newline, self.rest = (self.rest + data).rpartition(b"\n")
        self.count += len(RESULT.findall(lines))
        sys.stdout.buffer.write(lines + newline)
        sys.stdout.flush()


def end_on(nr, _frame):
    raise SystemExit(128 + nr)


def prepare(boot, build_dir, wanted):
    """What the rows need of the host. Where it fails the row is left to say what it misses.
    Other tests run meanwhile, which look at all mounts that they see: what is mounted for
    this is nobody else's."""
    for row in table.rows_of(boot)[0]:
        if row.first and re.search(wanted, row.name):
            alone = [
                "unshare", "--mount", "--propagation", "private",
                *table.words(row.first, build_dir)
            ]
            r = subprocess.run(alone, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
            if r.returncode:
                print("".join(f"## {row.name}: {line}\n" for line in r.stdout.splitlines()), end="",
                      flush=True)


def main():
    signal.signal(signal.SIGTERM, end_on)
    boot = table.BOOTS[sys.argv[1]]
    cache_dir = cache.directory()
    build_dir = os.path.dirname(cache_dir)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest", "rows.py")
    cpus = int(os.environ.get("CT_VM_CPUS", "2"))
    wish = machine.Wish(["python3", "-B", script, boot.name, build_dir, *sys.argv[2:]],
                        layout=boot.layout, init=boot.init, lsm=boot.lsm,
                        memory=boot.memory, cpus=cpus, timeout=LIMIT,
                        keep=[cache.TOP, build_dir], env=dict(
                            boot.env, **({"CT_VM_ALL": "1"} if os.environ.get("CT_LONG") else {})))
    lines = Lines()
    prepare(boot.name, build_dir, sys.argv[2] if len(sys.argv) > 2 else "")
    try:
        end = machine.run(wish, cache_dir, lines.write, lines.write)
        for _again in range(2):
            if not end.locked_up:
                break
            lines.write(f"\n## {boot.name}: {end.why}; all once more\n".encode())
            end = machine.run(wish, cache_dir, lines.write, lines.write)
    except cache.Missing as e:
        print(f"1..0 # SKIP {e}")
        return 0
    except cache.Problem as e:
        print(f"Bail out! {e}")
        return 1
    lines.write(b"\n")
    why = end.why or (f"the rows' own program ended with {end.code}" if end.code else "")
    if why:
        lines.write(f"not ok {lines.count + 1} - {boot.name}.boot\n# {why}\n".encode())
        lines.write("".join(f"#   {line}\n" for line in end.log.splitlines()).encode())
    print(f"## {boot.name}: booted in {end.boot_seconds:.1f} s, {end.seconds:.1f} s in all")
    print(f"1..{lines.count}", flush=True)
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
