# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest: qemu's command line, the files that tell the guest what to do, what comes back, and
why a boot failed."""
import ctypes
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field

import cache
import initramfs
import kernel as kernels

HERE = os.path.dirname(os.path.abspath(__file__))
QEMU = "qemu-system-x86_64"
LAYOUTS = ("v2", "v1", "hybrid")
LSMS = ("apparmor", "selinux", "smack", "tomoyo", "none")
BOOT_LIMIT = 900        # seconds until the command runs
END_LIMIT = 60          # seconds between the command's own limit and the end of the guest
SILENCE_LIMIT = 180    # seconds without the beat that guest/start gives every five
SILENT = "the guest has locked up: it does not even say that it lives"
PR_SET_PDEATHSIG = 1
# what hides below fresh file systems in the guest
FRESH = ("/tmp/", "/run/", "/dev/", "/var/lib/libcontain/")
PANIC = re.compile(
    r"Kernel panic - not syncing: .*|Oops: .*|BUG: .*|ct-vm: failed: .*|Initramfs unpacking "
    r"failed.*"
)


@dataclass
class Wish:
    """What the caller wants of a guest."""
    command: list
    layout: str = "v2"
    init: str = "plain"
    lsm: str = "apparmor"
    kernel: str = "stable"
    memory: int = 2048          # MiB
    cpus: int = 2
    timeout: int = 600          # seconds, of the command
    shell: bool = False
    as_user: bool = False
    directory: str = cache.TOP
    keep: list = field(default_factory=list)    # directories that stay visible, also below /tmp
    env: dict = field(default_factory=dict)
    append: str = ""            # more for the kernel's command line
    keep_run: bool = False


@dataclass
class End:
    code: int           # of the command; -1: there is none
    why: str            # what went wrong with the guest itself, or ""
    log: str            # the end of the kernel's log, when something failed
    boot_seconds: float
    seconds: float

    @property
    def locked_up(self):
        return "soft lockup" in self.why or self.why == SILENT


def command_line(wish):
    words = [
        "console=ttyS0",
        "quiet",
        "loglevel=5",
        "panic=-1",
        "reboot=t",
        "mitigations=off",
        "nokaslr",
        "no_timer_check",
        "tsc=reliable",
        "audit=0",
        "random.trust_cpu=on",
        "cryptomgr.notests",
        "psi=1",
        "net.ifnames=0",
        # a minute in which a processor does nothing else: emulated ones lock up now and then
        # on a host that is very busy
        "softlockup_panic=1",
        "watchdog_thresh=30"
    ]
    others = ["landlock", "lockdown", "yama", "integrity"]
    words.append("lsm=" + ",".join(others + ([] if wish.lsm == "none" else [wish.lsm]) + ["bpf"]))
    if wish.lsm == "selinux":
        words.append("selinux=1")
    if wish.init == "systemd":
        words += [
            "systemd.unit=ct-vm.target", "systemd.show_status=0", "systemd.log_target=console",
            "systemd.log_level=warning", "systemd.default_timeout_start_sec=180",
            "systemd.default_device_timeout_sec=180",
            f"systemd.unified_cgroup_hierarchy={1 if wish.layout == 'v2' else 0}"
        ]
        if wish.layout == "v1":
            words.append("systemd.legacy_systemd_cgroup_controller=1")
    return " ".join(words + [wish.append] if wish.append else words)


def qemu(wish, kernel, run, outs):
    """The whole command; never KVM, so that it is the same everywhere."""
    cmd = [
        QEMU, "-accel", "tcg,thread=multi,tb-size=512", "-machine", "pc,usb=off,vmport=off", "-cpu",
        "max,la57=off,-avx,-avx2", "-smp",
        str(wish.cpus), "-m", f"{wish.memory}M", "-nodefaults", "-no-user-config", "-display",
        "none", "-no-reboot", "-nic", "none", "-rtc", "base=utc,clock=host", "-kernel",
        kernel.image, "-initrd",
        os.path.join(run, "initramfs"), "-append",
        command_line(wish), "-chardev", f"file,id=console,path={run}/console", "-serial",
        "chardev:console", "-object", "rng-random,id=rng,filename=/dev/urandom", "-device",
        "virtio-rng-pci,rng=rng", "-fsdev",
        "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap", "-device",
        "virtio-9p-pci,fsdev=root,mount_tag=ct.root", "-fsdev",
        f"local,id=share,path={run}/share,security_model=none", "-device",
        "virtio-9p-pci,fsdev=share,mount_tag=ct.share", "-device", "virtio-serial-pci"
    ]
    for name, (_read, write) in outs.items():
        cmd += [
            "-add-fd", f"fd={write},set={write}", "-chardev",
            f"file,id={name},path=/dev/fdset/{write},append=on", "-device",
            f"virtserialport,chardev={name},name=ct.{name}"
        ]
    if wish.shell:
        cmd += [
            "-chardev", "stdio,id=terminal,signal=off", "-device", "virtconsole,chardev=terminal"
        ]
    for name, size in (("swap", 256 << 20), ("disk", 64 << 20)):
        path = os.path.join(run, name)
        with open(path, "wb") as f:
            f.truncate(size)
        cmd += ["-drive", f"if=none,id={name},file={path},format=raw,cache=unsafe,discard=unmap",
                "-device", f"virtio-blk-pci,drive={name},serial=ct-{name}"]
    return cmd


def spec(wish, kernel):
    """The shell variables that the guest reads."""
    size = shutil.get_terminal_size()
    keep = [os.path.abspath(d) for d in [wish.directory, *wish.keep, kernel.modules]]
    values = {
        "LAYOUT": wish.layout, "INIT": wish.init, "RELEASE": kernel.release,
        "MODULES": kernel.modules, "KEEP": "\n".join(
            sorted({d for d in keep if d.startswith(FRESH)})), "TIMEOUT": wish.timeout,
        "DIRECTORY": os.path.abspath(wish.directory), "SHELL_WANTED": int(
            wish.shell), "RUN_AS": "user" if wish.as_user else "root", "ROWS": size.lines,
        "COLUMNS": size.columns, "TERM": os.environ.get("TERM", "dumb")
    }
    return "".join(f"{k}={shlex.quote(str(v))}\n" for k, v in values.items())


def write_share(wish, kernel, share):
    os.mkdir(share)
    for name in ("start", "cgroups", "systemd"):
        shutil.copy(os.path.join(HERE, "guest", name), share)
    with open(os.path.join(share, "spec"), "w", encoding="utf-8") as f:
        f.write(spec(wish, kernel))
    with open(os.path.join(share, "command"), "w", encoding="utf-8") as f:
        f.writelines(f"export {k}={shlex.quote(v)}\n" for k, v in wish.env.items())
        f.write("as_wanted " + shlex.join(wish.command) + "\n")


def end_with_parent():
    """In the child: qemu ends when this program does, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def read_tail(path, size=65536):
    try:
        with open(path, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - size))
            return f.read().decode("utf-8", "replace").replace("\r", "")
    except OSError:
        return ""


