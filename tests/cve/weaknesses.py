# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests against escapes can see: in a build with -Dweaknesses=true each weakness is switched on,
and the tests that weaknesses.txt names for it fail with "escape:". Without it the same tests pass.

    weaknesses.py SOURCE DIRECTORY-OF-PROGRAMS [WEAKNESS..]
"""
import os
import re
import subprocess
import sys
import tempfile

SOURCE, PROGRAMS = sys.argv[1:3]
ONLY = sys.argv[3:]


def known():
    """The weaknesses that the library has."""
    with open(os.path.join(SOURCE, "lib/shared/weak.def"), encoding="utf-8") as f:
        return re.findall(r'^CT_WEAK\(\w+, "([a-z0-9-]+)"', f.read(), re.M)


def table():
    """Weakness -> [(program, test)]."""
    rows = {}
    with open(os.path.join(SOURCE, "tests/cve/weaknesses.txt"), encoding="utf-8") as f:
        for line in f:
            words = line.partition("#")[0].split()
            if words:
                rows.setdefault(words[0], []).extend(tuple(w.split(".", 1)) for w in words[1:])
    return rows


def run(weakness, program, test):
    """Exit code and output of one test."""
    env = dict(os.environ, CT_CVE_ONLY=test)
    if weakness:
        env["CT_WEAK"] = weakness
    else:
        # all rounds without a weakness are the tier cve's
        env["CT_QUICK"] = "1"
    # a test that fails leaves its files
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        os.chmod(place, 0o755)
        r = subprocess.run([os.path.join(PROGRAMS, f"cve-{program}")],
                           env=dict(env, TMPDIR=place), check=False, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace")
    return r.returncode, r.stdout


def ran(out, test):
    return re.search(rf"ok \d+ - {re.escape(test)}$", out, re.M) or f"] {test}" in out


def seen(weakness, program, test):
    """Why the test has not seen the weakness; "" when it has."""
    code, out = run(weakness, program, test)
    if code and "escape:" in out and ran(out, test):
        return ""
    return f"exit code {code}, and no escape was seen\n{out}"


def passes(program, test):
    code, out = run("", program, test)
    if not code and ran(out, test):
        return ""
    return f"exit code {code} without a weakness\n{out}"


class Report:
    def __init__(self):
        self.n = self.failed = 0

    def row(self, name, why):
        self.n += 1
        print(f"{'not ' if why else ''}ok {self.n} - {name}", flush=True)
        if why:
            self.failed += 1
            print("".join(f"# {line}\n" for line in why.splitlines()[-40:]), end="", flush=True)


def main():
    rows, report = table(), Report()
    names = [n for n in known() if not ONLY or n in ONLY]
    for name in names:
        tests = rows.get(name, [])
        if not tests:
            report.row(name, "no test is named for it")
        for program, test in tests:
            report.row(f"{name}: {test}", seen(name, program, test))
    report.row("every row is of a weakness", ", ".join(sorted(set(rows) - set(known()))))
    # the last ones also clear what the failed ones have left
    for program, test in sorted({t for n in names for t in rows.get(n, [])}):
        report.row(f"without: {test}", passes(program, test))
    print(f"1..{report.n}")
    return 1 if report.failed else 0


sys.exit(main())
