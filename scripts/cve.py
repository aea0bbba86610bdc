#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of tests against published escapes: reads tests/cve/table.txt, and fills the table in a
document between two marks.

    scripts/cve.py doc/SECURITY.md
"""
import os

from marks import between, rewrite

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIELDS = ("cve", "class", "product", "what", "program", "mode")
# in the order in which the table has them
CLASSES = (
    "host code",
    "descriptors and cwd",
    "mount targets",
    "mount sources",
    "files of the runtime",
    "masks and console",
    "procfs writes",
    "sysctls",
    "terminals",
    "capabilities",
    "users and groups",
    "environment",
    "cgroups",
    "devices",
    "system calls",
    "hidden channels",
    "namespaces",
    "network",
    "state and names",
    "injection",
    "unbounded reads",
    "policy of the image",
    "kernel surface",
)
BEGIN = "<!-- cve: by scripts/cve.py -->\n"
END = "<!-- end of cve -->\n"


def records(top=TOP):
    """The records: dicts with the fields, and "name" and "line"."""
    found = []
    with open(os.path.join(top, "tests/cve/table.txt"), encoding="utf-8") as f:
        for nr, line in enumerate(f, 1):
            if line.startswith("#") or not line.strip():
                continue
            if not line.startswith(" "):
                found.append({"name": line.strip(), "line": nr})
                continue
            key, _, value = line.strip().partition(" ")
            if not found or key in found[-1]:
                raise ValueError(f"tests/cve/table.txt:{nr}: {key} twice, or without a test")
            found[-1][key] = value.strip()
    return found


def row(r):
    mode = "" if r["mode"] == "static" else f" ({r['mode']})"
    return (f"| {', '.join(r['cve'].split())} | {r['product']} | {r['what']} | "
            f"`cve.{r['program']}.{r['name']}`{mode} |\n")


def table(rows):
    """The rows as Markdown, one table for each class."""
    text = f"{len(rows)} tests, in {len({r['class'] for r in rows})} classes.\n"
    for c in CLASSES:
        mine = [r for r in rows if r["class"] == c]
        if mine:
            text += f"\n### {c[0].upper()}{c[1:]}\n\n| published as | of | what | test |\n"
            text += "| --- | --- | --- | --- |\n"
            text += "".join(row(r) for r in mine)
    return text


def page(text, top=TOP):
    """The document with the table anew."""
    return between(text, BEGIN, END, table(records(top)))


if __name__ == "__main__":
    rewrite(page)
