# SPDX-License-Identifier: LGPL-2.1-or-later
"""ct-learn: what a profile was learned from runs under it again, and nothing else does; merged,
in both forms, and whatever becomes of the program or of the file."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

from scene import Scene

s = Scene()
LONG = bool(os.environ.get("CT_LONG"))
ROUNDS = 10 if LONG else 3
BOX = ("--rootfs", "/", "--ro", "--tmpfs", "/tmp:exec")
PYTHON = os.path.realpath(sys.executable)
BUSYBOX = shutil.which("busybox")
# made by every start, or not seen by a filter
ALWAYS = ("execve", "exit_group", "rt_sigreturn", "sendmsg", "mmap", "clock_gettime")


def path(name):
    return os.path.join(s.base, name)


def read(name):
    with open(path(name), encoding="utf-8") as f:
        return f.read()


def calls(name):
    """The names of a policy's rules."""
    lines = read(name).splitlines()
    assert lines[0] == "2" and lines[1].startswith("allowlist "), lines[:2]
    return {line for line in lines[2:] if line[0] not in "#["}


def fact(name, key):
    """The words of one line of its header."""
    found = re.search(rf"^# {key}: (.*)$", read(name), re.M)
    return found[1].split() if found else []


def learn(name, file, *command, options=(), **more):
    return s.expect(f"{name}: learned", "ct-learn", "-p", path(file), *BOX, *options, "--",
                    *command, place=False, **more)


def again(name, file, *command, options=(), rounds=ROUNDS, **more):
    for _ in range(rounds):
        s.expect(f"{name}: again, under it", "ct-run", *BOX, *options, "--seccomp", path(file),
                 "--", *command, place=False, **more)


# ---- programs that run under what was learned from them

PRE_FORK = """
import os, signal, socket, select, sys, urllib.request, http.server, pwd, grp
os.mkdir("/tmp/run")
listener = socket.create_server(("127.0.0.1", 80), backlog=64)
"x".encode("idna")  # the next user cannot load it
os.setgroups([])
os.setgid(33)
os.setuid(33)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with open("/etc/hostname", "rb") as f:
            self.wfile.write(f.read() + str(os.getpid()).encode())
    def log_message(self, *a):
        pass
workers = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        poll = select.epoll()
        poll.register(listener.fileno(), select.EPOLLIN)
        listener.setblocking(False)
        while True:
            poll.poll()
            try:
                client, address = listener.accept()
            except BlockingIOError:
                continue
            client.setblocking(True)
            Page(client, address, None)
            client.close()
    workers.append(pid)
for _ in range(30):
    with urllib.request.urlopen("http://127.0.0.1/") as answer:
        assert answer.status == 200 and answer.read()
for pid in workers:
    os.kill(pid, signal.SIGTERM)
    assert os.waitpid(pid, 0)[1] == signal.SIGTERM
print("served")
"""
THREADS = """
import subprocess, threading, tempfile, json, hashlib, random
def work(n):
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/f", "w") as f:
            json.dump({"n": n, "r": random.random()}, f)
        assert subprocess.run(["/bin/cat", d + "/f"], capture_output=True).returncode == 0
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(hashlib.sha256(b"x").hexdigest()[:4])
"""
CLIENT = """
import socket, time
for _ in range(500):
    with socket.socket() as client:
        if client.connect_ex(("127.0.0.1", 8080)) == 0:
            client.sendall(b"GET /passwd HTTP/1.0\\r\\n\\r\\n")
            with client.makefile("rb") as answer, open("/etc/passwd", "rb") as want:
                assert answer.read().endswith(want.read())
            break
    time.sleep(.02)
else:
    raise TimeoutError
"""
SERVE = (f"{BUSYBOX} httpd -f -p 127.0.0.1:8080 -h /etc & {PYTHON} -c \"$1\" && kill $! && "
         "echo served")
