#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the project and runs its tests, tier by tier. The last line says how it went."""
import argparse
import concurrent.futures
import os
import re
import signal
import sys
import threading
import time

import build
import isolate
import leaks
import programs
import tiers

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def arguments():
    p = argparse.ArgumentParser(
        prog="tests/run", description=__doc__,
        epilog="CT_MUST_RUN=root,cve,... turns a skip in one of these tiers into a failure.")
    p.add_argument(
        "--tier", action="append", default=[], metavar="A,B", help="tiers to run: " +
        " ".join(tiers.ALL) + "; default: all but " + " ".join(tiers.NOT_BY_DEFAULT))
    p.add_argument("--filter", metavar="RE", help="only test programs whose TIER.NAME matches")
    p.add_argument("--list", action="store_true", help="list the test programs and stop")
    p.add_argument("-j", type=int, default=os.cpu_count() or 1, metavar="N", dest="jobs",
                   help="programs at the same time")
    p.add_argument("--keep-going", action="store_true",
                   help="go on with the next tier after a failure (default)")
    p.add_argument(
        "--long", action="store_true", help=
        "also what takes long: all rounds, all fault sites, long fuzzing, all guests (sets "
        "CT_LONG=1)"
    )
    p.add_argument("--fail-fast", action="store_true",
                   help="stop after the first tier with a failure")
    p.add_argument("--build-dir", default=os.path.join(TOP, "build"), metavar="DIR",
                   help="build directory; the other builds stand beside it (DIR-asan, ...)")
    p.add_argument("--no-install", action="store_true", help="do not look for missing packages")
    p.add_argument("-v", "--verbose", action="store_true", help="show each program's output")
    args = p.parse_args()
    args.build_dir = os.path.abspath(args.build_dir)
    names = [n for t in args.tier for n in t.split(",") if n]
    for n in names:
        if n not in tiers.ALL:
            p.error(f"no tier {n}; there are: {' '.join(tiers.ALL)}")
    args.tiers = [t for t in tiers.ALL if t in names] if names else \
        [t for t in tiers.ALL if t not in tiers.NOT_BY_DEFAULT]
    args.named = bool(names)
    args.filter = re.compile(args.filter) if args.filter else None
    return args


class Report:
    """Counts and prints; used from several threads."""

    def __init__(self, must_run, verbose):
        self.must_run = must_run
        self.verbose = verbose
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        # (name, why): what the layout of this host, or guest, has not by its nature
        self.elsewhere = []
        self.seen = set()       # what has passed, whatever the layout
        self.lock = threading.Lock()
        self.cpu = {}           # seconds of processor time of each tier's programs

    @staticmethod
    def whatever_layout(name):
        return re.sub(r"^.*?\b(root|sanitize|tsan)\.", "", name)

    def one(self, tier, name, result, why=""):
        if result == "skip" and why.startswith("elsewhere: "):
            self.elsewhere.append((tier, name, why))
            return result
        if result == "skip" and tier in self.must_run:
            result, why = "fail", f"skipped, but CT_MUST_RUN names {tier}: {why}"
        if result == "pass":
            self.passed += 1
            self.seen.add(self.whatever_layout(name))
        elif result == "skip":
            self.skipped += 1
        else:
            self.failed += 1
            self.failures.append((name, why))
        if result != "pass":
            print(f"{result.upper()} {name}" + (f": {why}" if why else ""), flush=True)
        return result

    def settle(self, guests):
        """What could not be had here must have passed elsewhere, once, in a run that has the
        guests; else it was skipped."""
        if not guests:
            for _tier, name, why in self.elsewhere:
                print(f"NOT HERE {name}: {why}", flush=True)
            self.elsewhere = []
        missing = {
            self.whatever_layout(name): (tier, name, why) for tier, name, why in self.elsewhere
        }
        self.elsewhere = []
        for key, (tier, name, why) in sorted(missing.items()):
            if key not in self.seen:
                self.one(tier, name, "skip", why.replace("elsewhere: ", "", 1))

    def program(self, prog, outcome):
        with self.lock:
            results = [
                self.one(prog.tier, f"{prog.full}.{n}" if n else prog.full, r, w)
                for n, r, w in outcome.tests
            ]
            good = sum(r == "pass" for r in results)
            print(
                f"  {prog.full}: {good}/{len(results)} in {outcome.seconds:.1f} s, "
                f"{outcome.cpu:.1f} s of processor time",
                flush=True)
            self.cpu[prog.tier] = self.cpu.get(prog.tier, 0) + outcome.cpu
            if "fail" in results or self.verbose:
                for line in outcome.output.splitlines()[-400:]:
                    print("    | " + line)
                print(f"    command: {' '.join(prog.cmd)}", flush=True)

    def last_line(self):
        tail = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{tail}"


