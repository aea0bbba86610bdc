# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who includes whom. The rule is the table; doc/ARCHITECTURE.md tells why."""
import re

from house import Tap, files, read, top

AREAS = ("backend", "net", "storage", "image", "seccomp")
MAY = {
    "base": {"base"},
    "model": {"model", "base"},
    "host": {"host", "base"},
    "plan": {"plan", "model", "host", "base"},
    **{a: {a, "plan", "model", "host", "base"} for a in AREAS},
    "run": {"run", *AREAS, "plan", "model", "host", "base"},
    # the public functions turn handles into calls of run, and options and errors into
    # the types below it
    "api": {"api", "run", "model", "plan", "host", "base"},
    "stage": {"stage"},
    "shared": {"shared"},
    "wire": {"wire", "shared"},
}
# what follows from top to bottom: a room calls those above it, and itself
ROOMS = ("state", "child", "handle", "start", "life", "watch", "protect")
EVERYWHERE = {"wire", "shared", "contain"}
# one remover of trees, reader of UTF-8 and parser of users; they know nothing of the library
TOOLS_TOO = ("shared/remove.h", "shared/utf8.h", "shared/user.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def target(path, kind, name):
    """Layer that an include reaches into, or None for the system's headers."""
    first = name.split("/")[0]
    if first == "contain":
        return "contain"
    if kind == "<":
        return None
    if "/" not in name:
        return path.split("/")[1]
    return first if first in MAY else ".."


def library(root):
    for path in files(root, ("lib",)):
        layer = path.split("/")[1]
        if layer not in MAY:
            yield f"{path}: folder lib/{layer} is not in the table of layers"
            continue
        for m in INCLUDE.finditer(read(root, path)):
            to = target(path, m[1], m[2])
            if to is None or to in EVERYWHERE or to in MAY[layer]:
                continue
            yield f"{path}: {layer} may not include {m[2]}"


def stage(root):
    """The stage is not the library: its only words in common are the wire and the numbers of
    the public header."""
    for path in files(root, ("lib/stage", "lib/shared", "lib/wire")):
        for m in INCLUDE.finditer(read(root, path)):
            if m[2].startswith("contain/") and m[2] not in ("contain/contain.h",
                                                            "contain/errors.h"):
                yield f"{path}: includes {m[2]}"


def rooms(root):
    """Within lib/run and lib/stage: no room includes one that stands below it."""
    for path in files(root, ("lib/run",)):
        room = path.split("/")[2]
        for m in INCLUDE.finditer(read(root, path)):
            to = m[2].split("/")
            if to[0] == "run" and ROOMS.index(to[1]) > ROOMS.index(room):
                yield f"{path}: {room} may not include {m[2]}"
    # what carries a plan out knows nothing of who keeps the container
    for path in files(root, ("lib/stage/step",)):
        for m in INCLUDE.finditer(read(root, path)):
            if m[2].startswith("stage/super/"):
                yield f"{path}: step may not include {m[2]}"


def users(root):
    for path in files(root, ("tools", "bindings")):
        for m in INCLUDE.finditer(read(root, path)):
            to = target("tools/own/x", m[1], m[2])
            if to not in (None, "contain", "own") and m[2] not in TOOLS_TOO:
                yield f"{path}: a user of the library may not include {m[2]}"


def public(root):
    for path in files(root, ("include",)):
        for m in INCLUDE.finditer(read(root, path)):
            if m[2] not in ("stddef.h", "stdint.h", "sys/types.h", "contain/errors.h",
                            "contain/version.h"):
                yield f"{path}: the public header may not include {m[2]}"


ROOT = top()
tap = Tap()
tap.check("library layers", library(ROOT))
tap.check("the stage stands alone", stage(ROOT))
tap.check("rooms of lib/run and lib/stage", rooms(ROOT))
tap.check("tools and bindings use the public header only", users(ROOT))
tap.check("the public header needs little", public(ROOT))
tap.done()
