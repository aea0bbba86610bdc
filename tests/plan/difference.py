# SPDX-License-Identifier: LGPL-2.1-or-later
"""Differences of plans (plandiff.py): what does not fit fails, with its line; the order of steps is
kept; a step more in the base changes no difference."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "house"))
from house import Tap  # noqa: E402
import plandiff  # noqa: E402

BASE = """\
host: by launcher
   0  mount.clone tree=root from=rootfs  # rootfs.path (b.conf:1)
new: by init
   1  proc.session
   2  net.loopback
mask: by init
   3  mount.mask under=proc at="keys" optional
   4  mount.mask under=proc at="kmsg" optional
   5  mount.mask under=sysfs at="firmware" optional
exec: by init
   6  id.signals
   7  run.exec path="/sbin/init" argv=["/sbin/init"]
"""

# All steps of one kind.
MASKS = """\
   3  mount.mask under=proc at="keys" optional
   4  mount.mask under=proc at="kmsg" optional
"""

# What a difference says, and the failure: line and words.
WRONG = {
    "a step that the base lacks": ('mask: by init\n  - mount.mask under=proc at="key" optional',
                                   "p.plan:3: no steps"),
    "a step with other flags": ('mask: by init\n  - mount.mask under=proc at="keys"',
                                "p.plan:3: no steps"),
    "a step taken away twice": ("new: by init\n  - proc.session\n  - proc.session", "p.plan:4: no"),
    "a group of one": ("mask: by init\n  - mount.mask under=sysfs ...", "p.plan:3: 1 steps"),
    "a group of none": ("mask: by init\n  - mount.bind ...", "p.plan:3: no steps"),
    "a place that is not there": ("new: by init\n  behind proc.limits\n  + a",
                                 "p.plan:3: no steps"),
    "a place that is there twice": ("mask: by init\n  behind mount.mask under=proc\n  + a",
                                    "p.plan:3: 2 steps"),
    "a place taken away": ("new: by init\n  - net.loopback\n  behind net.loopback\n  + a",
                           "p.plan:4: no steps"),
    "a step without a place": ("new: by init\n  + id.keyring", "p.plan:3: an added step without"),
    "a change of nothing": ("new: by init\n  ~ id.keyring", "p.plan:3: no steps"),
    "a change of one of many": ('mask: by init\n  ~ mount.mask under=proc at="bus"',
                                "p.plan:3: 2 steps"),
    "a source of one": ("mask: by init\n  = mount.mask under=sysfs ...  # mount.auto (p.conf:2)",
                        "p.plan:3: 1 steps"),
    "a source that is none": ("mask: by init\n  = mount.mask under=proc ...",
                              "p.plan:3: no source"),
    "a phase that is not there": ("pivot: by init\n  last\n  + a", "p.plan:2: no phases"),
    "a phase with another actor": ("mask: by launcher\n  last\n  + a", "p.plan:2: no phases"),
    "a phase to be taken away": ("- pivot: by init", "p.plan:2: no phases"),
    "a phase behind none": ("+ ready: by launcher, behind pivot\n  + a", "p.plan:2: no phases"),
    "a mark that is none": ("new: by init\n  * proc.session", "p.plan:3: no such line"),
    "a step outside": ("  + proc.session", "p.plan:2: outside"),
}

# Words in the base and what stands for them in the plan; the difference without its first line.
CHANGES = {
    "added": ("net.loopback", "net.loopback\n   9  a.b", "new: by init\n  last\n  + a.b\n"),
    "added in front": ("proc.session", "a.b\n   9  proc.session",
                       "new: by init\n  first\n  + a.b\n"),
    "added between": ('1  proc.session', '1  proc.session\n   9  a.b',
                      "new: by init\n  behind proc.session\n  + a.b\n"),
    "changed": ('path="/sbin/init"', 'path="/bin/sh"',
                'exec: by init\n  ~ run.exec path="/bin/sh" argv=["/sbin/init"]\n'),
    "two in the other order": ("proc.session\n   2  net.loopback",
                               "net.loopback\n   2  proc.session",
                               "new: by init\n  - proc.session\n  last\n  + proc.session\n"),
    "a flag": ('"kmsg" optional', '"kmsg" strict',
               'mask: by init\n  ~ mount.mask under=proc at="kmsg" strict\n'),
    "the last of a kind": ('"kmsg" optional', '"kmsg" optional\n   9  a.b',
                           "mask: by init\n  behind mount.mask under=proc ...\n  + a.b\n"),
    "a source": ("(b.conf:1)", "(b.conf:7)", None),
    "a phase more": ("exec: by init", "ready: by launcher\n   9  run.hook\nexec: by init",
                     "+ ready: by launcher, behind mask\n  + run.hook\n"),
    "hooks of the end": ('["/sbin/init"]\n',
                         '["/sbin/init"]\nafter the end\nexec: by init\n   0  a\n',
                         "+ exec: by init after the end, behind exec\n  + a\n"),
}


def plan_of(text):
    return plandiff.parse(text.replace("b.conf", "p.conf"))


def wrong(lines, message):
    try:
        plandiff.apply(f"base b\n{lines}\n", plandiff.parse(BASE), "p", "p.plan")
    except plandiff.Mismatch as e:
        return [] if str(e).startswith(message) else [f"{e}, not {message}"]
    return ["it is taken"]


def change(old, new, wanted):
    plan = plan_of(BASE.replace(old, new))
    text = plandiff.difference(plandiff.parse(BASE), "b", plan, "p")
    head, _, body = text.partition("\n")
    if wanted is None:
        return [] if (head, body) == ("base b, rootfs.path in line 7", "") else [text]
    if body != wanted:
        return text.splitlines()
    back = plandiff.render(plandiff.apply(text, plandiff.parse(BASE), "p", "p.plan"))
    return [] if back == plandiff.render(plan) else back.splitlines()


def one_more(first, step):
    """The base gets a step in front of another, the plan that differs from it, too."""
    more = BASE.replace(first, f"{step}\n   9  {first}")
    for name, (old, new, _) in CHANGES.items():
        text = plandiff.difference(plandiff.parse(BASE), "b", plan_of(BASE.replace(old, new)), "p")
        again = plandiff.difference(plandiff.parse(more), "b", plan_of(more.replace(old, new)), "p")
        if text != again:
            yield f"{name}: {text!r} becomes {again!r}"


def behind_one_more():
    kmsg = 'at="kmsg" optional'
    more = BASE.replace(kmsg, f'{kmsg}\n   9  mount.mask under=proc at="mem"')
    text = "base b\nmask: by init\n  behind mount.mask under=proc ...\n  + a.b\n"
    steps = plandiff.apply(text, plandiff.parse(more), "p", "p.plan")[2].steps
    return [] if steps.index("a.b") == 3 else steps


tap = Tap()
tap.check("text to plan and back",
          [] if plandiff.render(plandiff.parse(BASE)) == BASE else ["it is another one"])
for name, row in WRONG.items():
    tap.check(f"refused: {name}", wrong(*row))
for name, row in CHANGES.items():
    tap.check(name, change(*row))
tap.check("all of a kind",
          change(MASKS, "", "mask: by init\n  - mount.mask under=proc ...\n"))
tap.check("a masked path more changes no difference",
          one_more('mount.mask under=proc at="kmsg"', 'mount.mask under=proc at="mem" optional'))
tap.check("what stands behind a kind stands behind one more of it", behind_one_more())
tap.check("a step more changes no difference", one_more("id.signals", "id.keyring"))
tap.done()
