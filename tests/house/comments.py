# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every function that others can call says above it what it does, at its definition or
at its declaration."""
import re

from house import Tap, comment_above, files, functions, read, top

ROOT = top()


def declared_with_comment(layer_files):
    """Names whose declaration in a header has a comment above it, or above the group of
    declarations it stands in."""
    names = set()
    for path in layer_files:
        lines = read(ROOT, path).splitlines()
        commented = False
        for line in lines:
            if not line.strip():
                commented = False
            elif line.rstrip().endswith("*/") and not line.strip().startswith("#"):
                commented = True
            m = re.search(r"\b(ct_\w+|\w+)\s*\(", line)
            if m and commented and not line.lstrip().startswith(("*", "/*", "#")):
                names.add(m[1])
    return names


def uncommented():
    known = declared_with_comment(files(ROOT, ("lib", "include", "tools"), (".h",)))
    for path in files(ROOT, ("lib", "tools"), (".c",)):
        text = read(ROOT, path)
        for f in functions(path, text):
            if f.static or f.name == "main" or f.name in known:
                continue
            if not comment_above(text, f.line):
                yield str(f)


tap = Tap()
tap.check("every non-static function has a comment", uncommented())
tap.done()
