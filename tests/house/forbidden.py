# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls and constructs that this code does without. One row each: where, what, why, and
who may nevertheless."""
import re

from house import Tap, blank, files, functions, read, top

LIB = ("lib",)
ALL = ("lib", "tools")
CALL = r"(?<![\w.>])(?:{})\s*\("

RULES = [
    (ALL, ("system", "popen"), "no shell between us and a program", ()),
    (ALL, ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "strncpy", "strncat"),
     "bounded copies only", ()),
    (ALL, ("strtol", "strtoul", "strtoll", "strtoull", "strtod", "strtof", "atoi", "atol", "atoll",
           "atof", "sscanf", "fscanf", "scanf"), "numbers are parsed in one place",
     ("lib/base/num.c",)),
    (ALL, ("alloca",), "no unbounded stack", ()),
    (ALL, ("mktemp", "tmpnam", "tempnam", "tmpfile"), "predictable names", ()),
    (LIB, ("exit", "_exit", "_Exit", "abort", "quick_exit", "atexit"),
     "the library does not end its caller", ("lib/stage/",)),
    (LIB, ("assert",), "a check is an error, not the caller's end", ()),
    (LIB, ("setenv", "putenv", "unsetenv", "clearenv"), "the caller's environment is its own", ()),
    (LIB, ("signal", "sigaction", "sigset", "siginterrupt"), "the caller's signals are its own",
     ("lib/stage/",)),
    (LIB, ("umask", "chdir", "fchdir", "chroot", "setlocale", "srand", "srandom"),
     "process-wide state", ("lib/stage/",)),
    (LIB, ("setuid", "setgid", "setresuid", "setresgid", "setgroups", "seteuid", "setegid",
           "setrlimit"), "process-wide state", ("lib/stage/",)),
    (LIB, ("fork", "vfork", "pthread_create", "daemon"),
     "processes are made in one place, with no signal for the caller", ("lib/stage/",)),
    (LIB, ("strtok", "localtime", "gmtime", "asctime", "ctime", "strerror", "getpwnam", "getpwuid",
           "getgrnam", "getgrgid", "readdir_r", "basename", "dirname", "rand", "random"),
     "static storage, locale or name services", ()),
    (LIB, ("mount", "umount"), "mounts by descriptor; mount(2) takes path strings", ()),
    (LIB, ("printf", "puts", "putchar", "perror", "vprintf", "fprintf", "fputs"),
     "the library prints nothing", ()),
    (LIB, ("sleep", "usleep"), "wait for an event", ()),
    (LIB, ("getenv",), "secure_getenv", ()),
]


def calls(root, dirs, names, allowed):
    pattern = re.compile(CALL.format("|".join(names)))
    for path in files(root, dirs):
        if path.startswith(tuple(allowed)) if allowed else False:
            continue
        code = blank(read(root, path))
        for m in pattern.finditer(code):
            before = code[code.rfind("\n", 0, m.start()) + 1:m.start()]
            # a declaration of our own of that name is no call
            if re.match(r"^(?:static\s+)?(?:int|void|ssize_t)\s+\**$", before):
                continue
            yield f"{path}:{code.count(chr(10), 0, m.start()) + 1}: {m.group(0).rstrip('( ')}()"


def umount2_by_path(root):
    """In the stage, umount2 is only for the old root that is stacked on "."."""
    for path in files(root, LIB):
        text = blank(read(root, path), keep_strings=True)
        for m in re.finditer(r"(?<![\w.>])umount2\s*\(\s*([^,]+),", text):
            if m[1].strip() != '"."':
                yield f"{path}:{text.count(chr(10), 0, m.start()) + 1}: umount2({m[1]})"


def feature_if(root):
    for path in files(root, LIB, (".c",)):
        for nr, line in enumerate(blank(read(root, path)).splitlines(), 1):
            m = re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b(.*)", line)
            # a constant that old headers lack may be given its number; what is compiled
            # never depends on it
            if m and not re.match(r"ifndef$", m[1]):
                yield f"{path}:{nr}: #{m[1]}{m[2]}"
            elif m and "#define" not in read(root, path).splitlines()[nr].replace(" ", ""):
                yield f"{path}:{nr}: #ifndef that does more than give a missing number"


VARIABLE = re.compile(
    r"^(static\s+)?(?!const\b)[A-Za-z_][\w\s\*]*\b\w+\s*(\[[^\]]*\])*\s*(=.*|;)\s*$")
CONSTANT = re.compile(r"^(typedef|extern|struct\s+\w+\s*;|union|enum|return|"
                      r"static\s+(const\b|struct\s+\w+\s+const\b))")


def globals_(root):
    """File-level variables that can change. Thread-safe one-time state is listed here, with its
    reason beside it in the code."""
    # lib/run/handle/image.c: the one word that all handles share, the sealed stage and its users
    # lib/backend/seccomp/cache.c: the programs that were compiled for any handle, and their lock
    # lib/run/child/spawn.c: the stack of a keeper that has ended, for the next one
    allowed = {"lib/stage/", "lib/run/handle/image.c", "lib/backend/seccomp/cache.c",
               "lib/run/child/spawn.c"}
    for path in files(root, LIB, (".c",)):
        if path.startswith(tuple(allowed)):
            continue
        text = blank(read(root, path))
        for f in functions(path, read(root, path)):
            lines = text.splitlines()
            for nr in range(f.line - 1, f.end):
                lines[nr] = ""
            text = "\n".join(lines)
        for nr, line in enumerate(text.splitlines(), 1):
            declared = line.split("=")[0]
            if VARIABLE.match(line) and not CONSTANT.match(line) and \
                    not any(word in declared for word in ("const", "(")) and "CT_ONCE" not in line:
                yield f"{path}:{nr}: {line.strip()}"


ROOT = top()
tap = Tap()
for dirs, names, why, allowed in RULES:
    tap.check(f"{names[0]}..: {why}", calls(ROOT, dirs, names, allowed))
tap.check("umount2 only of the stacked old root", umount2_by_path(ROOT))
tap.check("no feature #if in lib/**/*.c", feature_if(ROOT))
tap.check("no variables at file level in lib", globals_(ROOT))
tap.done()
