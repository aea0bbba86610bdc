#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Supervisors that are stopped: their rows say so, and keep nobody else's back."""
import contextlib
import os
import sys
import time

import peers

s = peers.Peers()
os.makedirs(s.base + "/c")
CONFIG = s.base + "/config"
with open(CONFIG, "w", encoding="utf-8") as f:
    f.write("rootfs.path = /\nrootfs.readonly = 1\n")
well = [s.name(f"well{i}") for i in range(3)]
held = [s.name(f"held{i}") for i in range(8)]
for name in well + held:
    s.expect(f"start {name.split('-')[0]}", "ct-execute", "-n", name, "-f", CONFIG, "-d", "--",
             "sleep", "100000")


def supervisor(name):
    with open(f"/proc/{s.pid(name)}/status", encoding="utf-8") as f:
        return int(next(line for line in f if line.startswith("PPid:")).split()[1])


def timed(*cmd):
    began = time.monotonic()
    return *s.run(*cmd, timeout=120), time.monotonic() - began


with contextlib.ExitStack() as stack:
    for name in held:
        stack.enter_context(peers.stopped(supervisor(name)))
    # one after the other they would take a minute and more
    code, out, err, took = timed("ct-ls", "-f")
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines()[1:]}
    s.check("ct-ls -f: the others are shown", code == 0 and
            all(rows.get(n) == "RUNNING" for n in well), code, out, err)
    s.check("ct-ls -f: those are unknown", all(rows.get(n) == "unknown" for n in held), out)
    s.check("ct-ls -f: with a reason for each", all(f"ct-ls: {n}: " in err for n in held), err)
    s.check("ct-ls -f: and soon", took < 30 * peers.scene.SLOW, took)
    code, out, err, took = timed("ct-ls")
    s.check(
        "ct-ls: all names", code == 0 and sorted(out.split()) == sorted(well + held) and
        took < 30 * peers.scene.SLOW, code, out, err, took)
    code, out, err, took = timed("ct-ls", "--running", "-1")
    s.check("ct-ls --running: what is known to run", code == 0 and sorted(out.split()) == well,
            code, out, err)
    code, out, err, took = timed("ct-ls", "--active", "-1")
    s.check("ct-ls --active: what may run, too", code == 0 and
            sorted(out.split()) == sorted(well + held), code, out, err)
    listed = {row["name"]: row for row in s.json("ct-ls --json", "ct-ls") or []}
    s.check(
        "ct-ls --json",
        all(listed[n]["state"] == "RUNNING" and listed[n]["pid"] > 0 for n in well) and
        all(listed[n]["state"] == "unknown" and listed[n]["reason"] and "pid" not in listed[n]
            for n in held), listed)
listed = {
    row["name"]: row["state"] for row in s.json("ct-ls --json, when they go on", "ct-ls") or []
}
s.check("all are known again", listed == dict.fromkeys(well + held, "RUNNING"), listed)
for name in well + held:
    s.expect("the end", "ct-stop", "-k", "-n", name)
s.done()
