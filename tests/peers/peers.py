# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Difficult peers for programs: terminals, pipes, sockets and files that are slow, full, closed or
small; parents that are in the foreground while the program is not; programs and parents that are
stopped; ignored signals.

    with Terminal() as t:                                   # nobody reads it until t.read(...) is called
        p = start([tool, ...], terminal=t)                  # leads the terminal's session; background=True: not its foreground
        t.read(stalls(seed=1))                              # from now on; t.data() is what came
        p.end()                                             # exit code (-N: signal N), None: did not end, and was ended by us

    with full_pipe() as sink:                               # also closed_pipe, tiny_pipe, full_disk, dev_full, full_socket, ...
        p = start([tool, ...], stdout=sink)
        p.settle()                                          # until it has ended, or waits for somebody and makes no progress
        sink.close()                                        # the peer goes; sink.read() instead: it begins to read

What is waited for here is an event or a state, never a time; deadlines are only the
end of patience.
"""
import contextlib
import ctypes
import errno
import fcntl
import os
import pty
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scenario"))
import scene  # noqa: E402  (beside this directory)

PATIENCE = 60 * scene.SLOW      # seconds; it is only used up by what does not work
F_SETPIPE_SZ = 1031
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


def until(what, seconds=None):
    """Waits until what() is true; returns its last answer."""
    end = time.monotonic() + (PATIENCE if seconds is None else seconds * scene.SLOW)
    while True:
        got = what()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.01)


# ---- how a reader reads: generators of (bytes to read at most, seconds of rest before the next) --

def quickly():
    while True:
        yield 65536, 0


def slowly(size=512, rest=0.01):
    while True:
        yield size, rest


def stalls(seed=0, longest=0.3, every=20):
    """Reads pieces of any size and rests now and then; once every `every` pieces up to
    `longest` seconds."""
    r = random.Random(seed)
    while True:
        yield r.choice(
            (1, 7, 100, 4096, 65536)), r.random() * longest if r.randrange(every) == 0 else 0


def after(seconds, then=None):
    """Nothing for so long, then by `then`."""
    yield 0, seconds
    yield from then or quickly()


class Reader:
    """A thread that reads a descriptor of ours by such a generator until its end."""

    def __init__(self, fd, pace):
        self.fd, self.pace = fd, pace
        self.got, self.ended, self.halt = bytearray(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for size, rest in self.pace:
            if rest and self.halt.wait(rest):
                return
            while size and not self.halt.is_set():
                if not select.select([self.fd], [], [], 0.1)[0]:
                    continue
                try:
                    piece = os.read(self.fd, size)
                except OSError as e:
                    # a master says EIO when nobody has the other side
                    if e.errno == errno.EAGAIN:
                        continue
                    piece = b""
                self.got += piece
                if not piece:
                    self.ended.set()
                    return
                break
            if self.halt.is_set():
                return

    def stop(self):
        self.halt.set()
        self.thread.join()

    def to_end(self, seconds=None):
        """Waits for the end of what is read; True when it came."""
        return self.ended.wait(PATIENCE if seconds is None else seconds * scene.SLOW)


class Peer:
    """One end for the program (fd), one end for us (ours)."""

    def __init__(self, fd, ours=-1, clean=None):
        self.fd, self.ours, self.clean, self.reader = fd, ours, clean, None

    def read(self, pace=None):
        """Begins to read what the program writes, or goes on by another generator."""
        before = b""
        if self.reader:
            self.reader.stop()
            before = self.reader.got
        self.reader = Reader(self.ours, pace or quickly())
        self.reader.got[:0] = before
        return self.reader

    def data(self):
        return bytes(self.reader.got) if self.reader else b""

    def give(self):
        """The program has it now: our copy of its end goes, so that we see the end of it."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def close(self):
        """We go away."""
        if self.reader:
            self.reader.stop()
        if self.ours >= 0:
            os.close(self.ours)
        self.ours = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self.give()
        if self.clean:
            self.clean()


class Terminal(Peer):
    """A pseudo terminal; `ours` is the master. keep: we hold the slave open, so that the
    master never says EIO."""

    def __init__(self, rows=24, columns=80, raw=False, keep=False):
        ours, fd = pty.openpty()
        super().__init__(fd, ours)
        self.name, self.keep = os.ttyname(fd), keep
        termios.tcsetwinsize(fd, (rows, columns)) if hasattr(termios, "tcsetwinsize") else None
        if raw:
            tty.setraw(fd)

    def give(self):
        if not self.keep:
            super().give()

    def send(self, data):
        os.write(self.ours, data)

    def flags(self):
        """(input, output, local) modes; what a tool must put back."""
        return termios.tcgetattr(self.ours)[:4]

    def hang_up(self):
        """The terminal goes away, as when its window is closed."""
        self.keep = False
        self.close()

    def __exit__(self, *_):
        self.keep = False
        super().__exit__()


