# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tokens of C: words, numbers, literals and operators. Comments are none, and literals
side by side are one."""
import re
from collections import namedtuple

Token = namedtuple("Token", "kind text line")

SCANNER = re.compile(
    r"""
    (?P<blank>\s+|\\\n|//[^\n]*|/\*.*?\*/)
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<char>[uUL]?'(?:\\.|[^'\\\n])*')
  | (?P<number>\.?[0-9](?:[eEpP][+-]|[0-9A-Za-z_.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|[-+*/%&|^~!<>=?:;,.(){}\[\]\#\\@$`])
""", re.S | re.X)


def tokens(text):
    """All of them, in order. A character that begins none is a ValueError: then this does
    not read C any more."""
    at, line, found = 0, 1, []
    while at < len(text):
        m = SCANNER.match(text, at)
        if not m:
            raise ValueError(f"line {line}: no token begins with {text[at:at + 10]!r}")
        kind, word = m.lastgroup, m.group(0)
        if kind == "string" and found and found[-1].kind == "string":
            found[-1] = found[-1]._replace(text=found[-1].text[:-1] + word[word.index('"') + 1:])
        elif kind != "blank":
            found.append(Token(kind, word, line))
        line += word.count("\n")
        at = m.end()
    return found


def conditionals(text):
    """Lines of the conditional expressions, and of those that stand in another's last part
    (a ? b : c ? d : e)."""
    lines, chained, depth, open_at = [], [], 0, {}
    for t in tokens(text):
        if t.kind != "op":
            continue
        if t.text in "([{":
            depth += 1
            open_at[depth] = 0
        elif t.text in ")]}":
            depth -= 1
        elif t.text in ";,":
            open_at[depth] = 0
        elif t.text == "?":
            lines.append(t.line)
            if open_at.get(depth):
                chained.append(t.line)
            open_at[depth] = open_at.get(depth, 0) + 1
    return lines, chained