COMPILE = ("echo '#include <stdio.h>\nint main(void) { return puts(\"made\") < 0; }' >/tmp/a.c; "
           "cc -O2 -Wall -o /tmp/a /tmp/a.c && cc -E /tmp/a.c >/dev/null && /tmp/a")
PROGRAMS = (
    ("a shell", "sh", ("sh", "-c", "for i in 3 1 2; do echo $i; done | sort | head -1"), "1\n"),
    ("python", "python", (PYTHON, "-c", THREADS), "2d71\n"),
    ("a compiler", "cc", ("sh", "-c", COMPILE), "made\n"),
    ("a server of processes", "fork", (PYTHON, "-c", PRE_FORK), "served\n"),
    ("httpd and wget", "httpd", ("sh", "-c", SERVE, "sh", CLIENT), "served\n"),
)
for name, file, command, out in PROGRAMS:
    # a call that is denied kills, so that none is without effect
    learn(name, file, *command, options=("--deny", "kill"), out=out, err="", timeout=300)
    again(name, file, *command, out=out, err="")
    s.check(f"{name}: what every start needs is in it",
            all(call in calls(file) for call in ALWAYS), *sorted(calls(file)))
s.check("the server's capabilities are told", {"setgid", "setuid", "net_bind_service"} <=
        set(fact("fork", "capabilities")), read("fork"))
s.check("the shell has used none", not fact("sh", "capabilities"), read("sh"))

# whatever init has to do behind the filter
for options in (("--new-privs",), ("--new-privs", "--user", "1000"), ("--pty", "--new-privs"),
                ("--new-privs", "--cap-keep", "none"), ("-s", "init.reaper=0"),
                ("-s", "init.reaper=0", "--new-privs"),
                ("-s", "idmap=u 0 100000 65536", "-s", "idmap=g 0 100000 65536", "--new-privs")):
    title = " ".join(options)
    learn(title, "setup", "true", options=(*options, "--deny", "kill"))
    again(title, "setup", "true", options=options, rounds=1)
# learned with no_new_privs, and used without
learn("--deny kill", "setup", "true", options=("--deny", "kill"))
again("without no_new_privs", "setup", "true", options=("--new-privs",), rounds=1)

# ---- what was not used is denied

OTHERS = {
    "getsid": "os.getsid(0)", "getpgid": "os.getpgid(1)", "mkdir": "os.mkdir('/tmp/x')",
    "link": "os.link('/tmp', '/tmp/y')", "chroot": "os.chroot('/')", "pipe2": "os.pipe()",
    "socket": "__import__('_socket').socket(1, 1, 0)", "setsid": "os.setsid()",
    "memfd_create": "os.memfd_create('x')", "sched_setaffinity": "os.sched_setaffinity(0, [0])",
}
PROBE = "import os\ntry:\n {}\nexcept OSError as e: print(e.errno)"
learn("a bare python", "bare", PYTHON, "-c", "import _socket; print(1, flush=True)")
for call, text in OTHERS.items():
    if call in calls("bare"):
        continue
    s.expect(f"{call} was not used", "ct-run", *BOX, "--seccomp", path("bare"), "--", PYTHON, "-c",
             "import _socket\n" + PROBE.format(text), place=False,
             out="1\n")
s.check("most of these were not", len(set(OTHERS) & calls("bare")) <= 2, *calls("bare"))
SAY = "print(1)"
GETSID = "import os; print(os.getsid(0) and 1)"
learn("--deny kill", "kill", PYTHON, "-c", SAY, options=("--deny", "kill"))
again("--deny kill", "kill", PYTHON, "-c", GETSID, rounds=1, code=159)
again("... what was used", "kill", PYTHON, "-c", SAY)
learn("--deny errno", "errno", PYTHON, "-c", SAY, options=("--deny", "errno 38"))
again("--deny errno", "errno", PYTHON, "-c", GETSID, rounds=1, code=1, err="Errno 38")
learn("--deny log", "log", PYTHON, "-c", SAY, options=("--deny", "log"))
again("--deny log", "log", PYTHON, "-c", GETSID, rounds=1)

