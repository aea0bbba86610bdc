#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads lib/run/protect/audit-rules.c; puts the tables of weaknesses into doc/WEAKNESSES.md."""
import os
import re

from marks import between, rewrite

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = "lib/run/protect/audit-rules.c"
TOKEN = re.compile(r'/\*.*?\*/|"((?:\\.|[^"\\])*)"', re.S)
BEGIN, END = "<!-- weaknesses: by scripts/weaknesses.py -->\n", "<!-- end of weaknesses -->\n"
LEVELS = {"LOW": "low", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical", "0": "-"}


def rows(text, array):
    """The fields of each row of the array, strings put together."""
    strings = []

    def keep(m):
        if m[1] is None:
            return " "
        strings.append(m[1].replace('\\"', '"'))
        return f"${len(strings) - 1} "

    body = re.search(rf"\b{array}\[\] = \{{\n(.*?)^\}};", text, re.S | re.M)[1]
    body = TOKEN.sub(keep, body)
    for m in re.finditer(r"\{([^{}]*)\}|CAPS\(((?:[^()]|\([^()]*\))*)\)", body):
        fields = re.split(r",(?![^(]*\))", m[1] or m[2])
        fields = [
            "".join(strings[int(nr)]
                    for nr in re.findall(r"\$(\d+)", f)) if "$" in f else f.strip()
            for f in fields
        ]
        # CAPS(name, severity, bits, text) counts without a user namespace only
        yield fields if m[1] else [fields[0], fields[1], "0", "", "", "", fields[3]]


def rules():
    """(name, without a user namespace, with one, sentence)"""
    with open(os.path.join(ROOT, SOURCE), encoding="utf-8") as f:
        text = f.read()
    for row in rows(text, "rules"):
        yield row[0], LEVELS[row[1]], LEVELS[row[2]], row[6]


def places():
    """(name, place, writable without and with a user namespace, read-only, sentence)"""
    with open(os.path.join(ROOT, SOURCE), encoding="utf-8") as f:
        text = f.read()
    for name, path, below, *levels, sentence in rows(text, "places"):
        path += ", and below" if below == "true" else ""
        yield name, path, *(LEVELS[level] for level in levels), sentence


def table():
    out = "| name | without | with | what it is |\n| --- | --- | --- | --- |\n"
    for name, plain, mapped, text in rules():
        out += f"| `{name}` | {plain} | {mapped} | {text} |\n"
    out += ("\nDirectories of the host that are bound into a container, writable or read-only:\n\n"
            "| name | directory | without | with | read-only, without | with | what it is |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n")
    for row in places():
        out += "| `{}` | {} | {} | {} | {} | {} | {} |\n".format(*row)
    return out


def page(text):
    """The text of the page with the tables as they are to be."""
    return between(text, BEGIN, END, table())


if __name__ == "__main__":
    rewrite(page)