def _pipe():
    ours, fd = os.pipe()
    return fd, ours


def tiny_pipe():
    fd, ours = _pipe()
    fcntl.fcntl(fd, F_SETPIPE_SZ, 4096)
    return Peer(fd, ours)


def fill(fd):
    """Writes until there is no room; returns how much. The descriptor's own flags are
    left as they were."""
    before = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, before | os.O_NONBLOCK)
    total = 0
    for size in (65536, 4096, 1):
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                total += os.write(fd, b"#" * size)
    fcntl.fcntl(fd, fcntl.F_SETFL, before)
    return total


def full_pipe():
    peer = tiny_pipe()
    peer.filled = fill(peer.fd)
    return peer


def closed_pipe():
    peer = tiny_pipe()
    peer.close()
    return peer


def non_blocking(peer):
    """The same, and a write into what is full says EAGAIN."""
    fcntl.fcntl(peer.fd, fcntl.F_SETFL, fcntl.fcntl(peer.fd, fcntl.F_GETFL) | os.O_NONBLOCK)
    return peer


def small_socket():
    a, b = socket.socketpair()
    for s, option in ((a, socket.SO_SNDBUF), (b, socket.SO_RCVBUF)):
        s.setsockopt(socket.SOL_SOCKET, option, 4096)
    return Peer(a.detach(), b.detach())


def full_socket():
    peer = small_socket()
    peer.filled = fill(peer.fd)
    return peer


def closed_socket():
    peer = small_socket()
    peer.close()
    return peer


def full_terminal():
    """A terminal whose queue is full already, and that nobody reads."""
    t = Terminal(raw=True, keep=True)
    t.filled = fill(t.fd)
    return t


def dev_full():
    return Peer(os.open("/dev/full", os.O_RDWR | os.O_CLOEXEC))


