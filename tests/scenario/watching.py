# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two systems that are watched, frozen and let go: ct-freeze, ct-unfreeze, ct-stats,
ct-top, ct-monitor."""
import json
import os
import re
import signal
import subprocess
import sys
import time

from scene import SLOW, Scene, groups, hierarchies, layout

s = Scene()
HELD, LIMIT = 8 << 20, 40 << 20
# one that holds memory, and gets a spinner later, and one that counts
HOLDING = f"head -c {HELD} /dev/zero | tail -n 1 | sleep 1000"
COUNTING = "i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.2; done"
calm, wild = s.name("a"), s.name("z")
for name in (calm, wild):
    s.expect(f"create {name}", "ct-create", name, "-t", "busybox")
s.expect("limits", "ct-config", wild, f"limit.memory={LIMIT}", "limit.pids=20", "limit.cpu=0.5",
         "limit.cpuset.cpus=0")
s.expect("start one", "ct-start", calm, "--", "sh", "-c", COUNTING)


def heard(p, what, seconds=40):
    """Waits until a ct-monitor has said that; returns all it has said."""
    os.set_blocking(p.stdout.fileno(), False)
    p.said = getattr(p, "said", "")

    def look():
        try:
            p.said += os.read(p.stdout.fileno(), 65536).decode()
        except BlockingIOError:
            pass
        return what in p.said

    s.check(f"told: {what.strip() or 'something, or nothing'}", s.until(look, seconds), p.said,
            p.stderr.read() if p.poll() is not None else "it goes on")
    return p.said


def use(name):
    return json.loads(s.run("ct-stats", "--json", name)[1])[0]


# ---- ct-monitor: what happens to one is told, from its start to its end
everyone = s.begin("ct-monitor")
by_pattern = s.begin("ct-monitor", "-n", f"nobody|{wild[:-1]}.")
other = s.begin("ct-monitor", "-n", wild[:-1])      # the whole name must match
lines = s.begin("ct-monitor", "--json", "--once", "3", wild)
time.sleep(0.5)
s.expect("start the other", "ct-start", wild, "--", "sh", "-c", HOLDING)
for p in (everyone, by_pattern):
    heard(p, f"'{wild}' changed state to [RUNNING]\n")
heard(lines, '"event": "started"')
s.check("it takes its memory", s.until(lambda: use(wild)["memory"] > HELD, 40))
s.expect("freeze it", "ct-freeze", wild, out="", err="")
heard(by_pattern, f"'{wild}' changed state to [FROZEN]\n")
heard(lines, '"event": "frozen"')
s.expect("let it go on", "ct-unfreeze", "-n", wild, out="", err="")
heard(by_pattern, f"'{wild}' changed state to [THAWED]\n")
s.check("--once ends with 0", lines.wait(40 * SLOW) == 0)
said = [json.loads(line) for line in heard(lines, '"event": "thawed"').splitlines()]
s.check("--json, an object a line", [(e["name"], e["event"], e["state"], e["count"])
                                     for e in said] == [(wild, "started", "RUNNING", 1),
                                                        (wild, "frozen", "FROZEN", 1),
                                                        (wild, "thawed", "THAWED", 1)] and
        all(abs(time.time() * 1000 - e["time_ms"]) < 60000 for e in said), said)
s.expect("memory runs out in it", "ct-attach", wild, "--", "tail", "/dev/zero", code=137)
heard(by_pattern, f"'{wild}' had event [OOM]\n")
heard(by_pattern, f"'{wild}' had event [OOM_KILL]\n")
s.expect("processes do", "ct-attach", wild, "--", "sh", "-c",
         "for i in $(seq 30); do sleep 1 & done", code=2)
heard(by_pattern, f"'{wild}' had event [PIDS_LIMIT]")
for args, text in (("-n (", "not a regular expression"),
                   ("--pressure memory", "expected cpu, memory or io"), ("--pressure cpu=2s/1s",
                                                                         "longer than")):
    s.expect(f"ct-monitor {args}", "ct-monitor", *args.split(), code=125, err=text)
s.expect("ct-monitor -Q", "ct-monitor", "-Q", err="no monitord")

# ---- ct-stats
# those that were forked too many leave no room for one more while they sleep
s.until(lambda: (use(wild)["pids"] or 0) < 5, 40)
s.begin("ct-attach", wild, "--", "sh", "-c", "while :; do :; done")
s.check("it wants processor time",
        s.until(lambda: use(wild)["cpu_us"] > 2 * use(calm)["cpu_us"] + 200000, 40))
NAMES = ("memory", "memory_peak", "memory_limit", "swap", "cpu_us", "cpu_user_us", "cpu_system_us",
         "pids", "pids_limit", "oom_kills")
u = s.json("ct-stats --json", "ct-stats", wild)[0]
s.check(
    "its figures", u["name"] == wild and u["state"] == "RUNNING" and
    HELD <= u["memory"] <= u["memory_limit"] == LIMIT and u["oom_kills"] >= 1 and
    u["cpu_us"] > 100000 and 3 <= u["pids"] <= u["pids_limit"] == 20 and u["pids_refused"] >= 1 and
    u["cpu_periods"] >= 1, u)
s.check("more CPU time later", s.until(lambda: use(wild)["cpu_us"] > u["cpu_us"]))
code, out, err = s.run("ct-stats", wild, "-H")
raw = dict(line.split(" ", 1) for line in out.splitlines())
s.check(
    "ct-stats -H has the names of --json", code == 0 and raw["name"] == wild and
    raw["memory_limit"] == str(LIMIT) and all((n in raw) == (n in u) for n in NAMES) and
    all(v.isdigit() for n, v in raw.items() if n in NAMES), out, err)
code, out, err = s.run("ct-stats", wild, calm)
s.check(
    "ct-stats NAME NAME", code == 0 and re.findall(r"^Name: +(.*)$", out, re.M) == [wild, calm] and
    "Memory limit:           40.00 MiB\n" in out and out.count("Memory limit:") == 1 and
    "CPU use: " in out and "Killed for memory: " in out, out, err)
code, out, err = s.run("ct-stats")
head, *rows = [
    line.replace(" seconds", "s").replace(" bytes", "B").replace(" KiB", "K").replace(" MiB",
                                                                                      "M").split()
    for line in out.splitlines()
]
s.check(
    "ct-stats, a table", code == 0 and head[:5] == ["NAME", "STATE", "CPU", "MEMORY", "LIMIT"] and
    [r[:2] for r in rows] == [[calm, "RUNNING"], [wild, "RUNNING"]] and rows[0][4] == "-" and
    rows[1][4] == "40.00M" and all(len(r) == len(head) for r in rows), out, err)
s.check("ct-stats --json, all",
        [c["name"] for c in s.json("ct-stats --json, all", "ct-stats")] == [calm, wild])
s.expect("ct-ls -F", "ct-ls", "-F", "NAME,RAM,SWAP", out="MB")
# ---- what a payload writes into its names
EVIL = b"\x1b[31m\xc2\x9b\x07e"
bridge = """import ctypes, fcntl, socket, sys
net = open(f"/proc/{sys.argv[1]}/ns/net")
if ctypes.CDLL(None).setns(net.fileno(), 0x40000000):
    sys.exit(1)
