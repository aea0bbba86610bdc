# SPDX-License-Identifier: LGPL-2.1-or-later
"""ct-create -t dir and -t tar keep what a tree has: links, holes, owners, modes, times, access
lists, capabilities, labels and other attributes."""
import os
import stat
import struct
import subprocess

from scene import Scene

s = Scene()
tree = os.path.join(s.base, "tree")
# one entry each: user, group, others, and user 1234 by name
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *e) for e in ((1, 6, 0xffffffff), (2, 4, 1234), (4, 4, 0xffffffff),
                                      (16, 6, 0xffffffff), (32, 4, 0xffffffff)))
ATTRIBUTES = {
    # cap_net_bind_service, effective and permitted
    "security.capability": struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0),
    "security.selinux": b"system_u:object_r:bin_t:s0\0",
    "security.apparmor": b"some label",
    "trusted.overlay.opaque": b"y",
    "user.note": b"two\0words",
    "system.posix_acl_access": ACL,
}


def write(name, data=b"x", mode=0o644, owner=(0, 0)):
    path = os.path.join(tree, name)
    with open(path, "wb") as f:
        f.write(data)
    os.chown(path, *owner)
    os.chmod(path, mode)
    return path


def build():
    """What this file system takes of it; the names of the attributes that it does not."""
    refused = []
    for d in ("bin", "etc", "home", "tmp"):
        os.makedirs(os.path.join(tree, d))
    write("bin/ping", mode=0o4755)
    os.link(os.path.join(tree, "bin/ping"), os.path.join(tree, "bin/ping6"))
    os.symlink("../etc/none", os.path.join(tree, "bin/link"))
    os.mkfifo(os.path.join(tree, "tmp/fifo"), 0o620)
    os.mknod(os.path.join(tree, "tmp/null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    write("home/hers", b"hers", 0o640, (1234, 5678))
    os.lchown(os.path.join(tree, "bin/link"), 1234, 5678)
    write(os.fsencode("etc/odd ").decode() + "\udcff\n name", b"odd")
    with open(write("home/holes", b"begin"), "r+b") as f:
        f.truncate(64 << 20)
        f.seek(32 << 20)
        f.write(b"middle")
    os.chmod(os.path.join(tree, "tmp"), 0o1777)
    for name, value in ATTRIBUTES.items():
        try:
            os.setxattr(write("home/" + name, mode=0o754), name, value)
            os.setxattr(os.path.join(tree, "etc"), name, value) if name.startswith(
                ("user.", "trusted.")) else None
        except OSError:
            refused.append(name)
    for where, dirs, files in os.walk(tree, topdown=False):
        for name in files + dirs:
            os.utime(os.path.join(where,
                                  name), ns=(1_000_000_007_123_456_789, 1_100_000_007_123_456_789),
                     follow_symlinks=False)
    return refused


def facts(top):
    """{path: all that is to be kept of it}"""
    found, first = {}, {}
    for where, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(where, name)
            st = os.lstat(path)
            rel = os.path.relpath(path, top)
            found[rel] = [
                oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns, st.st_rdev, st.st_nlink,
                first.setdefault(st.st_ino, rel)
                if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode) else None,
                {
                    a: os.getxattr(path, a, follow_symlinks=False)
                    for a in os.listxattr(path, follow_symlinks=False)
                },
                os.readlink(path) if stat.S_ISLNK(st.st_mode) else None
            ]
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    found[rel].append(f.read())
    return found


def compare(what, name):
    root = os.path.join(s.base, "c", name, "rootfs")
    want, got = facts(tree), facts(root)
    for path, one in sorted(want.items()):
        if got.get(path) != one:
            differs = [
                str(a)[:200] + " became " + str(b)[:200]
                for a, b in zip(one, got.get(path, [None] * 10))
                if a != b
            ]
            s.check(f"{what} keeps {path!r}", False, *differs)
    s.check(f"{what}: all is there and nothing else",
            want.keys() == got.keys(),
            want.keys() ^ got.keys())
    s.check(f"{what}: {len(want)} files are as they were", want == got)
    return os.stat(os.path.join(root, "home/holes")).st_blocks < 1 << 12


refused = build()
s.check("attributes are there to be kept", len(ATTRIBUTES) - len(refused) >= 2, refused)
s.expect("a copy", "ct-create", "-n", "copy", "-t", "dir", "--", tree)
s.check("holes stay holes", compare("dir", "copy"))
for kind, options in (("sparse", ("--sparse",)), ("plain", ())):
    ball = os.path.join(s.base, kind + ".tar")
    subprocess.run([
        "tar", "--create", *options, "--format=posix", "--xattrs", "--xattrs-include=*", "--acls",
        "--selinux", "--numeric-owner", "--directory", tree, "--file", ball, "."
    ], check=True, stderr=subprocess.DEVNULL)
    s.expect(f"a {kind} tarball", "ct-create", "-n", kind, "-t", "tar", "--", ball)
    holes = compare(kind, kind)
    s.check("holes stay holes, where the tarball has them", holes or kind == "plain")
    s.expect("away with it", "ct-destroy", kind)
s.expect("away with the copy", "ct-destroy", "copy")
s.done()
