#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads lib/wire/steps.def and phases.def; puts the table of steps into doc/ARCHITECTURE.md."""
import os
import re

from marks import between, rewrite

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOKEN = re.compile(r'/\*.*?\*/|"((?:\\.|[^"\\])*)"', re.S)
BEGIN, END = "<!-- steps: by scripts/steps.py -->\n", "<!-- end of steps -->\n"


class Step:
    """One row: op, function, phases (in order), actors, name, schema, calls."""

    def __init__(self, op, function, phases, name, schema, calls):
        self.op, self.function, self.name, self.schema = op, function, name, schema
        self.calls, _semicolon, remark = (part.strip() for part in calls.partition(";"))
        self.phases = [p for p in PHASES if p in phases]
        self.actors = list(dict.fromkeys(PHASES[p] for p in self.phases))
        self.remark = remark


def read(name):
    with open(os.path.join(ROOT, "lib/wire", name), encoding="utf-8") as f:
        return f.read()


def rows(text, macro):
    """The arguments of each call of the macro at the beginning of a line, strings put together."""
    strings = []

    def keep(m):
        if m[1] is None:
            return " "
        strings.append(m[1])
        return f"${len(strings) - 1} "

    text = TOKEN.sub(keep, text)
    for m in re.finditer(rf"^{macro}\(((?:[^()]|\([^()]*\))*)\)", text, re.M):
        fields = re.split(r",(?![^(]*\))", m[1])
        yield [
            "".join(strings[int(nr)]
                    for nr in re.findall(r"\$(\d+)", f)) if "$" in f else f.strip()
            for f in fields
        ]


# name of each phase: who carries it out
PHASES = {row[0]: row[1].lower() for row in rows(read("phases.def"), "CT_PHASE")}


def phases_of(mask):
    """The phases of "CT_BY_LAUNCHER | CT_AT(READY)"; the sets are wire.h's."""
    wire = read("wire.h").replace("\\\n", "")
    names = set()
    for word in re.findall(r"CT_BY_\w+", mask):
        mask += re.search(rf"^#define {word}\b(.*)$", wire, re.M)[1]
    names.update(re.findall(r"CT_AT\((\w+)\)", mask))
    return names


def steps():
    text = read("steps.def")
    for op, function, phases, name, schema, calls in rows(text, "CT_STEP"):
        yield Step(op, function, phases_of(phases), name, schema, calls)
    for op, function, name, schema, calls in rows(text, r"CT_(?:SETUP|CGROUP)_STEP"):
        yield Step(op, function, {"SETUP"}, name, schema, calls)
    for op, function, name, schema, calls in rows(text, "CT_END_STEP"):
        yield Step(op, function, {"END"}, name, schema, calls)


def table():
    out = "| step | by | system calls |\n| --- | --- | --- |\n"
    for s in steps():
        calls = "; ".join(part for part in (s.calls or "none", s.remark) if part)
        out += f"| `{s.name}` | {', '.join(s.actors)} | {calls} |\n"
    return out


def page(text):
    """The text of ARCHITECTURE.md with the table as it is to be."""
    return between(text, BEGIN, END, table())


if __name__ == "__main__":
    rewrite(page)
