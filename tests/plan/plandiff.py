# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans as the difference from another plan.

A plan is a list of sections: a title and its steps, without their numbers. A section is a phase;
"said: ..." is one without steps, and the phases of a plan of hooks behind the line "after the end"
have that in their titles. A file with a difference reads

    base NAME[, KEY in line N]...       the plan it differs from. What there comes from a key of
                                        NAME.conf comes from that key of this plan's own config,
                                        in the same line or in line N
    TITLE                               a phase of the base, and what differs in it:
      ~ STEP                            this step stands where the base has another of its kind
      - STEP                            this step is taken away
      - WORDS ...                       the steps that begin with these words are, two or more
      = WORDS ...  # KEY (FILE:LINE)    the steps that begin with these words come from this key
      + STEP                            this one is added: behind the line above, or in its place
      behind WORDS                      the + lines below stand behind this step of the base,
      behind WORDS ...                  behind the last of those that begin with these words,
      first                             at the start of the phase,
      last                              at its end
    - TITLE                             the phase is taken away
    + TITLE, behind PHASE               one is added behind another, with all its steps
    + TITLE, at the start

All must fit: what is taken away or named has to be in the base exactly once.
"""
import re

AFTER = "after the end"
SOURCE = re.compile(r"  # (?P<key>\S+) \((?P<file>[^()]+):(?P<line>\d+)\)$")
BASE = re.compile(r"base ([\w-]+)((?:, \S+ in line \d+)*)$")
ADDED = re.compile(r"\+ (?P<title>.*), (?:at the start|behind (?P<behind>\w+))$")


class Mismatch(Exception):
    """A line of a difference does not fit its base."""


class Section:
    """A phase: its title, "NAME: by ACTOR", and its steps."""

    def __init__(self, title, steps=()):
        self.title, self.steps = title, list(steps)

    @property
    def phase(self):
        return self.title.split(":", 1)[0]


def parse(text):
    """The sections of a dump."""
    plan, after = [], ""
    for line in text.splitlines():
        if line == AFTER:
            after = f" {AFTER}"
        elif line.startswith(" "):
            plan[-1].steps.append(line.split(None, 1)[1])
        else:
            plan.append(Section(line + after))
    return plan


def render(plan):
    """The dump of sections, its steps counted."""
    lines, nr, after = [], 0, False
    for section in plan:
        title = section.title.removesuffix(f" {AFTER}")
        if title != section.title and not after:
            lines.append(AFTER)
            nr, after = 0, True
        lines.append(title)
        for step in section.steps:
            lines.append(f"{nr:4}  {step}")
            nr += 1
    return "".join(line + "\n" for line in lines)


def moved(plan, base, name, lines):
    """The base's plan with the sources of another config; lines: key -> line."""
    def source(m):
        line = lines.get(m["key"], m["line"])
        return f"  # {m['key']} ({name}.conf:{line})" if m["file"] == f"{base}.conf" else m[0]
    return [Section(s.title, [SOURCE.sub(source, step) for step in s.steps]) for s in plan]


def key_lines(plan, name):
    """key -> line, of the keys that this plan has in one line of its config."""
    found = {}
    for section in plan:
        for m in filter(None, map(SOURCE.search, section.steps)):
            if m["file"] == f"{name}.conf":
                found.setdefault(m["key"], set()).add(m["line"])
    return {key: lines.pop() for key, lines in found.items() if len(lines) == 1}


def begins(step, words):
    return step == words or step.startswith(words + " ")


def which(steps, words):
    """The indices of the steps that begin with these words."""
    return [i for i, s in enumerate(steps) if begins(s, words)]


def head(step):
    """A step up to its first string: what it does, and to what."""
    words = re.match(r'[^"]*"(?:\\.|[^"\\])*"|[^"]*$', SOURCE.sub("", step))[0]
    return words[:words.index('["')].rpartition(" ")[0] if '["' in words else words.rstrip()


def words_of(step, steps):
    """The first words of a step that tell it from the others."""
    for words in (head(step), SOURCE.sub("", step), step):
        if sum(begins(s, words) for s in steps) == 1:
            return words
    raise Mismatch(f"two steps cannot be told apart: {step}")


def same_kind(step, steps):
    """The indices of the steps that a changed step can stand for: those with the same head, else
    with the same first field, else with the same name."""
    for words in (head(step), " ".join(step.split(" ", 2)[:2]), step.split(" ", 1)[0]):
        found = which(steps, words)
        if found:
            break
    return found


