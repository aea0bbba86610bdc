# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of a busybox system: made, started, looked at, entered, rebooted, stopped, removed; the
habits of LXC as typed."""
import os
import re
import signal
import subprocess
import threading
import time

from scene import Scene

s = Scene()
s.expect("create", "ct-create", "-n", "web", "-t", "busybox")
s.expect("create again is refused", "ct-create", "-n", "web", "-t", "busybox", code=125,
         err="defined already")
s.expect("the plan, nothing changed", "ct-start", "--dry-run", "web", out="mount.pivot")
s.expect("start", "ct-start", "-n", "web", out="", err="")
s.expect("start again is refused", "ct-start", "web", code=125, err="is already running")
s.check("ct-info -n NAME -pH", s.pid("web") > 1)
s.expect("ct-ls --fancy", "ct-ls", "--fancy", out="RUNNING")
s.expect("ct-ls", "ct-ls", out="web")
s.expect("ct-ls --running", "ct-ls", "--running", out="web")
s.expect("ct-ls --stopped", "ct-ls", "--stopped", out="")
s.expect("a group in the config", "ct-create", "-n", "grouped", "-t", "none")
s.expect("two, by ct-config", "ct-config", "grouped", "group=onboot", "group=web")
s.expect("ct-ls -g", "ct-ls", "-g", "onboot,web", out="grouped")
s.expect("ct-ls --groups, one that it is not in", "ct-ls", "--groups", "onboot,mail", out="")
s.expect("and away", "ct-destroy", "grouped")
s.expect("a container without autodev", "ct-create", "-n", "plain", "-t", "busybox")
s.expect("starts with a console and a tty", "ct-start", "plain", "-s", "autodev=0", "-s",
         "tty.max=1")
s.expect("which stand in its own /dev", "ct-attach", "plain", "--", "sh", "-c",
         "test -c /dev/console && test -c /dev/tty1 && grep -c devpts /proc/mounts", out="3\n")
s.expect("and stops", "ct-stop", "plain")
s.expect("a program", "ct-start", "plain", "-s", "init.cmd=/bin/sh -c 'exit 7'")
s.expect("ct-wait tells how it ended", "ct-wait", "plain", "-s", "STOPPED", "--exit-status", code=7)
s.expect("as JSON, too", "ct-wait", "plain", "-s", "STOPPED", "--json", out='"code": 7')
s.expect("with a filter", "ct-start", "plain", "-s", "seccomp.profile=default")
said = s.run("ct-info", "plain")[1]
s.check("ct-info tells which", re.search(r"^Filter: +default, \d+ rules, digest [0-9a-f]{16}$", said,
                                         re.M), said)
s.check("as JSON, too", s.json("ct-info --json", "ct-info", "plain")["filter"] in said)
s.expect("killed with it", "ct-stop", "-k", "plain")
s.check("ct-info of one without", "Filter:" not in s.run("ct-info", "web")[1])
s.expect("and a killed one", "ct-start", "plain", "-s", "init.cmd=/bin/sleep 1000")
s.expect("killed", "ct-kill", "plain", "KILL")
s.expect("ct-wait tells the signal", "ct-wait", "plain", "-s", "STOPPED", "--exit-status", code=137,
         err="signal 9")
s.expect("it goes", "ct-destroy", "plain")
s.expect("ct-info -s", "ct-info", "web", "-sH", out="RUNNING")
s.check("-sH is bare", s.run("ct-info", "web", "-sH")[1] == "RUNNING\n")
got = s.run("ct-info", "web", "-psH")[1].splitlines()
s.check("-psH keeps the names",
        len(got) == 2 and got[0].split() == ["State:", "RUNNING"] and got[1].startswith("PID: "),
        got)
s.expect("ct-attach -n NAME -- cmd", "ct-attach", "-n", "web", "--", "hostname", out="web")
s.expect("ct-attach NAME", "ct-attach", "web", "--", "cat", "/proc/1/comm", out="init")
s.expect("its exit code", "ct-attach", "web", "--", "sh", "-c", "exit 7", code=7)
s.expect("a signal's", "ct-attach", "web", "--", "sh", "-c", "kill -9 $$", code=137)
s.expect("not found", "ct-attach", "web", "--", "/bin/nothing", code=127, err="No such file")
s.expect("not executable", "ct-attach", "web", "--", "/etc/passwd", code=126, err="ermission")
s.expect("a variable", "ct-attach", "web", "-v", "A=b", "--", "sh", "-c", "echo $A", out="b\n")
with open(os.path.join(s.base, "c/web/rootfs/etc/passwd"), "a", encoding="ascii") as f:
    f.write("bob:x:1000:1000:Bob:/home/bob:/bin/sh\n")
HOME = ("--", "sh", "-c", "echo home=$HOME")
s.expect("HOME is root's", "ct-attach", "web", *HOME, out="home=/root\n")
s.expect("HOME of a user by number", "ct-attach", "web", "-u", "1000", *HOME,
         out="home=/home/bob\n")
s.expect("by name", "ct-attach", "web", "-u", "bob", *HOME, out="home=/home/bob\n")
s.expect("of one who is nobody", "ct-attach", "web", "-u", "4242", *HOME, out="home=/\n")
s.expect("one that is given holds", "ct-attach", "web", "-u", "bob", "-v", "HOME=/mine", *HOME,
         out="home=/mine\n")
s.expect("none of a bare environment", "ct-attach", "web", "--clear-env", *HOME, out="home=\n")
s.expect("not the host's passwd", "ct-attach", "web", "-s", "UTSNAME", *HOME, out="home=\n")
s.expect("a program with a user", "ct-execute", "-n", "other", "-f",
         os.path.join(s.base, "c/web/config"), "-u", "1000", *HOME, out="home=/home/bob\n")
s.expect("another user", "ct-attach", "web", "-u", "1000", "--", "id", "-u", out="1000\n")
code, out = s.on_terminal("ct-attach", "web", "--", "sh", "-c", "tty; read a; echo got $a; exit 5",
                          script=[("/dev/pts", "typed\r")])
s.check("a terminal", code == 5 and "/dev/pts/" in out and "got typed" in out, code, out)
code, out = s.on_terminal("ct-attach", "web", script=[("#", "echo $((6*7))\r"), ("42", "exit\r")])
s.check("a login shell", code == 0 and "42" in out, code, out)
code, out = s.on_terminal("ct-console", "-n", "web", "-t", "0", script=[("Connected", "\r"),
                                                                        ("#", "\x01q")])
s.check("the console, left by ^a q", code == 0, code, out)
for tool, args in (("ct-ls", ()), ("ct-info", ("web",)), ("ct-checkconfig", ()),
                   ("ct-start", ("--dry-run", "web"))):
    s.json(f"{tool} --json", tool, *args)

before = s.pid("web")
s.expect("reboot", "ct-stop", "-n", "web", "-r", "-t", "20")
s.check("it came back as another process", s.until(lambda: s.pid("web") not in (0, before)))
before = s.pid("web")
s.until(lambda: s.run("ct-attach", "web", "--", "pidof", "syslogd")[0] == 0)
# may go with the container before it can say how it ended
s.run("ct-attach", "web", "--", "reboot")
s.check("it came back", s.until(lambda: s.pid("web") not in (0, before), 20))
s.until(lambda: s.run("ct-attach", "web", "--", "pidof", "syslogd")[0] == 0)

waiter = []
t = threading.Thread(
    target=lambda: waiter.append(s.run("ct-wait", "-n", "web", "-s", "STOPPED", "-t", "30")[0]))
t.start()
s.expect("ct-wait times out", "ct-wait", "-n", "web", "-s", "STOPPED", "-t", "1", code=1)
s.expect("stop gracefully", "ct-stop", "-n", "web", "-t", "20")
t.join()
s.check("who waited was told", waiter == [0], waiter)
s.expect("stopped", "ct-info", "-n", "web", "-sH", out="STOPPED")
s.expect("attach to a stopped one", "ct-attach", "web", "--", "true", code=125,
         err="is not running")

s.expect("start once more", "ct-start", "web")
s.expect("ct-stop -k -n NAME", "ct-stop", "-k", "-n", "web")
s.expect("stop a stopped one", "ct-stop", "-n", "web", code=2, err="is not running")
s.expect("start, to be killed", "ct-start", "web")
s.expect("ct-kill", "ct-kill", "web", "SIGKILL")
s.expect("ct-wait", "ct-wait", "-n", "web", "-s", "STOPPED", "-t", "10")

# in the foreground it is a container like any other
code, out = s.on_terminal(
    "ct-start", "-n", "web", "-F", script=[("", lambda: s.check(
        "seen from elsewhere", s.until(lambda: "web" in s.run("ct-ls", "--running")[1]))),
                                           ("", "\r"), ("#", "echo $((6*7))\r"),
                                           ("42", lambda: s.run("ct-stop", "web"))])
s.check("the foreground", code == 0 and "going down" in out, code, out)
s.expect("the foreground without a terminal", "ct-start", "-n", "web", "-F", "--", "sh", "-c",
         "echo early; exit 4", code=4, out="early\n")
p = subprocess.Popen(
    [os.path.join(s.tools, "ct-start"), *s.where, "-n", "web", "-F", "--", "sleep", "60"],
    stdin=subprocess.DEVNULL)
s.check("it runs", s.until(lambda: s.pid("web") > 0))
p.send_signal(signal.SIGTERM)
time.sleep(0.2)
p.send_signal(signal.SIGTERM)
s.check("two signals end it", p.wait(10) != 0)
s.expect("gone", "ct-wait", "web", "-s", "STOPPED", "-t", "10")

# the supervisor is killed: the next call clears
s.expect("start, to lose the supervisor", "ct-start", "web")
init = s.pid("web")
with open(f"/proc/{init}/status", encoding="utf-8") as f:
    supervisor = int(next(line for line in f if line.startswith("PPid:")).split()[1])
os.kill(supervisor, signal.SIGKILL)
s.check("init goes with it",
        s.until(lambda: not os.path.exists(f"/proc/{init}/ns/pid") or not s.pid("web")))
s.expect("cleared", "ct-ls", "--running", out="")
s.expect("started as if nothing had been", "ct-start", "web")
s.expect("a running one is not destroyed", "ct-destroy", "web", code=125, err="runs")
s.expect("but by force", "ct-destroy", "-f", "web")
s.expect("unknown now", "ct-start", "web", code=125, err="no such container")

# a tree whose init is systemd, by itself and packed: what its config lacks is told; links
# lead nowhere outside
tree, tar = os.path.join(s.base, "tree"), os.path.join(s.base, "tree.tar")
os.makedirs(tree + "/sbin")
os.makedirs(tree + "/lib/systemd")
with open(tree + "/lib/systemd/systemd", "w", encoding="ascii"):
    pass
os.symlink("/lib/systemd/systemd", tree + "/sbin/init")
subprocess.run(["tar", "-C", tree, "-cf", tar, "."], check=True)
CAPS = s.base + "/caps.conf"
with open(CAPS, "w", encoding="ascii") as f:
    f.write("cap.drop = sys_time\n")
for args in (("-t", "dir", "--", tree), ("-t", "tar", "--", tar), ("-t", "none", "--dir", tree)):
    s.expect(f"{args[1]}: what systemd lacks is told", "ct-create", "-n", "sysd", *args,
             err="ct-config sysd 'cap.drop=")
    s.expect("destroy it", "ct-destroy", "sysd")
    s.expect(f"{args[1]}: nothing is missing", "ct-create", "-n", "sysd", "-f", CAPS, *args, err="")
    s.expect("destroy that", "ct-destroy", "sysd")
os.unlink(tree + "/lib/systemd/systemd")
s.expect("a link that leads nowhere in the tree", "ct-create", "-n", "sysd", "-t", "none", "--dir",
         tree, err="")
s.expect("destroy", "ct-destroy", "sysd")

# an ephemeral one goes with its stop; many at once
s.expect("create an ephemeral one", "ct-create", "-n", "eph", "-t", "busybox")
s.expect("say so", "ct-config", "eph", "ephemeral=1")
s.expect("start it", "ct-start", "eph")
s.expect("stop it", "ct-stop", "-k", "eph")
s.expect("it is gone", "ct-ls", out="")
names = [f"n{i}" for i in range(20)]
for args in (("ct-create", "-t", "busybox", "-n"), ("ct-start", "-n"), ("ct-destroy", "-f", "-n")):
    ps = [
        subprocess.Popen([os.path.join(s.tools, args[0]), *s.where, *args[1:], n],
                         stdin=subprocess.DEVNULL) for n in names
    ]
    codes = [q.wait(60) for q in ps]
    s.check(f"20 at once: {args[0]}", codes == [0] * 20, codes)
s.done()