def full_disk(room=0, size=1 << 20):
    """A file on a file system of its own with `room` bytes left (in whole pages). In this program's
    own mount namespace."""
    own_mounts()
    where = tempfile.mkdtemp(prefix="ct-disk-", dir=os.environ.get("TMPDIR"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "ct-full", where],
                   check=True)
    filler = os.open(where + "/filler", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.posix_fallocate(filler, 0, size - (room + 4095) // 4096 * 4096 or 1)
    os.close(filler)
    fd = os.open(where + "/out", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def clean():
        subprocess.run(["umount", "-l", where], check=False)
        os.rmdir(where)
    peer = Peer(fd, clean=clean)
    peer.path, peer.directory = where + "/out", where
    return peer


_own = []


def own_mounts():
    """A mount namespace for this program and what it starts."""
    if not _own:
        if libc.unshare(0x00020000):
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        _own.append(True)


# ---- programs ------------------------------------------------------------------------------------

def stat(pid):
    """The fields of /proc/PID/stat behind the name, [] when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return []


def name(pid):
    """Its command's name, "" when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return ""


def state(pid):
    """R, S, D, T (stopped), Z, or "" when it is gone."""
    return (stat(pid) or [""])[0]


def below(pid):
    """All descendants that live."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as f:
                    children = [int(c) for c in f.read().split()]
                found += children
                todo += children
    return found


def describe(pid):
    text = f"{pid} {state(pid)}"
    for name in ("cmdline", "wchan", "syscall", "stack"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/{name}", "rb") as f:
                text += f" {name}: " + f.read(400).replace(
                    b"\0", b" ").decode(errors="replace").replace("\n", "; ")
    return text


class Process:
    """A program that was started; `pid` is the program's own, `leader` that of what we wait for."""

    def __init__(self, leader, pid, words):
        self.leader, self.pid, self.words = leader, pid, words
        self.code, self.why = None, ""

    def poll(self):
        if self.code is None:
            got, status = os.waitpid(self.leader, os.WNOHANG)
            if got:
                self.code = os.waitstatus_to_exitcode(status)
                if self.leader != self.pid and self.code > 192:
                    self.code = 192 - self.code      # the leader tells of a signal in this way
        return self.code

    def ended(self):
        return self.poll() is not None

    def stopped(self):
        return state(self.pid) == "T"

    def signal(self, nr):
        with contextlib.suppress(ProcessLookupError):
            if self.code is None:
                os.kill(self.pid, nr)

    def _progress(self):
        """What changes while it or anything below it does something."""
        all_of = [self.pid, *below(self.pid)]
        fields = [stat(p) for p in all_of]
        return tuple((p, f[0] in "RD", f[11], f[12]) for p, f in zip(all_of, fields) if len(f) > 12)

    def settle(self, quiet=0.5):
        """Waits until it has ended, or it and all below it have slept for `quiet` seconds.
        True: it has ended."""
        before, since = None, time.monotonic()
        end = since + PATIENCE
        while not self.ended() and time.monotonic() < end:
            now = self._progress()
            if now != before or any(busy for _p, busy, *_rest in now):
                before, since = now, time.monotonic()
            elif time.monotonic() - since > quiet * scene.SLOW:
                break
            time.sleep(0.02)
        return self.ended()

    def end(self, seconds=None):
        """Waits for its end: exit code, -N: killed by signal N. None: it does not end; says where,
        in `why`, and is ended."""
        until(self.ended, seconds)
        if self.code is None:
            self.why = "does not end: " + " | ".join(
                describe(p) for p in [self.pid, *below(self.pid)])
            self.kill()
            self.code = None
            return None
        return self.code

    def kill(self):
        """Ends it and all that is below it, stopped or not."""
        if self.code is not None:
            return
        for p in [*below(self.pid), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            _pid, status = os.waitpid(self.leader, 0)
            self.code = os.waitstatus_to_exitcode(status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def _become(words, fds, env, ignore, block, subreaper, keep):
    """In the child: never returns."""
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if subreaper:
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for nr in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(nr, signal.SIG_DFL)
        for nr in ignore:
            signal.signal(nr, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, set(block))
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
        for i, fd in enumerate(high):
            os.dup2(fd, i)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2 and int(name) not in keep:
                with contextlib.suppress(OSError):
                    os.close(int(name))
        os.execvpe(words[0], words, env)
    except BaseException as e:  # pylint: disable=broad-except
        with contextlib.suppress(OSError):
            os.write(2, f"{words[0]}: {e}\n".encode())
    os._exit(127)


def _lead(terminal, background, tell, become):
    """In the child: leads a session on the terminal, and becomes the program or has it
    in the background."""
    try:
        os.setsid()
        fd = os.open(terminal.name, os.O_RDWR)
        fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
        if not background:
            os.write(tell, f"{os.getpid()}\n".encode())
            become()
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            become()
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        os.tcsetpgrp(fd, os.getpgrp())
        for name in os.listdir("/proc/self/fd"):
            if int(name) not in (fd, tell):
                with contextlib.suppress(OSError):
                    os.close(int(name))
        os.write(tell, f"{pid}\n".encode())
        os.close(tell)
        _pid, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 192 - code)
    finally:
        os._exit(126)


def start(words, *, stdin=None, stdout=None, stderr=None, terminal=None, background=False,
          ignore=(), block=(), env=None, session=False, subreaper=False, keep=()):
    """
    Starts a program. stdin, stdout, stderr: a descriptor, a Peer (its end is given away) or None:
    the terminal, or /dev/null. terminal: its session's terminal; background: the program is in a
    process group that is not the terminal's foreground one. ignore, block: signals it finds ignored
    (as under nohup) or blocked. session: one of its own, without a terminal.
    """
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    ends = [stdin, stdout, stderr]
    fds = [(terminal.fd if terminal else null) if e is None else e.fd if isinstance(e, Peer) else e
           for e in ends]
    hear, tell = os.pipe()
    env = dict(os.environ, **(env or {}))
    sys.stdout.flush()
    leader = os.fork()
    if leader == 0:
        def become():
            _become(words, fds, env, ignore, block, subreaper, keep)
        if terminal:
            _lead(terminal, background, tell, become)
        if session:
            os.setsid()
        os.write(tell, f"{os.getpid()}\n".encode())
        become()
    os.close(tell)
    with os.fdopen(hear) as f:
        pid = int(f.readline() or 0)
    os.close(null)
    for e in {id(e): e for e in (*ends, terminal) if isinstance(e, Peer)}.values():
        e.give()
    return Process(leader, pid, words)


@contextlib.contextmanager
def stopped(pid):
    """Stops a process, waits until it is, and lets it go on at the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: state(pid) in ("T", ""))
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def as_pid1(words):
    """The same program as process 1 of a pid namespace, with a /proc of its own."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", *words]


def below_pid1(words):
    """... as a child of a process 1 that reaps nothing but it."""
    return as_pid1(["sh", "-c", '"$@"', "sh", *words])


class Peers(scene.Scene):
    """Scene with these peers: tool() starts a tool in its own directories."""

    def tool(self, name, *args, place=True, **how):
        where = self.where if place else []
        return start([os.path.join(self.tools, name), *where, *args], **how)

    def ends(self, name, process, codes, seconds=None):
        """The process ends, with one of these codes (None: any)."""
        code = process.end(seconds)
        return self.check(name, code is not None and (codes is None or code in codes), " ".join(
            process.words), f"ended with {code}, expected {codes}", process.why)


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
