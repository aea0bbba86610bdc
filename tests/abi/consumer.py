# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small program, built by pkg-config against an installed copy, shared and static, as C
and as C++, then run."""
import os
import shutil
import sys
import tempfile

from tap import Tap, output, succeeds

SOURCE, BUILD = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
tap = Tap()
with tempfile.TemporaryDirectory() as tmp:
    root = os.path.join(tmp, "root")
    problem = succeeds(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root])
    tap.check("meson install", problem)
    pc = next((b for b, _d, names in os.walk(root) if "libcontain.pc" in names), None)
    tap.check("libcontain.pc is installed", "" if pc else "nowhere")
    if pc:
        env = dict(os.environ, PKG_CONFIG_PATH=pc, PKG_CONFIG_SYSROOT_DIR=root)
        libdir = os.path.dirname(pc)

        def flags(*args):
            rc, out = output(["pkg-config", *args, "libcontain"], env=env)
            tap.check(f"pkg-config {' '.join(args)}", "" if rc == 0 else out)
            # the sysroot is put before the system's own folders, too: those stay what they are
            return [f for f in out.split() if rc == 0]

        cflags, shared, static = flags("--cflags"), flags("--libs"), flags("--static", "--libs")
        source = os.path.join(HERE, "consumer.c")
        sanitize = ["-fsanitize=address,undefined"
                    ] if os.environ.get("CT_SANITIZED") == "address" else []
        rows = [("shared", ["gcc", "-std=c99"], shared, []),
                ("static library", ["gcc", "-std=c99"], static, ["-l:libcontain.a"]),
                ("C++", ["g++", "-std=c++11", "-xc++"], shared, [])]
        if not sanitize:
            rows.append(("all static", ["gcc", "-std=c99", "-static"], static, []))
        for name, compiler, libs, extra in rows:
            program = os.path.join(tmp, "program")
            if not shutil.which(compiler[0]):
                tap.skip(name, f"no {compiler[0]}")
                continue
            libs = [x for x in libs if not (extra and x == "-lcontain")]
            error = succeeds([
                *compiler, "-Wall", "-Wextra", "-Werror", *sanitize, *cflags, source, "-xnone",
                "-o", program, *extra, *libs
            ])
            if not error:
                rc, out = output([program], env=dict(
                    os.environ, LD_LIBRARY_PATH=libdir + ":" + os.path.join(libdir, "..")))
                error = "" if rc == 0 else f"exit code {rc}\n{out}"
            tap.check(f"build and run: {name}", error)
        privileged = [
            os.path.join(b, n)
            for b, _d, names in os.walk(root)
            for n in names
            if not os.path.islink(os.path.join(b, n)) and os.stat(os.path.join(b, n)).st_mode &
            0o6000
        ]
        tap.check("nothing installed is setuid", "\n".join(privileged))
        headers = sorted(
            n for b, _d, names in os.walk(os.path.join(root, "usr/local/include")) for n in names)
        tap.check("installed headers",
                  "" if headers == ["contain.h", "errors.h", "version.h"] else str(headers))
tap.done()
