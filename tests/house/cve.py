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
        for name in CASE.findall(read(ROOT, path)):
            have[name] = os.path.basename(path)[:-2]
    want = {r["name"]: r.get("program") for r in ROWS}
    yield from (f"{n}: in {have.get(n, 'no program')}, by the table in {want.get(n, 'none')}"
                for n in sorted(set(have) | set(want)) if have.get(n) != want.get(n))


def told():
    text = read(ROOT, "doc/SECURITY.md")
    if page(text, ROOT) != text:
        yield "make it anew: scripts/cve.py doc/SECURITY.md"


tap = Tap()
tap.check("every record is complete", complete())
tap.check("table and programs have the same tests", same())
tap.check("the table in doc/SECURITY.md is the records'", told())
tap.done()
