# SPDX-License-Identifier: LGPL-2.1-or-later
"""The golden plans, taken together, show every step and use every key of the table."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "house"))
from house import Tap, read  # noqa: E402

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


def steps():
    shown = text(PLANS)
    for name in re.findall(r'^CT_STEP\(\w+,\s*"([^"]+)"', read(ROOT, "lib/wire/steps.def"), re.M):
        if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", shown):
            yield f"no golden plan shows {name}"


def keys():
    table = read(ROOT, "lib/model/key.c").split("ct_keys[] = {", 1)[1].split("\n};", 1)[0]
    used = {re.sub(r"^lxc\.", "", k) for k in re.findall(r"^\s*([a-z][\w.-]*)\s*=", text(CONFS), re.M)}
    for key in sorted(set(re.findall(r'^\t\{ "([a-z0-9_.*-]+)",', table, re.M))):
        pattern = re.compile("^" + re.escape(key).replace(r"\*", r"[\w.-]+") + "$")
        if not any(pattern.match(u) for u in used):
            yield f"no golden config uses {key}"


tap = Tap()
tap.check("at least 40 golden plans", [] if len(PLANS) >= 40 else [f"{len(PLANS)}"])
tap.check("each config has its plan", (p for p in CONFS if "/include/" not in p and p[:-5] + ".plan" not in PLANS))
tap.check("every step is shown", steps())
tap.check("every key is used", keys())
tap.done()
