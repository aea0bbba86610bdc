# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Debian systems with other inits than systemd and plain sysvinit (those are systemd.py's and
debian.py's): they boot, answer, reboot and stop in their own way, with no line of the config for it
but init.cmd. Each tree takes minutes to make: with --long only.
"""
import os
import time

from scene import Scene

# name, options of the template, whether it is up, what it says on its console when it
# goes down by itself
ROWS = (
    ("runit", ("--init", "none", "--packages", "runit-init"),
     lambda inside: inside("test", "-e", "/run/runit.stopit")[0] == 0 and "runsvdir" in inside(
         "sh", "-c", "cat /proc/[0-9]*/comm")[1]),
    ("openrc", ("--init", "sysv", "--packages", "openrc"),
     lambda inside: "N 2" in inside("/sbin/runlevel")[1]),
)


def live(s, name, options, is_up):
    console = os.path.join(s.base, name + ".console")
    s.expect(f"{name}: create", "ct-create", "-n", name, "-t", "debian", "--", *options,
             timeout=900)
    s.expect(f"{name}: its console goes to a file", "ct-config", name, f"console.logfile={console}")

    def inside(*cmd):
        return s.run("ct-attach", name, "--", *cmd)

    def said():
        with open(console, encoding="utf-8", errors="replace") as f:
            return f.read()
    s.expect(f"{name}: start", "ct-start", name)
    s.check(f"{name}: it boots", s.until(lambda: is_up(inside), 120), said())
    s.check(f"{name}: it answers", inside("cat", "/etc/hostname")[1] == name + "\n")
    for step in ("reboot", "stop"):
        before, began = s.pid(name), time.monotonic()
        s.expect(f"{name}: {step}", "ct-stop", "--nokill", *(["-r"] if step == "reboot" else []),
                 "-t", "120", name, timeout=150)
        print(f"## {name}: {step} in {time.monotonic() - began:.1f} s", flush=True)
        s.check(f"{name}: by its own scripts", "Will now" in said() or "Unmounting" in said(),
                said()[-2000:])
        if step == "reboot":
            s.check(f"{name}: it came back", s.until(lambda b=before: s.pid(name) not in (0, b),
                                                     60))
            s.check(f"{name}: it boots again", s.until(lambda: is_up(inside), 120), said()[-2000:])
    s.expect(f"{name}: nobody has killed it", "ct-info", name, out="signal 2")
    s.expect(f"{name}: destroy", "ct-destroy", name)


def main():
    s = Scene()
    for row in ROWS:
        live(s, *row)
    s.done()


if __name__ == "__main__":
    main()
