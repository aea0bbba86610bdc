# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every public function is documented: what it does, since when, and which errors an int means."""
import re

from house import Tap, read, top

ROOT = top()
TEXT = read(ROOT, "include/contain/contain.h")
DECLARATION = re.compile(
    r"(?P<comment>/\*\*(?:(?!\*/).)*\*/)?\s*^CT_PUBLIC\s+(?P<type>[\w\s\*]+?)\b(?P<name>ct_\w+)\((?P<args>[^;]*)\);",
    re.S | re.M)
# an int that is no error code, or that cannot fail but by what its sentence says
NO_ERRORS = {
    "ct_process_pidfd", "ct_process_pty", "ct_state", "ct_init_pid", "ct_init_pidfd", "ct_check",
    "ct_check_all", "ct_preflight"
}


def documented():
    for m in DECLARATION.finditer(TEXT):
        comment = m["comment"] or ""
        if not comment:
            yield f"{m['name']}: no comment"
        elif not re.search(r"Since \d+\.\d+", comment):
            yield f"{m['name']}: does not say since when"


def errors():
    for m in DECLARATION.finditer(TEXT):
        if m["type"].strip() in ("int", "ssize_t") and m["name"] not in NO_ERRORS and \
                not re.search(r"Errors:|returns as ct_|-E[A-Z]+", m["comment"] or ""):
            yield f"{m['name']}: does not say which errors"


def simple_types():
    body = re.sub(r"/\*.*?\*/", "", TEXT, flags=re.S)
    for word in (r"\benum\b", r"\bbool\b", r"\binline\b", r"\.\.\.", r":\s*\d+\s*;"):
        for m in re.finditer(word, body):
            yield f"{m.group(0)} in the public header: not every language can bind it"


# parts of other structs, which never change
PARTS = ("ct_pressure",)


def structs_begin_with_size():
    for m in re.finditer(r"typedef struct (\w+) \{\s*(.*?)\}", TEXT, re.S):
        if m[1] not in PARTS and not m[2].lstrip().startswith("size_t size;"):
            yield f"struct {m[1]} does not begin with size"


MEMBER = re.compile(r"(\w+)\s*(?:\[[^\]]*\])?\s*(?=,|$)")
NUMBER = re.compile(r"^#define (CT_\w+)[ \t]+[-(~\d]", re.M)


def laid_down():
    """What tests/abi/layout.txt holds are all members and numbers."""
    layout = read(ROOT, "tests/abi/layout.c")
    body = re.sub(r"/\*.*?\*/", "", TEXT, flags=re.S)
    for m in re.finditer(r"typedef struct (\w+) \{\s*(.*?)\}", body, re.S):
        for name in (n for line in m[2].split(";") for n in MEMBER.findall(line.strip())):
            if name != "size" and f"FIELD({m[1]}, {name})" not in layout:
                yield f"{m[1]}.{name} is not in tests/abi/layout.c"
    for name in NUMBER.findall(TEXT):
        if f"NUMBER({name})" not in layout:
            yield f"{name} is not in tests/abi/layout.c"


tap = Tap()
tap.check("declarations are found",
          [] if len(list(DECLARATION.finditer(TEXT))) > 40 else ["too few"])
tap.check("documented, with Since", documented())
tap.check("errors named", errors())
tap.check("simple types only", simple_types())
tap.check("option structs begin with size", structs_begin_with_size())
tap.check("members and numbers in the golden layout", laid_down())
tap.done()
