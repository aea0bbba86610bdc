# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian system, made by mmdebstrap: its package tools work inside, with a small init
and with a real one."""
import os
import shutil
import signal
import subprocess
import time

from scene import Scene

s = Scene()
s.expect("create", "ct-create", "-n", "deb", "-t", "debian", "--", "--init", "sysv", timeout=300)
root = os.path.join(s.base, "c/deb/rootfs")
s.expect("start", "ct-start", "deb")
s.expect("its release", "ct-attach", "deb", "--", "cat", "/etc/debian_version", out="12")
s.check("sysvinit reaches its runlevel",
        s.until(lambda: "N 2" in s.run("ct-attach", "deb", "--", "/sbin/runlevel")[1], 60))
s.expect("dpkg -l", "ct-attach", "deb", "--", "dpkg", "-l", out="ii  dpkg")
s.expect("dpkg --audit", "ct-attach", "deb", "--", "dpkg", "--audit", out="")
s.expect("apt-get", "ct-attach", "deb", "--", "apt-get", "--version", out="apt 2")

# a package of our own making, installed and removed inside
d = os.path.join(s.base, "pkg")
os.makedirs(d + "/DEBIAN")
os.makedirs(d + "/usr/share/ct-scenario")
with open(d + "/DEBIAN/control", "w", encoding="utf-8") as f:
    f.write(
        "Package: ct-scenario\nVersion: 1\nArchitecture: all\nMaintainer: nobody "
        "<nobody@example.org>\nDescription: a file\n"
    )
with open(d + "/DEBIAN/postinst", "w", encoding="utf-8") as f:
    f.write("#!/bin/sh\nset -e\nchown daemon:daemon /usr/share/ct-scenario/file\n")
os.chmod(d + "/DEBIAN/postinst", 0o755)
with open(d + "/usr/share/ct-scenario/file", "w", encoding="utf-8") as f:
    f.write("here\n")
subprocess.run(["dpkg-deb", "--root-owner-group", "-b", d, root + "/root/p.deb"], check=True,
               stdout=subprocess.DEVNULL)
s.expect("dpkg -i", "ct-attach", "deb", "--", "dpkg", "-i", "/root/p.deb",
         out="Setting up ct-scenario")
s.expect("what it installed, and for whom", "ct-attach", "deb", "--", "stat", "-c", "%U",
         "/usr/share/ct-scenario/file", out="daemon\n")
s.expect("apt-get remove", "ct-attach", "deb", "--", "apt-get", "-y", "remove", "ct-scenario",
         out="Removing ct-scenario")
s.expect("adduser", "ct-attach", "deb", "--", "useradd", "-m", "-s", "/bin/bash", "tester")
s.expect("ct-attach as that user", "ct-attach", "deb", "-u", "tester", "--", "sh", "-c",
         "id -un; echo $HOME", out="tester\n/home/tester\n")
code, out = s.on_terminal("ct-attach", "deb", "--", "bash", "-c", "tty; stty size")
s.check("a terminal", code == 0 and "/dev/pts/" in out, code, out)
before = s.pid("deb")
s.expect("reboot", "ct-stop", "-r", "-t", "60", "deb", timeout=90)
s.check("it came back", s.until(lambda: s.pid("deb") not in (0, before), 60))
s.until(lambda: "N 2" in s.run("ct-attach", "deb", "--", "/sbin/runlevel")[1], 60)
s.expect("stop gracefully", "ct-stop", "-t", "60", "deb", timeout=90)
s.expect("stopped", "ct-info", "deb", "-sH", out="STOPPED")
s.expect("start", "ct-start", "deb")
s.expect("stop by force", "ct-stop", "-k", "deb")

# the same tree again, as a tarball and as a folder
tar = os.path.join(s.base, "deb.tar")
subprocess.run(["tar", "-C", root, "-cf", tar, "."], check=True)
s.expect("destroy", "ct-destroy", "deb")
s.expect("create from a tarball", "ct-create", "-n", "again", "-t", "tar", "--", tar, timeout=120)
s.expect("a command in it", "ct-execute", "-n", "again", "--", "dpkg", "--print-architecture",
         out="\n")
s.expect("destroy that", "ct-destroy", "again")

# a creation that is killed leaves nothing
p = subprocess.Popen([os.path.join(s.tools, "ct-create"), *s.where, "-n", "never", "-t", "debian"],
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
time.sleep(3)
p.send_signal(signal.SIGKILL)
p.wait()
s.check("ct-create killed by SIGKILL leaves nothing",
        s.until(lambda: not os.listdir(s.base + "/c"), 30), *os.listdir(s.base + "/c"))
os.unlink(tar)
shutil.rmtree(d)
s.done()