# ---- merged, and in JSON

learn("a first run", "both", PYTHON, "-c", SAY)
learn("merged with a second", "both", PYTHON, "-c", GETSID, options=("--merge",))
s.check("the runs are counted and told of", fact("both", "runs") == ["2"] and
        read("both").count("# run: ") == 2 and GETSID in read("both"), read("both"))
s.check("it is the union", calls("both") >= calls("errno") | {"getsid"}, *calls("both"))
for command in (SAY, GETSID):
    again("both runs", "both", PYTHON, "-c", command)
before = calls("both")
learn("the first once more", "both", PYTHON, "-c", SAY, options=("--merge",))
s.check("adds nothing", calls("both") == before, *calls("both") ^ before)
shutil.copy(path("both"), path("json"))
learn("to JSON", "json", PYTHON, "-c", SAY, options=("--merge", "--format", "oci"))
value = json.loads(read("json"))
s.check("has the same names", set(value["syscalls"][0]["names"]) == calls("both") and
        value["defaultAction"] == "SCMP_ACT_ERRNO" and value["defaultErrnoRet"] == 1, read("json"))
with open(path("json"), "w", encoding="utf-8") as f:
    json.dump(value, f)
learn("JSON that was laid out anew", "json", PYTHON, "-c", SAY, options=("--merge",))
s.check("stays JSON, and has them still", "runs: 5" in json.loads(read("json"))["comment"] and
        set(json.loads(read("json"))["syscalls"][0]["names"]) == calls("both"), read("json"))
for file in "both", "json":
    again(f"{file}: the same verdicts", file, PYTHON, "-c", GETSID)
    again(f"{file}: the same verdicts", file, PYTHON, "-c", PROBE.format("os.getpgid(1)"),
          out="1\n", rounds=1)
learn("--merge makes the file", "new", "true", options=("--merge", "--format", "oci"))
again("...", "new", "true")
out = s.expect("standard output", "ct-learn", *BOX, "--", "echo", "printed", place=False,
               out="printed\n2\nallowlist errno 1\n# learned by ct-learn")
with open(path("stdout"), "w", encoding="utf-8") as f:
    f.write(out.removeprefix("printed\n"))
again("from standard output", "stdout", "echo", "printed", out="printed\n")

# ---- capabilities

USES = {
    "chown": "os.chown('/tmp', 1, 2)", "sys_chroot": "os.chroot('/')",
    "setuid": "os.setuid(7)", "setgid": "os.setgroups([1])",
    "mknod": "os.mknod('/tmp/n', 0o20600, os.makedev(1, 3))",
    "net_raw": "__import__('_socket').socket(17, 3, 0)",
    "net_bind_service": "__import__('_socket').socket(2, 1, 0).bind(('127.0.0.1', 81))",
    "setpcap": "__import__('ctypes').CDLL(None).prctl(24, 0, 0, 0, 0)",
    "sys_admin": "__import__('socket').sethostname('x')",
    "setfcap": "open('/tmp/f', 'w'); os.setxattr('/tmp/f', 'security.capability', "
               "b'\\0\\0\\0\\2' + 16 * b'\\0')",
}
for cap, text in USES.items():
    learn(f"{cap}", "cap", PYTHON, "-c", f"import os; {text}", options=("--cap-add", "sys_admin"))
    s.check(f"{cap}: told", fact("cap", "capabilities") == [cap], read("cap"))
NONE = ("import os, socket; os.setuid(os.getuid()); os.chown('/tmp', -1, -1); "
        "socket.create_server(('127.0.0.1', 8081))")
learn("calls that need none", "cap", PYTHON, "-c", NONE)
s.check("none is told", not fact("cap", "capabilities"), read("cap"))
learn("who has none", "cap", PYTHON, "-c", PROBE.format("os.chroot('/')"), out="1\n",
      options=("--cap-keep", "none"))
s.check("none is told of it", not fact("cap", "capabilities"), read("cap"))

