# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests against published escapes: table, programs, document and weaknesses agree."""
import os
import re
import sys

from house import Tap, files, read, top

ROOT = top()
sys.path.insert(0, os.path.join(ROOT, "scripts"))
from cve import CLASSES, FIELDS, page, records  # noqa: E402

ROWS = records(ROOT)
BUILD = sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, "build")
# a case is a row { "NAME", FUNCTION, DATA } of cve_main()
CASE = re.compile(r'^\t\t\{ "([a-z0-9-]+)",\s', re.M)


def complete():
    """Each record has all fields, and nothing else."""
    for r in ROWS:
        where = f"tests/cve/table.txt:{r['line']}: {r['name']}"
        wrong = set(FIELDS) ^ (set(r) - {"name", "line"})
        if wrong:
            yield f"{where}: missing or unknown: {', '.join(sorted(wrong))}"
            continue
        if r["class"] not in CLASSES:
            yield f"{where}: class {r['class']!r} is not in scripts/cve.py"
        if not re.fullmatch(r"static|elsewhere|race \d+( \(\d+ in CI\))?", r["mode"]):
            yield f"{where}: mode {r['mode']!r}"
        for number in r["cve"].split():
            if not re.fullmatch(r"-|CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){1,3}|[\w.-]+#\d+", number):
                yield f"{where}: {number} is no number of a flaw"
    names = [r["name"] for r in ROWS]
    yield from (f"{n} twice" for n in sorted(set(names)) if names.count(n) > 1)


def same():
    """What the programs have and what the table has."""
    have = {}
    for path in files(ROOT, ("tests/cve",), (".c",)):
        for name in CASE.findall(read(ROOT, path).partition("struct cve_case cases[]")[2]):
            have[name] = os.path.basename(path)[:-2]
    want = {r["name"]: r.get("program") for r in ROWS}
    yield from (f"{n}: in {have.get(n, 'no program')}, by the table in {want.get(n, 'none')}"
                for n in sorted(set(have) | set(want)) if have.get(n) != want.get(n))


def weaknesses():
    """Every weakness of the library has tests that see it, and these are in the table."""
    have = re.findall(r'^CT_WEAK\(\w+, "([a-z0-9-]+)"', read(ROOT, "lib/shared/weak.def"), re.M)
    tests = {f"{r['program']}.{r['name']}" for r in ROWS}
    seen = set()
    for line in read(ROOT, "tests/cve/weaknesses.txt").splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        seen.add(words[0])
        yield from (f"{words[0]}: {w} is no test" for w in words[1:] if w not in tests)
        if len(words) < 2 or words[0] not in have:
            yield f"{words[0]}: no tests, or no weakness"
    yield from (f"{name}: no test is named for it" for name in have if name not in seen)


def left_out():
    """In this build they are constants: neither library nor stage has a word of them."""
    if "-insecure" in read(BUILD, "include/contain/version.h"):
        return
    for path in ("lib/stage/ct-stage", "lib/api/libcontain.so"):
        with open(os.path.join(BUILD, path), "rb") as f:
            data = f.read()
        yield from (f"{path} has {word.decode()}" for word in (b"CT_WEAK=", b"weak.c")
                    if word in data)


def told():
    text = read(ROOT, "doc/SECURITY.md")
    if page(text, ROOT) != text:
        yield "make it anew: scripts/cve.py doc/SECURITY.md"


tap = Tap()
tap.check("every record is complete", complete())
tap.check("table and programs have the same tests", same())
tap.check("every weakness is seen by tests", weaknesses())
tap.check("no weakness is in this build", left_out())
tap.check("the table in doc/SECURITY.md is the records'", told())
tap.done()
