#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tools print, into pipes, sockets and disks that are full, closed, small or non-blocking:
all of it, or the exit code tells."""
import os
import signal
import sys

import peers
from peers import Terminal, until

s = peers.Peers()
# the supervisor takes requests only from its own mount namespace, and full disks are made in one
peers.own_mounts()
os.makedirs(s.base + "/c")
CONFIG = s.base + "/config"
with open(CONFIG, "w", encoding="utf-8") as f:
    f.write("rootfs.path = /\nrootfs.readonly = 1\nconsole.buffer.size = 1MB\n")
HOST = s.name("host")
s.expect("one that runs", "ct-execute", "-n", HOST, "-f", CONFIG, "-d", "--", "sh", "-c",
         "head -c 30000 /dev/zero | tr '\\0' x; sleep 100000")

# ---- lists
LISTS = [("ct-ls",), ("ct-ls", "-f"), ("ct-ls", "--json"), ("ct-info", HOST),
         ("ct-info", "--json", HOST), ("ct-stats",), ("ct-stats", HOST), ("ct-stats", "--json"),
         ("ct-top", "-b", "--rounds", "1"), ("ct-top", "--json", "--rounds", "1"),
         ("ct-config", "--list"), ("ct-config", "--json", "--list"), ("ct-checkconfig", "--json"),
         ("ct-cgroup", HOST, "pids.max"), ("ct-console", HOST, "--show-log"), ("ct-ls", "--help"),
         ("ct-run", "--version"), ("ct-run", "--usage"),
         ("ct-run", "--rootfs", "/", "--dry-run", "true"),
         ("ct-learn", "--rootfs", "/", "--ro", "true"),
         ("ct-start", "-f", CONFIG, "--dry-run", "x")]


def run_into(sink, tool, *args, **how):
    """(exit code, errors)"""
    errors = os.memfd_create("errors")
    with s.tool(tool, *args, stdout=sink, stderr=errors, **how) as p:
        code = p.end()
    os.lseek(errors, 0, os.SEEK_SET)
    text = os.read(errors, 65536).decode(errors="replace")
    os.close(errors)
    return code, text


for cmd in LISTS:
    what = " ".join(cmd).replace(HOST, "HOST").replace(s.base, "")
    usual = s.run(*cmd)
    if not s.check(f"{what}: prints something", usual[1] and usual[0] in (0, 1), *usual):
        continue
    for make in (peers.dev_full, peers.full_disk):
        with make() as sink:
            code, text = run_into(sink, *cmd)
        s.check(f"{what}: {make.__name__}", code == 125 and "No space left" in text and
                text.count("\n") == 1, code, text)
    with peers.closed_pipe() as sink:
        code, text = run_into(sink, *cmd)
    s.check(f"{what}: a closed pipe", code == -signal.SIGPIPE and not text, code, text)
    with peers.closed_pipe() as sink:
        code, text = run_into(sink, *cmd, ignore=[signal.SIGPIPE])
    s.check(f"{what}: a closed pipe, SIGPIPE ignored", code == 141 and not text, code, text)
    with peers.non_blocking(peers.full_pipe()) as sink, s.tool(*cmd, stdout=sink) as p:
        s.check(f"{what}: a full non-blocking pipe: it waits", not p.settle(0.2), p.code)
        sink.read(peers.slowly(4000, 0.001))
        s.ends(f"{what}: ... and ends when it is read", p, [usual[0]])
        sink.reader.to_end()
        s.check(
            f"{what}: ... and all is there",
            len(sink.data()) >= sink.filled + len(usual[1]) * 0.8 and
            sink.data()[-1:] == usual[1][-1:].encode(), len(sink.data()), sink.filled, len(
                usual[1]))

# ---- those that go on
for cmd in (("ct-monitor",), ("ct-top", "-b", "-d", "0.1"), ("ct-top", "--json", "-d", "0.1")):
    what = " ".join(cmd)
    news = lambda: s.run("ct-run", "true") if cmd[0] != "ct-monitor" else s.run(
        "ct-freeze", HOST) and s.run("ct-unfreeze", HOST)
    for make, want in ((peers.dev_full, [125]), (peers.closed_pipe, [-signal.SIGPIPE])):
        with make() as sink, s.tool(*cmd, stdout=sink) as p:
            until(lambda p=p, news=news: news() and p.ended(), 20)
            s.ends(f"{what}: {make.__name__}", p, want)
    with peers.full_pipe() as sink, s.tool(*cmd, stdout=sink) as p:
        p.settle()
        news()
        p.settle(0.2)
        p.signal(signal.SIGTERM)
        s.ends(f"{what}: SIGTERM while nobody reads", p, [-signal.SIGTERM])

# ---- a screen that nobody reads, or that is somebody else's
for how in ({}, {"background": True}):
    with Terminal(keep=True) as t:
        before = t.flags()
        t.send(b"")
        with s.tool("ct-top", "-d", "0.1", terminal=t, env={"TERM": "xterm"}, **how) as p:
            if how:
                p.settle()
                s.check("ct-top in the background: it leaves the terminal alone",
                        not p.stopped() and t.flags() == before)
            else:
                s.check("ct-top: it draws until the terminal is full",
                        until(lambda p=p: peers.state(p.pid) == "S" and p.settle(1) is False))
            p.signal(signal.SIGTERM)
            s.ends(f"ct-top: SIGTERM {how}", p, [143])
            s.check("ct-top: the mode is as before", t.flags() == before)

# ---- a pseudo terminal's output into all kinds of things
SIZE = 300000


def pty(*cmd):
    return "ct-run", "--rootfs", "/", "--ro", "--pty", "--", *cmd


for make in (peers.tiny_pipe, peers.full_pipe, peers.small_socket, peers.full_socket,
             peers.full_terminal):
    for change in (lambda x: x, peers.non_blocking):
        name = make.__name__ + (" non-blocking" if change is peers.non_blocking else "")
        with change(make()) as sink, s.tool(*pty("head", "-c", str(SIZE), "/dev/zero"),
                                            stdout=sink) as p:
            filled = getattr(sink, "filled", 0)
            s.check(f"{name}: it waits", not p.settle(0.3), p.code)
            reader = sink.read(peers.stalls(seed=5, longest=0.05))
            s.ends(f"{name}: it ends", p, [0])
            good = until(lambda sink=sink, filled=filled: len(sink.data()) >= SIZE + filled)
            s.check(f"{name}: every byte is there", good and len(sink.data()) == SIZE + filled,
                    len(sink.data()), filled)
            reader.stop()
    with make() as sink, s.tool(*pty("sleep", "1000"), stdout=sink) as p:
        p.settle(0.2)
        p.signal(signal.SIGTERM)
        s.ends(f"{make.__name__}: SIGTERM", p, [143])
    if make not in (peers.full_terminal,):
        with make() as sink, s.tool(*pty("head", "-c", str(SIZE), "/dev/zero"), stdout=sink) as p:
            p.settle(0.3)
            sink.close()
            s.ends(f"{make.__name__}: the reader goes: the program is told", p, [129])
with peers.closed_pipe() as sink, s.tool(*pty("yes"), stdout=sink) as p:
    s.ends("a pipe that is closed", p, [129])
with peers.closed_pipe() as sink, s.tool(*pty("sh", "-c", "trap '' HUP; seq 20000; exit 6"),
                                         stdout=sink) as p:
    s.ends("a pipe that is closed: who does not care is not held up", p, [6])
for make in (peers.dev_full, peers.full_disk):
    with make() as sink:
        code, text = run_into(sink, *pty("head", "-c", "50000", "/dev/zero"))
    s.check(f"{make.__name__}: lost bytes are told", code == 125 and "No space left" in text, code,
            text)
    with make() as sink:
        code, text = run_into(sink, *pty("sh", "-c", "echo x; exit 3"))
    s.check(f"{make.__name__}: ... beside the program's own code", code == 3 and
            "No space left" in text, code, text)
path = s.base + "/out"
with open(path, "wb") as f:
    code, text = run_into(os.dup(f.fileno()), *pty("head", "-c", str(SIZE), "/dev/zero"))
s.check("a file: every byte is there", code == 0 and os.stat(path).st_size == SIZE, code, text,
        os.stat(path).st_size)
os.unlink(path)

# ---- the log of a terminal
with Terminal() as t, peers.full_pipe() as log:
    with s.tool("ct-attach", HOST, "-L", f"/proc/{os.getpid()}/fd/{log.fd}", "--", "head", "-c",
                "70000", "/dev/zero", terminal=t) as p:
        t.read()
        s.check("a log that is not read: it waits", not p.settle(), p.code)
        filled = log.filled
        log.read(peers.slowly(4096, 0.001))
        s.ends("... and ends when it is read", p, [0])
        s.check("... with every byte in both",
                until(lambda: len(log.data()) == 70000 + filled and len(t.data()) == 70000),
                len(log.data()), len(t.data()))
with Terminal() as t, s.tool("ct-attach", HOST, "-L", "/dev/full", "--", "echo", "hello",
                             terminal=t) as p:
    t.read()
    s.ends("a log that cannot be written is told", p, [125])
    s.check("... with its reason",
            until(lambda: b"No space left" in t.data() and b"hello" in t.data()), t.data())

# ---- a console
tty = s.name("tty")
s.expect("one with a console", "ct-execute", "-n", tty, "-f", CONFIG, "-d", "--", "sh", "-c",
         "while :; do head -c 5000 /dev/zero | tr '\\0' y; sleep 0.01; done")
for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    with Terminal(keep=True) as t:
        before = t.flags()
        with s.tool("ct-console", tty, "-t", "0", terminal=t) as p:
            p.settle(0.3)
            p.signal(sig)
            s.ends(f"ct-console on a terminal that nobody reads: {sig.name}", p, [0])
            s.check("... gives the mode back", t.flags() == before)
with Terminal(keep=True) as t, s.tool("ct-console", tty, "-t", "0", terminal=t) as p:
    p.settle(0.3)
    t.send(b"\x01q")
    s.ends("ct-console is left although nobody reads the terminal", p, [0])
with Terminal() as t, s.tool("ct-console", tty, "-t", "0", terminal=t) as p:
    t.read()
    until(lambda: b"yyyy" in t.data())
    t.hang_up()
    s.ends("ct-console ends with its terminal", p, None)
quiet = s.name("quiet")
s.expect("one that does not take its input", "ct-execute", "-n", quiet, "-f", CONFIG, "-d", "--",
         "sleep", "100000")
with Terminal() as t, s.tool("ct-console", quiet, "-t", "0", terminal=t) as p:
    t.read()
    until(lambda: b"Connected" in t.data())
    p.settle(0.2)
    t.send(b"typed and not taken\r" * 100)
    p.settle(0.2)
    t.send(b"\x01q")
    s.ends("ct-console is left although its input is not taken", p, [0])
with peers.tiny_pipe() as sink, s.tool("ct-console", tty, "-t", "0", stdin=os.open(
        "/dev/null", os.O_RDONLY), stdout=sink) as p:
    sink.read()
    s.ends("ct-console at the end of its input", p, [0])
for name in (HOST, tty, quiet):
    s.expect("the end", "ct-stop", "-k", "-n", name)
sys.exit(s.done())