# ---- programs that come to harm

learn("an exit code", "end", "sh", "-c", "exit 7", code=7)
learn("a signal", "end", "sh", "-c", "kill -9 $$", code=137)
s.check("the profile is written all the same", "kill" in calls("end"), *calls("end"))
learn("--time", "end", "sleep", "1000", options=("--time", "300ms"), code=137, err="time")
s.check("... and here", {"clock_nanosleep", "nanosleep"} & calls("end"), *calls("end"))
HARM = """
import os, random, signal, threading, time
def child():
    while True:
        os.getppid()
random.seed(1)
for _ in range(40):
    pid = os.fork()
    if pid == 0:
        child()
    if random.random() < .5:
        os.kill(pid, signal.SIGSTOP)
        os.waitpid(pid, os.WUNTRACED)
        if random.random() < .5:
            os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
def flood():
    for _ in range(4000):
        os.getpid(); os.getppid(); os.getuid()
signal.signal(signal.SIGALRM, lambda *a: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, .001, .001)
threads = [threading.Thread(target=flood) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
signal.setitimer(signal.ITIMER_REAL, 0)
print("whole")
"""
learn("killed, stopped, flooding, interrupted", "harm", PYTHON, "-c", HARM, out="whole\n",
      timeout=240)
again("killed, stopped, flooding, interrupted", "harm", PYTHON, "-c", HARM, out="whole\n", rounds=1)
before = read("end")
learn("not found", "end", "/bin/nothing", code=127, err="run.exec")
s.check("its profile is that of before", read("end") == before)
p = s.begin("ct-learn", "-p", path("int"), *BOX, "--", "sh", "-c", "echo up; exec sleep 1000",
            place=False)
s.check("it runs", p.stdout.readline() == "up\n")
p.send_signal(signal.SIGINT)
s.check("^C ends it, and the profile is there", p.wait(30) == 130 and "read" in calls("int"),
        p.returncode, p.stderr.read())

code, out = s.on_terminal("ct-learn", "-p", path("tty"), *BOX, "--", "sh", "-c",
                          "tty; read word; echo up $word; exec sleep 1000", place=False,
                          script=(("/dev/", "one\n"), ("up one", "\x03")))
s.check("on a terminal, ended by ^C", code == 130 and "ioctl" in calls("tty"), code, out)
p = s.begin("ct-learn", "-p", path("gone"), *BOX, "--", "sh", "-c",
            "echo up; exec sleep 86413", place=False)
s.check("it runs", p.stdout.readline() == "up\n")
init = [int(q) for q in os.listdir("/proc") if q.isdigit() and
        b"sleep\00086413" in subprocess.run(["cat", f"/proc/{q}/cmdline"], capture_output=True,
                                          check=False).stdout]
p.kill()
s.check("killed, it leaves neither program nor profile", p.wait(30) == -9 and
        s.until(lambda: not any(os.path.exists(f"/proc/{q}") for q in init)) and init and
        not os.path.exists(path("gone")), init)

# ---- numbers

UNKNOWN = "import ctypes; print(ctypes.CDLL(None).syscall(1000 + 0))"
learn("a number that is no call's", "number", PYTHON, "-c", UNKNOWN, out="-1\n",
      err="system call 1000 of x86_64 has no name")
s.check("is told in the profile", fact("number", "unnamed") == ["x86_64", "1000"], read("number"))
again("a number that is no call's", "number", PYTHON, "-c", UNKNOWN, out="-1\n", rounds=1)
learn("merged", "number", PYTHON, "-c", "pass", options=("--merge",), err="system call 1000")
learn("many of them", "many", PYTHON, "-c", "import ctypes; f = ctypes.CDLL(None).syscall; "
      "print(sum(f(n) for n in range(1000, 9300)))", out="-8300\n",
      err="system call 1007 of x86_64 has no name here: the profile cannot allow it\n"
          "ct-learn: ... and others")
