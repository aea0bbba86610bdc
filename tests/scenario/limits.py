# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits, as one gives them: to a sandbox, in a config, while it runs; what holds, what is refused,
and that nothing is left of it."""
import json
import os
import subprocess

from scene import SLOW, Scene, groups, layout, version_of

s = Scene()
MEMORY, CPU = version_of("memory"), version_of("cpu")
verdict_file = os.path.join(s.base, "verdict")


def sandbox(name, *args, code=0, out=None, err=None, good=lambda v: True, **want):
    """ct-run in a hurry: exit code, texts, what the verdict says, and no cgroup of it
    afterwards."""
    p = subprocess.Popen([
        os.path.join(s.tools, "ct-run"), "--rootfs", "/", "--ro", "--time", f"{30 * SLOW}s",
        "--verdict", verdict_file, *args
    ], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    got = p.communicate(timeout=60 * SLOW)
    with open(verdict_file, encoding="utf-8") as f:
        v = json.load(f)
    left = [g for g in groups("@") if f".{p.pid:x}." in g]
    fine = p.returncode == code and not left and all(v.get(k) == x for k, x in want.items())
    for text, part in zip(got, (out, err)):
        fine = fine and (part is None or (text == "" if part == "" else part in text))
    s.check(name, fine and good(v), " ".join(args), f"exit code {p.returncode}, expected {code}",
            *got, v, *left)
    return v


def kernel(name, *files):
    """What the kernel itself has in the first of the files that there is."""
    for g in groups(name):
        for file in files:
            try:
                with open(os.path.join(g, file), encoding="utf-8") as f:
                    return f.read().strip()
            except OSError:
                pass
    return None


LIMITS = ("--memory", "64M", "--cpus", "0.5", "--pids", "20")

# ---- a sandbox
sandbox("within its limits", *LIMITS, "--", "echo", "hello", out="hello\n", err="", reason="exited",
        code=0)
sandbox("a memory hog", *LIMITS, "--", "tail", "/dev/zero", code=137,
        err="limit.memory was reached", reason="memory", signal=9,
        good=lambda v: v["oom_kills"] >= 1 and v.get("memory_peak", 0) <= 64 << 20)
sandbox("one below the command, which goes on", *LIMITS, "--", "sh", "-c",
        "tail /dev/zero; echo after; exit 3", code=3, out="after\n", err="limit.memory",
        reason="memory", signal=0)
sandbox("a fork bomb", *LIMITS, "--", "sh", "-c", "b() { b | b & }; b; sleep 1; exit 2", code=2,
        err="limit.pids was reached", reason="pids", good=lambda v: v.get("pids_peak", 0) <= 20)
sandbox("a few forks too many, and the command does without", "--pids", "5", "--", "sh", "-c",
        "(for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done) 2>/dev/null; exit 4", code=4,
        err="limit.pids", reason="pids")
sandbox("a CPU spinner has half a processor until its time is up", *LIMITS, "--time", "1s", "--",
        "sh", "-c", "while :; do :; done", code=137, err="limit.time", reason="time limit",
        good=lambda v: 20000 < v["cpu_us"] < v["wall_us"] / 2 + 200000)
sandbox("two of them have it together", *LIMITS, "--time", "1s", "--", "sh", "-c",
        "while :; do :; done & while :; do :; done", code=137, reason="time limit",
        good=lambda v: 20000 < v["cpu_us"] < v["wall_us"] / 2 + 300000)
sandbox("CPU time", "--cputime", "200ms", "--", "sh", "-c", "(while :; do :; done) & wait",
        code=137, err="limit.cputime", reason="cputime",
        good=lambda v: 200000 <= v["cpu_us"] < 2000000)
sandbox("one processor", "--cpuset", "0", "--", "nproc", out="1\n", err="")
sandbox("no device files", "--devices", "none", "--", "sh", "-c", "echo x >/dev/null || exit 5",
        code=5, err="Operation not permitted")
sandbox("but this one", "--devices", "none", "--device", "c 1:3 w", "--", "sh", "-c",
        "echo x >/dev/null && cat </dev/null || exit 6", code=6)
sandbox("not found", *LIMITS, "--", "/bin/nothing", code=127, reason="error", error="CT_ERR_EXEC")
sandbox("not executable", *LIMITS, "--", "/etc/passwd", code=126, reason="error",
        error="CT_ERR_EXEC")
for option, value in (("--memory", "64Q"), ("--pids", "0"), ("--cpus", "0"), ("--cputime", "soon"),
                      ("--cpuset", "x"), ("--device", "c 1:3")):
    sandbox(f"{option} {value}", option, value, "--", "true", code=125, err="ct-run: ",
            reason="error")

# ---- what this host, or no host, can do
raw = "cgroup.memory.limit_in_bytes" if MEMORY == 2 else "cgroup2.memory.max"
sandbox("the other version's key", "-s", raw + "=64M", "--", "true", code=125,
        err=f"(layout {layout()})", reason="error", error="CT_ERR_LIMIT",
        good=lambda v: raw in v["message"] and "memory" in v["message"] and "limit.*" in v["hint"])
sandbox("... tried", "-s", raw + "=try:64M", "--", "true")
sandbox("a processor that there is not", "--cpuset", "9999", "--", "true", code=125,
        err="limit.cpuset.cpus", error="CT_ERR_LIMIT",
        good=lambda v: "cpuset.cpus" in v["message"] and v["hint"])
sandbox("... tried", "-s", "limit.cpuset.cpus=try:9999", *LIMITS, "--", "echo", "hello",
        out="hello\n", err="")
sandbox("a disk that there is not", "--io-max", "/dev/nothing rbps=1M", "--", "true", code=125,
        err="/dev/nothing", error="CT_ERR_LIMIT")
sandbox("a network adapter that there is not", "-s", "limit.rdma=nothing hca_handle=2", "--",
        "true", code=125, err="rdma", good=lambda v: "limit.rdma" in v["message"] and v["hint"])
if MEMORY == 1:
    sandbox("limit.memory.high", "-s", "limit.memory.high=10M", "--", "true", code=125,
            err="limit.memory.high", good=lambda v: "limit.memory" in v["hint"])
sandbox("limit.memory.high, tried", "-s", "limit.memory.high=try:10M", "--", "true")
s.expect("a plan makes none", "ct-run", "--rootfs", "/", *LIMITS, "-s",
         "cgroup.dir=" + s.name("plan"), "--dry-run", "true", place=False, out="cgroup.make")

host = s.json("ct-checkconfig --json", "ct-checkconfig")["host"]
items = {i["name"]: i for i in host["items"] if i["group"] == "cgroups"}
s.check("the layout", items["layout"]["value"].startswith(layout()), items["layout"], layout())
for key, controller in (("limit.memory", "memory"), ("limit.pids", "pids"), ("limit.cpu", "cpu"),
                        ("limit.cpuset", "cpuset"), ("limit.rdma", "rdma")):
    version = version_of(controller)
    s.check(
        f"who serves {key}", items[key]["state"] == ("yes" if version else "no") and
        (f"version {version}" in items[key]["value"]
         if version else items[key]["reason"] and items[key]["hint"]), items[key])
s.expect("ct-checkconfig", "ct-checkconfig", out="limit.memory ", code=1 if host["missing"] else 0)

conf = os.path.join(s.base, "conf")
with open(conf, "w", encoding="utf-8") as f:
    f.write(
        f"limit.memory = 64M\n{raw} = 1M\nlimit.io.max = /dev/nothing rbps=1\nmount.entry = "
        "/nothing mnt none bind\n"
    )
code, out, err = s.run("ct-checkconfig", conf)
s.check(
    "a config's problems, each with its line, also without a root file system", code == 1 and
    f"{raw} ({conf}:2): " in out and f"limit.io.max ({conf}:3): " in out and
    f"mount.entry ({conf}:4): " in out and "rootfs.path" in out and "limit.memory (" not in out,
    out, err)
with open(conf, "w", encoding="utf-8") as f:
    f.write(f"rootfs.path = /\nlimit.memory = 64M\n{raw} = try:1M\nlimit.pids = 20\n")
s.expect("a good one", "ct-checkconfig", conf, out="nothing to object to")
value = s.json("ct-checkconfig FILE --json", "ct-checkconfig", conf)["configs"]
s.check("... --json", len(value) == 1 and value[0]["file"] == conf and not value[0]["problems"] and
        {"limit-cpu", "limit-tried"} <= {w["name"] for w in value[0]["audit"]["weaknesses"]} and
        "limit-memory" not in {w["name"] for w in value[0]["audit"]["weaknesses"]}, value)

# ---- in a config
web = s.name("web")
s.expect("create", "ct-create", web, "-t", "busybox")
s.expect("limits in the config", "ct-config", web, "limit.memory=64M", "limit.pids=30",
         "limit.cpu=0.5", "limit.cpuset.cpus=try:9999")
s.expect("start", "ct-start", web, out="", err="")
s.check(
    "the kernel has them",
    kernel(web, "memory.max", "memory.limit_in_bytes") == str(64 << 20) and
    kernel(web, "pids.max") == "30" and
    kernel(web, "cpu.max", "cpu.cfs_quota_us").split()[0] == "50000", *groups(web))
code, out, err = s.run("ct-info", web, "-S")
s.check(
    "ct-info -S", code == 0 and "Memory limit:   64.00 MiB\n" in out and
    "Process limit:  30\n" in out and "CPU use: " in out and "Memory use: " in out, out, err)
code, out, err = s.run("ct-info", web, "-SH")
s.check("ct-info -SH", f"Memory limit:   {64 << 20}\n" in out, out, err)
usage = s.json("ct-info --json", "ct-info", web)["usage"]
s.check(
    "limits and use in it", usage["memory_limit"] == 64 << 20 and usage["pids_limit"] == 30 and
    0 < usage["memory"] < 64 << 20 and 1 <= usage["pids"] <= 30 and usage["cpu_us"] > 0, usage)
code, out, err = s.run("ct-info", web, "--protections")
rows = {" ".join(line[2:].split()[:2]): line for line in out.splitlines()}
s.check(
    "ct-info --protections",
    rows.get("limit.memory 64M", "").startswith("  ") and str(64 << 20) in rows["limit.memory 64M"],
    out, err)
s.check("what was only tried is marked",
        rows.get("limit.cpuset.cpus try:9999", "").startswith("! "), out, err)
s.check("... --json",
        s.json("ct-info --protections --json", "ct-info", web, "--protections")["protections"])

# ---- while it runs
memory_file, other = ("memory.max",
                      "memory.limit_in_bytes") if MEMORY == 2 else ("memory.limit_in_bytes",
                                                                    "memory.max")
cpu_file = "cpu.max" if CPU == 2 else "cpu.cfs_quota_us"
s.expect("read a file", "ct-cgroup", "-n", web, memory_file, out=f"{64 << 20}\n", err="")
s.check(
    "... --json",
    s.json("ct-cgroup --json", "ct-cgroup", web,
           "pids.max") == {"name": web, "file": "pids.max", "value": "30"})
for file in (memory_file, cpu_file, "memory.stat", "pids.current", "cpu.stat"):
    s.expect(f"{file}, as the kernel has it", "ct-cgroup", web, file, out=kernel(web,
                                                                                 file).split()[0])
s.expect("its processes", "ct-cgroup", web, "cgroup.procs", out=f"{s.pid(web)}\n")
s.expect("write a file", "ct-cgroup", web, "pids.max", "25", out="", err="")
s.check("it is written", kernel(web, "pids.max") == "25")
s.expect("a value that begins with -", "ct-cgroup", web, "pids.max", "--", "-5", code=125,
         err="Invalid argument")
s.expect("the other version's file", "ct-cgroup", web, other, code=125,
         err="limit.* keys mean the same")
s.expect("no file", "ct-cgroup", web, "nothing.here", code=125,
         err="no group of the container has this file")
s.expect("not a file's name", "ct-cgroup", web, "../pids.max", code=125,
         err="no name of a cgroup file")
s.expect("one word too many", "ct-cgroup", web, "pids.max", "1", "2", code=125,
         err="one word too many")
s.expect("change limits", "ct-cgroup", web, "limit.memory=48M", "limit.pids=20", "limit.cpu=1.5",
         out="", err="")
s.check(
    "they are changed",
    kernel(web, memory_file) == str(48 << 20) and kernel(web, "pids.max") == "20" and
    kernel(web, cpu_file).split()[0] == "150000", *groups(web))
s.expect("one of them is not to be had", "ct-cgroup", web, "limit.pids=10",
         "limit.cpuset.cpus=9999", code=125, err="limit.cpuset.cpus")
s.expect("there is none of them", "ct-cgroup", web, "limit.pids=10", "limit.nothing=1", code=125,
         err="limit.nothing: no such key")
s.expect("below what is in use", "ct-cgroup", web, "limit.pids=10", "limit.memory=64K", code=125,
         err="limit.memory")
s.check("then all stay",
        kernel(web, "pids.max") == "20" and kernel(web, memory_file) == str(48 << 20))
s.expect("a limit is no file", "ct-cgroup", web, "limit.memory", code=125,
         err="ct-info --protections")
s.expect("take a limit away", "ct-cgroup", web, "limit.cpu=")
s.check("it is gone", kernel(web, cpu_file).split()[0] in ("max", "-1"))
s.expect("the stored config stays", "ct-info", web, "-Hc", "limit.memory", out="64M\n")

s.expect("a device of the usual list", "ct-attach", web, "--", "sh", "-c", ": </dev/full", err="")
s.expect("devices.deny", "ct-cgroup", web, "devices.deny", "c 1:7 rw")
s.expect("it is denied", "ct-attach", web, "--", "sh", "-c", ": </dev/full", code=1,
         err="Operation not permitted")
s.expect("what was denied is denied", "ct-attach", web, "--", "sh", "-c",
         "mknod /k c 10 237 && : </k", code=1, err="Operation not permitted")
s.expect("devices.allow", "ct-cgroup", web, "devices.allow", "c 1:7 r")
s.expect("it can be read", "ct-attach", web, "--", "sh", "-c", ": </dev/full", err="")
s.expect("not written", "ct-attach", web, "--", "sh", "-c", ": >/dev/full", code=1,
         err="Operation not permitted")
s.expect("no rule", "ct-cgroup", web, "devices.allow", "nonsense", code=125,
         err="not a device rule")
s.expect("rules are not read", "ct-cgroup", web, "devices.allow", code=125,
         err="ct-info --protections")

init = s.pid(web)
s.expect("the limit of memory holds", "ct-attach", web, "--", "tail", "/dev/zero", code=137)
s.expect("that of processes", "ct-attach", web, "--", "sh", "-c",
         "for i in $(seq 30); do sleep 1 & done", code=2, err="fork")
s.check("the system itself goes on", s.pid(web) == init)
usage = s.json("ct-stats --json", "ct-stats", web)[0]
s.check("both are counted", usage["oom_kills"] >= 1 and usage["pids_refused"] >= 1, usage)
s.expect("stop", "ct-stop", "-k", web)
s.expect("a limit of a stopped one", "ct-cgroup", web, "limit.pids=5", code=125,
         err="is not running")
s.expect("a file of a stopped one", "ct-cgroup", web, "pids.max", code=125, err="is not running")
s.expect("of none", "ct-cgroup", s.name("none"), "pids.max", code=125, err="no such container")

# ---- what cannot be had, in a config
for key, value in ((raw, "64M"), ("limit.cpuset.cpus", "9999")):
    s.expect("ask for it", "ct-config", web, f"{key}={value}")
    code, out, err = s.run("ct-start", web)
    s.check(f"{key}: no start, where it is written, what helps", code == 125 and
            f"{key} ({s.base}/c/{web}/config:" in err and "Hint: " in err, code, err)
    s.check("nothing is left", not groups(web) and "STOPPED" in s.run("ct-info", web, "-s")[1],
            *groups(web))
    s.expect("try it", "ct-config", web, f"{key}=", f"{key}=try:{value}")
    s.expect("it starts without", "ct-start", web, err="")
    s.expect("stop it", "ct-stop", "-k", web)
s.expect("destroy", "ct-destroy", web)
os.unlink(conf)
os.unlink(verdict_file)
s.done()
