# SPDX-License-Identifier: LGPL-2.1-or-later
"""
selinux.py BUILD: containers under an enforced policy of SELinux, tests/vm/selinux/policy.cil, which
this loads. For a guest of its own: a policy stays until the kernel ends.
"""
import os
import shutil
import subprocess

from scene import TOP, Scene

FS = "/sys/fs/selinux"
CALLER, BOX, OLD, SHUT = (f"ct_u:ct_r:ct_{t}_t:s0" for t in ("caller", "box", "old", "shut"))
RANGED = BOX + ":c0,c2"
KEY, LOCK = "ct_u:ct_r:ct_key_t:s0", "ct_u:ct_r:ct_lock_t:s0"
SECRET, MADE = "ct_u:object_r:ct_secret_t:s0", "ct_u:object_r:ct_made_t:s0:c1,c2"
FILE = "ct_u:object_r:ct_file_t:s0"
SHOW = ("cat", "/proc/self/attr/current")
# the context of the session keyring; of files
KEYRING = ("import ctypes; c = ctypes.CDLL(None).syscall; b = ctypes.create_string_buffer(200); "
           "n = c(250, 17, -3, b, 200); print(b.value.decode() if n > 0 else 'none')")
# the signal that it gets when its parent ends
DEATH = ("import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); "
         "print(n.value)")
LABELS = ("import os, sys; [print(p, os.getxattr(p, 'security.selinux').decode().strip(chr(0))) "
          "for p in sys.argv[1:]]")


def enforce(on):
    with open(FS + "/enforce", "w", encoding="ascii") as f:
        f.write("1" if on else "0")


def load(policy):
    """Compiles the policy and loads it, by one write. What went wrong, or ""."""
    binary = os.path.join(s.base, "policy")
    r = subprocess.run(["secilc", "-o", binary, "-f", "/dev/null", policy], capture_output=True,
                       text=True, check=False)
    if r.returncode:
        return r.stdout + r.stderr
    try:
        with open(binary, "rb") as f, open(FS + "/load", "wb", buffering=0) as to:
            to.write(f.read())
    except OSError as e:
        return str(e)
    finally:
        os.unlink(binary)
    enforce(True)
    return ""


def label(path, context):
    os.setxattr(path, "security.selinux", context.encode() + b"\0")


def make_root(top):
    for d in ("bin", "dev", "etc", "proc", "sys", "tmp", "run", "log"):
        os.makedirs(os.path.join(top, d))
    shutil.copy("/bin/busybox", top + "/bin/busybox")
    for name in ("sh", "cat", "sleep"):
        os.symlink("busybox", f"{top}/bin/{name}")
    for name, context in (("secret", SECRET), ("open", FILE)):
        with open(f"{top}/{name}", "w", encoding="ascii") as f:
            f.write(f"the {name} one\n")
        label(f"{top}/{name}", context)
    script(top + "/hook", "cat /proc/self/attr/current /secret > /log/hook 2>&1; exit 0")
    script(top + "/init", "trap 'exit 0' TERM\ncat /proc/self/attr/current >> /log/boots\n"
           "while :; do sleep 1; done")
    script(top + "/wait", "exec sleep 1000")


