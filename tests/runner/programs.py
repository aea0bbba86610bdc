# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test programs: what meson knows of them, running one, reading what it says."""
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import tiers
from progress import Progress, cpu_below

SKIP_CODE = 77
TAP_PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")
TAP_LINE = re.compile(r"^(not )?ok (\d+)(?: -)?\s*(.*)$")
REASON = re.compile(r"^# skip: (.*)$", re.I)
# how many times slower than usual this machine is, as an emulated one
SLOW = float(os.environ.get("CT_SLOW", "1"))


def host_layout():
    """v1, v2 or hybrid, as the guests are called."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
        kinds = {line.partition(" - ")[2].split()[0] for line in f}
    return {(True, True): "hybrid", (True, False): "v1", (False, True): "v2"}.get(
                ("cgroup" in kinds, "cgroup2" in kinds), "")


# scenarios whose failing calls take longest; the others fail each call of a start, an
# attach and a stop
ALL_SITES = {
    "detached-fail", "attach-detached-fail", "stop-detached-fail", "rich-fail", "userns-fail",
    "attach-userns-fail", "attach-pty-fail"
}


def only_long(tier, name):
    """Why it runs with --long only, or ""."""
    if not os.environ.get("CT_LONG") and tier.name == "fault" and name in ALL_SITES:
        return "all its calls, one after the other"
    if not os.environ.get("CT_LONG") and tier.name == "vm" and name == "vm-" + host_layout():
        return "this host has the layout itself"
    if not os.environ.get("CT_LONG") and tier.name == "scenario" and name == "tools-inits":
        return "its trees take minutes to make"
    return ""


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
    cpu: float = 0          # seconds of processor time of all its processes


def read(b, tier):
    """The programs of a tier in the build `b`, in meson's order."""
    out = subprocess.run(["meson", "introspect", "--tests", "--benchmarks", b.dir],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True).stdout
    rows = json.loads(out)
    if isinstance(rows, dict):
        rows = rows.get("tests", []) + rows.get("benchmarks", [])
    found = []
    for t in rows:
        suites = [s.split(":", 1)[-1] for s in t["suite"]]
        unknown = [s for s in suites if s not in tiers.ALL and s not in tiers.MARKS]
        if unknown or not suites:
            sys.exit(
                f"tests/run: test {t['name']} is in suite {unknown or 'none'}, which is no tier")
        if not set(suites) & set(tier.suites):
            continue
        if tier.name == "sanitize" and "no-sanitize" in suites:
            continue
        reason = only_long(tier, t["name"])
        if reason:
            print(f"LATER {tier.name}.{t['name']}: with --long only: {reason}", flush=True)
            continue
        found.append(
            Program(f"{tier.name}.{t['name']}", tier.name, t["cmd"], dict(t["env"]),
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
                tests.append((skip[1] or skip[2] or m[2], "skip", reason or
                              (skip[2] if skip[1] else "no reason given")))
            else:
                tests.append((text, "fail" if m[1] else "pass", said if m[1] else ""))
            reason = said = ""
            continue
        if line.startswith(("# ", "ERROR: ")):
            # all of it: what a case's own process has said comes before what the frame says of it
            said = (said + " | " if said else "") + line.split(" ", 1)[1]
        if line.startswith("# ") and tests and tests[-1][1] == "fail" and not tests[-1][2]:
            said = ""
            tests[-1] = (tests[-1][0], "fail", line[2:])
    if expected is None:
        if rc == SKIP_CODE:
            lines = [line for line in out.splitlines() if line.strip()]
            return [("", "skip", lines[-1] if lines else "no reason given")]
        return [("", "pass" if rc == 0 else "fail", ended(rc))]
    if len(tests) < expected:
        tests.append(("rest", "fail",
                      f"{expected - len(tests)} of {expected} tests did not report; {ended(rc)}"))
    elif rc != 0 and not any(t[1] == "fail" for t in tests):
        tests.append(("end", "fail", ended(rc)))
    return tests


def ended(rc):
    if rc == 0:
        return ""
    if rc < 0:
        return f"killed by {signal.Signals(-rc).name}"
    known = {
        97: "processes were left behind", 98: "a sanitizer spoke",
        99: "its directory was not empty at the end"
    }
    return known.get(rc, f"exit code {rc}")


def environment(p, tmp):
    keep = {
        k: v
        for k, v in os.environ.items()
        if k in ("PATH", "TERM", "CT_MUST_RUN", "CT_QUICK", "CT_SLOW", "CT_LONG")
    }
    keep.setdefault("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    keep.update(
        LANG="C.UTF-8",
        TMPDIR=tmp,
        HOME=tmp,
        CT_TIER=p.tier,
        CMOCKA_MESSAGE_OUTPUT="TAP",
        PYTHONDONTWRITEBYTECODE="1",
        # where meson finds it, it would keep its files in our directory
        CCACHE_DISABLE="1")
    keep.update(p.row.env)
    keep.update(p.env)
    return keep


def left_in(tmp):
    return sorted(os.listdir(tmp))


running = set()     # what stop_all() ends
stopping = False


def stop(proc):
    """Ends a program: the orphan watcher ends everything below it on SIGTERM; others are ended with
    their session's group."""
    proc.send_signal(signal.SIGTERM)
    try:
        return proc.wait(10)
    except subprocess.TimeoutExpired:
        try:
            os.killpg(proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return proc.wait()


def stop_all():
    """The run itself ends now; no program begins any more."""
    global stopping     # pylint: disable=global-statement
    stopping = True
    for proc in list(running):
        stop(proc)


def follow(proc, p, out):
    """Waits for its end; ("" or why it had to be ended, processor time)."""
    progress = Progress(proc.pid, p.timeout, SLOW) if p.timeout else None
    pidfd = os.pidfd_open(proc.pid)
    try:
        while not select.select([pidfd], [], [], 1)[0]:
            why = progress.verdict(os.fstat(out.fileno()).st_size) if progress else ""
            if why:
                used = cpu_below(proc.pid)
                stop(proc)
                return why, used
        # nobody has waited for it yet: what it has used is still known
        used = cpu_below(proc.pid)
        proc.wait()
        return "", used
    finally:
        os.close(pidfd)


def run(p, session):
    """Runs one program in a directory of its own as long as it gets on; everything
    below it ends with it."""
    if stopping:
        return Outcome([("", "fail", "the run was stopped")], "", 0)
    tmp = tempfile.mkdtemp(prefix="ct-test-")
    os.chmod(tmp, 0o755)
    cmd, env = session.wrap(p, p.cmd, environment(p, tmp), tmp)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        proc = subprocess.Popen(cmd, env=env, cwd=p.workdir, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, start_new_session=True)
        running.add(proc)
        why, used = follow(proc, p, out)
        running.discard(proc)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    seconds = time.monotonic() - began
    if why:
        tests = [t for t in parse(p.full, text, 0) if t[0] not in ("", "rest")]
        tests.append(("progress", "fail", why))
    else:
        tests = parse(p.full, text, proc.returncode)
    left = left_in(tmp)
    if left and not why and not any(t[1] == "fail" for t in tests):
        tests.append(("files", "fail", "left in its directory: " + " ".join(left[:20])))
    shutil.rmtree(tmp, ignore_errors=True)
    return Outcome(tests, text, seconds, used)
