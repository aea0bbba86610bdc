# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bounds: function length, file length, licence line, no conflict marks or notes to self."""
import re

from house import Tap, files, functions, read, scripts, top

ROOT = top()
SOURCE = (".c", ".h", ".py", ".sh", ".lua", ".def", "meson.build")
SKIP = ("tests/fuzz/corpus",)
EVERYTHING = [
    p for p in files(ROOT, ("lib", "tools", "include", "tests", "bindings", "scripts"), SOURCE)
    if not p.startswith(SKIP)
]
TEXTS = {p: read(ROOT, p) for p in EVERYTHING}
FUNCTIONS = [f for p, t in TEXTS.items() if p.endswith((".c", ".h")) for f in functions(p, t)]

# What fits on a screen.
LINES = 60


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
tap.check("files within 900 lines",
          (f"{p}: {t.count(chr(10))} lines" for p, t in TEXTS.items() if t.count("\n") > 900))
tap.check("licence line", licence())
tap.check("no notes to self", notes())
tap.done()
