# SPDX-License-Identifier: LGPL-2.1-or-later
"""A meson project that has this one as its subproject: builds without our tests and
tools, links, runs."""
import os
import shutil
import sys
import tempfile

from tap import Tap, output, succeeds

SOURCE, _BUILD = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = """project('outer', 'c', default_options: ['default_library=static'])
contain = dependency('libcontain', fallback: ['libcontain', 'libcontain_dep'])
executable('consumer', 'consumer.c', dependencies: contain)
"""

tap = Tap()
with tempfile.TemporaryDirectory() as tmp:
    outer, build = os.path.join(tmp, "outer"), os.path.join(tmp, "b")
    os.makedirs(os.path.join(outer, "subprojects"))
    os.symlink(SOURCE, os.path.join(outer, "subprojects", "libcontain"))
    shutil.copy(os.path.join(HERE, "consumer.c"), outer)
    with open(os.path.join(outer, "meson.build"), "w", encoding="ascii") as f:
        f.write(PROJECT)
    error = succeeds(["meson", "setup", "--wrap-mode=forcefallback", build, outer])
    tap.check("configures", error)
    if not error:
        error = succeeds(["ninja", "-C", build, "-j2", "consumer"])
        tap.check("builds", error)
    if not error:
        rc, out = output([os.path.join(build, "consumer")])
        tap.check("runs", "" if rc == 0 else f"exit code {rc}\n{out}")
tap.done()