def programs_of(args, report, tier):
    """Builds what the tier needs; its programs, none when there is nothing to run."""
    found = []
    for b in tier.builds(args.build_dir):
        error = build.make(TOP, b, args.jobs)
        if error:
            report.one(tier.name, f"{tier.name}.build", "fail",
                       f"{b.dir} could not be built\n{error}")
            return []
        found += [
            p for p in programs.read(b, tier) if not args.filter or args.filter.search(p.full)
        ]
    if not found and tier.name in report.must_run and not args.filter:
        report.one(tier.name, tier.name, "fail", "CT_MUST_RUN names this tier, but it has no test")
    return found


def run_tier(args, report, tier, session, found):
    """Runs these programs of a tier: those that may run beside others first, then the
    rest one by one."""
    if not found:
        return
    if args.list:
        print("\n".join(p.full for p in found))
        return
    print(f"== {tier.name}", flush=True)
    reason = tier.cannot_run()
    if reason:
        for p in found:
            report.one(tier.name, p.full, "skip", reason)
        return

    def run(p):
        report.program(p, programs.run(p, session))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(run, [p for p in found if p.parallel]))
    for p in (p for p in found if not p.parallel):
        run(p)


def run_tiers(args, report, session):
    """All of them in their order, and beside them those that have machines of their own."""
    if not args.list and any(tiers.ALL[name].touches_host and not tiers.ALL[name].cannot_run()
                             for name in args.tiers):
        session.begin()
    found = [(tiers.ALL[name], programs_of(args, report, tiers.ALL[name]))
             for name in args.tiers
             if tiers.ALL[name].beside]
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        waiting = [
            beside.submit(run_tier, args, report, tier, session, rows) for tier, rows in found
        ]
        for tier in (tiers.ALL[name] for name in args.tiers if not tiers.ALL[name].beside):
            run_tier(args, report, tier, session, programs_of(args, report, tier))
            if report.failed and args.fail_fast and not args.keep_going:
                break
        for w in waiting:
            w.result()


def ordinary_signals():
    """What a shell ignores for what it runs in the background is as usual for our programs: some
    test what signals do."""
    for s in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP,
              signal.SIGTTIN, signal.SIGTTOU):
        if signal.getsignal(s) == signal.SIG_IGN:
            signal.signal(s, signal.default_int_handler if s == signal.SIGINT else signal.SIG_DFL)


def end_on_signals():
    """Where there is no sentinel: a signal ends the programs, and then us."""
    def end(nr, _frame):
        for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(s, signal.SIG_IGN)
        programs.stop_all()
        print(f"tests/run: stopped by {signal.Signals(nr).name}", flush=True)
        os._exit(128 + nr)
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, end)


def main():
    args = arguments()
    ordinary_signals()
    if args.long:
        os.environ["CT_LONG"] = "1"
    if not args.list and isolate.wanted():
        dirs = {b.dir for t in args.tiers for b in tiers.ALL[t].builds(args.build_dir)}
        return isolate.run_isolated(TOP, sorted(dirs))
    end_on_signals()
    must = {t for t in os.environ.get("CT_MUST_RUN", "").split(",") if t}
    report = Report(must, args.verbose)
    session = leaks.Session(TOP, args.build_dir)
    began = time.monotonic()
    run_tiers(args, report, session)
    if args.list:
        return 1 if report.failed else 0
    report.settle("vm" in args.tiers)
    if session.began:
        left = session.left_behind()
        report.one("house", "house.leaks", "fail" if left else "pass",
                   "left behind:\n  " + "\n  ".join(left) if left else "")
    if report.failures:
        print("\nfailed:")
        for name, why in report.failures:
            print(f"  {name}: " + (why.splitlines()[0] if why else ""))
    print("processor time: " + ", ".join(f"{t} {s:.0f} s" for t, s in report.cpu.items()))
    print(f"{time.monotonic() - began:.0f} s")
    if not report.passed and not report.failed and not report.skipped:
        report.one("", "tests/run", "fail", "nothing matched")
    print(report.last_line(), flush=True)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
