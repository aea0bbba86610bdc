# SPDX-License-Identifier: LGPL-2.1-or-later
"""
The plan that is printed is what is done: for several configs the plan's text, step by step, against the system calls that strace
sees the stage make. Whatever changes something must belong to a step; every step must have its calls, in the plan's order.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "house"))
from house import Tap  # noqa: E402

PLAN_RUN = sys.argv[2]

# Calls that change something, or resolve a path: each must be part of a step. (One written "g" lets init go, "r" says that it is ready: see launch.c.)
DEED = re.compile(r"""^(?:open_tree|fsopen|fsconfig|fsmount|mount_setattr|move_mount|clone3?|setns|unshare|mknodat|mkdirat|symlinkat|
    fchmodat|pivot_root|umount2|chdir|fchdir|setsid|sethostname|setdomainname|setgroups|setresgid|setresuid|capset|keyctl|personality|
    execve|execveat|openat2|write(?!\(\d+,\ "[gr]",\ 1)|pwrite64|unlinkat|linkat|renameat2?|mount|umount|fchownat|fchown|fchmod|bind|connect|kill|
    prctl\((?:PR_CAPBSET_DROP|PR_SET_NO_NEW_PRIVS|PR_CAP_AMBIENT,\ PR_CAP_AMBIENT_RAISE|PR_SET_KEEPCAPS|PR_SCHED_CORE)|
    prlimit64\(\d+,\ \w+,\ \{|umask\(0?22|umask\(022|openat\(.*O_CREAT|ioctl\(\d+,\ (?:SIOCSIFFLAGS|TIOC))""", re.X)

# The same for the caller, from its start to the message for the stage; its own stage image is no deed, nor that it opens what the keeper
# may have to write later.
CALLER_DEED = re.compile(r"""^(?:mkdirat|rmdir|unlinkat|openat\(\d+,\ "(?!freezer.state")[^"]*",\ O_(?:WRONLY|RDWR)|write(?!\(\d+,\ "\\177ELF)|fchownat|
    bpf\(BPF_PROG_(?:LOAD|ATTACH))""", re.X)

# What each step does: (pattern, how often). {field} is the step's field, with quotes taken off.
ONE, MAYBE, ANY = "1", "?", "*"
STEPS = {
    "ns.unshare": [(r"unshare\(", ONE)],
    "ns.join": [(r"setns\(", ONE)],
    "mount.targets": [],
    "id.sched": [],
    "id.defaults": [],
    "id.umask": [],
    "ns.time": [(r"openat2\(.*timens_offsets", ONE), (r"write\(", ONE)],
    "ns.clone": [(r"clone3\(", ONE)],
    "output.pump": [(r"fchmod\(\d+, 0666\)", ANY), (r"clone3\(", ONE)],
    "cgroup.make": [(r'openat\(\d+, "cgroup.subtree_control"', ANY), (r'mkdirat\(\d+, "{path}"', ONE)],
    "cgroup.inner": [(r'mkdirat\(\d+, "{name}"', ONE)],
    "cgroup.set": [(r'openat\(\d+, "{file}", O_WRONLY', MAYBE), (r'write\(\d+, "{value}"', ONE)],
    "cgroup.devices": [(r"bpf\(BPF_PROG_LOAD", ONE), (r"bpf\(BPF_PROG_ATTACH", ONE)],
    "cgroup.enter": [(r'write\(\d+, "\d+"', ONE)],
    "ns.idmap": [(r'openat2\(.*/{file}"', ONE), (r"write\(", ONE)],
    "proc.write": [(r'openat2\(.*/{file}"', ONE), (r"write\(", ONE)],
    "proc.limit": [(r"prlimit64\(\d+, RLIMIT_{NAME}, \{{", ONE)],
    "proc.session": [(r"setsid\(", ONE)],
    "net.loopback": [(r"ioctl\(\d+, SIOCSIFFLAGS", MAYBE)],
    "mount.propagation": [(r'mount_setattr\(AT_FDCWD, "/"', ONE)],
    "mount.clone": [(r"openat2\(", MAYBE), (r"open_tree\(.*OPEN_TREE_CLONE", ONE)],
    "mount.new": [(r'fsopen\("{type}"', ONE), (r"fsconfig\(", ANY), (r"fsmount\(", ONE)],
    "mount.setattr": [(r'mount_setattr\(\d+, ""', ONE)],
    "mount.attach": [(r'openat2\(.*"{at}"|openat2\(', ONE), (r"openat2\(|mkdirat\(|openat\(", ANY), (r"move_mount\(", ONE)],
    "mount.stack": [(r"openat2\(", MAYBE), (r"move_mount\(", ONE)],
    "mount.mask": [(r'openat2\(.*"{at}"', ONE), (r"openat2\(", ANY), (r"open_tree\(.*OPEN_TREE_CLONE", ONE), (r"move_mount\(", ONE)],
    "mount.readonly": [(r'openat2\(.*"{at}"', ONE), (r"open_tree\(.*OPEN_TREE_CLONE", ONE), (r"mount_setattr\(.*RDONLY", ONE), (r"move_mount\(", ONE)],
    "mount.pivot": [(r"fchdir\(", ONE), (r"pivot_root\(", ONE), (r"umount2\(", ANY), (r"fchdir\(|umount2\(", ANY), (r"chdir\(", ONE)],
    "file.open": [(r"openat2\(", ONE)],
    "file.bootid": [(r'openat\(\d+, "{path}", O_WRONLY\|O_CREAT', ONE), (r"write\(", ONE)],
    "file.dir": [(r"openat2\(", MAYBE), (r"mkdirat\(", ONE)],
    "file.node": [(r"openat2\(", MAYBE), (r'mknodat\(\d+, "{path}"', ONE), (r"fchmodat\(", MAYBE)],
    "file.link": [(r'symlinkat\("{to}", \d+, "{path}"', ONE)],
    "file.new": [(r'openat\(\d+, "{path}".*O_CREAT\|O_EXCL', ONE)],
    "file.write": [(r'openat2\(.*"{path}"', ONE), (r"write\(", ONE)],
    "id.hostname": [(r'sethostname\("{name}"', ONE)],
    "id.domainname": [(r'setdomainname\("{name}"', ONE)],
    "id.keyring": [(r"keyctl\(", ONE)],
    "id.personality": [(r"personality\(", ONE)],
    "id.lookup": [(r"setgroups\(", ONE), (r"capset\(", ONE), (r"openat2\(", ANY), (r"capset\(", ONE)],
    "id.groups": [(r"setgroups\(", ONE)],
    "id.bounding": [(r"prctl\(PR_CAPBSET_DROP", ANY)],
    "id.user": [(r"prctl\(PR_SET_KEEPCAPS, 1", ONE), (r"setresgid\({gid}, {gid}, {gid}\)", ONE), (r"setresuid\({uid}, {uid}, {uid}\)", ONE),
                (r"prctl\(PR_SET_KEEPCAPS, 0", ONE)],
    "id.caps": [(r"capset\(", ONE)],
    "id.nonewprivs": [(r"prctl\(PR_SET_NO_NEW_PRIVS", ONE)],
    "id.cwd": [(r"openat2\(", MAYBE), (r"f?chdir\(", ONE)],
    "id.pdeathsig": [],
    "id.signals": [(r"umask\(0?22", ONE)],
    "run.fds": [],
    "run.exec": [(r"clone\(.*CLONE_VFORK", MAYBE), (r"setsid\(", MAYBE), (r"prlimit64\(", ANY), (r"umask\(", MAYBE), (r'execve\("{path}"|execveat\(', ONE)],
}

CONFIGS = {
    "a usual container": """
uts.name = web
mount.entry = {base}/data mnt none bind,ro 0 0
mount.auto = proc:mixed sys:ro
environment = A=1
""",
    "a system": """
init.reaper = 0
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

REAPED = re.compile(r"clone\(.*CLONE_VFORK.*= \d+$")
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


def find_caller(calls):
    """Deeds of the caller before it speaks to the stage."""
    for mine in calls.values():
        end = next((i for i, c in enumerate(mine) if re.match(r'sendto\(\d+, "BLct', c)), None)
        if end is not None:
            return [c for c in mine[:end] if CALLER_DEED.match(c)]
    return []


def up_to_exec(mine):
    end = next((k for k, c in enumerate(mine) if re.match(r"execve(at)?\(", c) and "= 0" in c), len(mine) - 1)
    return mine[:end + 1]


def executes(its):
    """A program of the container's, not the caller's or the stage."""
    return any(re.match(r'execve\("/bin/true"', c) and "= 0" in c for c in its)


def find_stage(calls):
    """Deeds of the launcher and of init."""
    for _pid, mine in calls.items():
        for i, c in enumerate(mine):
            if c.startswith("execveat(") and '"ct-stage"' in c and c.rstrip().endswith("= 0"):
                launcher = mine[i + 1:]
                init = next(re.search(r"= (\d+)$", c)[1] for c in launcher if re.match(r"clone3\(.*CLONE_PIDFD", c) and re.search(r"= \d+$", c))
                mine_init = up_to_exec(calls[init])
                # a small init has a child execute the program; its number is the container's own, so it is known by what it does
                begin = next((k for k, c in enumerate(mine_init) if REAPED.match(c)), None)
                if begin is not None:
                    child = next(p for p, its in calls.items() if p not in (_pid, init) and executes(its))
                    mine_init = mine_init[:begin + 1] + up_to_exec(calls[child])
                return [c for c in launcher if DEED.match(c)], [c for c in mine_init if DEED.match(c) or REAPED.match(c)]
    return [], []


def pattern_of(template, fields):
    values = {k: re.escape(v) for k, v in fields.items()}
    values["NAME"] = re.escape(fields.get("name", "").upper())
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), template.replace("{{", "\0")).replace("\0", "{")


def consume(op, fields, flags, deeds, at):
    """Position after the step's calls, or a complaint."""
    for template, often in STEPS[op]:
        pattern = re.compile(pattern_of(template, fields))
        n = 0
        while at < len(deeds) and pattern.match(deeds[at]) and not (often != ANY and n):
            at += 1
            n += 1
            if "optional" in flags and "ENOENT" in deeds[at - 1]:
                return at, None
        if often == ONE and not n:
            saw = deeds[at][:150] if at < len(deeds) else "the end"
            return at, f"{op} {fields}: expected {pattern.pattern}, saw {saw}"
    return at, None


def compare(plan, caller, launcher, init):
    at = {"caller": 0, "launcher": 0, "init": 0}
    deeds = {"caller": caller, "launcher": launcher, "init": init}
    for _phase, actor, op, fields, flags in plan:
        if op not in STEPS:
            return [f"{op} is not in this test's table"]
        at[actor], wrong = consume(op, fields, flags, deeds[actor], at[actor])
        if wrong:
            return [wrong] + ["before: " + d[:150] for d in deeds[actor][max(0, at[actor] - 3):at[actor]]]
    return [f"{who}: no step for {d[at[who]][:200]}" for who, d in deeds.items() if at[who] < len(d)]


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
    plan = subprocess.run([PLAN_RUN, "plan", path, "/bin/true"], capture_output=True, text=True, check=False)
    if plan.returncode:
        return [plan.stderr]
    run = subprocess.run(["strace", "-f", "-qq", "-s", "200", "-o", trace, PLAN_RUN, "run", path, "/bin/true"], capture_output=True, text=True,
                         check=False)
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
