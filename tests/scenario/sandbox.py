# SPDX-License-Identifier: LGPL-2.1-or-later
"""ct-run: a sandbox in one line, option by option."""
import json
import os

from scene import Scene

s = Scene()
data = os.path.join(s.base, "data")
os.mkdir(data)
with open(data + "/file", "w", encoding="utf-8") as f:
    f.write("content\n")


def run(name, *args, **more):
    return s.expect(name, "ct-run", *args, place=False, **more)


run("a command", "--rootfs", "/", "--", "echo", "hello", out="hello\n", err="")
run("its exit code", "--rootfs", "/", "--", "sh", "-c", "exit 9", code=9)
run("its signal", "--rootfs", "/", "--", "sh", "-c", "sh -c 'kill -9 $$'; exit $?", code=137)
run("not found", "--rootfs", "/", "--", "/bin/nothing", code=127, err="run.exec")
run("no rootfs", "--", "true", code=125, err="--rootfs")
run("--ro", "--rootfs", "/", "--ro", "--", "sh", "-c", f"echo x >{data}/new", code=2,
    err="ead-only")
run("--tmpfs", "--rootfs", "/", "--ro", "--tmpfs", "/tmp", "--", "sh", "-c",
    "echo x >/tmp/new && ls -A /tmp", out="new\n")
run("--bind", "--rootfs", "/", "--ro", "--bind", f"{data}:/mnt", "--", "sh", "-c",
    "cat /mnt/file; echo y >/mnt/made", out="content\n")
s.check("what was written there", os.path.exists(data + "/made"))
run("--ro-bind", "--rootfs", "/", "--ro-bind", f"{data}:/mnt", "--", "sh", "-c",
    "echo y >/mnt/other", code=2, err="ead-only")
run("--time", "--rootfs", "/", "--time", "300ms", "--", "sleep", "30", code=137, err="time")
run("--output", "--rootfs", "/", "--output", "1K", "--", "sh", "-c",
    "while :; do echo xxxxxxxx; done", code=137, err="output")
run("no network but loopback", "--rootfs", "/", "--", "sh", "-c",
    "cat /proc/net/dev | tail -n +3 | cut -d: -f1", out="lo")
# the small init's child
FILTERED = "grep -q '^Seccomp:.2' /proc/self/status; echo $?"
run("a filter by default", "--rootfs", "/", "--", "sh", "-c", FILTERED, out="0\n")
run("--seccomp none, and keys", "--rootfs", "/", "--seccomp", "none", "-s", "keyring.user=1", "--",
    "sh", "-c", FILTERED, out="1\n")
run("what it refuses", "--rootfs", "/", "--", "unshare", "-U", "true", code=1, err="not permitted")
run("own processes", "--rootfs", "/", "--", "sh", "-c", "echo $$", out="2\n")
run("--hostname", "--rootfs", "/", "--hostname", "box", "--", "hostname", out="box\n")
run("--user", "--rootfs", "/", "--user", "1234:5678", "--", "id", "-u", out="1234\n")
for user in ("-1", "4294967295", "4294967296", "18446744073709551616", "0x0", "1e3", "+1", " 1",
             "1:", ":1", "1:2:3", "root", "root:0", "", "0" * 40 + ":", "1:4294967295", "1.0"):
    run(f"--user {user!r}", "--rootfs", "/", "--user", user, "--", "true", code=125, err="--user")
# as many zeros as there is room for are no reason to be root
run("--user, long", "--rootfs", "/", "--user", "0" * 40 + "1234:" + "0" * 40 + "5678", "--", "sh",
    "-c", "id -u; id -g; id -G", out="1234\n5678\n5678\n")
run("--user, the last", "--rootfs", "/", "--user", "4294967294", "--", "id", "-u",
    out="4294967294\n")
run("--env", "--rootfs", "/", "--env", "A=b", "--", "sh", "-c", "echo $A", out="b\n")
run("--cwd", "--rootfs", "/", "--cwd", "/usr", "--", "pwd", out="/usr\n")
run("no_new_privs", "--rootfs", "/", "--", "grep", "NoNewPrivs", "/proc/self/status", out="1\n")
run("--new-privs", "--rootfs", "/", "--new-privs", "--", "grep", "NoNewPrivs", "/proc/self/status",
    out="0\n")
run("--seccomp default", "--rootfs", "/", "--seccomp", "default", "--", "sh", "-c",
    "grep Seccomp: /proc/self/status; unshare --net true || echo refused", out="2\nrefused")
run("--seccomp none", "--rootfs", "/", "--seccomp", "none", "--", "grep", "Seccomp_filters:",
    "/proc/self/status", out="1\n")
