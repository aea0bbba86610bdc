# SPDX-License-Identifier: LGPL-2.1-or-later
"""ct-checkconfig names before what a start then refuses, in the same words; a file with ten
faults has ten lines. (What weakens a config comes after that: weak.py.)"""
import os
import re

from scene import Scene

s = Scene()
s.expect("create", "ct-create", "-n", "web", "-t", "busybox")
ROOT = os.path.join(s.base, "c", "web", "rootfs")
FILE = os.path.join(s.base, "config")


def write(*lines):
    with open(FILE, "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))


def told(text):
    """The messages of a tool, without its name and the container's in front, and without what
    weakens the config."""
    text = re.split(r"^.*: (weaknesses, |nothing weakens it).*$", text, flags=re.M)[0]
    return [line.removeprefix("ct-start: new: ") for line in text.splitlines() if line]


def refused(name, key, *lines, root=f"rootfs.path = {ROOT}"):
    """One config with one fault: the same line before and at the start, and it names the key."""
    write(*([root] if root else []), *lines)
    code, out, err = s.run("ct-checkconfig", FILE)
    before = told(out)
    start = s.run("ct-start", "-n", "new", "-f", FILE)
    after = told(start[2])
    s.check(
        name, code == 1 and start[0] in (125, 126, 127) and len(before) == 1 and
        before == after[:1] and key in before[0], "before:", code, out, err, "start:", *start)
    if start[0] == 0:
        s.run("ct-stop", "-k", "new")


refused("no root", "no root file system", "uts.name = web", root="")
refused("a missing root", "rootfs.path", root=f"rootfs.path = {s.base}/none")
refused("no program", "run.exec", "init.cmd = /bin/none")
refused("a program that is none", "run.exec", "init.cmd = /etc/passwd")
refused("a key that is none", "uts.nmae", "uts.nmae = x")
refused("a value that is none", "tty.max", "tty.max = many")
refused("a capability that is none", "cap.drop", "cap.drop = sys_amdin")
refused("a host name that is too long", "uts.name", "uts.name = " + 65 * "a")
refused("a missing source", "mount.entry", "mount.entry = /no/such mnt none bind,create=dir 0 0")
refused("a missing target", "mount.entry", "mount.entry = /etc no/such none bind 0 0")
refused("a target with dots", "mount.entry", "mount.entry = /etc ../etc none bind 0 0")
refused("a file system that is none", "mount.entry",
        "mount.entry = none mnt nosuchfs defaults,create=dir 0 0")
refused("an option that is none", "mount.entry", "mount.entry = none tmp tmpfs sizze=1 0 0")
refused("a missing hook", "hook.pre-start", "hook.pre-start = /no/such")
refused("a hook that is no program", "hook.mount", "hook.mount = /etc/passwd")
refused("a start hook that the root has not", "hook.start", "hook.start = /no/such")
refused("a console log in no directory", "console.logfile", "console.logfile = /no/such/log")
refused("a console log that is a directory", "console.logfile", f"console.logfile = {s.base}")
refused("a log in no directory", "log.file", "log.file = /no/such/log")
refused("a controller that is none", "cgroup2.speed.max", "cgroup2.speed.max = 1")
refused("a limit without a group", "limit.pids", "cgroup.backend = none", "limit.devices = all",
        "limit.pids = 5")
refused("one group and two", "cgroup.dir.container", "cgroup.dir = a", "cgroup.dir.container = b")
refused("a device rule of no type", "devices.allow", "cgroup2.devices.allow = x 1:3 rw")
refused("ids that overlap", "idmap", "idmap = u 0 1000 10", "idmap = u 5 3000 10",
        "idmap = g 0 1000 10")
refused("users without groups", "idmap", "idmap = u 0 1000 10")
refused("init's user not mapped", "init.uid", "init.uid = 5000", "idmap = u 0 1000 10",
        "idmap = g 0 1000 10")
refused("the namespace of nobody", "namespace.share.net", "namespace.share.net = 4194303")
refused("of no container", "namespace.share.ipc", "namespace.share.ipc = nobody")
refused("shared and made anew", "namespace.share.net", "namespace.clone = net pid mnt",
        f"namespace.share.net = {os.getpid()}")
refused("a parameter of the host", "sysctl.vm.swappiness", "sysctl.vm.swappiness = 1")
refused("a parameter that is none", "sysctl.net.ipv4.none", "sysctl.net.ipv4.none = 1")
refused("a limit beyond the kernel's", "prlimit.nofile", "prlimit.nofile = 2000000000")
refused("a file of proc that is none", "proc.none", "proc.none = 1")
refused("a directory to begin in that is none", "init.cwd", "init.cwd = /no/such")
refused("a network that is not yet", "net.0.type", "net.0.type = veth")
refused("a profile", "apparmor.profile", "apparmor.profile = web")
refused("a label", "selinux.context", "selinux.context = a:b:c")
refused("a filter", "seccomp.profile", "seccomp.profile = /etc/passwd")
refused("a root that is layered", "rootfs.path", root="rootfs.path = overlay:/a:/b")
refused("a variable that nobody has", "environment", "environment = CT_NOBODY_HAS_IT")
refused("an included file", "include", f"include = {s.base}/none")
refused("a table of mounts", "mount.fstab", f"mount.fstab = {s.base}/none")
refused("capabilities two ways", "cap.drop", "cap.drop = chown", "cap.keep = kill")
refused("ephemeral, without a root", "rootfs.path", "ephemeral = 1",
        root=f"rootfs.path = {s.base}/none")

# a line for each: values, keys against each other, what is not yet, and the host
faults = [
    "tty.max = many", "uts.nmae = x", "cap.keep = nonsense", "sysctl.vm.swappiness = 1",
    "namespace.share.net = 4194303", "net.0.type = veth",
    "mount.entry = /no/such mnt none bind 0 0", "hook.pre-start = /no/such", "init.cmd = /bin/none",
    "init.cwd = /no/such", "prlimit.nofile = 2000000000", "no equals sign"
]
write(f"rootfs.path = {ROOT}", *faults)
out = s.run("ct-checkconfig", FILE)[1]
s.check("a line for each of many faults",
        len(told(out)) == len(faults) and all(f"{FILE}:{i + 2}" in out for i in range(len(faults))),
        out)
value = s.json("as JSON", "ct-checkconfig", FILE)
s.check("a word for each", value and len(value["configs"][0]["problems"]) == len(faults), value)
# what only follows from a value that is none is not told
write(f"rootfs.path = {ROOT}", "idmap = u 0 1000", "idmap = g 0 1000 10", "init.uid = 5000")
out = s.run("ct-checkconfig", FILE)[1]
s.check("no fault that follows from another", len(told(out)) == 1, out)
# nothing is known behind a hook, or below what is mounted by then: no false alarm
hook = os.path.join(s.base, "hook")
with open(hook, "w", encoding="utf-8") as f:
    f.write(f"#!/bin/sh\nmkdir -p {s.base}/made\n")
os.chmod(hook, 0o755)
write(f"rootfs.path = {ROOT}", f"hook.pre-start = {hook}",
      f"mount.entry = {s.base}/made tmp none bind 0 0",
      "mount.entry = none var tmpfs defaults,create=dir 0 0",
      "mount.entry = /etc var/etc none bind,create=dir 0 0", "init.cmd = /bin/sleep 100")
s.expect("what a hook provides", "ct-checkconfig", FILE, code=0)
s.expect("and it starts", "ct-start", "-n", "new", "-f", FILE)
s.expect("stop", "ct-stop", "-k", "new")
s.expect("a file that is none", "ct-checkconfig", "/no/such/config", code=125,
         err="/no/such/config")
s.expect("destroy", "ct-destroy", "web")
s.done()
