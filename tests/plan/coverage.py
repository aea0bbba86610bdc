# SPDX-License-Identifier: LGPL-2.1-or-later
"""The golden plans, taken together, show every step and use every key of the table."""
import glob
import os
import re
import sys

sys.path[:0] = [os.path.join(sys.argv[1], "tests", "house"), os.path.join(sys.argv[1], "scripts")]
from house import Tap, read  # noqa: E402
from steps import steps  # noqa: E402

ROOT = sys.argv[1]
PLANS = sorted(glob.glob(os.path.join(ROOT, "tests/plan/*.plan")))
INCLUDED = glob.glob(os.path.join(ROOT, "tests/plan/include/**"), recursive=True)
CONFS = sorted(glob.glob(os.path.join(ROOT, "tests/plan/*.conf"))) + \
    [p for p in INCLUDED if os.path.isfile(p)]


def text(paths):
    out = ""
    for p in paths:
        with open(p, encoding="utf-8") as f:
            out += f.read() + "\n"
    return out


def unseen():
    shown = text(PLANS)
    for s in steps():
        if not re.search(rf"(?<![\w.]){re.escape(s.name)}(?![\w.])", shown):
            yield f"no golden plan shows {s.name}"


def keys():
    table = read(ROOT, "lib/model/key.c").split("ct_keys[] = {", 1)[1].split("\n};", 1)[0]
    used = {
        re.sub(r"^lxc\.", "", k) for k in re.findall(r"^\s*([a-z][\w.-]*)\s*=", text(CONFS), re.M)
    }
    for key in sorted(set(re.findall(r'^\t\{ "([a-z0-9_.*-]+)",', table, re.M))):
        pattern = re.compile("^" + re.escape(key).replace(r"\*", r"[\w.-]+") + "$")
        if not any(pattern.match(u) for u in used):
            yield f"no golden config uses {key}"


def whole():
    """Plans that are no difference from another."""
    for path in PLANS:
        if not text([path]).startswith(("base ", "refused: ")):
            name = os.path.basename(path)[:-len(".plan")]
            if name not in ("attach", "default"):
                yield f"{name}.plan is a whole plan"


tap = Tap()
tap.check("at least 40 golden plans", [] if len(PLANS) >= 40 else [f"{len(PLANS)}"])
tap.check("each config has its plan",
          (p for p in CONFS if "/include/" not in p and p[:-5] + ".plan" not in PLANS))
tap.check("two plans are whole", whole())
tap.check("every step is shown", unseen())
tap.check("every key is used", keys())
tap.done()