def kind(step):
    """The words before a step's first string."""
    return step.split('"', 1)[0].rpartition(" ")[0]


# How a plan is made from a difference.

class Edit:
    """A phase of the base while the lines of a difference are applied to it."""

    def __init__(self, section):
        self.section, self.steps = section, list(section.steps)
        self.now = list(section.steps)  # None: taken away
        self.behind = [[] for _ in self.steps]
        self.first, self.last, self.here = [], [], None

    def untouched(self, found, least=1, most=1):
        found = [i for i in found if self.now[i] is self.steps[i]]
        if not least <= len(found) <= most:
            raise Mismatch(f"{len(found) or 'no'} steps of the base fit")
        return found

    def put(self, found, step):
        for i in found:
            self.now[i] = step
        self.here = self.behind[found[0]]

    def remove(self, text):
        if text.endswith(" ..."):
            found = which(self.steps, text[:-4])
            self.put(self.untouched(found, 2, len(self.steps)), None)
        else:
            self.put(self.untouched([i for i, s in enumerate(self.steps) if s == text]), None)

    def source(self, text):
        words, mark, source = text.partition(" ...  # ")
        if not mark:
            raise Mismatch("no source")
        found = which(self.steps, words)
        for i in self.untouched(found, 2, len(self.steps)):
            self.steps[i] = self.now[i] = f"{SOURCE.sub('', self.steps[i])}  # {source}"

    def anchor(self, words):
        many = words.endswith(" ...")
        words = words.removesuffix(" ...")
        found = which(self.steps, words)
        if many:
            found = self.untouched(found, 2, len(self.steps))[-1:]
        self.here = self.behind[self.untouched(found)[0]]

    def line(self, text):
        mark, _, rest = text.partition(" ")
        if mark == "-":
            self.remove(rest)
        elif mark == "~":
            self.put(self.untouched(same_kind(rest, self.steps)), rest)
        elif mark == "=":
            self.source(rest)
        elif mark == "behind":
            self.anchor(rest)
        elif text in ("first", "last"):
            self.here = getattr(self, text)
        elif mark == "+" and self.here is not None:
            self.here.append(rest)
        else:
            raise Mismatch("an added step without its place" if mark == "+" else "no such line")

    def close(self):
        steps = list(self.first)
        for step, behind in zip(self.now, self.behind):
            steps += ([step] if step else []) + behind
        self.section.steps = steps + self.last


class Change:
    """A plan while a difference is applied to it."""

    def __init__(self, plan):
        self.plan, self.edit = plan, None

    def at(self, name, value):
        found = [i for i, s in enumerate(self.plan) if getattr(s, name) == value]
        if len(found) != 1:
            raise Mismatch(f"{len(found) or 'no'} phases of the base fit")
        return found[0]

    def add(self, m):
        at = 0 if m["behind"] is None else self.at("phase", m["behind"]) + 1
        section = Section(m["title"])
        self.plan.insert(at, section)
        self.edit = Edit(section)
        self.edit.here = self.edit.last

    def line(self, line):
        if line.startswith("  "):
            if not self.edit:
                raise Mismatch("outside of a phase")
            self.edit.line(line[2:])
            return
        self.close()
        added = ADDED.match(line)
        if added:
            self.add(added)
        elif line.startswith("- "):
            del self.plan[self.at("title", line[2:])]
        else:
            self.edit = Edit(self.plan[self.at("title", line)])

    def close(self):
        if self.edit:
            self.edit.close()
        self.edit = None


def base_of(text):
    """The base's name and its key lines; None for a whole plan."""
    m = BASE.match(text.split("\n", 1)[0])
    return m and (m[1], dict(re.findall(r", (\S+) in line (\d+)", m[2])))


def apply(text, base_plan, name, where):
    """The plan that a file of differences describes."""
    base, lines = base_of(text)
    for key in lines:
        if key not in key_lines(base_plan, base):
            raise Mismatch(f"{where}:1: {base} has no single line with {key}")
    change = Change(moved(base_plan, base, name, lines))
    for nr, line in enumerate(text.splitlines()[1:], 2):
        try:
            change.line(line)
        except Mismatch as e:
            raise Mismatch(f"{where}:{nr}: {e}: {line.strip()}") from None
    change.close()
    return change.plan


# How a difference is made.

