# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the house tests share: the sources, their functions, and a report in TAP."""
import os
import re
import sys

from tokens import tokens

C_DIRS = ("lib", "tools", "include", "tests", "bindings")


class Tap:
    """Collects results; done() prints them and ends the program."""

    def __init__(self):
        self.rows = []

    def check(self, name, problems):
        self.rows.append((name, list(problems)))

    def skip(self, name, why):
        self.rows.append((f"{name} # SKIP {why}", []))

    def done(self):
        print(f"1..{len(self.rows)}")
        for nr, (name, problems) in enumerate(self.rows, 1):
            print(f"{'not ' if problems else ''}ok {nr} - {name}")
            for p in problems[:200]:
                print(f"# {p}")
        sys.exit(1 if any(p for _n, p in self.rows) else 0)


def top():
    return sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(root, dirs=C_DIRS, ends=(".c", ".h")):
    """Paths below root, relative to it, sorted."""
    found = []
    for d in dirs:
        for base, subdirs, names in os.walk(os.path.join(root, d)):
            subdirs[:] = [s for s in subdirs if not s.startswith((".", "build"))]
            found += [
                os.path.relpath(os.path.join(base, n), root) for n in names if n.endswith(ends)
            ]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def scripts(root):
    """Programs without an ending, relative to root."""
    for base, subdirs, names in os.walk(root):
        subdirs[:] = sorted(s for s in subdirs if not s.startswith("build") and s != ".git")
        for name in sorted(names):
            full = os.path.join(base, name)
            if "." not in name and os.path.isfile(full) and not os.path.islink(full):
                with open(full, "rb") as f:
                    if f.read(2) == b"#!":
                        yield os.path.relpath(full, root)


TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def blank(text, keep_strings=False):
    """The text with comments (and the insides of strings) as blanks; lines stay where they are."""
    def cover(m):
        t = m.group(0)
        if t[0] in "\"'":
            return t if keep_strings else t[0] + " " * (len(t) - 2) + t[-1]
        return re.sub(r"[^\n]", " ", t)
    return TOKEN.sub(cover, text)


HEAD = re.compile(
    r"^(?P<head>[A-Za-z_][^;{}#=]*?\b(?P<name>[A-Za-z_]\w*)\s*\((?P<args>[^;{}]*)\)[^;{}()]*(?:__attribute__\s*\(\(.*\)\))?\s*)$",
    re.S)


class Function:
    """A function definition: where, how long, whether static, and the text between the last
    definition and it."""

    def __init__(self, path, name, head, line, end, body):
        self.path, self.name, self.head, self.body = path, name, head, body
        self.line, self.end = line, end
        self.static = bool(re.search(r"\bstatic\b", head))
        self.lines = end - line + 1

    def tokens(self):
        """How many tokens it has, from its type to its last brace."""
        return len(tokens(self.head + self.body))

    def __str__(self):
        return f"{self.path}:{self.line}: {self.name}"


def functions(path, text):
    """Function definitions at file level, by counting braces in the blanked text."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  blank(text), flags=re.M)
    found, depth, start, opened = [], 0, 0, 0
    for m in re.finditer(r"[{};]", code):
        c = m.group(0)
        if c == "{":
            if depth == 0:
                opened = m.start()
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0:
                chunk = code[start:opened]
                lead = len(chunk) - len(chunk.lstrip())
                head = HEAD.match(chunk.strip())
                if head and not re.match(r"\s*(struct|union|enum|extern)\b[^(]*$", chunk):
                    line = code.count("\n", 0, start + lead) + 1
                    end = code.count("\n", 0, m.start()) + 1
                    found.append(
                        Function(path, head["name"], head["head"], line, end, code[opened:m.end()]))
                start = m.end()
        elif depth == 0:
            start = m.end()
    return found


def comment_above(text, line):
    """True when a comment ends on the line above (attributes and macros between are fine)."""
    lines = text.splitlines()
    i = line - 2
    while i >= 0 and re.match(r"\s*(__attribute__|CT_[A-Z_]+\s*$)", lines[i]):
        i -= 1
    return i >= 0 and lines[i].rstrip().endswith("*/")
