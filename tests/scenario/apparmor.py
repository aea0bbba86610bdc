# SPDX-License-Identifier: LGPL-2.1-or-later
"""
apparmor.py BUILD: a Debian system boots under a profile of AppArmor that is generated for it, and is
denied what that says. The tree is that of systemd.py.
"""
import os
import subprocess

from scene import Scene
from systemd import System, mount, tree

PROFILES = "/sys/kernel/security/apparmor/profiles"
# with the mounts over them taken away, as far as its rights go
DENIED = "umount /proc/sysrq-trigger /proc/sys; mount -o remount,rw /proc; "


def loaded():
    """The generated profiles."""
    with open(PROFILES, encoding="ascii") as f:
        return [line for line in f if line.startswith("ct.")]


def confined(s, c):
    labels = c.inside("sh", "-c", "cat /proc/[0-9]*/attr/apparmor/current | sort -u")[1]
    s.check("all of its processes have the profile",
            len(loaded()) == 1 and labels == loaded()[0], labels, loaded())
    label = c.service("cat", "/proc/self/attr/apparmor/current")[1]
    s.check("a service of its own has it, too", label == labels, label)
    rows = s.run("ct-info", c.name, "--protections")[1]
    row = [line for line in rows.splitlines() if "security label" in line]
    s.check("the table of protections says so", len(row) == 1 and row[0].startswith(" "), *row)
    for what, path in (("sysrq", "/proc/sysrq-trigger"), ("memory", "/proc/sys/vm/drop_caches"),
                       ("core pattern", "/proc/sys/kernel/core_pattern")):
        out = c.inside("sh", "-c", DENIED + f"echo 1 > {path} && echo written")[1]
        s.check(f"{what} is not written to", "written" not in out, out)
    out = c.inside("sh", "-c", "mkdir -p /mnt/p; mount -t proc none /mnt/p && echo mounted")[1]
    s.check("no proc file system at another place", "mounted" not in out, out)
    out = c.inside("sh", "-c", "mount -t tmpfs none /mnt && echo mounted")[1]
    s.check("a tmpfs is mounted", "mounted" in out, out)


def main():
    s = Scene()
    if not os.path.exists(PROFILES):
        s.skip("elsewhere: this kernel has no AppArmor")
    root = mount(s, tree(s))
    try:
        c = System(s, tree(s), root)
        s.expect("start", "ct-start", "-s", "apparmor.profile=generated", c.name)
        c.up("it boots")
        confined(s, c)
        s.expect("stop", "ct-stop", c.name, "-t", "120")
        s.check("the profile has gone", not loaded(), *loaded())
        s.expect("destroy", "ct-destroy", c.name)
    finally:
        s.run("ct-stop", "-k", f"sysd-{os.getpid()}")
        subprocess.run(["umount", root], check=False)
    s.done()


if __name__ == "__main__":
    main()
