# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bounds: function length, file length, line length, licence line, no conflict marks or notes to self."""
import os
import re

from house import Tap, files, functions, read, top

ROOT = top()
SOURCE = (".c", ".h", ".py", ".sh", ".lua", ".def", "meson.build")
SKIP = ("tests/fuzz/corpus",)
EVERYTHING = [p for p in files(ROOT, ("lib", "tools", "include", "tests", "bindings", "scripts"), SOURCE) if not p.startswith(SKIP)]
TEXTS = {p: read(ROOT, p) for p in EVERYTHING}
FUNCTIONS = [f for p, t in TEXTS.items() if p.endswith((".c", ".h")) for f in functions(p, t)]


def scripts():
    """Programs without an ending."""
    for d in ("tests", "tools", "scripts", ".ci"):
        for name in sorted(os.listdir(os.path.join(ROOT, d))) if os.path.isdir(os.path.join(ROOT, d)) else []:
            path = os.path.join(d, name)
            full = os.path.join(ROOT, path)
            if os.path.isfile(full) and "." not in name:
                with open(full, "rb") as f:
                    if f.read(2) == b"#!":
                        yield path


def licence():
    for path, text in {**TEXTS, **{p: read(ROOT, p) for p in scripts()}}.items():
        first = text.splitlines()[:2]
        if not any("SPDX-License-Identifier: LGPL-2.1-or-later" in line for line in first):
            yield f"{path}: no SPDX line"


def wide():
    for path, text in TEXTS.items():
        if not path.endswith((".c", ".h", ".def")):
            continue
        for nr, line in enumerate(text.splitlines(), 1):
            width = len(line.expandtabs(8))
            if width > 160:
                yield f"{path}:{nr}: {width} columns"


def notes():
    for path, text in TEXTS.items():
        if path == "tests/house/bounds.py":
            continue
        for m in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b|^(<<<<<<<|>>>>>>>) ", text, re.M):
            yield f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {m.group(0)}"


tap = Tap()
tap.check("functions are found", [] if len(FUNCTIONS) > 20 else ["the reader of functions finds none"])
tap.check("no function above 100 lines", (f"{f}: {f.lines} lines" for f in FUNCTIONS if f.lines > 100))
for where in ("lib", "tools", "tests"):
    here = [f for f in FUNCTIONS if f.path.startswith(where + "/")]
    long = sorted((f for f in here if f.lines > 60), key=lambda f: -f.lines)
    tap.check(f"90 % of functions in {where} within 60 lines",
              [f"{len(long)} of {len(here)} are longer"] + [f"{f}: {f.lines}" for f in long] if len(long) > len(here) / 10 else [])
tap.check("files within 800 lines", (f"{p}: {t.count(chr(10))} lines" for p, t in TEXTS.items() if t.count("\n") > 800))
tap.check("lines within 160 columns", wide())
tap.check("licence line", licence())
tap.check("no notes to self", notes())
tap.done()