run("all system calls", "--rootfs", "/", "--seccomp", "none", "-s", "keyring.user=1", "--", "grep",
    "Seccomp:", "/proc/self/status", out="0\n")
run("--seccomp, a file that is none", "--rootfs", "/", "--seccomp", "no/such", "--", "true",
    code=125, err=os.getcwd() + "/no/such")
run("-s", "--rootfs", "/", "-s", "cap.keep=none", "--", "grep", "CapBnd", "/proc/self/status",
    out="0000000000000000")
run("-s with a wrong key", "--rootfs", "/", "-s", "limit.tiem=1s", "--", "true", code=125,
    err="limit.time")
run("-s idmap", "--rootfs", "/", "-s", "idmap=u 0 100000 65536", "-s", "idmap=g 0 100000 65536",
    "--", "cat", "/proc/self/uid_map", out="100000")
run("nothing of the environment", "--rootfs", "/", "--", "env",
    env={"SECRET": "canary", "PATH": os.environ["PATH"]}, out="container=libcontain")
s.check(
    "... of the caller's", "canary" not in s.run("ct-run", "--rootfs", "/", "--", "env",
                                                 place=False, env={"SECRET": "canary"})[1])


def caps(*args):
    """The bounding set that ct-run leaves with these options."""
    code, out, err = s.run("ct-run", "--rootfs", "/", "--ro", *args, "--", "grep", "CapBnd",
                           "/proc/self/status", place=False)
    return int(out.split()[1], 16) if code == 0 else err


default, NET_RAW, NET_ADMIN, CHOWN, KILL = caps(), 1 << 13, 1 << 12, 1, 1 << 5
s.check("the capabilities of engines", bin(default).count("1") == 14, hex(default))
# each gives what Docker gives for it
for args, want in (("--cap-drop net_raw",
                    default & ~NET_RAW), ("--cap-drop=CAP_NET_RAW --cap-drop chown,kill",
                                          default & ~(NET_RAW | CHOWN | KILL)),
                   ("--cap-drop ALL", 0), ("--cap-drop=all --cap-add=CAP_CHOWN,kill", CHOWN | KILL),
                   ("--cap-add net_admin", default | NET_ADMIN), ("--cap-add chown", default),
                   ("--cap-keep kill,chown --cap-drop kill", CHOWN), ("--cap-keep none", 0)):
    s.check(f"ct-run {args}", caps(*args.split()) == want, caps(*args.split()), hex(want))
everything = caps("--cap-add", "all")
s.check(
    "--cap-add all, less one",
    caps("--cap-add", "ALL", "--cap-drop", "net_admin") == everything & ~NET_ADMIN and
    bin(everything).count("1") > 30, hex(everything))
s.check(
    "on the host's network the interfaces are the host's",
    caps("--net", "host", "--cap-add", "all") == everything & ~NET_ADMIN and
    caps("--net", "host", "--cap-add", "net_admin") == default | NET_ADMIN)
for option in ("--cap-add", "--cap-drop"):
    run(f"{option} of no capability", "--rootfs", "/", option, "nonsense", "--", "true", code=125,
        err="not a capability")
# as they are typed in Docker, and relative paths
made = os.path.join(s.base, "made")
run("-v", "--rootfs", "/", "--ro", "-v", f"{os.path.relpath(data)}:{made}:ro", "--", "cat",
    f"{made}/file", out="content\n")
s.check("what it has made", os.listdir(made) == [])
os.rmdir(made)
run("a relative rootfs", "--rootfs", os.path.relpath("/"), "--ro", "--", "echo", "here",
    out="here\n")
run("-e NAME", "--rootfs", "/", "-e", "GIVEN", "-e", "MISSING", "--", "sh", "-c",
    "echo $GIVEN ${MISSING-unset}", out="yes unset\n",
    env={"GIVEN": "yes", "PATH": os.environ["PATH"]})
run("a missing target", "--rootfs", "/", "--bind", f"{data}:/no/such/target", "--", "true",
    code=125, err=":create")
verdict = os.path.join(s.base, "verdict")
run("--verdict", "--rootfs", "/", "--time", "200ms", "--verdict", verdict, "--", "sleep", "9",
    code=137)
with open(verdict, encoding="utf-8") as f:
    v = json.load(f)
s.check("what it says", v["reason"] == "time limit" and v["signal"] == 9 and
        150000 < v["wall_us"] < 5000000, v)
code, out = s.on_terminal("ct-run", "--rootfs", "/", "--pty", "--", "sh", "-c", "tty; exit 6")
s.check("--pty", "tty" in out or "/dev/" in out or code == 6, code, out)
os.unlink(verdict)
for name in os.listdir(data):
    os.unlink(os.path.join(data, name))
os.rmdir(data)
s.done()