s.check("some are told", read("many").count("# unnamed: ") == 64, read("many"))
OLD = """
int main(void)
{
	int pid;
	__asm__ volatile("int $0x80" : "=a"(pid) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	return pid != 2;
}
"""
with open(path("old.c"), "w", encoding="utf-8") as f:
    f.write(OLD)
if (os.uname().machine == "x86_64" and
        subprocess.run(["cc", "-static", "-o", path("old"), path("old.c")],
                       check=False).returncode == 0):
    MOUNT = ("--ro-bind", f"{path('old')}:/tmp/old:create,exec")
    for file, form in ("old.profile", "lxc"), ("old.json", "oci"):
        learn(f"calls of x86, {form}", file, "/tmp/old", options=(*MOUNT, "--format", form))
        again(f"calls of x86, {form}", file, "/tmp/old", options=MOUNT)
    s.check("have their section", "getpid" in read("old.profile").split("\n[x86]\n")[1] and
            "getpid" not in read("old.profile").split("\n[x86]\n")[0], read("old.profile"))
    learn("a 64-bit program", "bits", PYTHON, "-c", "pass", options=("--deny", "errno 5"))
    again("may not make them", "bits", "/tmp/old", options=MOUNT, rounds=1, code=1)

# ---- options and files that are wrong


def refused(name, *args, err, file="refused", code=125):
    s.expect(name, "ct-learn", "-p", path(file), *args, place=False, code=code, out="", err=err)


refused("a form that is none", *BOX, "--format", "xml", "--", "true", err='"lxc" and "oci"')
for deny in "none", "errno", "errno x", "errno 4096", "kill 3", "":
    refused(f"--deny '{deny}'", *BOX, "--deny", deny, "--", "true", err="errno N")
refused("no command", *BOX, err="no command")
refused("no root", "--", "true", err="--rootfs")
refused("a start hook", *BOX, "-s", "hook.start=/bin/true", "--", "true", err="hook.start=)")
refused("no such directory", *BOX, "--", "true", file="no/such", err="No such file")
refused("a directory", *BOX, "--", "true", file=".", err="directory")
refused("a filter of its own", *BOX, "--seccomp", "none", "--", "true", err="not known")
s.expect("--merge with nothing", "ct-learn", "--merge", *BOX, "--", "true", place=False, code=125,
         err="--profile")
for name, text in (("by hand", "2\nallowlist errno 1\nread\n"), ("empty", ""),
                   ("a denylist", read("both").replace("allowlist", "denylist")),
                   ("with an argument", read("both") + "ioctl [0,1,SCMP_CMP_EQ]\n"),
                   ("without sections", re.sub(r"\n\[.*\]", "", read("both"))),
                   ("JSON, cut off", read("json")[:-20]),
                   ("JSON, with an argument",
                    read("json").replace('"action"', '"args": [], "action"')),
                   ("JSON of others", '{"defaultAction": "SCMP_ACT_ALLOW"}')):
    with open(path("hand"), "w", encoding="utf-8") as f:
        f.write(text)
    refused(f"merging one that is {name}", *BOX, "--merge", "--", "true", file="hand",
            err="can be merged")
    s.check("... which stays", read("hand") == text)
s.expect("a device that is full", "ct-learn", "-p", "/dev/full", *BOX, "--", "true", place=False,
         code=125, err="No space left")
small = path("small")
os.mkdir(small)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "small", small], check=True)
with open(small + "/profile", "w", encoding="utf-8") as f:
    f.write("x" * 8192)
refused("a full disk", *BOX, "--", "true", file="small/profile", err="No space left")
s.check("the file is as it was, and alone", read("small/profile") == "x" * 8192 and
        os.listdir(small) == ["profile"], os.listdir(small))
subprocess.run(["umount", small], check=True)
with open(path("target"), "w", encoding="utf-8") as f:
    f.write("old\n")
