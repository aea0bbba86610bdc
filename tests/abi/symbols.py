# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's symbols: header, version map and ELF file say the same; it needs little else."""
import os
import re
import sys

from tap import Tap, output

SOURCE, BUILD = sys.argv[1:3]
NEEDED = re.compile(
    r"^(libc|libcap|ld-linux-[\w-]+|libseccomp|libjson-c|libapparmor|libselinux|libm"
    r"|libpthread|libasan|libubsan|libtsan|libgcc_s)\.so\.\d+$"
)


def header():
    with open(os.path.join(SOURCE, "include/contain/contain.h"), encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return set(re.findall(r"CT_PUBLIC[^;(]*?\b(ct_\w+)\s*\(", text))


def version_map():
    """{version: symbols}, and whether everything else is local."""
    with open(os.path.join(SOURCE, "lib/api/libcontain.map"), encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/|#[^\n]*", "", f.read(), flags=re.S)
    nodes = {}
    for m in re.finditer(r"(\w[\w.]*)\s*\{(.*?)\}", text, re.S):
        body = re.sub(r"local\s*:\s*\*\s*;", "", m[2])
        nodes[m[1]] = set(re.findall(r"\b(ct_\w+)\s*;", body))
    return nodes, bool(re.search(r"local\s*:\s*\*\s*;", text)), "*" in re.sub(
        r"local\s*:\s*\*\s*;", "", text)


def library():
    for d in ("lib/api", "lib"):
        p = os.path.join(BUILD, d, "libcontain.so")
        if os.path.exists(p):
            return p
    return None


def exported(path):
    """{(symbol, version)} without the version nodes themselves."""
    _rc, out = output(["readelf", "--dyn-syms", "-W", path])
    found = set()
    for line in out.splitlines():
        f = line.split()
        if len(f) >= 8 and f[0][:-1].isdigit() and f[6] not in ("UND", "ABS") and f[4] in ("GLOBAL",
                                                                                           "WEAK"):
            name, _at, version = f[7].partition("@")
            found.add((name, version.lstrip("@")))
    return found


def needed(path):
    _rc, out = output(["readelf", "-d", path])
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out), re.findall(r"\(SONAME\).*\[(.*)\]", out), out


def diff(a, b, what_a, what_b):
    return "\n".join([f"only in {what_a}: {x}" for x in sorted(a - b)] +
                     [f"only in {what_b}: {x}" for x in sorted(b - a)])


tap = Tap()
path = library()
if not path:
    tap.check("the shared library is there", f"no libcontain.so in {BUILD}")
    tap.done()
nodes, rest_local, wild = version_map()
mapped = set().union(*nodes.values())
symbols = exported(path)
libs, soname, dynamic = needed(path)
tap.check("header and map", diff(header(), mapped, "the header", "the map"))
tap.check("map and library", diff(mapped, {s for s, _v in symbols}, "the map", "the library"))
tap.check("each symbol has the version of its node",
          "\n".join(f"{s} has {v}" for s, v in sorted(symbols) if s not in nodes.get(v, ())))
tap.check("no symbol in two nodes",
          "" if len(mapped) == sum(map(len, nodes.values())) else "the nodes overlap")
tap.check("all else is local, nothing by wildcard",
          "" if rest_local and not wild else "the map needs `local: *;` and no other star")
tap.check("only libc, libcap, libseccomp, json-c, libapparmor and libselinux are needed",
          "\n".join(x for x in libs if not NEEDED.match(x)))
tap.check("soname", "" if soname == ["libcontain.so.0"] else str(soname))
tap.check("no text relocations, no executable stack, no run path",
          "\n".join(x for x in ("TEXTREL", "RUNPATH", "RPATH") if f"({x})" in dynamic))
_rc, headers = output(["readelf", "-lW", path])
tap.check("stack not executable",
          "" if re.search(r"GNU_STACK.*\bRW\s", headers) else "GNU_STACK is not RW")
# weak.c is in a build for tests alone (house.cve)
tap.check(
    "no constructor of our own", "" if "__attribute__((constructor" not in "".join(
        open(os.path.join(b, n), encoding="utf-8").read()
        for b, _d, ns in os.walk(os.path.join(SOURCE, "lib"))
        for n in ns
        if n.endswith(".c") and n != "weak.c") else "lib has a constructor")
tap.done()
