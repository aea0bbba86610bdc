# SPDX-License-Identifier: LGPL-2.1-or-later
"""forms.py PLAN-DUMP DIR: the JSON of each plan says what its text says, step by step."""
import json
import os
import re
import sys

from golden import Tap, dumps, refused
from plandiff import AFTER

TOKEN = re.compile(r'([a-z_]+)=(\[[^"\]]*(?:"(?:\\.|[^"\\])*"[^"\]]*)*\]|"(?:\\.|[^"\\])*"|\S+)'
                   r"|([a-z-]+)")
STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
ORIGIN = re.compile(r"  # (\S+)(?: \((.*):(\d+)\))?$")
ESCAPES = {"n": "\n", "t": "\t"}


def string(quoted):
    def character(m):
        return chr(int(m[1][1:], 16)) if len(m[1]) > 1 else ESCAPES.get(m[1], m[1])
    text = re.sub(r"\\(x[0-9a-f]{2}|.)", character, quoted)
    return text.encode("latin-1").decode("utf-8")


def value(text):
    """A field's value as JSON has it. Slots stay words."""
    if text[0] == "[":
        return [string(s) for s in STRING.findall(text)]
    if text[0] == '"':
        return string(text[1:-1])
    if re.fullmatch(r"0[0-7]+", text):
        return int(text, 8)
    return int(text, 0) if re.fullmatch(r"-?\d+|0x[0-9a-f]+", text) else text


def step_of(line, phase):
    """The object that a line of text stands for."""
    nr, rest = line.split(None, 1)
    name, actor = phase.split(": by ")
    origin = ORIGIN.search(rest)
    op, _, fields = (rest[:origin.start()] if origin else rest).partition(" ")
    step = {"step": int(nr), "phase": name, "actor": actor, "op": op, "args": {}, "flags": []}
    for field, text, flag in TOKEN.findall(fields):
        if flag:
            step["flags"].append(flag)
        else:
            step["args"][field] = value(text)
    if origin:
        step["key"] = origin[1]
        if origin[2]:
            step.update(file=origin[2], line=int(origin[3]))
    return step


def objects(text):
    """The JSON lines of a text plan, which has the blanks in the names of its slots as dashes."""
    phase = ""
    for line in text.splitlines():
        if line.startswith(" "):
            yield step_of(line, phase)
        phase = phase if line.startswith(" ") else line


def slots_dashed(step, text_step):
    args = step["args"]
    for field, word in text_step["args"].items():
        if isinstance(args.get(field), str) and args[field].replace(" ", "-") == word:
            args[field] = word
    return step


def lines(step):
    return json.dumps(step, separators=(",", ":"), ensure_ascii=False)


def compare(text, now):
    """What differs between the text of one plan and its JSON."""
    if not now.startswith('{"version":1,"steps":[\n') or not now.endswith("\n]}\n"):
        yield "the frame is another one"
        return
    found, wanted = json.loads(now)["steps"], list(objects(text))
    rows = now.splitlines()[1:-1]
    if len(found) != len(wanted) or len(rows) != len(wanted):
        yield f"{len(found)} steps in {len(rows)} lines, {len(wanted)} in the text"
    for step, want, row in zip(found, wanted, rows):
        if lines(step) != row.rstrip(","):
            yield f"not as it is written: {row}"
        if lines(slots_dashed(step, want)) != lines(want):
            yield f"text: {lines(want)}"
            yield f"JSON: {row}"


def without_said(text):
    return "".join(line for line in text.splitlines(True) if not line.startswith("said: "))


def problems(text, now):
    if refused(text):
        return [] if text == now else ["the error is another one"]
    texts, jsons = (without_said(t).split(AFTER + "\n") for t in (text, now))
    if len(texts) != len(jsons):
        return [f"{len(texts)} plans as text, {len(jsons)} as JSON"]
    return [p for pair in zip(texts, jsons) for p in compare(*pair)]


plans, tap = dumps(os.path.abspath(sys.argv[1]), sys.argv[2]), Tap()
for plan, form in plans:
    if form == "text":
        tap.check(plan, problems(plans[plan, "text"], plans[plan, "json"]))
tap.done()