os.symlink("target", path("link"))
learn("through a link", "link", "true")
s.check("it still is one", os.path.islink(path("link")) and "execve" in calls("target"))
os.chmod(path("target"), 0o640)
learn("again", "link", "true")
s.check("with the mode that it had", os.stat(path("target")).st_mode & 0o777 == 0o640)

# ---- containers


def boots(name, mark):
    """A whole system, that makes a file when it is up: learned, shut down, started under it
    again and again."""
    profile, log = path(name + ".profile"), path(name + ".log")
    up = lambda: os.path.exists(mark)
    with open(log, "w", encoding="utf-8") as f:
        p = subprocess.Popen([os.path.join(s.tools, "ct-learn"), *s.where, "-p", profile, "--deny",
                              "kill", "-n", name], stdin=subprocess.DEVNULL, stdout=f, stderr=f)
    s.begun.append(p)
    s.check(f"{name}: is up, learning", s.until(up, 120), read(name + ".log"))
    p.send_signal(signal.SIGTERM)
    s.check(f"{name}: shuts down when it is asked", p.wait(120) == 0, p.returncode,
            read(name + ".log"))
    for _ in range(ROUNDS):
        os.unlink(mark)
        s.expect(f"{name}: starts under it", "ct-start", name, "-s", f"seccomp.profile={profile}")
        s.check(f"{name}: is up under it", s.until(up, 120))
        s.expect(f"{name}: is attached to under it", "ct-attach", name, "--", "true")
        s.expect(f"{name}: shuts down under it", "ct-stop", "-t", "60", "--nokill", name,
                 timeout=90)


s.expect("create", "ct-create", "-n", "web", "-t", "busybox")
with open(path("c/web/rootfs/etc/inittab"), "a", encoding="utf-8") as f:
    f.write("::wait:/bin/sh -c 'ls -lR /etc >/dev/null; echo up >/up'\n")
boots("web", path("c/web/rootfs/up"))
s.expect("a command in a container", "ct-learn", "-p", path("echo"), "-n", "web", "--", "sh", "-c",
         "hostname; exit 3", out="web\n", code=3)
s.expect("a system for a time", "ct-learn", "-p", path("time"), "-n", "web", "--time", "1s",
         code=137, err="time")
s.check("its profile is there", {"wait4", "vfork"} & calls("time"), *calls("time"))
s.expect("a filter of the config's own is not in force", "ct-learn", "-p", path("own"), "-n", "web",
         "-s", "seccomp.profile=/no/such", "-s", "seccomp.notify=mkdir", "-s",
         "seccomp.notify.proxy=unix:/no/such", "--", "mkdir", "/made")
s.check("it learns", "mkdir" in calls("own"), *calls("own"))
s.expect("under it", "ct-execute", "web", "-s", f"seccomp.profile={path('echo')}", "--", "sh", "-c",
         "hostname; exit 3", out="web\n", code=3)
s.expect("a container that is none", "ct-learn", "-p", path("echo"), "-n", "none", code=125,
         err="none")
s.expect("start", "ct-start", "web")
s.expect("one that runs", "ct-learn", "-p", path("echo"), "-n", "web", "--", "true", code=125,
         err="running")
s.expect("stop", "ct-stop", "-k", "web")
s.expect("destroy", "ct-destroy", "web")
WORK = "dpkg -l >/dev/null && ls -lR /etc >/dev/null && echo up >/root/up"
for init, file, text in (("sysv", "etc/inittab", f"up:2:wait:/bin/sh -c '{WORK}'\n"),
                         ("systemd", "etc/rc.local", f"#!/bin/sh\n{WORK}\n")) if LONG else ():
    s.expect(f"create a Debian system, {init}", "ct-create", "-n", init, "-t", "debian", "--",
             "--init", init, timeout=300)
    with open(path(f"c/{init}/rootfs/{file}"), "a", encoding="utf-8") as f:
        f.write(text)
    os.chmod(f.name, 0o755)
    boots(init, path(f"c/{init}/rootfs/root/up"))
    s.expect("destroy it", "ct-destroy", init)
s.done()
