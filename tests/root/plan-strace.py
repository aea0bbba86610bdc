# SPDX-License-Identifier: LGPL-2.1-or-later
"""
The plan that is printed is what is done: for several configs the plan's text, step by step, against
the system calls that strace sees caller and stage make. Whatever changes something must belong to a
step; every step must have its calls, those of its row in lib/wire/steps.def, in the plan's order.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [os.path.join(sys.argv[1], "tests", "house"), os.path.join(sys.argv[1], "scripts")]
from house import Tap  # noqa: E402
from steps import steps  # noqa: E402

PLAN_RUN = sys.argv[2]

# Calls that change something, or resolve a path: each must be part of a step. (One written "g" lets
# init go, "r" says that it is ready: see launch.c.)
DEED = re.compile(
    r"""^(?:open_tree|fsopen|fsconfig|fsmount|mount_setattr|move_mount|clone3?|setns|unshare|mknodat|mkdirat|symlinkat|
    fchmodat|pivot_root|umount2|chdir|fchdir|setsid|sethostname|setdomainname|setgroups|setresgid|setresuid|capset|keyctl|personality|
    execve|execveat|openat2|write(?!\(\d+,\ "[gr]",\ 1)|pwrite64|unlinkat|linkat|renameat2?|mount|umount|fchownat|fchown|fchmod|bind|connect|kill|
    prctl\((?:PR_CAPBSET_DROP|PR_SET_NO_NEW_PRIVS|PR_CAP_AMBIENT,\ PR_CAP_AMBIENT_RAISE|PR_SET_KEEPCAPS|PR_SCHED_CORE)|
    prlimit64\(\d+,\ \w+,\ \{|umask\(0?22|umask\(022|openat\(.*O_CREAT|ioctl\(\d+,\ (?:SIOCSIFFLAGS|TIOC))""",
    re.X)

# The same for the caller, from its start to the message for the stage; its own stage image is no
# deed, nor that it opens what the keeper may have to write later.
CALLER_DEED = re.compile(
    r"""^(?:mkdirat|rmdir|unlinkat|openat\(\d+,\ "(?!freezer.state")[^"]*",\ O_(?:WRONLY|RDWR)|write(?!\(\d+,\ "\\177ELF)|fchownat|
    bpf\(BPF_PROG_(?:LOAD|ATTACH))""", re.X)
DEEDS = {"caller": CALLER_DEED, "launcher": DEED, "init": DEED}

# What each step is to do stands in its row.
ONE, MAYBE, ANY = "1", "?", "*"


def split(text, mark):
    """The parts of the text between marks that stand outside of parentheses."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == mark and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip()]


def expected(calls, often=ONE):
    """The column "calls" of steps.def as [(call with words, or several, how often)]."""
    for item in split(calls, ","):
        if item.startswith("("):
            yield from expected(item[1:-1], MAYBE)
        else:
            yield item.removesuffix("..").split(" or "), ANY if item.endswith("..") else often


STEPS = {s.name: list(expected(s.calls)) for s in steps()}

CONFIGS = {
    "a usual container": """
uts.name = web
mount.entry = {base}/data mnt none bind,ro 0 0
mount.auto = proc:mixed sys:ro
mask.path = /etc
mask.path = /proc/version
readonly.path = /mnt
environment = A=1
""",
    "a system": """
init.reaper = 0
seccomp.profile = none
keyring.user = 0
proc.oom_score_adj = 500
""",
    "limits, settings and identity": """
uts.domain = yellow
prlimit.nofile = 100:200
prlimit.core = 0
sysctl.net.ipv4.ip_forward = 1
proc.oom_score_adj = 500
limit.output = 1M
rootfs.readonly = 1
mount.tmpfs = /tmp size=1m
init.uid = 1000
init.gid = 1001
init.groups = 5,6
init.cwd = /tmp
cap.keep = chown net_bind_service
no_new_privs = 1
arch = i686
""",
    "a filter": """
seccomp.profile = default
uts.name = web
""",
    "a filter that asks a proxy": """
seccomp.notify = mknod mknodat
seccomp.notify.proxy = unix:/run/no-such-proxy
""",
    "a filter and another user": """
seccomp.profile = default
no_new_privs = 1
init.uid = 1000
""",
    "five sets of capabilities": """
seccomp.profile = default
init.uid = 1000
cap.bounding = chown net_bind_service kill
cap.permitted = net_bind_service kill
cap.effective = kill
cap.inheritable = net_bind_service chown
cap.ambient = net_bind_service
""",
    "a user namespace": """
idmap = u 0 100000 65536
idmap = g 0 100000 65536
mount.entry = {base}/data mnt none bind 0 0
mount.entry = none opt tmpfs size=64k,create=dir 0 0
cap.drop = sys_time
""",
    "limits by cgroup": """
limit.memory = try:64M
limit.pids = try:20
limit.cpu = try:0.5
mount.auto = proc sys
""",
    "few namespaces, a clock": """
namespace.keep = net ipc
time.offset.boot = 1h
keyring.session = 0
autodev = 0
mount.auto = proc:rw
""",
}

REAPED = re.compile(r"clone\(.*CLONE_VM.*= \d+$")
MARK = re.compile(r"@[0-9a-f]+(\.[0-9a-f]+){4}")
HEAD = re.compile(r"^(\w+): by (\w+)$")
STEP = re.compile(r"^\s*\d+\s+([\w.]+)\s*(.*?)(?:\s+# .*)?$")
FIELD = re.compile(r'(\w+)=("(?:\\.|[^"])*"|\[[^\]]*\]|\S+)')


def read_plan(text):
    """[(phase, actor, op, fields, flags)]"""
    steps, phase, actor = [], "", ""
    for line in text.splitlines():
        m = HEAD.match(line)
        if m:
            phase, actor = m[1], m[2]
            continue
        m = STEP.match(line)
        if m:
            fields = {k: v.strip('"') for k, v in FIELD.findall(m[2])}
            steps.append((phase, actor, m[1], fields, FIELD.sub("", m[2]).split()))
    return steps


def read_trace(path):
    """{pid: [call]} with unfinished ones put together."""
    calls, open_calls = {}, {}
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            pid, _blank, rest = line.rstrip("\n").partition(" ")
            rest = rest.strip()
            m = re.match(r"^<\.\.\. \w+ resumed>(.*)$", rest)
            if m and pid in open_calls:
                calls[pid][open_calls.pop(pid)] += m[1].lstrip() if m[1].startswith(" )") else m[1]
            elif rest.endswith("<unfinished ...>"):
                calls.setdefault(pid, []).append(rest[:-len(" <unfinished ...>")])
                open_calls[pid] = len(calls[pid]) - 1
            elif not rest.startswith(("+++", "---")):
                calls.setdefault(pid, []).append(rest)
    # a call that a signal broke off is made again
    return {pid: [c for c in mine if "= ? ERESTART" not in c] for pid, mine in calls.items()}


def without_memory(mine):
    """Without what is written into memory files: a program that is compiled, the stage's image."""
    memory, left = set(), []
    for c in mine:
        made = re.match(r"memfd_create\(.* = (\d+)$", c)
        closed = re.match(r"close\((\d+)", c)
        write = re.match(r"write\((\d+)", c)
        if made:
            memory.add(made[1])
        elif closed:
            memory.discard(closed[1])
        if not write or write[1] not in memory:
            left.append(c)
    return left


def find_caller(calls):
    """What the caller does before it speaks to the stage."""
    for mine in calls.values():
        end = next((i for i, c in enumerate(mine) if re.match(r'sendto\(\d+, "BLct', c)), None)
        if end is not None:
            return without_memory(mine[:end])
    return []


def up_to_exec(mine):
    end = next((k for k, c in enumerate(mine) if re.match(r"execve(at)?\(", c) and "= 0" in c),
               len(mine) - 1)
    return mine[:end + 1]


def executes(its):
    """A program of the container's, not the caller's or the stage."""
    return any(re.match(r'execve\("/bin/true"', c) and "= 0" in c for c in its)


def find_stage(calls):
    """What the launcher does, and init."""
    for _pid, mine in calls.items():
        for i, c in enumerate(mine):
            if c.startswith("execveat(") and '"ct-stage"' in c and c.rstrip().endswith("= 0"):
                launcher = mine[i + 1:]
                init = next(
                    re.search(r"= (\d+)$", c)[1]
                    for c in launcher
                    if re.match(r"clone3\(.*CLONE_PIDFD", c) and re.search(r"= \d+$", c))
                mine_init = up_to_exec(calls[init])
                # a small init has a child execute the program; its number is the container's own,
                # so it is known by what it does
                begin = next((k for k, c in enumerate(mine_init) if REAPED.match(c)), None)
                if begin is not None:
                    child = next(
                        p for p, its in calls.items() if p not in (_pid, init) and executes(its))
                    mine_init = mine_init[:begin + 1] + up_to_exec(calls[child])
                return launcher, mine_init
    return [], []


def pattern_of(calls, fields):
    """Of one call of several, each a name and words that are among its arguments in their order."""
    values = {**fields, **{k.upper(): v.upper() for k, v in fields.items()}}
    each = []
    for call in calls:
        name, *words = call.split()
        words = [re.escape(re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], ""), w)) for w in words]
        each.append(rf"{name}\(" + "".join(rf".*?(?<!\w){w}(?!\w)" for w in words))
    return re.compile("|".join(each))


def next_call(calls, at, pattern, deed):
    """Where the next call is that matches, or -1: a deed of another kind stands before it."""
    for k in range(at, len(calls)):
        if pattern.match(calls[k]):
            return k
        if deed.match(calls[k]):
            break
    return -1


def consume(op, fields, flags, calls, at, deed):
    """Position after the step's calls, or a complaint. Calls that are no deed may stand between."""
    for names, often in STEPS[op]:
        pattern = pattern_of(names, fields)
        found = next_call(calls, at, pattern, deed)
        if found < 0 and often == ONE:
            saw = next((c for c in calls[at:] if deed.match(c)), "the end")
            return at, f"{op} {fields}: expected {pattern.pattern}, saw {saw[:150]}"
        # what is not always there and no deed may be another step's
        while found >= 0 and (often == ONE or deed.match(calls[found])):
            at = found + 1
            if "optional" in flags and "ENOENT" in calls[found]:
                return at, None
            found = next_call(calls, at, pattern, deed) if often == ANY else -1
    return at, None


def too_late(calls):
    """What a filter of phase "confine" would have to allow beyond what ARCHITECTURE.md tells."""
    late = {c.partition("(")[0] for c in calls} - {"sendmsg", "rt_sigprocmask", "mmap", "execve"}
    return [f"{', '.join(sorted(late))} after the phase confine"] if late else []


def compare(plan, caller, launcher, init):
    at = {"caller": 0, "launcher": 0, "init": 0}
    calls = {"caller": caller, "launcher": launcher, "init": init}
    for _phase, actor, op, fields, flags in plan:
        if op not in STEPS:
            return [f"{op} is not in lib/wire/steps.def"]
        if op == "run.ready" and too_late(init[at["init"]:]):
            return too_late(init[at["init"]:])
        at[actor], wrong = consume(op, fields, flags, calls[actor], at[actor], DEEDS[actor])
        if wrong:
            before = calls[actor][max(0, at[actor] - 3):at[actor]]
            return [wrong] + ["before: " + c[:150] for c in before]
    return [f"{who}: no step for {c[:200]}"
            for who, its in calls.items() for c in its[at[who]:] if DEEDS[who].match(c)][:5]


def rootfs(base):
    for d in ("bin", "proc", "sys", "dev", "mnt", "tmp", "etc"):
        os.makedirs(os.path.join(base, "rootfs", d))
    os.mkdir(os.path.join(base, "data"))
    for d in ("rootfs", "rootfs/opt"):
        os.makedirs(os.path.join(base, d), exist_ok=True)
    shutil.copy("/bin/busybox", os.path.join(base, "rootfs/bin/true"))
    with open(os.path.join(base, "rootfs/etc/passwd"), "w", encoding="ascii") as f:
        f.write("user:x:1000:1001::/:/bin/sh\n")


def one(base, config):
    path, trace = os.path.join(base, "config"), os.path.join(base, "trace")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"rootfs.path = {base}/rootfs\n" + config.format(base=base))
    plan = subprocess.run([PLAN_RUN, "plan", path, "/bin/true"], capture_output=True, text=True,
                          check=False)
    if plan.returncode:
        return [plan.stderr]
    run = subprocess.run(
        ["strace", "-f", "-qq", "-s", "200", "-o", trace, PLAN_RUN, "run", path, "/bin/true"],
        capture_output=True, text=True, check=False)
    if run.returncode:
        return [run.stderr]
    calls = read_trace(trace)
    caller, (launcher, init) = find_caller(calls), find_stage(calls)
    # groups of a caller's own have its mark in their names: the two runs are two callers
    caller = [MARK.sub("@mark", c) for c in caller]
    steps = read_plan(MARK.sub("@mark", plan.stdout))
    if len(steps) < 20 or len(init) < 20:
        return [f"{len(steps)} steps and {len(init)} calls: something could not be read"]
    return compare(steps, caller, launcher, init)


tap = Tap()
BASE = tempfile.mkdtemp(prefix="ct-strace-")
try:
    os.chmod(BASE, 0o755)
    rootfs(BASE)
    for name, text in CONFIGS.items():
        tap.check(name, one(BASE, text))
finally:
    shutil.rmtree(BASE)
tap.done()
