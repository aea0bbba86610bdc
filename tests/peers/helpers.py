#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The peers are what they claim to be: shown with programs that everybody knows."""
import os
import signal
import sys

import peers
import report
from report import check


def head(n):
    return ["head", "-c", str(n), "/dev/zero"]


# ---- sinks
for make, reads in ((peers.full_pipe, True), (peers.full_socket, True), (peers.full_terminal,
                                                                         True)):
    with make() as sink, peers.start(head(50000), stdout=sink) as p:
        check(f"{make.__name__}: a writer waits", not p.settle(), p.code)
        sink.read(peers.stalls(seed=3))
        check(f"{make.__name__}: it ends when it is read", p.end() == 0, p.code, p.why)
        if isinstance(sink, peers.Terminal):
            good = peers.until(lambda s=sink: len(s.data()) == 50000 + s.filled)
        else:
            good = sink.reader.to_end() and len(sink.data()) == 50000 + sink.filled
        check(f"{make.__name__}: and every byte is there", good, len(sink.data()), sink.filled)
for make in (peers.full_pipe, peers.full_socket):
    with make() as sink, peers.start(head(50000), stdout=sink) as p:
        p.settle()
        sink.close()
        # a socket whose bytes were never read says ECONNRESET
        check(f"{make.__name__}: a writer ends when its reader goes",
              p.end() in (-signal.SIGPIPE, 1), p.code, p.why)
with peers.closed_pipe() as sink, peers.start(head(10), stdout=sink) as p:
    check("closed pipe: SIGPIPE", p.end() == -signal.SIGPIPE, p.code)
with peers.closed_pipe() as sink, peers.start(head(10), stdout=sink, ignore=[signal.SIGPIPE]) as p:
    check("closed pipe, SIGPIPE ignored: an error", p.end() == 1, p.code)
with peers.non_blocking(peers.full_pipe()) as sink, peers.start(
    ["dd", "if=/dev/zero", "bs=10", "count=1"], stdout=sink) as p:
    check("non-blocking pipe: an error", p.end() == 1, p.code)
for make in (peers.dev_full, peers.full_disk):
    with make() as sink, peers.start(head(10), stdout=sink) as p:
        check(f"{make.__name__}: an error", p.end() == 1, p.code)
with peers.full_disk(room=8192) as sink, peers.start(head(100000), stdout=sink) as p:
    check("full disk: what fits is there",
          p.end() == 1 and os.stat(sink.path).st_size == 8192, p.code)

# ---- terminals
with peers.Terminal() as t, peers.start(["sh", "-c", "stty -echo; read x; echo got $x"],
                                        terminal=t) as p:
    t.read()
    t.send(b"word\n")
    check("foreground: it may change the terminal and read it",
          p.end() == 0 and peers.until(lambda: b"got word" in t.data()), t.data())
with peers.Terminal() as t, peers.start(["stty", "-echo"], terminal=t, background=True) as p:
    t.read()
    check("background: it is stopped when it changes the terminal", peers.until(p.stopped), p.code)
with peers.Terminal() as t, peers.start(["sh", "-c", "kill -9 $$"], terminal=t,
                                        background=True) as p:
    check("background: a signal is told", p.end() == -signal.SIGKILL, p.code)
with peers.Terminal() as t, peers.start(["sleep", "1000"], terminal=t) as p:
    t.hang_up()
    check("a terminal that goes is a SIGHUP", p.end() == -signal.SIGHUP, p.code)

# ---- processes
with peers.start(["sleep", "1000"]) as p:
    with peers.stopped(p.pid):
        check("stopped", p.stopped())
    check("and not stopped", peers.until(lambda: not p.stopped()))
with peers.start(["sh", "-c", "kill -HUP $$; exit 7"], ignore=[signal.SIGHUP]) as p:
    check("an ignored signal", p.end() == 7, p.code)
with peers.start(peers.as_pid1(["sh", "-c", "exit $$"])) as p:
    check("process 1", p.end() == 1, p.code, p.why)
with peers.start(["sh", "-c", "sleep 1000 & sleep 1000"]) as p:
    peers.until(lambda: len(peers.below(p.pid)) == 2)
    got = p.end(0.2)
    check("what does not end is ended, and what is below it", got is None and "sleep" in p.why,
          p.why)
sys.exit(report.done())
