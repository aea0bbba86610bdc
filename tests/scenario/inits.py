# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Debian systems with four inits: they boot, answer, reboot and stop in their own way. As the template
makes them, with no line of the config for it but init.cmd; as trees that are copied in, by -t dir
and by -t tar, with the lines that ct-create says are missing; and as root of a user namespace
alone. Each tree takes minutes to make: with --long only.
"""
import os
import shlex
import shutil
import subprocess
import time

from scene import SLOW, Scene, shift_tree

FIRST = 100000  # on the host, of the ids of a mapped system


def level_2(inside):
    return "N 2" in inside("/sbin/runlevel")[1]


def has_runsvdir(inside):
    return (inside("test", "-e", "/run/runit.stopit")[0] == 0 and
            "runsvdir" in inside("sh", "-c", "cat /proc/[0-9]*/comm")[1])


def is_running(inside):
    return inside("systemctl", "is-system-running")[1] == "running\n"


# name, options of the template, whether it is up, what it says when it goes down by itself
ROWS = (
    ("systemd", ("--init", "systemd"), is_running, ("Powering off", "Halting")),
    ("sysvinit", ("--init", "sysv"), level_2, ("Will now", "Unmounting")),
    ("runit", ("--init", "none", "--packages", "runit-init"), has_runsvdir,
     ("Will now", "Unmounting")),
    ("openrc", ("--init", "sysv", "--packages", "openrc"), level_2, ("Will now", "Unmounting")),
)


class System:
    """A container that is defined: boots, answers, stops."""

    def __init__(self, s, name, is_up, words):
        self.s, self.name, self.is_up, self.words = s, name, is_up, words
        self.console = os.path.join(s.base, name + ".console")
        s.expect(f"{name}: its console goes to a file", "ct-config", name,
                 f"console.logfile={self.console}")

    def inside(self, *cmd):
        return self.s.run("ct-attach", self.name, "--", *cmd)

    def said(self):
        with open(self.console, encoding="utf-8", errors="replace") as f:
            return f.read()

    def boot(self, what):
        self.s.check(f"{self.name}: {what}",
                     self.s.until(lambda: self.is_up(self.inside), 120 * SLOW),
                     self.said()[-2000:])

    def start(self):
        self.s.expect(f"{self.name}: start", "ct-start", self.name)
        self.boot("it boots")
        self.s.check(f"{self.name}: it answers",
                     self.inside("sh", "-c", "echo here")[1] == "here\n")

    def end(self, what, *options):
        began = time.monotonic()
        self.s.expect(f"{self.name}: {what}", "ct-stop", "--nokill", *options, "-t", "120",
                      self.name, timeout=150)
        print(f"## {self.name}: {what} in {time.monotonic() - began:.1f} s", flush=True)

    def reboot(self):
        before = self.s.pid(self.name)
        self.end("reboot", "-r")
        self.s.check(f"{self.name}: it came back",
                     self.s.until(lambda: self.s.pid(self.name) not in (0, before), 60))
        self.boot("it boots again")

    def stop(self):
        self.end("stop")
        self.s.check(f"{self.name}: by its own scripts",
                     any(word in self.said() for word in self.words), self.said()[-2000:])
        self.s.expect(f"{self.name}: nobody has killed it", "ct-info", self.name, out="signal 2")


def made(s, name, options, *row):
    """The template's own. Its root file system."""
    s.expect(f"{name}: create", "ct-create", "-n", name, "-t", "debian", "--", *options,
             timeout=900)
    tree = os.path.join(s.base, name + "-tree")
    subprocess.run(["cp", "-a", os.path.join(s.base, "c", name, "rootfs"), tree], check=True)
    system = System(s, name, *row)
    system.start()
    system.reboot()
    system.stop()
    s.expect(f"{name}: destroy", "ct-destroy", name)
    return tree


def copied(s, name, create, *row):
    """A tree that is copied in: what its config lacks is told, and is enough."""
    code, _, err = s.run("ct-create", "-n", name, *create, timeout=300)
    s.check(f"{name}: create", code == 0, err)
    if "ct-config" in err:
        s.expect(f"{name}: what was told", *shlex.split(err[err.rindex("ct-config"):]))
    system = System(s, name, *row)
    system.start()
    system.stop()
    s.expect(f"{name}: destroy", "ct-destroy", name)


def mapped(s, name, tree):
    """How to create it as root of a user namespace alone."""
    conf = os.path.join(s.base, name + ".conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write("".join(f"idmap = {kind} 0 {FIRST} 65536\n" for kind in "ug"))
    root = os.path.join(s.base, name + "-root")
    shift_tree(tree, root, FIRST)
    # the container's root has to get at it
    os.chmod(s.base, 0o755)
    return ("-f", conf, "-t", "none", "--dir", root)


def main():
    s = Scene()
    for name, options, *row in ROWS:
        tree = made(s, name, options, *row)
        ball = tree + ".tar"
        subprocess.run(["tar", "-C", tree, "-cf", ball, "."], check=True)
        copied(s, name + "-dir", ("-t", "dir", "--", tree), *row)
        copied(s, name + "-tar", ("-t", "tar", "--", ball), *row)
        copied(s, name + "-mapped", mapped(s, name + "-mapped", tree), *row)
        for left in (tree, name + "-mapped-root"):
            shutil.rmtree(os.path.join(s.base, left))
        os.unlink(ball)
    s.done()


if __name__ == "__main__":
    main()
