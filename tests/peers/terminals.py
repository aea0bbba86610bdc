#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tools on terminals that are slow, full, gone, or somebody else's: no byte is lost, nothing is
held up, the mode comes back."""
import hashlib
import os
import random
import signal
import sys

import peers
from peers import Terminal, until

LONG = bool(os.environ.get("CT_LONG"))
s = peers.Peers()
os.makedirs(s.base + "/c")
CONFIG = s.base + "/config"
with open(CONFIG, "w", encoding="utf-8") as f:
    f.write("rootfs.path = /\nrootfs.readonly = 1\nmount.entry = none dev/shm tmpfs rw 0 0\n")
MARK = s.base + "/marks"
os.makedirs(MARK)
with open(CONFIG, "a", encoding="utf-8") as f:
    f.write(f"mount.entry = {MARK} {MARK[1:]} none bind,rw 0 0\n")
names = iter(range(1000))


def run(*cmd):
    return "ct-run", ["--rootfs", "/", "--ro", "--bind", MARK, "--", *cmd]


def bare(*cmd):
    return "ct-run", ["--rootfs", "/", "--ro", "--", *cmd]


def execute(*cmd):
    return "ct-execute", ["-n", s.name(f"x{next(names)}"), "-f", CONFIG, "--", *cmd]


def foreground(*cmd):
    return "ct-start", ["-n", s.name(f"f{next(names)}"), "-f", CONFIG, "-F", "--", *cmd]


def attach(*cmd):
    return "ct-attach", [HOST, "--", *cmd]


# one that runs meanwhile, to attach to
HOST = s.name("host")
s.expect("one to attach to", "ct-execute", "-n", HOST, "-f", CONFIG, "-d", "--", "sleep", "100000")
WAYS = [run, execute, foreground, attach]


def begin(way, *cmd, extra=(), **how):
    tool, args = way(*cmd)
    return s.tool(tool, *extra, *args, **how)


# ---- a terminal that nobody reads for a while: the program has ended and its last words are still
# queued, or it waits
for way in WAYS:
    for size in (20000, 30000, 70000):
        with Terminal() as t, begin(way, "head", "-c", str(size), "/dev/zero", terminal=t) as p:
            s.check(f"{way.__name__}: it waits for who does not read", not p.settle(), p.code)
            reader = t.read()
            s.ends(f"{way.__name__}: and ends when it is read", p, [0])
            s.check(f"{way.__name__}: all {size} bytes are there",
                    reader.to_end() and len(t.data()) == size, len(t.data()))
for way in (run, attach, execute):
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    with Terminal(raw=True) as t, begin(way, "sh", "-c", "head -c 70000 /dev/zero >&2", terminal=t,
                                        stdin=null, stdout=null) as p:
        p.settle()
        reader = t.read(peers.slowly(4096, 0.001))
        s.ends(f"{way.__name__}: standard error: it ends", p, [0])
        s.check(f"{way.__name__}: standard error: every byte is there",
                reader.to_end() and len(t.data()) == 70000, len(t.data()))
    os.close(null)

# ---- pipes of ours in the place of a terminal: who is not root may open them anew, and
# nobody's own are touched
ANEW = ["sh", "-c", "id -u > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin; exit 4"]
for way, extra in ((run, ["--no-pty", "-u", "1000"]), (bare, [
        "--no-pty", "-u", "1000", "--unshare", "user", "-s", "idmap=u 0 100000 65536", "-s",
        "idmap=g 0 100000 65536"
]), (execute, ["-u", "1000"]), (attach, ["-u", "1000"]), (attach, ["-u", "nobody"])):
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    with Terminal(raw=True) as t, begin(way, *ANEW, extra=extra, terminal=t, stdin=null, place=way
                                        is not bare) as p:
        t.read()
        s.ends(f"{way.__name__} {' '.join(extra)}: /dev/stdout can be opened", p, [4])
        s.check(
            "... and is the terminal",
            until(lambda t=t: b"err" in t.data() and
                  (b"1000\n" in t.data() or b"65534" in t.data())), t.data())
    os.close(null)
for way, extra in ((run, ["-u", "1000"]), (execute, ["-u", "1000"]), (attach, ["-u", "1000"])):
    with peers.tiny_pipe() as out, begin(way, "true", extra=extra, stdout=out) as p:
        s.ends(f"{way.__name__}: with a pipe of the caller's", p, [0])
        s.check("... which is as it was", (os.fstat(out.ours).st_mode & 0o777, os.fstat(
            out.ours).st_uid) == (0o600, os.getuid()))

# ---- a terminal that stalls at random
LINES = 24000000 if LONG else 300000


def expected():
    h, n = hashlib.sha256(), 0
    for i in range(0, LINES, 10000):
        text = "".join(f"{k}\n" for k in range(i + 1, min(i + 10000, LINES) + 1)).encode()
        h.update(text)
        n += len(text)
    return n, h.hexdigest()


def pace(seed):
    """A rest now and then, sometimes longer than a supervisor waits for those who only look on."""
    r = random.Random(seed)
    longest = 30 if LONG else 1
    while True:
        size, rest = r.choice((1, 100, 4096, 65536, 65536)), 0
        if r.randrange(20000 if LONG else 1000) == 0:
            rest = 3 if longest > 0 else 0.05
            longest -= 1
        yield size, rest


def sums(data):
    return len(data), hashlib.sha256(data).hexdigest()


want = expected()
for seed, way in enumerate(WAYS):
    with Terminal() as t, begin(way, "sh", "-c", f"stty -opost; seq {LINES}", terminal=t) as p:
        reader = t.read(pace(seed))
        s.ends(f"{way.__name__}: {want[0] >> 20} MB through a terminal that stalls", p, [0], 1800)
        s.check(f"{way.__name__}: every byte of it",
                reader.to_end() and sums(t.data()) == want, len(t.data()), want)

# ---- input that is not taken
with peers.tiny_pipe() as out:
    shell = [
        "sh", "-c", 'seq 20000 | "$@"', "sh",
        os.path.join(s.tools, "ct-run"), *s.where, "--rootfs", "/", "--ro", "--pty", "--", "cat"
    ]
    with peers.start(shell, stdout=out) as p:
        out.read(peers.stalls(seed=7, longest=0.05))
        s.ends("20000 lines through cat on a pseudo terminal", p, [0])
        out.reader.to_end()
        s.check("... end with the last", out.data().endswith(b"\r\n20000\r\n"), out.data()[-40:])
for typed, why in (("abc", "a line without its end"), ("abc\n", "a line"), ("", "nothing")):
    with peers.tiny_pipe() as out:
        shell = [
            "sh", "-c", 'printf "$1" | "${@:2}"', "sh", typed,
            os.path.join(s.tools, "ct-run"), "--rootfs", "/", "--ro", "--pty", "--", "cat"
        ]
        shell[0] = "bash"
        with peers.start(shell, stdout=out) as p:
            out.read()
            s.ends(f"input that ends with {why}", p, [0])
for way, extra in ((run, ["--pty", "-t", "1s"]), (run, ["--pty"])):
    with open(MARK + "/much", "wb") as f:
        f.write(b"x" * 20000)
    much = os.open(MARK + "/much", os.O_RDONLY | os.O_CLOEXEC)
    with peers.tiny_pipe() as out, begin(way, "sleep", "100", extra=extra, stdin=much,
                                         stdout=out) as p:
        out.read()
        if "-t" not in extra:
            p.settle()
            p.signal(signal.SIGTERM)
        s.ends(f"input that nobody takes: {' '.join(extra)}", p, [137] if "-t" in extra else [143])
    os.close(much)

# ---- a terminal that goes away
GOES = """trap 'for i in 1 2 3 4 5 6 7 8 9; do echo going $i; echo problem >&2; sleep 0.05; done; echo well > %s; exit 7' HUP
trap 'exit 8' TERM; echo ready; while :; do sleep 0.05; done"""
for number, way in enumerate(WAYS):
    mark = f"{MARK}/hup{number}"
    with Terminal() as t, begin(way, "sh", "-c", GOES % mark, terminal=t) as p:
        t.read()
        s.check(f"{way.__name__}: it runs", until(lambda t=t: b"ready" in t.data()), t.data())
        t.hang_up()
        if way is foreground:       # what is asked to go is the system
            p.signal(signal.SIGTERM)
            s.ends(f"{way.__name__}: it goes with its terminal", p, None)
            continue
        s.ends(f"{way.__name__}: it goes down in its own time", p, [7])
        s.check(f"{way.__name__}: to the end", os.path.exists(mark))
with Terminal() as t, begin(
        run, "sh", "-c",
        "trap '' HUP; echo ready; seq 100000; echo well > " + MARK + "/deaf; exit 9",
        terminal=t) as p:
    t.read(iter([(4096, 0)]))
    until(lambda: t.reader.thread.is_alive() is False)
    t.hang_up()
    s.ends("one that does not care goes on, and is not held up by what nobody reads", p, [9])
    s.check("... to its end", os.path.exists(MARK + "/deaf"))
with Terminal() as t, begin(
        run, "sh", "-c",
        "trap 'exit 5' HUP; echo ready; sleep 0.3; echo > " + MARK + "/nohup; exit 0", terminal=t,
        ignore=[signal.SIGHUP]) as p:
    t.read()
    until(lambda: b"ready" in t.data())
    t.hang_up()
    s.ends("under nohup it is not told", p, [0])

# ---- the background
for way in WAYS:
    with Terminal() as t, begin(way, "sh", "-c", "echo here; exit 3", terminal=t,
                                background=True) as p:
        before = t.flags()
        t.read()
        s.ends(f"{way.__name__}: to its end in the background", p, [3])
        s.check(f"{way.__name__}: it has printed", until(lambda t=t: b"here" in t.data()), t.data())
    with Terminal() as t, begin(way, "sleep", "1000", terminal=t, background=True) as p:
        t.read()
        t.send(b"typed for somebody else\n")
        p.settle()
        s.check(f"{way.__name__}: it is not stopped", not p.stopped() and p.poll() is None, p.code)
        s.check(f"{way.__name__}: the mode is left alone", t.flags() == before, t.flags(), before)
        p.signal(signal.SIGTERM)
        if way is foreground:
            p.signal(signal.SIGTERM)
            p.settle()
            p.signal(signal.SIGTERM)
        s.ends(f"{way.__name__}: SIGTERM ends it there", p, None if way is foreground else [143])
CT_RUN = " ".join([os.path.join(s.tools, "ct-run"), *s.where, "--rootfs / --ro"])
for how in ("timeout 1", "timeout --foreground 1"):
    with Terminal() as t, peers.start(["sh", "-c", f"{how} {CT_RUN} -- sleep 100; echo code=$?"],
                                      terminal=t) as p:
        t.read()
        s.ends(f"{how} in a script", p, [0])
        s.check("... has its code", until(lambda t=t: b"code=124" in t.data()), t.data())
with Terminal() as t, peers.start(
    ["bash", "-ic", f"{CT_RUN} -- sh -c 'read x; echo got $x' & sleep 0.5; fg; echo over"],
        terminal=t) as p:
    t.read()
    until(lambda: b"ct-run" in t.data())
    for _ in range(200):
        if b"got word" in t.data() or p.ended():
            break
        t.send(b"word\r")
        until(lambda: b"got word" in t.data(), 0.2)
    s.check("brought to the foreground it reads", until(lambda: b"got word" in t.data()), t.data())
    s.ends("... and ends", p, [0])

# ---- signals
with Terminal() as t, begin(run, "sleep", "1000", terminal=t,
                            ignore=[signal.SIGINT, signal.SIGQUIT]) as p:
    t.read()
    p.settle()
    p.signal(signal.SIGINT)
    p.signal(signal.SIGQUIT)
    p.settle()
    s.check("ignored signals stay ignored", p.poll() is None, p.code)
    p.signal(signal.SIGTERM)
    s.ends("... others do not", p, [143])
for way in WAYS:
    with Terminal() as t, begin(way, "sh", "-c", "exec head -c 70000 /dev/zero", terminal=t) as p:
        p.settle()
        for _ in range(2):
            p.signal(signal.SIGTERM)
            p.settle(0.2)
        s.ends(f"{way.__name__}: asked twice it does not wait for who does not read", p, [143, 137])

# ---- the mode
ENDS = [("exit 0", None), ("exit 4", None), ("kill -SEGV $$", None), ("sleep 1000", signal.SIGTERM),
        ("trap '' TERM INT; sleep 1000", signal.SIGTERM), ("sleep 1000", signal.SIGHUP),
        ("sleep 1000", signal.SIGINT), ("sleep 1000", signal.SIGQUIT)]
for way in WAYS:
    for script, sig in ENDS:
        with Terminal(keep=True) as t:
            before = t.flags()
            with begin(way, "sh", "-c", "echo ready; " + script, terminal=t) as p:
                t.read()
                until(lambda t=t, p=p: b"ready" in t.data() or p.ended())
                while sig and not p.ended():
                    p.signal(sig)
                    until(p.ended, 0.5)
                    sig = signal.SIGTERM
                s.ends(f"{way.__name__}: {script}: it ends", p, None)
                s.check(f"{way.__name__}: {script}: the mode is as before",
                        t.flags() == before, t.flags(), before)
for why, extra, cmd in (("a limit of time", ["-t", "300ms"], ["sleep", "100"]),
                        ("no such program", [], ["/does/not/exist"])):
    with Terminal(keep=True) as t:
        before = t.flags()
        with begin(run, *cmd, extra=extra, terminal=t) as p:
            t.read()
            s.ends(f"{why}: it ends", p, [137, 127])
            s.check(f"{why}: the mode is as before", t.flags() == before)
with Terminal(keep=True) as t:
    before = t.flags()
    with begin(run, "sh", "-c", "echo ready; read x; exit 6", terminal=t, background=True) as p:
        pass
    with begin(run, "sh", "-c", "stty -echo; echo ready; read x; exit 6", terminal=t) as p:
        t.read()
        until(lambda: b"ready" in t.data())
        raw = t.flags()
        # it leads an orphaned group: nobody could let it go on, so it is not stopped
        p.signal(signal.SIGTSTP)
        p.settle()
        s.check("an orphan is not stopped", not p.stopped())
        s.check("... and has its mode", t.flags() == raw != before, t.flags(), before)
        with peers.stopped(p.pid):
            t.send(b"")
        t.send(b"\r")
        s.ends("continued it goes on", p, [6])
        s.check("... and gives the mode back", t.flags() == before)
with Terminal() as t, peers.start(
    ["bash", "-ic", f"{CT_RUN} -- sh -c 'echo ready; read x; echo got $x'; stty -a; fg; echo over"],
        terminal=t) as p:
    t.read()
    until(lambda: b"ready" in t.data())
    os.kill(next(q for q in peers.below(p.pid) if peers.name(q) == "ct-run"), signal.SIGTSTP)
    s.check("stopped by ^Z from outside: the mode is given back",
            until(lambda: b"icanon" in t.data() and b"-icanon" not in t.data()), t.data())
    for _ in range(200):
        if b"got word" in t.data() or p.ended():
            break
        t.send(b"word\r")
        until(lambda: b"got word" in t.data(), 0.2)
    s.check("... and taken again", until(lambda: b"got word" in t.data()), t.data())
    s.ends("... to its end", p, [0])
s.expect("the one that ran meanwhile", "ct-stop", "-k", "-n", HOST)
for entry in os.listdir(MARK):
    os.unlink(os.path.join(MARK, entry))
sys.exit(s.done())