def common(a, b):
    """Longest common subsequence, as pairs of indices; the first of equals."""
    n = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            n[i][j] = n[i + 1][j + 1] + 1 if a[i] == b[j] else max(n[i + 1][j], n[i][j + 1])
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            yield i, j
            i, j = i + 1, j + 1
        elif n[i + 1][j] >= n[i][j + 1]:
            i += 1
        else:
            j += 1


def source_of(step):
    return step[len(SOURCE.sub("", step)):]


def same(a, b):
    return sum(map(str.__eq__, a, b))


def sourced(old, new):
    """The kinds of steps that are the same in both, but for the key that most of them come from:
    the lines that say so, and `old` with them."""
    lines = []
    for k in filter(None, dict.fromkeys(map(kind, old))):
        here, there = ([s for s in steps if begins(s, k)] for steps in (old, new))
        bare = [SOURCE.sub("", s) for s in here]
        if len(here) < 2 or bare != [SOURCE.sub("", s) for s in there]:
            continue
        sources = [source_of(s) for s in there]
        most = max(sources, key=sources.count)
        if most and same([s + most for s in bare], there) > same(here, there) + 1:
            lines.append(f"= {k} ...{most}")
            old = [SOURCE.sub("", s) + most if s in here else s for s in old]
    return lines, old


def grouped(old, kept):
    """The kinds of steps that are taken away by one line. Some may come back by a + line."""
    for k in filter(None, dict.fromkeys(map(kind, old))):
        found = which(old, k)
        back = sum(i in kept for i in found)
        if back + 1 < len(found) - back:
            yield k, found


def changed(old, new, kept, groups):
    """old index -> new index, of the steps that stand in the place of another of their kind."""
    found, taken = {}, set(kept.values())
    for j, step in enumerate(new):
        i, *more = same_kind(step, old) or [None]
        if j in taken or more or i is None or i in kept or i in groups:
            continue
        if all((a < i) == (b < j) for a, b in [*kept.items(), *found.items()] if a != i):
            found[i] = j
    return found


def place(i, old, kept):
    """The line that says that what follows stands behind this step."""
    k = kind(old[i])
    like = [n for n in which(old, k) if n in kept] if k else []
    if len(like) > 1 and like[-1] == i:
        return f"behind {k} ..."
    return f"behind {words_of(old[i], old)}"


def section_lines(old, new):
    """The lines that make the steps `new` out of `old`."""
    lines, old = sourced(old, new)
    kept, groups = dict(common(old, new)), {}
    for words, found in grouped(old, kept):
        for i in found:
            kept.pop(i, None)
            groups[i] = words
    change = changed(old, new, kept, groups)
    anchor, j = "first", 0
    for i in range(len(old) + 1):
        end = len(new) if i == len(old) else kept.get(i, change.get(i))
        if end is None:
            line = f"- {groups[i]} ..." if i in groups else f"- {old[i]}"
            if line not in lines:
                lines.append(line)
                anchor = None
            continue
        if j < end:
            lines += [anchor if i < len(old) else "last"] if anchor else []
            lines += [f"+ {step}" for step in new[j:end]]
        if i in change:
            lines.append(f"~ {new[end]}")
        anchor = place(i, old, kept) if i in kept else None
        j = end + 1
    return ["  " + line for line in lines]


def compare(old, new):
    """The lines that make the plan `new` out of `old`."""
    titles = [s.title for s in old], [s.title for s in new]
    pairs = {j: i for i, j in common(*titles)}
    gone = [f"- {t}" for i, t in enumerate(titles[0]) if i not in pairs.values()]
    lines = []
    for j, section in enumerate(new):
        if j in pairs:
            edits = section_lines(old[pairs[j]].steps, section.steps)
            lines += [section.title] * bool(edits) + edits
        else:
            place = f"behind {new[j - 1].phase}" if j else "at the start"
            lines += [f"+ {section.title}, {place}"] + [f"  + {s}" for s in section.steps]
    return gone + lines


def difference(base_plan, base, plan, name):
    """The text of a plan's file over this base; None where there is no saying it."""
    before, now = key_lines(base_plan, base), key_lines(plan, name)
    lines = {k: now[k] for k in before if k in now and now[k] != before[k]}
    head = f"base {base}" + "".join(f", {k} in line {n}" for k, n in lines.items())
    try:
        text = "\n".join([head] + compare(moved(base_plan, base, name, lines), plan)) + "\n"
        return text if render(apply(text, base_plan, name, name)) == render(plan) else None
    except Mismatch:
        return None
