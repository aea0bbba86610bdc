# SPDX-License-Identifier: LGPL-2.1-or-later
"""Of twins one is linked: static tools have the one for static programs, and nothing twice."""
import collections
import os
import subprocess
import sys

from house import Tap

BUILD = sys.argv[2]
ARCHIVE = os.path.join(BUILD, "tools", "libcontain-in-tools.a")


def defined():
    """The functions that the archive defines, and by which objects."""
    found = collections.defaultdict(list)
    out = subprocess.run(["nm", "-A", ARCHIVE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=True).stdout
    for line in out.splitlines():
        where, _, rest = line.rpartition(":")
        words = rest.split()
        if len(words) == 3 and words[1] == "T":
            found[words[2]].append(os.path.basename(where.rpartition(":")[2] or where))
    return found


def twice(found):
    if len(found) < 300:
        yield f"only {len(found)} functions in {ARCHIVE}"
    for name, objects in sorted(found.items()):
        if len(objects) > 1:
            yield f"{name}: {', '.join(objects)}"


tap = Tap()
if not os.path.exists(ARCHIVE):
    print("1..0 # SKIP the tools of this build are not static")
    sys.exit(0)
FOUND = defined()
tap.check("no function is in static tools twice", twice(FOUND))
tap.check("static tools have the twin of systemd for static programs",
          [] if "systemd-static.c.o" in FOUND["ct_systemd_usable"] else FOUND["ct_systemd_usable"])
tap.done()
