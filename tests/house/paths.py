# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where something is opened, made, mounted or removed: one row for each call, who may make it, and
why. A rootfs is hostile: below it all goes through lib/stage/step/path.c, by descriptor. A file
that is named and has no such call any more is a fault, too. doc/ARCHITECTURE.md has the places."""
import re

from house import Tap, blank, files, read, top

STEP = "lib/stage/step/"
SUPER = "lib/stage/super/"

# what the stage may call, by system call: files
STAGE = [
    (r"SYS_mkdirat\s*,\s*(?!st\b)", "makes directories", (STEP + "path.c", STEP + "file.c")),
    (r"sys\d\(SYS_mknodat", "makes nodes", (STEP + "file.c",)),
    (r"sys\d\(SYS_symlinkat", "makes links", (STEP + "file.c",)),
    (r"sys\d\(SYS_readlinkat", "reads links by descriptor", (STEP + "path.c", STEP + "launch.c")),
    (r"O_CREAT", "makes files", (STEP + "path.c", STEP + "file.c", SUPER + "state.c",
                                 SUPER + "console-log.c")),
    (r"sys\d\(SYS_unlinkat", "removes", (SUPER + "home.c",)),
    (r"sys\d\(SYS_renameat", "renames", (SUPER + "home.c", SUPER + "state.c")),
    (r"sys_open_tree\(", "copies mounts", (STEP + "mount.c", STEP + "tty.c")),
    (r"sys_move_mount\(", "mounts", (STEP + "mount.c", STEP + "tty.c")),
    (r"sys_mount_setattr\(", "changes mounts", (STEP + "mount.c",)),
    (r"SYS_fsmount,", "makes file systems", (STEP + "mount.c",)),
    (r"SYS_umount2,", "unmounts", (STEP + "mount.c",)),
    (r"SYS_pivot_root,", "changes the root", (STEP + "mount.c",)),
    (r"sys_openat2\(", "opens, confined", (STEP + "path.c", STEP + "file.c", STEP + "tty.c",
                                           STEP + "launch.c")),
]
# calls by which a path string reaches a file: nowhere in the stage
NEVER = ("mount", "chroot", "open", "creat", "mkdir", "mknod", "symlink", "unlink", "rmdir",
         "rename", "renameat2", "link", "linkat", "chown", "lchown", "fchownat", "chmod",
         "fchmodat", "truncate", "utimensat", "open_by_handle_at", "readlink", "stat", "lstat")
# sys_openat(AT_FDCWD, WHAT: by file, the paths that are the host's, or the container's own root
BY_PATH = {
    STEP + "path.c": {'"/"'},
    STEP + "lookup.c": {'"/"'},
    STEP + "launch.c": {'"/proc"'},
    STEP + "tty.c": {'"/dev/ptmx"'},       # of the host, before its root is left
    STEP + "mount.c": {"path", '"/.."'},   # rootfs.mount on the host; the old root
    STEP + "proxy.c": {"str_add(path"},    # /proc/PID of the caller's procfs
    STEP + "exec.c": {"path"},             # O_PATH, why an exec has failed
    SUPER + "supervisor.c": {'"/dev/null"'},
    SUPER + "end.c": {'"/proc/thread-self/children"'},
}
# the library and the tools: by call, who may make it and of what
LIBRARY = [
    ("mkdir|mkdirat", {
        "lib/run/state/dir.c": "state directories", "lib/run/state/remove.c": "hidden names",
        "lib/run/life/define.c": "container directories",
        "lib/backend/cgroup/group.c": "cgroups", "lib/backend/cgroup/setup.c": "cgroups",
        "tools/create-partial.c": "a rootfs that is new, and its directory"}),
    ("unlink|unlinkat|rmdir", {
        "lib/run/state/dir.c": "state files", "lib/run/state/undo.c": "the journal",
        "lib/run/life/define.c": "a config half made", "lib/run/life/destroy.c": "the config",
        "lib/run/child/placeholder.c": "a cgroup", "lib/base/fd.c": "files of the library",
        "lib/backend/cgroup/group.c": "cgroups", "lib/backend/cgroup/sweep.c": "cgroups",
        "tools/learn-file.c": "a file half written"}),
    ("rename|renameat|ct_rename_new", {
        "lib/run/life/define.c": "a rootfs as a whole, into its place",
        "lib/run/state/remove.c": "hidden names", "lib/base/fd.c": "files of the library",
        "tools/ct-create.c": "a rootfs as a whole, into its place",
        "tools/learn-file.c": "a file half written"}),
    ("mknod|mknodat|mkfifo|symlink|symlinkat|link|linkat|lchown|truncate|chroot|pivot_root", {}),
    ("chmod|fchmodat", {"tools/create-partial.c": "a rootfs that is new"}),
    ("chown|fchownat", {"lib/backend/cgroup/setup.c": "cgroups"}),
    ("ct_openat2", {
        "lib/backend/cgroup/group.c": "cgroups", "lib/backend/cgroup/join.c": "cgroups",
        "lib/run/start/look-step.c": "O_PATH: what a start would meet",
        "lib/run/protect/protections-mounts.c": "O_PATH: whether a path is there"}),
]
# what reads a rootfs in the library opens O_PATH and nothing else
LOOKERS = ("lib/run/start/look-step.c", "lib/run/protect/protections-mounts.c")


def without_weak(text):
    """Without what only a build with weaknesses does (lib/shared/weak.h); the lines stay."""
    def lines(m):
        return (m[1] or "") + "\n" * m[0][len(m[1] or ""):].count("\n")

    text = re.sub(r"()if \(ct_weak\([^)]*\)\)\s*[^;{]*;", lines, text)
    return re.sub(r"(if \(!ct_weak\([^)]*\)\)\s*return [^;]*;)(?:(?!\n}).)*", lines, text,
                  flags=re.S)


def sources(root, dirs):
    for path in files(root, dirs, (".c",)):
        yield path, without_weak(blank(read(root, path), keep_strings=True))


def line(text, at):
    return text.count("\n", 0, at) + 1


def stage_calls(root):
    texts = dict(sources(root, ("lib/stage",)))
    for pattern, what, allowed in STAGE:
        found = {p for p, t in texts.items()
                 if p != "lib/stage/sys.c" and re.search(pattern, t)}
        for path in sorted(found - set(allowed)):
            at = re.search(pattern, texts[path]).start()
            yield f"{path}:{line(texts[path], at)}: {what}, and is not named for it"
        for path in sorted(set(allowed) - found):
            yield f"{path}: is named, but no longer {what}"


def stage_never(root):
    for path, text in sources(root, ("lib/stage",)):
        for m in re.finditer(r"sys\d\(SYS_(\w+)\s*,", text):
            if m[1] in NEVER:
                yield f"{path}:{line(text, m.start())}: {m[1]}(2) takes a path string"


def stage_by_path(root):
    for path, text in sources(root, ("lib/stage",)):
        seen = set()
        for m in re.finditer(r"sys_openat\(AT_FDCWD,\s*((?:\"[^\"]*\")|[\w]+(?:\(\w+)?)", text):
            seen.add(m[1])
            if m[1] not in BY_PATH.get(path, ()):
                yield f"{path}:{line(text, m.start())}: opens {m[1]} by path"
        for name in BY_PATH.get(path, set()) - seen:
            yield f"{path}: no longer opens {name} by path"


def stage_flags(root):
    """What is made must not be there before; what is looked up is confined."""
    for path, text in sources(root, ("lib/stage/step",)):
        for m in re.finditer(r"O_CREAT[^,;]*", text):
            if "O_EXCL" not in m[0] or "O_NOFOLLOW" not in m[0]:
                yield f"{path}:{line(text, m.start())}: O_CREAT without O_EXCL | O_NOFOLLOW"
        for m in re.finditer(r"sys_openat2\([^;]*;", text):
            if not re.search(r"K_RESOLVE_\w+|\bresolve\b", m[0]):
                yield f"{path}:{line(text, m.start())}: openat2 without confinement"


def library(root):
    texts = dict(sources(root, ("lib", "tools")))
    for names, allowed in LIBRARY:
        pattern = re.compile(rf"(?<![\w.>\"])(?:{names})\s*\((?!\s*(?:const|int)\b)")
        for path, text in texts.items():
            if path.startswith(("lib/stage/", "lib/shared/")):
                continue
            hit = pattern.search(blank(text))
            if hit and path not in allowed:
                yield f"{path}:{line(text, hit.start())}: {hit[0]}) is not for it"
        for path in allowed:
            if not pattern.search(blank(texts.get(path, ""))):
                yield f"{path}: is named, but no longer calls {names}"


def lookers(root):
    for path in LOOKERS:
        text = blank(read(root, path), keep_strings=True)
        for m in re.finditer(r"ct_openat2\([^;]*;", text):
            if "O_PATH" not in m[0]:
                yield f"{path}:{line(text, m.start())}: opens what may be the rootfs's"


def documented(root):
    """Every file of the stage that is named above stands in the table of the page."""
    page = read(root, "doc/ARCHITECTURE.md")
    begin, end = page.find("<!-- places -->"), page.find("<!-- end of places -->")
    if begin < 0 or end < begin:
        yield "doc/ARCHITECTURE.md: no table of places"
        return
    table = page[begin:end]
    named = {p for row in STAGE for p in row[2]} | set(BY_PATH)
    for path in sorted(named):
        if f"`{path[len('lib/stage/'):]}`" not in table:
            yield f"doc/ARCHITECTURE.md: the table of places lacks {path}"
    for name in re.findall(r"`((?:step|super)/[\w-]+\.c)`", table):
        if "lib/stage/" + name not in named:
            yield f"doc/ARCHITECTURE.md: {name} is no such place"


ROOT = top()
tap = Tap()
tap.check("who makes, mounts, opens and removes in the stage", stage_calls(ROOT))
tap.check("no call of the stage takes a path string below a rootfs", stage_never(ROOT))
tap.check("what the stage opens by path is the host's", stage_by_path(ROOT))
tap.check("what is made was not there, what is looked up is confined", stage_flags(ROOT))
tap.check("who makes and removes in the library and the tools", library(ROOT))
tap.check("what looks at a rootfs opens O_PATH", lookers(ROOT))
tap.check("the places are in the table of doc/ARCHITECTURE.md", documented(ROOT))
tap.done()
