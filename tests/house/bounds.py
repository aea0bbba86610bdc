# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bounds: function length, file length, size of the stage, licence line, no conflict marks or notes
to self; headers of tests that only declare."""
import json
import os
import re
import sys

from house import Tap, blank, files, functions, read, scripts, top
from tokens import conditionals

ROOT = top()
SOURCE = (".c", ".h", ".py", ".sh", ".lua", ".def", "meson.build")
SKIP = ("tests/fuzz/corpus",)
EVERYTHING = [
    p for p in files(ROOT, ("lib", "tools", "include", "tests", "bindings", "scripts"), SOURCE)
    if not p.startswith(SKIP)
]
TEXTS = {p: read(ROOT, p) for p in EVERYTHING}
FUNCTIONS = [f for p, t in TEXTS.items() if p.endswith((".c", ".h")) for f in functions(p, t)]

# What fits on a screen; what is dense takes more tokens than lines.
LINES = 60
TOKENS = 350
STAGE = 106 << 10  # bytes of a stage made with musl
CONDITIONALS = 5


def dense(here):
    """Functions above the bound in tokens, when they are more than one in a hundred."""
    big = sorted(((f.tokens(), f) for f in here), key=lambda row: -row[0])
    big = [row for row in big if row[0] > TOKENS]
    if len(big) * 100 > len(here):
        yield f"{len(big)} of {len(here)} have more"
        yield from (f"{f}: {n} tokens" for n, f in big)


def conditional():
    """Conditional expressions in a thousand lines: of all together, and who has most of them."""
    rows = []
    for path, text in TEXTS.items():
        if path.startswith(("lib/", "tools/", "include/")) and path.endswith((".c", ".h")):
            rows.append((len(conditionals(text)[0]), text.count("\n"), path))
    n, lines = sum(r[0] for r in rows), sum(r[1] for r in rows)
    if n * 1000 >= CONDITIONALS * lines:
        yield f"{n} in {lines} lines, {n * 1000 / lines:.1f} in 1,000"
        yield from (f"{path}: {count} in {length} lines" for count, length, path in
                    sorted(rows, reverse=True)[:40])


def chained():
    for path, text in TEXTS.items():
        if path.startswith(("lib/", "tools/", "include/", "tests/")) and path[-2:] in (".c", ".h"):
            yield from (f"{path}:{nr}: one conditional expression in another"
                        for nr in conditionals(text)[1])


def stage(build):
    """The stage's file, where it is above its bound."""
    with open(os.path.join(build, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as f:
        compiler = next(o["value"] for o in json.load(f) if o["name"] == "stage_cc")
    size = os.path.getsize(os.path.join(build, "lib", "stage", "ct-stage"))
    # static glibc works, too, where there is no musl; it is not small
    if "musl" in " ".join(compiler) and size > STAGE:
        yield f"lib/stage/ct-stage: {size} bytes"


def file_level(text):
    """The declarations at file level in a header; what stands in braces is left out."""
    depth, row = 0, ""
    for c in re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", "", blank(text), flags=re.M):
        depth -= c == "}"
        if depth == 0:
            row += c
        depth += c == "{"
        if depth == 0 and (c == ";" or c == "}" and ")" in row):
            yield " ".join(row.strip(";").split())
            row = ""


def headers():
    """Headers of tests that hold code: functions of more than two statements, data."""
    for path, text in TEXTS.items():
        if not path.startswith("tests/") or path[-2:] != ".h":
            continue
        yield from (f"{f}: a function" for f in functions(path, text) if f.body.count(";") > 2)
        for row in file_level(text):
            type_only = re.fullmatch(r"((struct|union|enum) ?\w* ?(\{\})?)?", row)
            declared = row.startswith(("extern ", "typedef ")) or "(" in row and "=" not in row
            if not type_only and not declared:
                yield f"{path}: data: {row}"


def licence():
    for path, text in {**TEXTS, **{p: read(ROOT, p) for p in scripts(ROOT)}}.items():
        first = text.splitlines()[:2]
        if not any("SPDX-License-Identifier: LGPL-2.1-or-later" in line for line in first):
            yield f"{path}: no SPDX line"


def notes():
    for path, text in TEXTS.items():
        if path == "tests/house/bounds.py":
            continue
        for m in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b|^(<<<<<<<|>>>>>>>) ", text, re.M):
            yield f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {m.group(0)}"


tap = Tap()
tap.check("functions are found",
          [] if len(FUNCTIONS) > 20 else ["the reader of functions finds none"])
for where in ("lib", "tools", "tests"):
    here = [f for f in FUNCTIONS if f.path.startswith(where + "/")]
    tap.check(f"functions in {where} within {LINES} lines",
              (f"{f}: {f.lines} lines" for f in here if f.lines > LINES))
    tap.check(f"99 % of functions in {where} within {TOKENS} tokens", dense(here))
tap.check(f"at most {CONDITIONALS} conditional expressions in 1,000 lines", conditional())
tap.check("conditional expressions do not stand in each other", chained())
tap.check("files within 900 lines",
          (f"{p}: {t.count(chr(10))} lines" for p, t in TEXTS.items() if t.count("\n") > 900))
tap.check(f"the stage within {STAGE} bytes", stage(sys.argv[2]))
tap.check("headers of tests hold neither functions nor data", headers())
tap.check("licence line", licence())
tap.check("no notes to self", notes())
tap.done()
