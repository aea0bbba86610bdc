#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Every tool with every difficult output: a tool ends, at the latest when the peer that it waits for
is gone, and its exit code tells of what was lost where something was. In the background of a
terminal it ends as it does elsewhere.
"""
import os
import signal

import peers

s = peers.Peers()
# the supervisor takes requests only from its own mount namespace, and a full disk is made in one
peers.own_mounts()
name = s.name("table")
s.expect("create", "ct-create", name, "-t", "busybox")
s.expect("start", "ct-start", name, "--", "sh", "-c",
         "trap 'exit 0' TERM PWR; while :; do sleep 0.1; done")
root = os.path.join(s.base, "c", name, "rootfs")

# what is run: a tool's name, its arguments, whether it prints something, whether it goes on
# until it is ended
TOOLS = [
    ("ct-ls", ["-f"], True, False),
    ("ct-ls", ["--json"], True, False),
    ("ct-info", [name], True, False),
    ("ct-info", ["--json", name], True, False),
    ("ct-config", ["-l"], True, False),
    ("ct-config", [name], True, False),
    ("ct-checkconfig", [], True, False),
    ("ct-stats", ["--json", name], True, False),
    ("ct-cgroup", [name, "pids.current"], None, False),
    ("ct-monitor", [name], False, True),
    ("ct-wait", [name, "-s", "RUNNING"], False, False),
    ("ct-attach", [name, "--", "sh", "-c", "echo word"], None, False),
    ("ct-attach", [name, "--", "head", "-c", "100000", "/dev/zero"], None, False),
    ("ct-execute", [
        s.name("once"), "-s", f"rootfs.path={root}", "--", "head", "-c", "100000", "/dev/zero"
    ], None, False),
    ("ct-run", ["--rootfs", root, "--", "head", "-c", "100000", "/dev/zero"], None, False),
    ("ct-run", ["--rootfs", root, "--dry-run", "--", "true"], True, False),
    ("ct-run", ["--rootfs", root, "--verdict=-", "--", "true"], False, False),
    ("ct-learn", ["--rootfs", root, "--", "true"], True, False),
    ("ct-freeze", [name], False, False),
    ("ct-unfreeze", [name], False, False),
    ("ct-start", ["--help"], True, False),
    ("ct-stop", ["--version"], True, False),
]
SINKS = [
    peers.full_pipe, peers.closed_pipe, peers.full_socket, peers.closed_socket, peers.dev_full,
    peers.full_disk, peers.full_terminal
]
LOSING = (peers.closed_pipe, peers.closed_socket, peers.dev_full, peers.full_disk)


def place(tool):
    return tool not in ("ct-checkconfig", "ct-learn", "ct-run")


def title(tool, args):
    return " ".join([tool, *[a.replace(s.base, "").replace(f"-{os.getpid()}", "") for a in args]])


def into(make, tool, args, prints, goes_on):
    """The tool with that output: it waits at most for the peer, and ends with it."""
    with make() as sink, s.tool(tool, *args, place=place(tool), stdout=sink) as p:
        alone = p.settle()
        if not alone:
            sink.close()
        if goes_on and not p.settle():
            p.signal(signal.SIGTERM)
        code = p.end()
        lost = prints and make in LOSING
        good = code is not None and (code != 0 if lost else True)
        s.check(f"{title(tool, args)} into {make.__name__}", good,
                f"ended with {code}, waited {not alone}", p.why)


def in_background(tool, args, goes_on):
    """In a process group that is not the terminal's: nothing is to be asked of the terminal."""
    with peers.Terminal(keep=True) as t, s.tool(tool, *args, place=place(tool), terminal=t,
                                                background=True) as p:
        t.read()
        if goes_on:
            p.settle()
            p.signal(signal.SIGTERM)
        code = p.end(60)
        s.check(f"{title(tool, args)} in the background", code is not None and
                (goes_on or code == 0), f"ended with {code}", p.why,
                t.data().decode(errors="replace"))


for tool_, args_, prints_, goes_on_ in TOOLS:
    for make_ in SINKS:
        into(make_, tool_, args_, prints_, goes_on_)
    in_background(tool_, args_, goes_on_)
s.expect("stop", "ct-stop", "-k", name)
s.expect("destroy", "ct-destroy", name)
s.done()
