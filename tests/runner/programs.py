# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test programs: what meson knows of them, running one, reading what it says."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import tiers

SKIP_CODE = 77
TAP_PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")
TAP_LINE = re.compile(r"^(not )?ok (\d+)(?: -)?\s*(.*)$")
REASON = re.compile(r"^# skip: (.*)$", re.I)
# how many times slower than usual this machine is, as an emulated one
SLOW = float(os.environ.get("CT_SLOW", "1"))


@dataclass
class Program:
    full: str
    tier: str
    cmd: list
    env: dict
    timeout: float
    parallel: bool
    workdir: str
    row: tiers.Tier


@dataclass
class Outcome:
    tests: list         # (name or "", "pass" | "fail" | "skip", reason)
    output: str
    seconds: float


def read(b, tier):
    """The programs of a tier in the build `b`, in meson's order."""
    out = subprocess.run(["meson", "introspect", "--tests", "--benchmarks", b.dir], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, check=True).stdout
    rows = json.loads(out)
    if isinstance(rows, dict):
        rows = rows.get("tests", []) + rows.get("benchmarks", [])
    found = []
    for t in rows:
        suites = [s.split(":", 1)[-1] for s in t["suite"]]
        unknown = [s for s in suites if s not in tiers.ALL and s not in tiers.MARKS]
        if unknown or not suites:
            sys.exit(f"tests/run: test {t['name']} is in suite {unknown or 'none'}, which is no tier")
        if not set(suites) & set(tier.suites):
            continue
        if tier.name == "sanitize" and "no-sanitize" in suites:
            continue
        found.append(Program(f"{tier.name}.{t['name']}", tier.name, t["cmd"], dict(t["env"]),
                             t["timeout"] * tier.slower * SLOW if t["timeout"] else 0, t["is_parallel"],
                             t["workdir"] or b.dir, tier))
    return found


def parse(name_of, out, rc):
    """What the output says: a list of (name, result, reason)."""
    tests, expected, reason, said = [], None, "", ""
    # a plan may stand before or behind its tests
    plans = [m for m in map(TAP_PLAN.match, out.splitlines()) if m]
    if plans:
        expected = sum(int(m[1]) for m in plans)
    for line in out.splitlines():
        m = TAP_PLAN.match(line)
        if m:
            if int(m[1]) == 0 and m[2]:
                return [("", "skip", re.sub(r"(?i)^skip:?\s*", "", m[2]))]
            continue
        m = REASON.match(line)
        if m:
            reason = m[1]
            continue
        m = TAP_LINE.match(line)
        if m and expected is not None:
            text = m[3]
            skip = re.match(r"(?:(.*?)\s*)?# SKIP\s*(.*)$", text, re.I)
            if skip:
                tests.append((skip[1] or skip[2] or m[2], "skip", reason or (skip[2] if skip[1] else "no reason given")))
            else:
                tests.append((text, "fail" if m[1] else "pass", said if m[1] else ""))
            reason = said = ""
            continue
        if line.startswith(("# ", "ERROR: ")):
            said = line.split(" ", 1)[1]
        if line.startswith("# ") and tests and tests[-1][1] == "fail" and not tests[-1][2]:
            said = ""
            tests[-1] = (tests[-1][0], "fail", line[2:])
    if expected is None:
        if rc == SKIP_CODE:
            lines = [line for line in out.splitlines() if line.strip()]
            return [("", "skip", lines[-1] if lines else "no reason given")]
        return [("", "pass" if rc == 0 else "fail", ended(rc))]
    if len(tests) < expected:
        tests.append(("rest", "fail", f"{expected - len(tests)} of {expected} tests did not report; {ended(rc)}"))
    elif rc != 0 and not any(t[1] == "fail" for t in tests):
        tests.append(("end", "fail", ended(rc)))
    return tests


def ended(rc):
    if rc == 0:
        return ""
    if rc < 0:
        return f"killed by {signal.Signals(-rc).name}"
    known = {97: "processes were left behind", 98: "a sanitizer spoke", 99: "its directory was not empty at the end"}
    return known.get(rc, f"exit code {rc}")


def environment(p, tmp):
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "TERM", "CT_MUST_RUN", "CT_QUICK", "CT_SLOW")}
    keep.setdefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    keep.update(LANG="C.UTF-8", TMPDIR=tmp, HOME=tmp, CT_TIER=p.tier, CMOCKA_MESSAGE_OUTPUT="TAP", PYTHONDONTWRITEBYTECODE="1")
    keep.update(p.row.env)
    keep.update(p.env)
    return keep


def left_in(tmp):
    return sorted(os.listdir(tmp))


def run(p, session):
    """Runs one program in a directory of its own with a time limit; everything below it ends with it."""
    tmp = tempfile.mkdtemp(prefix="ct-test-")
    os.chmod(tmp, 0o755)
    cmd, env = session.wrap(p, p.cmd, environment(p, tmp), tmp)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        proc = subprocess.Popen(cmd, env=env, cwd=p.workdir, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                start_new_session=True)
        timed_out = False
        try:
            rc = proc.wait(p.timeout or None)
        except subprocess.TimeoutExpired:
            timed_out = True
            # the orphan watcher ends everything below it on SIGTERM
            proc.send_signal(signal.SIGTERM)
            try:
                rc = proc.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(proc.pid, signal.SIGKILL)
                rc = proc.wait()
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    seconds = time.monotonic() - began
    if timed_out:
        tests = [t for t in parse(p.full, text, 0) if t[0] not in ("", "rest")]
        tests.append(("time", "fail", f"took more than {p.timeout} s"))
    else:
        tests = parse(p.full, text, rc)
    left = left_in(tmp)
    if left and not timed_out and not any(t[1] == "fail" for t in tests):
        tests.append(("files", "fail", "left in its directory: " + " ".join(left[:20])))
    shutil.rmtree(tmp, ignore_errors=True)
    return Outcome(tests, text, seconds)
