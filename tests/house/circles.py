# SPDX-License-Identifier: LGPL-2.1-or-later
"""No circles: of the objects of a folder none calls, in however many steps, one that calls it. Held
against the build."""
import collections
import os
import subprocess
import sys

from house import Tap

BUILD = sys.argv[2]
FOLDERS = {"base": 5, "model": 15, "host": 8, "plan": 15, "backend": 15, "run": 40}
# the document and the spec are read and checked by turns, by design
ALLOWED = {
    "model": {
        "config.c.o", "config-file.c.o", "config-item.c.o", "spec.c.o", "spec-check.c.o",
        "spec-check-cgroup.c.o"
    },
}


def objects(folder):
    """The objects of the static libraries of one folder, the twins of systemd left out."""
    for base, _dirs, names in os.walk(os.path.join(BUILD, "lib", folder)):
        if "static" not in base:
            yield from (os.path.join(base, n) for n in names if n.endswith(".o"))


def symbols(path):
    """What an object defines, and what it needs."""
    out = subprocess.run(["nm", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return ({r[-1] for r in rows if r[-2] in "TDRB"}, {r[-1] for r in rows if r[-2] == "U"})


def calls(folder):
    """Which object calls which, and by what."""
    table = {os.path.basename(o): symbols(o) for o in objects(folder)}
    home = {s: name for name, (defines, _needs) in table.items() for s in defines}
    graph = collections.defaultdict(dict)
    for name, (_defines, needs) in table.items():
        for s in sorted(needs):
            if home.get(s, name) != name:
                graph[name].setdefault(home[s], s)
    return table, graph


def reach(graph, start):
    """All that start calls, directly or not."""
    seen, todo = set(), [start]
    while todo:
        for to in graph[todo.pop()]:
            if to not in seen:
                seen.add(to)
                todo.append(to)
    return seen


def circles(folder, least):
    table, graph = calls(folder)
    if len(table) < least:
        yield f"only {len(table)} objects of lib/{folder} in {BUILD}"
    within = {name: reach(graph, name) for name in table}
    for name in sorted(table):
        if name in within[name] and name not in ALLOWED.get(folder, ()):
            back = [f"{to} ({s})" for to, s in sorted(graph[name].items()) if name in within[to]]
            yield f"lib/{folder}: {name} is in a circle: it calls {', '.join(back)}"


tap = Tap()
for folder, least in FOLDERS.items():
    tap.check(f"no circles in lib/{folder}", circles(folder, least))
tap.done()
