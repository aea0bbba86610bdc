#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
In the guest: runs the rows of one boot with the code of tests/run, and prints one TAP line for each
test; what a failed program said goes before its lines. suite.py, on the host, adds the plan.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path[:0] = [os.path.join(TOP, "tests", "runner"), os.path.join(TOP, "tests", "vm")]
import isolate      # noqa: E402
import leaks        # noqa: E402
import programs     # noqa: E402
import table        # noqa: E402
import tiers        # noqa: E402

LINES = 80          # of a failed program's output


class Report:
    """Prints; used from several threads."""

    def __init__(self, boot):
        self.boot = boot
        self.count = 0
        self.lock = threading.Lock()

    def line(self, name, result, why):
        self.count += 1
        name = name.replace("#", "")
        if result == "skip":
            print(f"ok {self.count} - {name} # SKIP {why}")
        else:
            print(f"{'not ok' if result == 'fail' else 'ok'} {self.count} - {name}")
        if result == "fail" and why:
            print("# " + why.replace("\n", "; "))

    def program(self, p, outcome):
        with self.lock:
            name = f"{self.boot}.{p.full}"
            failed = any(r == "fail" for _n, r, _w in outcome.tests)
            for n, result, why in outcome.tests:
                self.line(f"{name}.{n}" if n else name, result, why)
            print(f"## {name}: {outcome.seconds:.1f} s")
            if failed:
                print("".join(f"#   {line}\n" for line in outcome.output.splitlines()[-LINES:]),
                      end="")
            sys.stdout.flush()


def as_user(cmd, env):
    """The command as the guest's ordinary user; what is set for it has to come along."""
    return ["sh", "/run/ct-vm/start", "as-user", "env", *(f"{k}={v}" for k, v in env.items()), *cmd]


def of_command(row, boot, build_dir):
    """A row's own command as a program."""
    cmd = table.words(row.command, build_dir)
    env = {"CT_LAYOUT": boot.layout, "CT_INIT": boot.init, "CT_LSM": boot.lsm,
           "CT_BUILD": build_dir, "CT_SOURCE": TOP}
    if row.as_user:
        cmd = as_user(cmd, env)
    return programs.Program(row.name, "vm", cmd, env, row.timeout, False, TOP, tiers.ALL["vm"])


def of_row(row, boot, build_dir):
    if not row.tier:
        return [of_command(row, boot, build_dir)]
    tier = tiers.ALL[row.tier]
    found = [
        p for b in tier.builds(build_dir) for p in programs.read(b, tier)
        if re.search(row.only, p.full)
    ]
    for p in found if row.as_user else ():
        # results go to TAP, as they do with the runner's own environment
        p.cmd, p.full = as_user(p.cmd,
                                {"CMOCKA_MESSAGE_OUTPUT": "TAP", **p.env}), f"{row.name}.{p.full}"
    return found


def main():
    boot, build_dir = table.BOOTS[sys.argv[1]], sys.argv[2]
    wanted = re.compile(sys.argv[3] if len(sys.argv) > 3 else "")
    # the guest is as good as the mount namespace that a run on the host makes for itself
    os.environ[isolate.MARK] = "/"
    for d in isolate.STATE:
        os.makedirs(d, exist_ok=True)
    if boot.init == "systemd":
        # slices stay once they are there
        subprocess.run(["systemctl", "start", "user@64321.service", "machine.slice"], check=False)
    report = Report(boot.name)
    session = leaks.Session(TOP, build_dir)
    session.begin()
    rows, without = table.rows_of(boot.name)
    for name, why in without:
        print(f"## {boot.name}.{name} does not run: {why}")
    found = [p for row in rows for p in of_row(row, boot, build_dir) if wanted.search(p.full)]

    def run(p):
        report.program(p, programs.run(p, session))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(run, [p for p in found if p.parallel]))
    for p in (p for p in found if not p.parallel):
        run(p)
    left = session.left_behind()
    report.line(f"{boot.name}.leaks", "fail" if left else "pass",
                "left behind: " + "; ".join(left) if left else "")


if __name__ == "__main__":
    main()
