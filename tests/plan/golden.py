# SPDX-License-Identifier: LGPL-2.1-or-later
"""golden.py PLAN-DUMP DIR [NAME...]: the plan of each DIR/NAME.conf is what DIR/NAME.plan says.

That is the whole text of a plan or of an error, or the difference from another plan (plandiff.py).
The base of a difference is the plan that the library makes of it now, so a fault in the base fails
the base alone. With CT_UPDATE=1 files that do not hold are written anew. A difference keeps its
base; a plan without a file gets the one of BASES that needs the fewest lines.
"""
import difflib
import os
import re
import subprocess
import sys

import plandiff

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "house"))
from house import Tap  # noqa: E402

# Those that are whole come first.
BASES = ("default", "attach", "program", "console", "idmap", "cgroup-default-v2",
         "cgroup-default-v1", "cgroup-mount-v2", "cgroup-none-userns")
WHOLE = 2
DIGEST = re.compile(r"(digest=)\"[0-9a-f]{16}\"")


def dumps(program, folder):
    """(name, form) -> text, as plan-dump prints them."""
    out = subprocess.run([program, folder], stdout=subprocess.PIPE, check=True).stdout
    found = {}
    while out:
        line, out = out.split(b"\n", 1)
        name, form, size = line.decode().split()
        found[name, form] = out[:int(size)].decode()
        out = out[int(size) + 1:]
    return found


def refused(text):
    return text.startswith("refused: ")


class Golden:
    def __init__(self, program, folder):
        self.folder = folder
        self.dumps = dumps(program, folder)
        self.names = [name for name, form in self.dumps if form == "text"]
        texts = {n: self.now(n) for n in self.names}
        self.plans = {n: plandiff.parse(t) for n, t in texts.items() if not refused(t)}

    def now(self, name):
        """The text, without the digests of filters, which differ from machine to machine."""
        return DIGEST.sub(r"\1...", self.dumps[name, "text"])

    def path(self, name):
        return os.path.join(self.folder, f"{name}.plan")

    def read(self, name):
        try:
            with open(self.path(name), encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def expected(self, name, text):
        """The text of the plan that a golden file describes."""
        base = plandiff.base_of(text)
        if not base:
            return text
        if base[0] not in self.plans:
            raise plandiff.Mismatch(f"{name}.plan:1: there is no plan {base[0]}")
        where = os.path.basename(self.path(name))
        return plandiff.render(plandiff.apply(text, self.plans[base[0]], name, where))

    def problems(self, name):
        text = self.read(name)
        if text is None:
            return [f"{name}.plan is missing"]
        try:
            expected = self.expected(name, text)
        except plandiff.Mismatch as e:
            return [str(e)]
        if expected == self.now(name):
            return []
        return unified(expected, self.now(name)) or ["it is not the text, byte by byte"]

    def strays(self):
        files = (f[:-5] for f in sorted(os.listdir(self.folder)) if f.endswith(".plan"))
        return [f"{f}.plan has no config" for f in files if f not in self.names]

    def difference(self, name, bases):
        found = (plandiff.difference(self.plans[b], b, self.plans[name], name) for b in bases)
        return min(filter(None, found), key=lambda text: text.count("\n"), default=self.now(name))

    def renewed(self, name):
        """The new text of a golden file."""
        if name in BASES[:WHOLE] or name not in self.plans:
            return self.now(name)
        base = plandiff.base_of(self.read(name) or "")
        if base and base[0] in self.plans:
            return self.difference(name, [base[0]])
        return self.difference(name, BASES[:BASES.index(name) if name in BASES else len(BASES)])

    def update(self, name):
        if not self.problems(name):
            return
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(self.renewed(name))
        print(f"# {name}.plan is new")


def unnumbered(text):
    return [line[6:] if line.startswith(" ") else line for line in text.splitlines()]


def unified(golden, now):
    """The difference of two plans; numbers of steps are left out."""
    return list(difflib.unified_diff(unnumbered(golden), unnumbered(now), "golden", "now",
                                     lineterm="", n=2))


def main(args):
    program, folder, *only = args
    golden, tap = Golden(os.path.abspath(program), folder), Tap()
    for name in golden.names:
        if only and name not in only:
            continue
        if os.environ.get("CT_UPDATE"):
            golden.update(name)
        tap.check(name, golden.problems(name))
    tap.check("no file without a config", golden.strays())
    tap.done()


if __name__ == "__main__":
    main(sys.argv[1:])
