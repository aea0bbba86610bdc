# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables and what is told about them: error numbers, steps, keys."""
import os
import re
import subprocess
import sys

from house import Tap, files, read, top

ROOT = top()
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import weaknesses  # noqa: E402
from steps import PHASES, page, steps  # noqa: E402

BUILD = sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, "build")


def exists(path):
    return os.path.exists(os.path.join(ROOT, path))


def error_rows():
    return re.findall(r"^- \{id: (\d+), name: ([A-Z_]+),", read(ROOT, "doc/errors.yaml"), re.M)


def unique():
    rows = error_rows()
    for i, what in ((0, "number"), (1, "name")):
        seen = [r[i] for r in rows]
        yield from (f"{what} {x} twice" for x in sorted(set(seen)) if seen.count(x) > 1)


def used():
    code = "".join(read(ROOT, p) for p in files(ROOT, ("lib",)))
    yield from (f"CT_ERR_{name} ({nr}) is used nowhere" for nr, name in error_rows()
                if not re.search(rf"\bCT_ERR_{name}\b", code))


def known():
    names = {n for _nr, n in error_rows()}
    for path in files(ROOT, ("lib", "tools")):
        for m in re.finditer(r"\bCT_ERR_([A-Z_]+)\b", read(ROOT, path)):
            if m[1] not in names and m[1] != "":
                yield f"{path}: CT_ERR_{m[1]} is not in doc/errors.yaml"


def errors_told():
    """doc/ERRORS.md is what the generator makes of the registry."""
    r = subprocess.run([
        sys.executable,
        os.path.join(ROOT, "scripts/gen-errors.py"), "--page",
        os.path.join(ROOT, "doc/errors.yaml"), "/dev/stdout"
    ], stdout=subprocess.PIPE, text=True, check=False)
    if r.returncode or r.stdout != read(ROOT, "doc/ERRORS.md"):
        yield "make it anew: scripts/gen-errors.py --page doc/errors.yaml doc/ERRORS.md"


def steps_told():
    """The table of steps is what the script makes of the rows, that of phases has
    theirs in order."""
    text = read(ROOT, "doc/ARCHITECTURE.md")
    if page(text) != text:
        yield "make it anew: scripts/steps.py doc/ARCHITECTURE.md"
    told = re.findall(rf"^\| ({'|'.join(PHASES).lower()}) \| (\w+)", text, re.M)
    if told != [(name.lower(), actor) for name, actor in PHASES.items()]:
        yield f"the table of phases has {told}"


def weaknesses_told():
    """Every weakness is in its page, as the rows have it."""
    path = "doc/WEAKNESSES.md"
    text = read(ROOT, path)
    if weaknesses.page(text) != text:
        yield f"make it anew: scripts/weaknesses.py {path}"


def steps_done():
    """A step of the stage has its function there, one of the caller's in lib/backend."""
    code = {
        d: "".join(read(ROOT, p) for p in files(ROOT, (d,))) for d in ("lib/stage", "lib/backend")
    }
    for s in steps():
        where = "lib/backend" if s.actors == ["caller"] else "lib/stage"
        if not re.search(rf"^(static )?int {s.function}\(", code[where], re.M):
            yield f"step {s.name} has no {s.function}() in {where}"
        if not s.phases:
            yield f"step {s.name} may stand in no phase"


def calls_named():
    """An error names the system call that failed: lib/base/sys.c knows those of all steps."""
    known = read(ROOT, "lib/base/sys.c")
    for s in steps():
        for call in re.split(r",| or |[()]", s.calls):
            name = call.split()[0].rstrip(".") if call.strip() else ""
            if name and not re.search(rf'\bNAME\(p?{name}\)|"{name}" \}}', known):
                yield f"{name}, of step {s.name}"


def stage_headers():
    """The stage's image, which meson does not look into, is made anew when one of them changes."""
    listed = read(ROOT, "lib/stage/meson.build") + read(ROOT, "lib/shared/meson.build")
    for path in files(ROOT, ("lib/stage", "lib/shared"), (".h", ".def")):
        name = path.split("/", 2)[2]
        if f"'{name}'" not in listed:
            yield f"{path} is neither in stage_headers nor in shared_headers"


def key_rows():
    """Names in the key table, lib/model/key.c."""
    table = read(ROOT, "lib/model/key.c").split("ct_keys[] = {", 1)[1].split("\n};", 1)[0]
    return sorted(set(re.findall(r'^\t\{ "([a-z0-9_.*-]+)",', table, re.M)))


def keys_told():
    """The manual page is made from the table; what was built is looked at."""
    page = os.path.join(BUILD, "lib/model/ct.container.conf.5")
    if not os.path.exists(page):
        yield f"{page} was not built"
        return
    with open(page, encoding="utf-8") as f:
        text = re.sub(r"\\(?:f[BIRP]|&)", "",
                      f.read()).replace("\\-", "-").replace("\\_", "_").replace("\\.", ".")
    for key in key_rows():
        stem = re.escape(key).replace(r"\*", r"[\w*<>]+")
        if not re.search(rf"(?<![\w.]){stem}(?![\w])", text):
            yield f"{key} is not in the manual page"


def links():
    """Files that the documents point at are there."""
    for path in files(ROOT, ("doc",), (".md",)) + [p for p in ("README.md",) if exists(p)]:
        for m in re.finditer(r"\]\((?!https?:|#|mailto:)([^)#]+)", read(ROOT, path)):
            if not exists(os.path.normpath(os.path.join(os.path.dirname(path), m[1]))):
                yield f"{path}: {m[1]} does not exist"


tap = Tap()
tap.check("error numbers and names unique", unique())
tap.check("every error is used", used())
tap.check("every error used is registered", known())
tap.check("doc/ERRORS.md is the registry's", errors_told())
tap.check("steps are found", [] if len(list(steps())) > 60 else [f"only {len(list(steps()))} rows"])
tap.check("steps and phases in doc/ARCHITECTURE.md are those of the rows", steps_told())
FOUND = len(list(weaknesses.rules())), len(list(weaknesses.places()))
tap.check("weaknesses are found", [] if min(FOUND) > 20 and max(FOUND) > 60 else [f"only {FOUND}"])
tap.check("weaknesses in doc/WEAKNESSES.md are those of the rows", weaknesses_told())
tap.check("every step has its function", steps_done())
tap.check("the system calls of all steps have a name", calls_named())
tap.check("the stage depends on its headers", stage_headers())
tap.check("keys are found",
          [] if len(key_rows()) > 60 else [f"only {len(key_rows())} rows found in lib/model"])
tap.check("every key in the manual page", keys_told())
tap.check("links of the documents", links())
tap.done()