def script(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError as e:
        return str(e)


def defines(*keys):
    return [w for k in keys for w in ("-s", k)]


def box(name, *keys, argv=SHOW, root=None, more=(), **want):
    """In process, as root of its own tree."""
    s.expect(name, "ct-run", "--rootfs", root or ROOT, *more, *defines(*keys), "--", *argv,
             place=False, **want)


def transitions():
    box("without a context: the caller's", out=CALLER)
    box("with one: that", "selinux.context=" + BOX, out=BOX)
    box("with categories, as the policy prints them", f"selinux.context={BOX}:c2,c0", out=RANGED)
    box("unconfined_t: the caller's", "selinux.context=unconfined_t", out=CALLER)
    for nnp in ((), ("--new-privs", )):
        for more in ((), ("seccomp.profile=none", ), ("init.reaper=0", ),
                     ("idmap=u 0 0 65536", "idmap=g 0 0 65536")):
            box(f"with {' '.join(nnp + more) or 'the defaults'}", "selinux.context=" + BOX, *more,
                more=nnp, out=BOX)
    box("a domain that no_new_privs is not for", "selinux.context=" + OLD, more=("--new-privs", ),
        out=OLD)
    box("with no_new_privs it is refused", "selinux.context=" + OLD, code=126,
        err="process2 nnp_transition")
    box("no way into it", "selinux.context=" + SHUT, code=125,
        err="selinux.context: \"" + SHUT + "\": SELinux does not allow this process (" + CALLER +
        ") process { transition } for it. Hint: the policy needs: allow ct_caller_t "
        "ct_shut_t:process transition;")
    box("no such type", "selinux.context=ct_u:ct_r:ct_none_t:s0", code=125,
        err="the loaded policy of SELinux has no such context")
    box("a type of files", "selinux.context=" + FILE.replace("object_r", "ct_r"), code=125,
        err="the loaded policy of SELinux has no such context")
    enforce(False)
    box("permissive: any domain", "selinux.context=" + SHUT, out=SHUT)
    box("permissive: no such type", "selinux.context=ct_u:ct_r:ct_none_t:s0", code=125)
    enforce(True)


def files():
    s.check("the caller reads the file", read(ROOT + "/secret") == "the secret one\n")
    box("a container without a context, too", argv=("cat", "/secret"), out="the secret one")
    box("with one it is denied", "selinux.context=" + BOX, argv=("cat", "/secret"), code=1,
        err="Permission denied")
    box("another file is not", "selinux.context=" + BOX, argv=("cat", "/open"), out="the open one")
    box("the small init is not the container's to look at", "selinux.context=" + BOX,
        argv=("cat", "/proc/1/attr/current"), code=1, err="Permission denied")


def keyrings():
    run = ("python3", "-c", KEYRING)
    keys = ("seccomp.profile=none", "keyring.user=1", "selinux.context=" + BOX)

    def ring(name, *more, **want):
        box(name, *keys, *more, argv=run, root="/", more=("--ro", ), **want)
    ring("a keyring has the payload's context", out=BOX)
    ring("or its own", "selinux.context.keyring=" + KEY, out=KEY)
    ring("or the caller's, which nobody may look at", "selinux.context.keyring=unconfined_t",
         out="none")
    ring("one that nobody may make", "selinux.context.keyring=" + LOCK, code=125,
         err="selinux.context.keyring: \"" + LOCK + "\": SELinux does not allow")
    ring("no keyring for it", "keyring.session=0", "selinux.context.keyring=" + KEY, code=125,
         err="there is no keyring to give it to")


def death_signal():
    for context, want in ((CALLER, "9"), (BOX, "0")):
        box("the death signal of " + context, "selinux.context=" + context, "init.reaper=0",
            argv=("python3", "-c", DEATH), root="/", more=("--ro", ), out=want + "\n")


def mounts():
    paths = ("/dev", "/dev/null", "/dev/pts", "/dev/shm", "/tmp", "/run", "/open")
    own = ("mount.entry=tmpfs run tmpfs context=" + FILE, "mount.entry=tmpfs tmp tmpfs size=1m")
    for more in ((), ("idmap=u 0 0 65536", "idmap=g 0 0 65536")):
        name = "files of new file systems" + (", in a user namespace" if more else "")
        # in a user namespace the node is the host's own
        other = ("/run", "/open", *(("/dev/null", ) if more else ()))
        want = "".join(f"{p} {FILE if p in other else MADE}\n" for p in paths)
        # the interpreter is the host's
        box(name, "selinux.mount.context=" + MADE, *own, *more,
            *(f"mount.entry=/{d} {d} none bind,create=dir" for d in ("usr", "lib", "lib64")),
            argv=("/usr/bin/python3", "-c", LABELS, *paths), out=want)
    box("one that the caller may not give", "selinux.mount.context=" + SECRET, code=125,
        err="selinux.mount.context: \"" + SECRET + "\": SELinux does not allow")


def define(name, *keys):
    where = os.path.join(s.base, "c", name)
    os.makedirs(where)
    with open(where + "/config", "w", encoding="utf-8") as f:
        f.write("\n".join(("rootfs.path = " + ROOT, "limit.devices = all", *keys)) + "\n")


def end(name):
    s.expect(f"{name} stops", "ct-stop", name, "-k")
    s.expect(f"{name} is removed", "ct-destroy", name)


def detached():
    name = s.name("box")
    define(name, "init.cmd = /wait", "hook.start = /hook", "selinux.context = " + BOX,
           "selinux.context.keyring = " + KEY)
    s.expect("a detached start", "ct-start", name)
    s.check("init has the context", BOX in read(f"/proc/{s.pid(name)}/attr/current"))
    s.check("the start hook had it", BOX in read(ROOT + "/log/hook") and
            "Permission denied" in read(ROOT + "/log/hook"), read(ROOT + "/log/hook"))
    s.expect("an attach has it", "ct-attach", name, "--", *SHOW, out=BOX)
    s.expect("an attach is denied the file", "ct-attach", name, "--", "cat", "/secret", code=1,
             err="Permission denied")
    s.expect("one with lifted confinement is not", "ct-attach", name, "-e", "--", "cat", "/secret",
             out="the secret one")
    s.expect("protections", "ct-info", name, "--protections", out=BOX)
    end(name)
    name = s.name("boots")
    define(name, "init.cmd = /init", "signal.reboot = SIGTERM", "selinux.context = " + BOX)
    s.expect("one that boots twice", "ct-start", name)
    s.until(lambda: BOX in read(ROOT + "/log/boots"))
    s.expect("the second time", "ct-stop", "-r", "-t", "60", name)
    s.check("both boots have the context",
            s.until(lambda: read(ROOT + "/log/boots").count(BOX) == 2), read(ROOT + "/log/boots"))
    end(name)
    name = s.name("shut")
    define(name, "init.cmd = /wait", "selinux.context = " + SHUT)
    s.expect("a detached start that the policy forbids", "ct-start", name, code=125,
             err="process { transition }")
    s.expect("nothing of it runs", "ct-info", name, "-sH", out="STOPPED")
    s.expect("it is removed", "ct-destroy", name)


s = Scene()
if not os.path.exists(FS + "/enforce"):
    s.skip("this kernel has no SELinux")
os.chmod(s.base, 0o755)
s.expect("without a policy", "ct-run", "--rootfs", "/", "--ro", *defines("selinux.context=" + BOX),
         "--", "true", place=False, code=125, err="SELinux has no policy yet")
why = load(os.path.join(TOP, "tests/vm/selinux/policy.cil"))
if s.check("the policy is loaded and enforced", not why, why):
    ROOT = s.base + "/root"
    make_root(ROOT)
    transitions()
    files()
    keyrings()
    death_signal()
    mounts()
    detached()
s.done()
