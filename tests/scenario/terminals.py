# SPDX-License-Identifier: LGPL-2.1-or-later
"""The terminal of a payload is like that of the person who typed the command, and there is one also
where a container has none to give."""
import fcntl
import os
import re
import struct
import termios

from scene import Scene

s = Scene()
web, bare, few = s.name("web"), s.name("bare"), s.name("few")
SHOW = ("sh", "-c", "stty -g; stty size; tty; echo end")
IUTF8 = 0o40000


def odd():
    """A terminal that nobody has by default: another erase and another interrupt character, UTF-8,
    no flow control, 47 lines of 133."""
    mode = termios.tcgetattr(0)
    mode[0] = mode[0] & ~termios.IXON | IUTF8
    mode[3] &= ~termios.ECHOCTL
    mode[6][termios.VERASE] = b"\x08"
    mode[6][termios.VINTR] = b"\x07"
    termios.tcsetattr(0, termios.TCSANOW, mode)
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 47, 133, 0, 0))


def is_like(out):
    """Whether the payload's stty tells of it."""
    found = re.search(r"([0-9a-f]+):[0-9a-f]+:[0-9a-f]+:([0-9a-f]+):([0-9a-f:]+)", out)
    if not found or "47 133" not in out:
        return False
    flags, local, chars = int(found[1], 16), int(found[2],
                                                 16), [int(c, 16) for c in found[3].split(":")]
    return bool(flags &
                IUTF8) and not flags & termios.IXON and not local & termios.ECHOCTL and chars[
                    termios.VERASE] == 8 and chars[termios.VINTR] == 7


s.expect("create", "ct-create", "-n", web, "-t", "busybox")
root = os.path.join(s.base, "c", web, "rootfs")
for name, tool, args, place in (("ct-run", "ct-run", ("--rootfs", root, "--pty", "--", *SHOW),
                                 False), ("ct-execute", "ct-execute", ("-n", web, "--", *SHOW),
                                          True), ("ct-start -F", "ct-start", ("-n", web, "-F", "--",
                                                                              *SHOW), True)):
    code, out = s.on_terminal(tool, *args, place=place, before=odd)
    s.check(f"{name}: modes and size are the user's", code == 0 and is_like(out) and "/dev/" in out,
            code, out)
s.expect("start", "ct-start", web)
code, out = s.on_terminal("ct-attach", web, "--", *SHOW, before=odd)
s.check("ct-attach: the same", code == 0 and is_like(out) and "/dev/pts/" in out, code, out)
code, out = s.on_terminal("ct-run", "--rootfs", root, "--", "yes", "on", place=False, before=odd,
                          script=[("on", "\x07")])
s.check("the user's interrupt character ends a program", code == 130, code, out)
code, out = s.on_terminal("ct-run", "--rootfs", root, "-s", "init.reaper=0", "--", "yes", "on",
                          place=False, before=odd, script=[("on", "\x07")])
s.check("also one that is pid 1", code == 130, code, out)
log = os.path.join(s.base, "log")


def falls_back(name, container):
    if os.path.exists(log):
        os.unlink(log)
    code, out = s.on_terminal("ct-attach", container, "-o", log, "-l", "WARN", "--", "sh", "-c",
                              "test -t 0 && test -t 1 && stty -g; stty size; read a; echo got $a",
                              before=odd, script=[("133", "typed\r")])
    with open(log, encoding="utf-8") as f:
        told = f.read()
    s.check(f"{name}: one of the host's, and the log says so", code == 0 and is_like(out) and
            "got typed" in out and "one of the host's" in told, code, out, told)


config = os.path.join(s.base, "config")
with open(config, "w", encoding="utf-8") as f:
    f.write(
        f"rootfs.path = {root}\nautodev = 0\nconsole.path = none\nmount.auto = proc sys\ninit.cmd "
        "= /bin/sleep 1000\n"
    )
s.expect("one without /dev", "ct-start", "-n", bare, "-f", config)
falls_back("no /dev/pts", bare)
s.expect("stop", "ct-stop", "-k", bare)
with open(config, "w", encoding="utf-8") as f:
    f.write(f"rootfs.path = {root}\npty.max = 1\ninit.cmd = /bin/sleep 1000\n")
s.expect("one with a single number", "ct-start", "-n", few, "-f", config)
code, out = s.on_terminal(
    "ct-attach", few, "--", "sh", "-c", "tty; read a; tty",
    script=[("/dev/pts", lambda: falls_back("no number left", few)), ("", "x\r")])
s.check("who came first keeps his", code == 0 and "/dev/pts" in out, code, out)
s.expect("stop", "ct-stop", "-k", few)
with open(config, "w", encoding="utf-8") as f:
    f.write(
        f"rootfs.path = {root}\nidmap = u 0 100000 65536\nidmap = g 0 100000 65536\nautodev = "
        "0\nconsole.path = none\nmount.auto = proc sys\n"
        "init.cmd = /bin/sleep 1000\n")
s.expect("one with ids of its own", "ct-start", "-n", bare, "-f", config)
falls_back("no /dev/pts in a user namespace", bare)
s.expect("stop", "ct-stop", "-k", bare)
with open(config, "w", encoding="utf-8") as f:
    f.write(f"rootfs.path = {root}\ninit.cmd = /bin/sh -c 'echo shown; sleep 1000'\n")
s.expect("ct-start -c, a file", "ct-start", "-n", bare, "-f", config, "-c", "console.out",
         cwd=s.base)


def shown():
    with open(os.path.join(s.base, "console.out"), encoding="utf-8") as f:
        return f.read() == "shown\n"


s.check("the console is in it", s.until(shown))
s.expect("stop", "ct-stop", "-k", bare)
s.expect("-c none", "ct-start", "-n", bare, "-f", config, "-c", "none")
s.expect("stop", "ct-stop", "-k", bare)
s.expect("force", "ct-destroy", "-f", web)
s.done()
