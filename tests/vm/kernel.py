# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's kernel packages: fetched by apt's own client, unpacked into the cache,
never installed."""
import glob
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass

import cache

META = "linux-image-amd64"


@dataclass
class Kernel:
    image: str      # vmlinuz
    release: str    # as uname -r says it
    modules: str    # lib/modules/RELEASE of the unpacked package


def call(cmd, what):
    """The output of `cmd`; a Missing with its last line if it fails."""
    try:
        r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                           env=dict(os.environ, LC_ALL="C"))
    except FileNotFoundError:
        raise cache.Missing(f"{what}: {cmd[0]} is not there") from None
    if r.returncode != 0:
        lines = [line for line in r.stdout.splitlines() if line.strip()]
        raise cache.Missing(
            f"{what}: {lines[-1] if lines else f'{cmd[0]} ended with {r.returncode}'}")
    return r.stdout


def codename():
    with open("/etc/os-release", encoding="utf-8") as f:
        found = re.search(r"^VERSION_CODENAME=(\w+)$", f.read(), re.M)
    if not found:
        raise cache.Missing(
            "kernel packages come from Debian's archive, and this system does not name its Debian "
            "release"
        )
    return found[1]


def debian_source():
    """(URI, key ring or "") of the archive that this machine takes its main packages from."""
    name = codename()
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        with open(path, encoding="utf-8") as f:
            for part in f.read().split("\n\n"):
                fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", part, re.M))
                if name in fields.get("Suites", "").split():
                    return fields["URIs"].split()[0], fields.get("Signed-By", "")
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            found = re.search(rf"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+{name}\s", f.read(), re.M)
        if found:
            ring = re.search(r"signed-by=(\S+)", found[1] or "")
            return found[2], ring[1] if ring else ""
    raise cache.Missing(f"apt has no source for Debian's {name}")


def apt_options(base, flavour):
    """Options that give apt lists and archives of its own below `base`; nothing of the
    host's apt is changed."""
    for d in ("lists/partial", "archives/partial"):
        os.makedirs(os.path.join(base, d), exist_ok=True)
    options = [
        f"Dir::State::lists={base}/lists", f"Dir::Cache={base}", "APT::Sandbox::User=root",
        "APT::Update::Post-Invoke-Success=", "Acquire::Retries=2"
    ]
    if flavour == "backports":
        uri, ring = debian_source()
        source = os.path.join(base, "only.list")
        with open(source, "w", encoding="utf-8") as f:
            f.write(
                f"deb {f'[signed-by={ring}] ' if ring else ''}{uri} {codename()}-backports main\n")
        options += [f"Dir::Etc::sourcelist={source}", "Dir::Etc::sourceparts=/dev/null"]
    return [x for o in options for x in ("-o", o)]


def fetch(base, flavour):
    """Downloads the newest kernel package of the flavour into `base` and unpacks it there."""
    what = f"no {flavour} kernel to be had"
    options = apt_options(os.path.join(base, "apt"), flavour)
    call(["apt-get", *options, "-q", "update"], what)
    shown = call(["apt-cache", *options, "--no-all-versions", "show", META], what)
    found = re.search(r"^Depends:.*?\b(linux-image-\S+)", shown, re.M)
    if not found:
        raise cache.Missing(f"{what}: {META} names no kernel")
    r = subprocess.run(["apt-get", *options, "-q", "download", found[1]], cwd=base,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", check=False)
    debs = glob.glob(os.path.join(base, "*.deb"))
    if r.returncode != 0 or not debs:
        raise cache.Missing(f"{what}: {(r.stdout.splitlines() or ['apt-get download failed'])[-1]}")
    call(["dpkg-deb", "-x", debs[0], os.path.join(base, "tree")], what)
    release = os.listdir(os.path.join(base, "tree", "lib", "modules"))[0]
    call(["depmod", "-b", os.path.join(base, "tree"), release], what)
    os.unlink(debs[0])
    shutil.rmtree(os.path.join(base, "apt"))


def look(base):
    found = glob.glob(os.path.join(base, "tree", "boot", "vmlinuz-*"))
    if not found:
        return None
    release = os.path.basename(found[0]).split("-", 1)[1]
    return Kernel(found[0], release, os.path.join(base, "tree", "lib", "modules", release))


def get(cache_dir, flavour):
    """The kernel of that flavour (stable, backports), fetched if the cache does not have it."""
    if platform.machine() != "x86_64":
        raise cache.Missing(
            f"guests are made for x86_64 machines only so far, this one is {platform.machine()}")
    if not shutil.which("depmod"):
        raise cache.Missing("depmod is not there (package kmod)")
    base = os.path.join(cache_dir, f"kernel-{flavour}")
    with cache.locked(os.path.join(cache_dir, "kernel.lock")):
        if not look(base):
            print(f"fetching the {flavour} kernel package", flush=True)
            fresh = base + ".new"
            shutil.rmtree(fresh, ignore_errors=True)
            os.mkdir(fresh)
            try:
                fetch(fresh, flavour)
                shutil.rmtree(base, ignore_errors=True)
                os.rename(fresh, base)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        return look(base)
