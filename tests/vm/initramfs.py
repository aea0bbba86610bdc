# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the first file system of the guest: busybox, the modules needed to reach the real
one, and guest/init."""
import gzip
import lzma
import os
import shutil

import cache

HERE = os.path.dirname(os.path.abspath(__file__))
# what must be there before the root directory can be mounted; a name that is built into the
# kernel is skipped
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay", "virtio_blk",
           "virtio_rng")


class Archive:
    """A cpio archive in the "newc" form that kernels read."""

    def __init__(self):
        self.parts = []
        self.serial = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.serial += 1
        encoded = name.encode() + b"\0"
        head = [self.serial, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0]
        self.padded(b"070701" + b"".join(b"%08X" % n for n in head) + encoded)
        self.padded(data)

    def padded(self, data):
        self.parts.append(data + b"\0" * (-len(data) % 4))

    def directory(self, name):
        self.add(name, 0o040755)

    def file(self, name, data, mode=0o755):
        self.add(name, 0o100000 | mode, data)

    def write(self, path):
        self.add("TRAILER!!!", 0)
        with open(path, "wb") as f:
            f.write(b"".join(self.parts))


def in_order(kernel, names):
    """Paths of the modules with all they need, each after those that it needs itself."""
    needs, path_of = {}, {}
    with open(os.path.join(kernel.modules, "modules.dep"), encoding="ascii") as f:
        for line in f:
            path, _, rest = line.partition(":")
            needs[path] = rest.split()
            path_of[os.path.basename(path).split(".")[0].replace("-", "_")] = path
    with open(os.path.join(kernel.modules, "modules.builtin"), encoding="ascii") as f:
        builtin = {os.path.basename(line.strip()).split(".")[0].replace("-", "_") for line in f}
    order = []

    def take(path):
        for other in needs[path]:
            take(other)
        if path not in order:
            order.append(path)
    for name in names:
        if name in path_of:
            take(path_of[name])
        elif name not in builtin:
            raise cache.Problem(f"kernel {kernel.release} has no module {name}")
    return order


def module(path):
    """A module's bytes, unpacked, whatever the kernel package compressed it with."""
    openers = {".xz": lzma.open, ".gz": gzip.open, ".ko": open}
    opener = openers.get(os.path.splitext(path)[1])
    if not opener:
        raise cache.Problem(f"cannot unpack the module {path}")
    with opener(path, "rb") as f:
        return f.read()


def make(kernel, path):
    """Writes the archive to `path`."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise cache.Missing("busybox is not there (package busybox-static)")
    a = Archive()
    for d in ("bin", "dev", "proc", "sys", "modules", "lower", "upper", "share", "root", "keep"):
        a.directory(d)
    a.add("dev/console", 0o020600, device=(5, 1))
    with open(busybox, "rb") as f:
        a.file("bin/busybox", f.read())
    a.add("bin/sh", 0o120777, b"busybox")
    order = in_order(kernel, MODULES)
    for p in order:
        a.file("modules/" + os.path.basename(p).split(".")[0],
               module(os.path.join(kernel.modules, p)), 0o644)
    a.file("modules/order",
           "".join(os.path.basename(p).split(".")[0] + "\n" for p in order).encode(), 0o644)
    with open(os.path.join(HERE, "guest", "init"), "rb") as f:
        a.file("init", f.read())
    a.write(path)