class Guest:
    """A started guest; follow() until it ends."""

    def __init__(self, wish, kernel, run):
        self.run = run
        self.wish = wish
        self.status = ""
        self.boot_seconds = 0.0
        self.heard_at = 0.0
        self.pipes = {name: os.pipe() for name in ("status", "out", "err")}
        cmd = qemu(wish, kernel, run, self.pipes)
        writes = [w for _r, w in self.pipes.values()]
        with open(os.path.join(run, "qemu"), "wb") as said:
            self.began = time.monotonic()
            self.process = subprocess.Popen(cmd, stdin=None if wish.shell else subprocess.DEVNULL,
                                            stdout=None if wish.shell else said, stderr=said,
                                            pass_fds=writes, preexec_fn=end_with_parent,
                                            start_new_session=not wish.shell)
        for w in writes:
            os.close(w)

    def limit(self):
        """The moment at which it has taken too long."""
        if not self.boot_seconds:
            return self.began + BOOT_LIMIT
        if self.wish.shell:
            return float("inf")
        return self.began + self.boot_seconds + self.wish.timeout + END_LIMIT

    def heard(self, text):
        self.heard_at = time.monotonic()
        self.status += text.replace("beat\n", "")
        if not self.boot_seconds and re.search(r"^running$", self.status, re.M):
            self.boot_seconds = time.monotonic() - self.began

    def silent(self):
        return bool(self.boot_seconds
                    ) and not self.wish.shell and time.monotonic() - self.heard_at > SILENCE_LIMIT

    def follow(self, out, err):
        """Passes the command's output to out(bytes) and err(bytes) until qemu ends. False when a
        limit was over before."""
        sinks = {
            "status": lambda b: self.heard(b.decode("utf-8", "replace")), "out": out, "err": err
        }
        with selectors.DefaultSelector() as s:
            for name, (read, _write) in self.pipes.items():
                s.register(read, selectors.EVENT_READ, sinks[name])
            while s.get_map():
                left = self.limit() - time.monotonic()
                if left <= 0 or self.silent():
                    return False
                for key, _mask in s.select(min(left, 10)):
                    data = os.read(key.fd, 65536)
                    if data:
                        key.data(data)
                    else:
                        s.unregister(key.fd)
        self.process.wait(30)
        return True

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for read, _write in self.pipes.values():
            os.close(read)

    def verdict(self, in_time):
        console = read_tail(os.path.join(self.run, "console"))
        log = read_tail(os.path.join(self.run, "share", "dmesg")) or "\n".join(
            console.splitlines()[-40:])
        code = re.search(r"^exit (\d+)$", self.status, re.M)
        refused = re.search(r"^failed (.*)$", self.status, re.M)
        panic = PANIC.search(console)
        said = read_tail(os.path.join(self.run, "qemu")).strip().splitlines()
        if code and not refused:
            why = ""
        elif refused:
            why = refused[1]
        elif panic:
            why = panic[0].removeprefix("ct-vm: failed: ")
        elif not in_time and self.silent():
            why = SILENT
        elif not in_time and self.boot_seconds:
            why = (f"the guest did not end within {END_LIMIT} s "
                   f"after the command's {self.wish.timeout} s")
        elif not in_time:
            why = f"the guest did not boot within {BOOT_LIMIT} s"
        elif said:
            why = f"qemu ended with {self.process.returncode}: {said[-1]}"
        else:
            why = "the guest ended by itself " + ("while the command ran" if self.boot_seconds else
                                                  "before the command ran")
        n = int(code[1]) if code and not why else -1
        return End(n, why, log if n != 0 else "", self.boot_seconds, time.monotonic() - self.began)


def run(wish, cache_dir, out, err):
    """Boots, runs the wish's command, and says how it ended. Raises Problem, or Missing for what
    the machine lacks."""
    if not shutil.which(QEMU):
        raise cache.Missing(f"{QEMU} is not there (package qemu-system-x86)")
    if os.geteuid() != 0:
        raise cache.Missing("needs root, to read all of the host's root directory")
    if wish.init == "systemd" and not os.path.exists("/lib/systemd/systemd"):
        raise cache.Missing(
            "systemd is not there (packages systemd dbus-user-session libpam-systemd)")
    kernel = kernels.get(cache_dir, wish.kernel)
    with cache.run_directory(cache_dir, wish.keep_run) as where:
        initramfs.make(kernel, os.path.join(where, "initramfs"))
        write_share(wish, kernel, os.path.join(where, "share"))
        guest = Guest(wish, kernel, where)
        in_time = False
        try:
            in_time = guest.follow(out, err)
        finally:
            guest.close()
        return guest.verdict(in_time)
