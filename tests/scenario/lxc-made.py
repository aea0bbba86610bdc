# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Containers that LXC's own lxc-create has made, as they are: not a line of theirs is changed.
They start, answer, reboot and stop in their own way, from LXC's directory and from a config
that is handed over.
"""
import os
import re
import shutil
import subprocess
import time

from scene import Scene

NET = "lxc.net.0.type = empty\n"
MAPPED = "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n"
# what lxc-create is given as its default config: name, lines
ROWS = (("plain", NET), ("mapped", NET + MAPPED))


def make(s, lxcpath, name, lines):
    """By lxc-create. Its config, as a text."""
    given = os.path.join(s.base, name + ".conf")
    with open(given, "w", encoding="utf-8") as f:
        f.write(lines)
    r = subprocess.run(["lxc-create", "-P", lxcpath, "-n", name, "-t", "busybox", "-f", given],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                       timeout=120)
    s.check(f"{name}: lxc-create", r.returncode == 0, r.stdout, r.stderr)
    with open(os.path.join(lxcpath, name, "config"), encoding="utf-8") as f:
        return f.read()


def live(s, name, *where):
    """From the start to the stop of one that is asked by its own signals."""
    def run(tool, *args, **more):
        return s.run(tool, *where, *args, place=False, **more)

    def inside(*cmd):
        return run("ct-attach", "--", *cmd)

    def pid():
        out = run("ct-info", "-pH")[1].strip()
        return int(out) if out.isdigit() else 0

    def up(what):
        s.check(f"{name}: {what}", s.until(lambda: inside("pidof", "syslogd")[0] == 0, 60),
                *run("ct-info"))
    up("its init has done its work")
    out = inside("sh", "-c", "hostname; cat /proc/1/comm")[1]
    s.check(f"{name}: it answers", re.fullmatch(r"[a-z]+\ninit\n", out), out)
    ids, before = [inside("cat", "/proc/sys/kernel/random/boot_id")[1]], pid()
    code, _, err = run("ct-stop", "-r", "-t", "60", timeout=90)
    s.check(f"{name}: reboot", code == 0 and s.until(lambda: pid() not in (0, before), 60), code,
            err)
    up("and has again")
    ids.append(inside("cat", "/proc/sys/kernel/random/boot_id")[1])
    s.check(f"{name}: another boot", len(set(ids)) == 2 and all(len(i) == 37 for i in ids), *ids)
    began = time.monotonic()
    # busybox's init waits a second for those that it has sent SIGTERM, and one for those that it
    # has sent SIGKILL; nobody kills it
    code, _, err = run("ct-stop", "--nokill", "-t", "60", timeout=90)
    print(f"## {name}: stopped in {time.monotonic() - began:.1f} s", flush=True)
    s.check(f"{name}: it stops", code == 0, code, err)


def main():
    s = Scene()
    if not shutil.which("lxc-create"):
        s.skip("there is no lxc-create")
    os.chmod(s.base, 0o755)
    lxcpath = os.path.join(s.base, "lxc")
    os.mkdir(lxcpath)
    for name, lines in ROWS:
        before = make(s, lxcpath, name, lines)
        where = ["-P", lxcpath, "--state-dir", os.path.join(s.base, "lxc-state"), "-n", name]
        s.expect(f"{name}: start", "ct-start", *where, place=False, out="", err="")
        live(s, name, *where)
        # ended by reboot(2) of its own init, which the kernel tells as SIGINT
        s.expect(f"{name}: nobody has killed it", "ct-info", *where, place=False, out="signal 2")
        with open(os.path.join(lxcpath, name, "config"), encoding="utf-8") as f:
            s.check(f"{name}: its config is as it was", f.read() == before)
        other, conf = f"{name}-copy", os.path.join(lxcpath, name, "config")
        s.expect(f"{name}: a container of ours of its config", "ct-create", "-n", other, "-t",
                 "none", "-f", conf)
        s.expect(f"{name}: start that", "ct-start", other)
        live(s, other, *s.where, "-n", other)
        s.expect(f"{name}: destroy that", "ct-destroy", other)
    shutil.rmtree(lxcpath)
    s.done()


if __name__ == "__main__":
    main()
