# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library with another C library's headers: each of its files compiles against musl."""
import concurrent.futures
import glob
import os
import shutil
import sys
import tempfile

from tap import Tap, succeeds

SOURCE, BUILD = sys.argv[1:3]
FLAGS = [
    "-std=gnu11", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-O1", "-Wall", "-Wextra", "-Werror",
    "-Wno-missing-field-initializers", "-fvisibility=hidden", "-fno-strict-aliasing", "-fPIC"
]


def headers(where):
    """The kernel's headers and those of libraries without those of the C library that they stand
    beside."""
    for d in ("linux", "asm", "asm-generic"):
        for at in ["/usr/include/" + d, *glob.glob("/usr/include/*-linux-gnu/" + d)]:
            if os.path.isdir(at) and not os.path.exists(os.path.join(where, d)):
                os.symlink(at, os.path.join(where, d))
    os.mkdir(os.path.join(where, "sys"))
    for name in ("sys/capability.h", "seccomp.h", "seccomp-syscalls.h", "json-c",
                 "sys/apparmor.h", "selinux"):
        os.symlink("/usr/include/" + name, os.path.join(where, name))


tap = Tap()
compiler = shutil.which("musl-gcc")
if not compiler:
    print("1..0 # SKIP there is no musl-gcc")
    sys.exit(0)
# the stage is a program of its own, which is built with musl anyway
files = [
    f for f in sorted(glob.glob(SOURCE + "/lib/**/*.c", recursive=True)) if "/lib/stage/" not in f
]
with tempfile.TemporaryDirectory() as tmp, concurrent.futures.ThreadPoolExecutor(2) as pool:
    headers(tmp)
    places = [
        f"-I{os.path.join(top, d)}" for top in (BUILD, SOURCE)
        for d in ("include", "include/contain", "lib", "lib/api")
    ]
    jobs = {
        f: pool.submit(succeeds, [
            compiler, *FLAGS, *places, "-idirafter", tmp, "-c", "-o",
            os.path.join(tmp, f.replace("/", "_")), f
        ]) for f in files
    }
    tap.check("there are files", "" if len(files) > 120 else str(files))
    for f, job in jobs.items():
        tap.check(os.path.relpath(f, SOURCE), job.result())
tap.done()
