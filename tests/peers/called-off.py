#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
A start that something holds up, a hook or the payload, is called off by ^C and by the signals that
end a tool: it ends soon, with 128 + signal and one line, the program has not run, and no process,
cgroup or state is left. What is ignored stays so.
"""
import contextlib
import os
import signal
import subprocess

import peers
from peers import Terminal, until

SOON = 20       # seconds, where a hook takes a hundred
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
s = peers.Peers()
os.makedirs(s.base + "/c")
# whatever a tool leaves comes to us
peers.libc.prctl(peers.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
MARK, BEGUN, GROUPS = s.base + "/marks", s.base + "/begun", s.name("off")
CONFIG = s.base + "/config"
os.makedirs(MARK)
# two places where the launcher may be held up: before there is an init, and when that is
# set up and waits
HOST_HOOK = f'hook.start-host = /bin/sh -c "echo > {BEGUN}; exec sleep 100"\n'
HOOK = f'hook.pre-start = /bin/sh -c "echo > {BEGUN}; exec sleep 100"\n'
with open(CONFIG, "w", encoding="utf-8") as f:
    f.write(
        f"rootfs.path = /\nrootfs.readonly = 1\nmount.entry = {MARK} {MARK[1:]} none bind,rw 0 0\n"
        f"cgroup.dir = {GROUPS}\n")
with open(CONFIG + ".hook", "w", encoding="utf-8") as f:
    f.write(f"include = {CONFIG}\n{HOOK}")
with open(CONFIG + ".host", "w", encoding="utf-8") as f:
    f.write(f"include = {CONFIG}\n{HOST_HOOK}")
RUNS = ["sh", "-c", f"echo > {MARK}/ran; sleep 100"]
names = iter(range(1000))
HOST = s.name("host")


def run():
    return "ct-run", ["-f", CONFIG + ".hook", "--", *RUNS]


def run_set_up():
    return "ct-run", ["-f", CONFIG + ".host", "--", *RUNS]


def detached_set_up():
    return "ct-start", [
        "-n",
        s.name(f"h{next(names)}"), "-f", CONFIG + ".host", "-p", MARK + "/pidfile", "--", *RUNS
    ]


def execute():
    return "ct-execute", ["-n", s.name(f"x{next(names)}"), "-f", CONFIG + ".hook", "--", *RUNS]


def execute_detached():
    return "ct-execute", [
        "-n", s.name(f"d{next(names)}"), "-f", CONFIG + ".hook", "-d", "--", *RUNS
    ]


def foreground():
    return "ct-start", ["-n", s.name(f"f{next(names)}"), "-f", CONFIG + ".hook", "-F", "--", *RUNS]


def detached():
    return "ct-start", [
        "-n",
        s.name(f"s{next(names)}"), "-f", CONFIG + ".hook", "-p", MARK + "/pidfile", "--", *RUNS
    ]


def attach():
    return "ct-attach", [HOST, "--", *RUNS]


def children():
    """Ours that live: pid and name. The others are reaped, as the parent of orphans has to."""
    found = {}
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as f:
        for pid in map(int, f.read().split()):
            if peers.state(pid) == "Z":
                os.waitpid(pid, os.WNOHANG)
            elif peers.state(pid):
                found[pid] = peers.name(pid)
    return found


@contextlib.contextmanager
def begin(way, make=peers.tiny_pipe, **how):
    """The tool and its peer, a terminal or its output, once it is held up. A newcomer is so only
    when the payload was fast enough."""
    for _ in range(50):
        for old in (MARK + "/ran", BEGUN):
            if os.path.exists(old):
                os.unlink(old)
        tool, args = way()
        with make() as out:
            mine = {"terminal": out} if isinstance(
                out, Terminal) else {"stdout": out, "stderr": out, "session": True}
            with s.tool(tool, *args, place=tool != "ct-run", **mine, **how) as p:
                held = until(lambda p=p: os.path.exists(BEGUN) or p.ended()
                             ) if way is not attach else not p.settle(0.2)
                # it may have been stopped just behind its exec: then the start is over
                if held and not os.path.exists(MARK + "/ran") and (
                        way is not attach or RUNS[0] not in map(peers.name, peers.below(p.pid))):
                    yield out, p
                    return
        children()
    raise TimeoutError("nothing holds it")


def gone(why, before, states):
    left = {}

    def look():
        left.clear()
        left.update({pid: n for pid, n in children().items() if pid not in before})
        return not left
    s.check(f"{why}: no process is left", until(look, SOON), left)
    s.check(f"{why}: the program has not run", not os.path.exists(MARK + "/ran"))
    here = [
        g for g in peers.scene.groups(GROUPS)
        if os.listdir(g) and any(os.path.isdir(os.path.join(g, d)) for d in os.listdir(g))
    ]
    s.check(f"{why}: no cgroup is left", not here or before, here)
    s.check(f"{why}: no state is left", of_state() == states, of_state(), states)
    s.check(f"{why}: no pidfile is written", not os.path.exists(MARK + "/pidfile"))


def of_state():
    return sorted(
        os.path.join(at, d)
        for at, dirs, _ in os.walk(s.base + "/s")
        for d in dirs
        if at.count("/") > s.base.count("/") + 1)


def told(data, sig):
    return [
        line for line in data.decode(errors="replace").splitlines()
        if f"called off by signal {int(sig)} " in line
    ]


def by_signal(way, sig, on_terminal):
    why = f"{way.__name__}, {sig.name}, {'terminal' if on_terminal else 'pipes'}"
    before, states = children(), of_state()
    with begin(way, (lambda: Terminal(raw=True)) if on_terminal else peers.tiny_pipe) as (out, p):
        out.read()
        p.signal(sig)
        s.ends(f"{why}: it ends", p, [128 + sig], SOON)
        s.check(f"{why}: it says so",
                out.reader.to_end() and len(told(out.data(), sig)) == 1, out.data())
    gone(why, before, states)


def by_key(way, key, sig):
    why = f"{way.__name__}, {key!r} on the terminal"
    before, states = children(), of_state()
    with begin(way, lambda: Terminal(keep=True)) as (t, p):
        flags = t.flags()
        t.read()
        t.send(key)
        s.ends(f"{why}: it ends", p, [128 + sig], SOON)
        s.check(f"{why}: it says so", until(lambda: told(t.data(), sig)), t.data())
        s.check(f"{why}: the mode is as before", t.flags() == flags, t.flags(), flags)
    gone(why, before, states)


def ignored(way):
    """Under nohup, and with a second signal, which is heard."""
    why = f"{way.__name__}, ignored signals"
    before, states = children(), of_state()
    with begin(way, ignore=[signal.SIGHUP, signal.SIGINT]) as (_out, p):
        p.signal(signal.SIGHUP)
        p.signal(signal.SIGINT)
        s.check(f"{why}: it goes on", not p.settle(), p.code)
        p.signal(signal.SIGTERM)
        s.ends(f"{why}: others end it", p, [143], SOON)
    gone(why, before, states)


def stopped_by_key(way):
    """^Z in a start stops the tool, as any other program, and fg lets it go on."""
    tool, args = way()
    line = " ".join(
        f"'{w}'"
        for w in [os.path.join(s.tools, tool), *(s.where if tool != "ct-run" else []), *args])
    before, states = children(), of_state()
    if os.path.exists(BEGUN):
        os.unlink(BEGUN)
    with Terminal() as t, peers.start(
        ["bash", "-ic", f"{line}; echo stopped with $?; fg; echo ended with $?"], terminal=t) as p:
        t.read()
        until(lambda: os.path.exists(BEGUN))
        t.send(b"\x1a")
        s.check(f"{way.__name__}, ^Z: it stops", until(lambda: b"stopped with 148" in t.data(),
                                                       SOON), t.data())
        t.send(b"\x03")
        s.check(f"{way.__name__}, ^Z, ^C: it ends",
                until(lambda: b"ended with 130" in t.data() or p.ended(), SOON), t.data())
    gone(f"{way.__name__}, ^Z, ^C", before, states)


STARTS = [run, execute, execute_detached, foreground, detached]
for way_ in STARTS:
    for sig_ in SIGNALS:
        for on_terminal_ in (False, True):
            by_signal(way_, sig_, on_terminal_)
    by_key(way_, b"\x03", signal.SIGINT)
    by_key(way_, b"\x1c", signal.SIGQUIT)
    ignored(way_)
    stopped_by_key(way_)

for way_ in (run_set_up, detached_set_up):
    by_signal(way_, signal.SIGTERM, False)
    by_key(way_, b"\x03", signal.SIGINT)
    stopped_by_key(way_)

# a payload that stops whoever comes
s.expect("one to attach to", "ct-execute", "-n", HOST, "-f", CONFIG, "-d", "--", "sh", "-c",
         "while :; do kill -STOP -1; done 2>/dev/null")
for sig_ in SIGNALS:
    by_signal(attach, sig_, False)
    by_signal(attach, sig_, True)
by_key(attach, b"\x03", signal.SIGINT)
ignored(attach)
s.expect("... goes", "ct-stop", "-k", "-n", HOST)
with open(s.base + "/verdict", "w+", encoding="utf-8") as f:
    with begin(lambda: ("ct-run", ["-f", CONFIG + ".hook", "--verdict", f.name, "--", *RUNS])) as (
            _, p_):
        p_.signal(signal.SIGTERM)
        s.ends("with a verdict: it ends", p_, [143], SOON)
    s.check("... which tells it", '"error": "CT_ERR_CANCELED"' in f.read())
# a directory of cgroup.dir that two had at once goes with the next look
s.run("ct-ls")
for entry in os.listdir(MARK):
    os.unlink(os.path.join(MARK, entry))
subprocess.run(["rm", "-rf", s.base + "/verdict"], check=True)
s.done()
