# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every option of a tool is in its manual page."""
import os
import re

from house import Tap, files, read, top

ROOT = top()
ROW = re.compile(r"""\{\s*(?:'.'|0),\s*"([a-z0-9-]+)",""")


def macros():
    """Rows that several tools share: {SHARE_ROWS: its text}."""
    text = "".join(read(ROOT, p) for p in files(ROOT, ("tools",), (".h",))).replace("\\\n", " ")
    return dict(re.findall(r"^#define (\w+_ROWS)\([^)]*\)(.*)$", text, re.M))


def options(path):
    """Long names in the table of one tool."""
    table = re.search(r"struct opt opts\[\] = \{(.*?)\n\};", read(ROOT, path), re.S)
    if not table:
        return []
    shared = "".join(macros().get(name, "") for name in re.findall(r"\b\w+_ROWS\b", table[1]))
    return ROW.findall(table[1] + shared)


def page(name):
    path = os.path.join("doc/man", name)
    if not os.path.exists(os.path.join(ROOT, path)):
        return ""
    return re.sub(r"\\f.", "", read(ROOT, path)).replace("\\", "")


def missing(name, text, names):
    for option in names:
        if not re.search(rf"--{option}(?![\w-])", text):
            yield f"doc/man/{name} does not tell of --{option}"


def told():
    for path in files(ROOT, ("tools",), (".c",)):
        tool = os.path.basename(path)[:-2]
        if tool.startswith("ct-"):
            yield from missing(f"{tool}.1", page(f"{tool}.1"), options(path))


def common():
    names = ROW.findall(re.sub(r"\(struct opt\)\s*", "", read(ROOT, "tools/options.c")))
    yield from missing("ct-tools.7", page("ct-tools.7"), names)
    if len(names) < 8:
        yield f"only {len(names)} rows found in tools/options.c"


FOUND = sum(len(options(p)) for p in files(ROOT, ("tools",), (".c",)))
tap = Tap()
tap.check("options are found", [] if FOUND > 100 else [f"only {FOUND}"])
tap.check("every option of a tool is in its manual page", told())
tap.check("the options of all tools are in ct-tools(7)", common())
tap.done()
