# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeds that a program makes are what it makes today: seeds.py PROGRAM CORPUS. With CT_UPDATE=1
they are written anew."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "house"))
from house import Tap  # noqa: E402


def content(directory):
    found = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as f:
            found[name] = f.read()
    return found


def stale(program, corpus):
    with tempfile.TemporaryDirectory(prefix="ct-seeds-") as new:
        r = subprocess.run([program, new], stderr=subprocess.PIPE, text=True, check=False)
        if r.returncode:
            yield from r.stderr.splitlines() or [f"exit code {r.returncode}"]
            return
        want = content(new)
    if os.environ.get("CT_UPDATE"):
        for name in content(corpus):
            os.unlink(os.path.join(corpus, name))
        for name, data in want.items():
            with open(os.path.join(corpus, name), "wb") as f:
                f.write(data)
    have = content(corpus)
    differing = [n for n in sorted({*want, *have}) if want.get(n) != have.get(n)]
    if differing:
        yield f"CT_UPDATE=1 makes them anew: {' '.join(differing)}"


tap = Tap()
tap.check("the seeds are those of the rows and of the message's form",
          stale(sys.argv[1], sys.argv[2]))
tap.done()