fcntl.ioctl(socket.socket(), 0x89a0, bytes.fromhex(sys.argv[2]) + b"\\0" * 16)"""
made = subprocess.run([sys.executable, "-c", bridge,
                       str(s.pid(calm)), EVIL.hex()], check=False).returncode == 0
s.check("an interface with a name that controls a terminal", made)
for form in ((), ("--json",)):
    got = subprocess.run(
        [os.path.join(s.tools, "ct-ls"), *s.where, "-F", "NAME,INTERFACE", "--fancy", *form],
        stdout=subprocess.PIPE, check=False).stdout
    s.check(f"ct-ls {' '.join(form)} prints no control character", b"e" in got and
            not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", got), got)
s.check("but what it was", "\\x1b[31m" in s.run("ct-ls", "-F", "NAME,INTERFACE", "--fancy")[1])
s.expect("of none", "ct-stats", s.name("none"), code=125, err="no such container")

# ---- ct-top: lines for programs
before = time.time() * 1000
code, out, err = s.run("ct-top", "-b", "--rounds", "2", "-d", "0.3")
rows = [line.split(",") for line in out.splitlines()]
s.check("ct-top -b: two rounds of both, by name", code == 0 and
        [r[1] for r in rows] == [calm, wild] * 2, out, err)
s.check("the fields of lxc-top, and one more",
        all(len(r) == 11 and all(f.isdigit() or f == "" for f in r[:1] + r[2:]) for r in rows), out)
first, last = ([int(f or 0) for f in r[:1] + r[2:]] for r in (rows[1], rows[3]))
s.check(
    "their units",
    before - 2 <= first[0] <= last[0] and last[1] >= first[1] and first[6] >= HELD and
    first[7] >= first[6] and
    # two parts that are sampled
    first[9] >= 3 and 0.1 < (first[2] + first[3]) * 10**7 / first[1] < 3,
    rows)
for args, order in (("-s m", [wild, calm]), ("-s m -r", [calm, wild]), ("-s c", [wild, calm]),
                    ("-s n", [calm, wild]), ("--sort n --reverse", [wild, calm])):
    out = s.run("ct-top", "-b", "--rounds", "1", *args.split())[1]
    s.check(f"ct-top {args}", [line.split(",")[1] for line in out.splitlines()] == order, out)
out = s.run("ct-top", "--json", "--rounds", "4", "-d", "500ms")[1]
rounds = [json.loads(line) for line in out.splitlines()]
s.check(
    "ct-top --json: one object a round",
    len(rounds) == 4 and [c["name"] for c in rounds[0]["containers"]] == [calm, wild] and
    rounds[0]["time_ms"] < rounds[3]["time_ms"] and "cpu_percent" not in rounds[0]["containers"][0],
    out)
shares = [[c["cpu_percent"] for c in r["containers"]] for r in rounds[1:]]
s.check("the share of a processor",
        max(w for _, w in shares) > max(5, min(c for c, _ in shares)), shares)
for args, text in (("-s x", "there are n, c, b, m, s and k"), ("-d 0.01", "at least 0.1"),
                   ("", "use -b")):
    s.expect(f"ct-top {args}", "ct-top", *args.split(), code=125, err=text)

# ---- ct-top: a terminal
KEEPS = ('trap : INT; stty rows 24 cols %d; before=$(stty -g); "$@"; code=$?; '
         'test "$(stty -g)" = "$before" && echo as it was; exit $code')


def top(name, script, cols=100, args=("-d", "60"), code=0):
    got, text = s.on_terminal("/bin/sh", "-c", KEEPS % cols, "sh", os.path.join(s.tools, "ct-top"),
                              *s.where, *args, script=script, place=False)
    # what each drawing shows: escape sequences taken out, from one "go to the corner" to the next
    screens = [
        re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", part)
        for part in text.replace("\r", "").split("\x1b[H")[1:]
    ]
    s.check(name, got == code and "\x1b[?1049l" in text and "as it was" in text,
            f"exit code {got}, expected {code}", repr(text))
    return screens


def orders(screens):
    return [re.findall(r"^([az])-\d+ ", screen, re.M) for screen in screens]


screens = top("ct-top on a terminal, its keys, left by q", [("TOTAL", "m"), ("TOTAL", "m"),
                                                            ("TOTAL", "c"), ("TOTAL", "r"),
                                                            ("TOTAL", "n"), ("TOTAL", "q")])
s.check("each sorts",
        orders(screens) == [["a", "z"], ["z", "a"], ["a", "z"], ["z", "a"], ["a", "z"], ["a", "z"]],
        *screens)
s.check(
    "what it shows",
    all(
        re.search(word, screens[0])
        for word in ("CPU", "BlkIO", "Mem", "Pids", "Used", r"TOTAL 2 of 2 .*MiB",
                     wild + r" .*MiB")), screens[0])
screens = top("space looks again", [("TOTAL", lambda: time.sleep(0.7)), ("", " "), ("TOTAL", "q")],
              args=("-d", "60", "-s", "m"))
s.check("then the share is known", orders(screens) == [["z", "a"]] * 2 and
        re.search(r"^z-\d+ +[0-9.]+ +[0-9.]+ +[0-9]+\.[0-9] ", screens[1], re.M), *screens)
screens = top("left by Ctrl+c", [("TOTAL", "\x03")], cols=30)
s.check(
    "a narrow window",
    all(len(line) <= 30 for line in screens[0].split("as it was")[0].split("\n")) and
    "TOTAL 2 of 2" in screens[0], screens[0])
top("ended by its rounds", [], args=("-d", "0.2", "--rounds", "2"))

# ---- containers come and go
coming = s.name("m")
s.expect("create a third", "ct-create", coming, "-t", "busybox")
rounds = s.begin("ct-top", "-b", "-d", "0.2")
s.expect("start it", "ct-start", coming)
heard(rounds, f",{coming},")
heard(everyone, f"'{coming}' changed state to [RUNNING]\n")
s.expect("stop it", "ct-stop", "-k", coming)
s.expect("destroy it", "ct-destroy", coming)
time.sleep(0.5)
heard(rounds, f",{wild},")
rounds.said = ""
s.check("it is gone", f",{coming}," not in heard(rounds, f",{calm},") and rounds.poll() is None,
        rounds.said)
rounds.send_signal(signal.SIGINT)
s.check("it ends by Ctrl+c as a program does", rounds.wait(10 * SLOW) == -signal.SIGINT)
heard(everyone, f"'{coming}' changed state to [STOPPED]\n")

# who looks clears what an end has left, and sees it at any moment of its end: that disturbs neither
# the one nor the other
lookers = [s.begin("ct-top", "-b", "-d", "0.1")]
lookers += [
    s.begin("/bin/sh", "-c", 'while "$@" >/dev/null; do :; done', "sh", os.path.join(s.tools, tool),
            *s.where, place=False) for tool in ("ct-ls", "ct-ls", "ct-stats")
]
LIFE = (("ct-create", "-t", "busybox"), ("ct-start",), ("ct-stop", "-k"), ("ct-destroy",))
said = [s.run(tool, "-n", coming, *args) for _ in range(5) for tool, *args in LIFE]
s.check("five lives before many eyes", all(code == 0 for code, _, _ in said),
        *[err for code, _, err in said if code])
ends = [p.poll() for p in (*lookers, everyone, by_pattern)]
s.check("which all stay open", ends == [None] * len(ends), ends,
        *[p.stderr.read() for p in lookers if p.poll() is not None])
for p in lookers:
    p.kill()

# ---- ct-freeze
count = os.path.join(s.base, "c", calm, "rootfs/count")


def counted():
    with open(count, encoding="utf-8") as f:
        return f.read()


s.expect("ct-freeze", "ct-freeze", "-n", calm, out="", err="")
at = counted()
time.sleep(0.5)
s.check("it counts no more", counted() == at)
s.expect("its state", "ct-info", calm, "-sH", out="FROZEN\n")
s.expect("ct-ls --frozen", "ct-ls", "--frozen", out=calm)
s.expect("the other runs", "ct-info", wild, "-sH", out="RUNNING\n")
s.expect("ct-wait -s FROZEN", "ct-wait", calm, "-s", "FROZEN", "-t", "5")
s.expect("ct-freeze again", "ct-freeze", calm)
s.expect("nothing is started in it", "ct-attach", calm, "--", "true", code=125, err="ct-unfreeze")
s.check("ct-stats tells",
        s.json("ct-stats of a frozen one", "ct-stats", calm)[0]["state"] == "FROZEN")
s.expect("ct-unfreeze", "ct-unfreeze", calm, "-t", "-1", out="", err="")
s.check("it counts again", s.until(lambda: counted() not in ("", at)))
s.expect("its state then", "ct-info", calm, "-sH", out="RUNNING\n")
s.expect("ct-unfreeze again", "ct-unfreeze", calm)
s.expect("a wrong time", "ct-freeze", calm, "-t", "soon", code=125, err="number of seconds")
s.expect("freeze, to stop", "ct-freeze", calm)
s.expect("a frozen one is stopped", "ct-stop", calm, "-t", "1")
for tool in ("ct-freeze", "ct-unfreeze", "ct-stats"):
    s.expect(f"{tool} a stopped one", tool, calm, code=125, err="is not running")
s.expect("start it again", "ct-start", calm)
s.expect("freeze, to kill", "ct-freeze", calm)
s.expect("a frozen one is killed", "ct-kill", calm, "9")
s.expect("it is gone then", "ct-wait", calm, "-s", "STOPPED", "-t", "10")

# ---- pressure: two that want one processor. Version 1 has none.
pressure = any(
    version == 2 and os.path.exists(where + "/cpu.pressure") for where, version, _ in hierarchies())
waits = s.begin("ct-monitor", wild, "--pressure", "cpu=50ms/2s")
if pressure:
    s.begin("ct-attach", wild, "--", "sh", "-c", "while :; do :; done")
    heard(waits, f"'{wild}' had event [PRESSURE] cpu")
else:
    s.check("no pressure is told where there is none",
            waits.wait(40 * SLOW) == 125 and "pressure" in waits.stderr.read(), layout())

# ---- one that has no groups at all
bare = s.name("bare")
s.expect("create one without groups", "ct-create", bare, "-t", "busybox")
s.expect("say so", "ct-config", bare, "cgroup.backend=none", "limit.devices=all")
s.expect("start it without", "ct-start", bare)
s.check("it has none", not groups(bare), *groups(bare))
s.expect("ct-stats NAME", "ct-stats", bare, code=125, err="no cgroup")
code, out, err = s.run("ct-stats")
s.check("its row", code == 0 and re.search(rf"^{bare} +RUNNING( +-)+$", out, re.M), out, err)
s.expect("its line", "ct-top", "-b", "--rounds", "1", out=f",{bare},,,,,,,,,\n")
s.expect("ct-info -S counts its processes", "ct-info", bare, "-S", out="Memory use:")
s.expect("ct-freeze cannot", "ct-freeze", bare, code=125, err="no cgroup")
s.expect("a limit cannot be set", "ct-cgroup", bare, "limit.pids=5", code=125, err="cgroup.backend")

# ---- the end is told, too
s.expect("stop the wild one", "ct-stop", "-k", wild)
heard(by_pattern, f"'{wild}' exited with status [137]\n'{wild}' changed state to [STOPPED]\n")
heard(everyone, f"'{calm}' changed state to [STOPPED]\n")
s.check("who watched another name heard nothing",
        other.poll() is None and heard(other, "") == "", other.said)
s.check("who watched one heard nothing of the others", calm not in by_pattern.said and
        f"'{calm}' changed state to [RUNNING]" not in everyone.said.split("\n")[0],
        by_pattern.said)
for name in (calm, wild, bare):
    s.expect(f"destroy {name}", "ct-destroy", "-f", name)
s.done()
