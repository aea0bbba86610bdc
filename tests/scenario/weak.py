# SPDX-License-Identifier: LGPL-2.1-or-later
"""ct-checkconfig lists what weakens a config, most serious first; carried out, what it names as the
remedy leaves nothing to tell, and the container still starts."""
import json
import os
import re
import subprocess

from scene import Scene

s = Scene()
NAME = s.name("weak")
s.expect("create", "ct-create", "-n", NAME, "-t", "busybox")
HOME = os.path.join(s.base, "c", NAME)
CONFIG = os.path.join(HOME, "config")
LEVELS = ["low", "medium", "high", "critical"]


def write(text):
    with open(CONFIG, "w", encoding="utf-8") as f:
        f.write(text)


def read():
    with open(CONFIG, encoding="utf-8") as f:
        return f.read()


def found(*args):
    """What weakens the container, as JSON."""
    code, out, err = s.run("ct-checkconfig", "--json", *args, NAME)
    return json.loads(out)["configs"][0]["audit"]["weaknesses"] if out else (code, err)


def mend(row):
    """Changes the config, or the host's file, as the row says."""
    lines = read().splitlines()
    assert row["mend"] != "option" or row["file"] == CONFIG, row
    if row["mend"] == "file":
        subprocess.run(row["value"].split(), check=True)
        return
    if row["mend"] == "remove":
        del lines[row["line"] - 1]
    elif row["mend"] == "option":
        words = lines[row["line"] - 1].split()
        words[5] += "," + row["value"]
        lines[row["line"] - 1] = " ".join(words)
    elif row["mend"] == "set":
        lines += [f"{row['key']} ="] + [f"{row['key']} = {v}" for v in row["value"].split("; ")]
    else:
        lines += [f"{row['key']} = {v}" for v in row["value"].split("; ")]
    write("\n".join(lines) + "\n")


ROOT = os.path.join(HOME, "rootfs")
SOUND = f"""rootfs.path = {ROOT}
idmap = u 0 100000 65536
idmap = g 0 100000 65536
seccomp.profile = default
limit.memory = 256M
limit.pids = 100
limit.cpu = 1
init.cmd = /bin/sleep 1000
"""
write(SOUND)
s.expect("nothing weakens it", "ct-checkconfig", NAME, out=f"{NAME}: nothing weakens it", code=0)
s.check("as JSON", found() == [], found())

os.mkdir(os.path.join(s.base, "data"))
hook = os.path.join(s.base, "hook")
with open(hook, "w", encoding="utf-8") as f:
    f.write("#!/bin/sh\nexit 0\n")
os.chmod(hook, 0o777)
write(f"""rootfs.path = {ROOT}
cap.drop = sys_module
mount.auto = proc:rw sys:rw cgroup-full:rw
mount.entry = {s.base}/data data none bind,create=dir 0 0
mount.entry = / host none bind,create=dir 0 0
mount.entry = proc again proc create=dir 0 0
namespace.keep = ipc uts
keyring.session = 0
limit.devices = all
limit.pids = try:50
hook.pre-start = {hook}
environment = ADMIN_PASSWORD=secret
init.cmd = /bin/sleep 1000
""")
os.chmod(CONFIG, 0o666)
rows = found()
levels = [r["level"] for r in rows]
names = {r["name"] for r in rows}
s.check("most serious first", levels == sorted(levels, reverse=True) and levels[0] == 4, levels)
s.check("levels have their names", all(LEVELS[r["level"] - 1] == r["severity"] for r in rows), rows)
s.check(
    "all that is in it", names >= {
        "config-others", "hook-others", "hook-host", "cap-sys-admin", "proc-rw", "sys-rw",
        "cgroup-full-rw", "mount-root", "mount-kernel", "devices-all", "userns-none",
        "seccomp-none", "ns-ipc", "ns-uts", "keyring-shared", "mount-options", "limit-memory",
        "limit-cpu", "limit-tried", "environment-secret", "no-new-privs"
    }, names)
code, out, err = s.run("ct-checkconfig", NAME)
lines = [line for line in out.splitlines() if re.match(r"(low|medium|high|critical) ", line)]
s.check("the text has the same", [line.split()[1].strip(",:") for line in lines] ==
        [r["name"] for r in rows] and all(". Mend: " in line for line in lines), out)
s.check("weaknesses alone are no failure", code == 0, code, err)
s.expect("they are when asked", "ct-checkconfig", "--fail=critical", NAME, code=2)
s.expect("a level that is none", "ct-checkconfig", "--fail=worst", NAME, code=125, err="worst")
least = found("--least=high")
s.check("only the serious ones", least == [r for r in rows if r["level"] >= 3], least)

# one after the other, until there are none; a remedy may uncover a lesser weakness
for turn in range(80):
    rows = found("--least=low")
    if not rows:
        break
    before = read()
    mend(rows[0])
    after = found()
    s.check(
        f"mended: {rows[0]['name']} {rows[0]['object'][:30]} {turn}",
        not any(r["name"] == rows[0]["name"] and r["object"] == rows[0]["object"] and
                r["level"] == rows[0]["level"] for r in after), rows[0], read())
s.check("nothing is left", found() == [], found(), read())
s.expect("none that fails", "ct-checkconfig", "--fail=low", NAME, code=0, out="nothing weakens it")
# the map's owner must own the root
subprocess.run(["chown", "-R", "100000:100000", ROOT], check=True)
os.chmod(HOME, 0o711)
os.chmod(os.path.dirname(HOME), 0o711)
os.chmod(s.base, 0o711)
s.expect("and it starts", "ct-start", "-n", NAME)
s.expect("stop", "ct-stop", "-k", NAME)

# a file is looked at as one of a system, and one of faults not at all
path = os.path.join(s.base, "file")
with open(path, "w", encoding="utf-8") as f:
    f.write(f"rootfs.path = {ROOT}\ninit.cmd = /bin/sh\n")
s.expect("a file", "ct-checkconfig", "--fail=high", path, code=2, out="seccomp-none")
with open(path, "w", encoding="utf-8") as f:
    f.write(f"rootfs.path = {ROOT}\nuts.nmae = x\n")
code, out, err = s.run("ct-checkconfig", "--fail=low", path)
s.check("one with a fault", code == 1 and "uts.nmae" in out and "weaknesses" not in out, code, out)
# as another user, with no run-time directory of his own
with open(path, "w", encoding="utf-8") as f:
    f.write("rootfs.path = /\nrootfs.readonly = 1\n")
os.chmod(path, 0o644)
env = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
r = subprocess.run([os.path.join(s.tools, "ct-checkconfig"), path], user=65534, group=65534,
                   extra_groups=[], env=env, capture_output=True, text=True, check=False)
s.check("as another user", r.returncode == 1 and "seccomp-none" in r.stdout and
        "no_new_privs =" not in r.stdout.partition("weaknesses")[0] and
        "config-others" not in r.stdout.partition("\n")[0], r)
s.expect("destroy", "ct-destroy", NAME)
s.done()
