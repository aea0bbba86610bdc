# SPDX-License-Identifier: LGPL-2.1-or-later
"""Configures and builds one build directory, once for each run."""
import os
import subprocess

done = {}


def call(cmd, env=None):
    full = dict(os.environ, **(env or {}))
    r = subprocess.run(cmd, env=full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return r.returncode, r.stdout


def tail(out, lines=120):
    return "\n".join("    | " + line for line in out.splitlines()[-lines:])


def make(top, b, jobs):
    """Builds `b`; "" or what went wrong."""
    if b.dir in done:
        return done[b.dir]
    error = ""
    rc, out = 0, ""
    if not os.path.exists(os.path.join(b.dir, "build.ninja")):
        print(f"configuring {b.dir}", flush=True)
        rc, out = call(["meson", "setup", b.dir, top, *b.options], b.env)
    if rc == 0:
        print(f"building {b.dir}", flush=True)
        rc, out = call(["ninja", "-C", b.dir, f"-j{jobs}"])
    if rc != 0:
        error = tail(out)
    done[b.dir] = error
    return error
