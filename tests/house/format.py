# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the sources look: clang-format has nothing to change, no line goes beyond 100 columns."""
import io
import os
import re
import shutil
import subprocess
import tokenize

from house import Tap, files, read, scripts, top

ROOT = top()
COLUMNS = 100
# What .clang-format was written for; others divide lines in other places.
VERSION = 14
C = files(ROOT)
OTHERS = files(ROOT, ("lib", "tools", "include", "tests", "scripts", "doc"),
               (".def", ".py", ".sh", "meson.build"))
# Tables with one row per line.
ROWS = ("lib/shared/verdict.def", "tests/unit/mistakes.def")


def clang_format():
    """The program, of the version that the tree is formatted with; None without it."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        program = shutil.which(name)
        if program:
            said = subprocess.run([program, "--version"], capture_output=True, text=True,
                                  check=False).stdout
            if re.search(rf"version {VERSION}\.", said):
                return program
    return None


def changes(program):
    """Where clang-format would change something, the first place of each file."""
    seen = set()
    for i in range(0, len(C), 40):
        done = subprocess.run([program, "--dry-run", *C[i:i + 40]], cwd=ROOT, capture_output=True,
                              text=True, check=False)
        for m in re.finditer(r"^(\S+?):(\d+):\d+: warning: ", done.stderr, re.M):
            if m[1] not in seen:
                seen.add(m[1])
                yield f"{m[1]}:{m[2]}: clang-format -i changes it"
        if done.returncode:
            yield f"clang-format ends with {done.returncode}: {done.stderr[-200:]}"


def texts_in(text):
    """Lines inside Python's raw and multi-line literals: shell, patterns, programs of others, which
    have lines of their own."""
    inside = set()
    for t in tokenize.generate_tokens(io.StringIO(text).readline):
        if t.type == tokenize.STRING and re.match(r"[bf]?r|\w*(?:\"\"\"|''')", t.string, re.I):
            inside.update(range(t.start[0], t.end[0] + 1))
    return inside


def wide():
    for path in sorted(C + OTHERS + list(scripts(ROOT))):
        if path in ROWS:
            continue
        text = read(ROOT, path)
        long = [(nr, line)
                for nr, line in enumerate(text.splitlines(), 1)
                if len(line.expandtabs(8)) > COLUMNS]
        inside = texts_in(text) if long and is_python(path, text) else ()
        for nr, line in long:
            if nr not in inside:
                yield f"{path}:{nr}: {len(line.expandtabs(8))} columns"


def is_python(path, text):
    return path.endswith(".py") or text.startswith("#!") and "python" in text.split("\n", 1)[0]


tap = Tap()
formatter = clang_format()
if formatter:
    tap.check("clang-format changes nothing", changes(formatter))
else:
    tap.skip("clang-format changes nothing",
             f"no clang-format {VERSION} (scripts/install-packages test)")
tap.check(f"lines within {COLUMNS} columns", wide())
tap.check("tables with one row per line are there",
          [p for p in ROWS if not os.path.exists(os.path.join(ROOT, p))])
tap.done()
