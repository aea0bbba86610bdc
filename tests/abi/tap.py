# SPDX-License-Identifier: LGPL-2.1-or-later
"""A report in TAP, and a program's output."""
import subprocess
import sys


class Tap:
    def __init__(self):
        self.rows = []

    def check(self, name, problem):
        """problem: "" is fine."""
        self.rows.append((name, problem))

    def skip(self, name, reason):
        self.rows.append((name, None, reason))

    def done(self):
        print(f"1..{len(self.rows)}")
        bad = False
        for nr, row in enumerate(self.rows, 1):
            if row[1] is None:
                print(f"ok {nr} - {row[0]} # SKIP {row[2]}")
                continue
            print(f"{'not ' if row[1] else ''}ok {nr} - {row[0]}")
            bad |= bool(row[1])
            for line in str(row[1]).splitlines():
                print(f"# {line}")
        sys.exit(bad)


def output(cmd, **more):
    """(exit code, what it printed)."""
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **more)
    return r.returncode, r.stdout


def succeeds(cmd, **more):
    """"" or why not."""
    rc, out = output(cmd, **more)
    return "" if rc == 0 else f"{' '.join(cmd)}: exit code {rc}\n{out}"
