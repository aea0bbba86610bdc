# SPDX-License-Identifier: LGPL-2.1-or-later
"""Namespaces of another container, or of any process: ct-start and ct-execute --share-net,
--share-ipc, --share-uts, --share-pid."""
import os
import subprocess

from scene import Scene

s = Scene()
KINDS = ("net", "ipc", "uts", "pid")
web, other = s.name("web"), s.name("other")
s.expect("create", "ct-create", "-n", web, "-t", "busybox")
root = os.path.join(s.base, "c", web, "rootfs")
config = os.path.join(s.base, "config")
with open(config, "w", encoding="utf-8") as f:
    f.write(f"rootfs.path = {root}\ninit.cmd = /bin/sleep 1000\n")
s.expect("start", "ct-start", web)


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def shares(what, options, wanted, of):
    """A container with these options is in `of`'s namespaces of the kinds wanted, and in none of
    the others, nor in ours."""
    started = s.run("ct-start", "-n", other, "-f", config, *options)
    pid = s.pid(other)
    same = {k for k in KINDS if pid and namespace(pid, k) == namespace(of, k)}
    own = {
        k for k in KINDS
        if pid and namespace(pid, k) not in (namespace(of, k), namespace("self", k))
    }
    s.check(what, started[0] == 0 and same == set(wanted) and own == set(KINDS) - set(wanted),
            *started, same, own)
    s.expect(f"{what}: a program in it", "ct-attach", other, "--", "true")
    s.expect(f"{what}: stopped", "ct-stop", "-k", other)


init = s.pid(web)
for kind in KINDS:
    shares(f"--share-{kind}=NAME", (f"--share-{kind}={web}",), (kind,), init)
    shares(f"--share-{kind} PID", (f"--share-{kind}", str(init)), (kind,), init)
shares("all of them, by the container's path", [f"--share-{k}={s.base}/c/{web}" for k in KINDS],
       KINDS, init)
alone = subprocess.Popen(["unshare", "-n", "-i", "-u", "sleep", "1000"])
s.until(lambda: namespace(alone.pid, "uts") != namespace("self", "uts"))
shares("of a process that is in no container",
       [f"--share-{k}={alone.pid}" for k in ("net", "ipc", "uts")], ("net", "ipc", "uts"),
       alone.pid)
alone.kill()
alone.wait()
s.expect("ct-execute", "ct-execute", "-n", other, "-f", config, f"--share-uts={web}", "--",
         "hostname", out=web)
s.expect("its host name stays", "ct-attach", web, "--", "hostname", out=web)
s.check("it runs on when who shared has gone", s.pid(web) == init)
for kind in KINDS:
    s.expect(f"--share-{kind} of nobody", "ct-start", "-n", other, "-f", config,
             f"--share-{kind}=nobody", code=125, err=f"namespace.share.{kind}")
s.expect("of a process that is gone", "ct-start", "-n", other, "-f", config,
         f"--share-net={alone.pid}", code=125, err="namespace.share.net")
s.expect("force", "ct-destroy", "-f", web)
s.done()
