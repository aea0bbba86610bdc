/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "wire/wire.h"

#define BIT(role) (1u << (role))
#define ANYBODY (~0u)
#define ANY EXPECT_ANY

/* The likely ones; where it makes sense an interrupted call, too. What has no row gets EIO. */
static const struct {
	const char *call;
	int err[EXPECT_ERRNOS];
} errnos[] = {
	{ "open", { EMFILE } },
	{ "openat", { EMFILE } },
	{ "openat2", { EMFILE } },
	{ "socket", { EMFILE } },
	{ "socketpair", { EMFILE } },
	{ "memfd_create", { EMFILE } },
	{ "pipe2", { EMFILE } },
	{ "dup", { EMFILE } },
	{ "dup3", { EMFILE } },
	{ "pidfd_open", { EMFILE } },
	{ "signalfd4", { EMFILE } },
	{ "fsopen", { EMFILE } },
	{ "fsmount", { EMFILE } },
	{ "open_tree", { EMFILE } },
	{ "mmap", { ENOMEM } },
	{ "mprotect", { ENOMEM } },
	{ "munmap", { ENOMEM } },
	{ "clone", { EAGAIN } },
	{ "clone3", { EAGAIN } },
	{ "fork", { EAGAIN } },
	{ "vfork", { EAGAIN } },
	{ "kill", { EPERM } },
	{ "pidfd_send_signal", { EPERM } },
	{ "setresuid", { EPERM } },
	{ "setresgid", { EPERM } },
	{ "setgroups", { EPERM } },
	{ "capset", { EPERM } },
	{ "prctl", { EPERM } },
	{ "unshare", { EPERM } },
	{ "setns", { EPERM } },
	{ "move_mount", { EPERM } },
	{ "mount_setattr", { EPERM } },
	{ "pivot_root", { EPERM } },
	{ "umount2", { EPERM } },
	{ "execve", { ENOMEM } },
	{ "execveat", { ENOMEM } },
	{ "poll", { EINTR } },
	{ "ppoll", { EINTR } },
	{ "recvmsg", { EIO, EINTR } },
	{ "sendmsg", { ENOBUFS, EINTR } },
	{ "recvfrom", { EIO, EINTR } },
	{ "sendto", { ENOBUFS, EINTR } },
	{ "read", { EIO, EINTR } },
	{ "write", { EIO, EINTR } },
	{ "pread64", { EIO, EINTR } },
	{ "pwrite64", { EIO, EINTR } },
	{ "wait4", { EINTR } },
	{ "rt_sigtimedwait", { EAGAIN, EINTR } },
	{ "connect", { EACCES, EINTR } },
	{ "accept4", { EMFILE, EINTR } },
	{ "nanosleep", { EINTR } },
	{ "clock_nanosleep", { EINTR } },
};

static const char *const never[] = {
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"umask",
	"clock_gettime",
	/* they say what was before, or is now, never that they failed: an errno would be
	 * taken for an address */
	"setfsuid",
	"setfsgid",
	"brk",
	/* only for a bad pointer, or a signal that does not exist */
	"rt_sigaction",
	"rt_sigprocmask",
	"sigaltstack",
	/* the beginning of every program */
	"arch_prctl",
	"set_tid_address",
	"set_robust_list",
	"rseq",
};

int expect_possible(enum inject_role role, const char *call, const uint64_t args[6], int err)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (!strcmp(never[i], call))
			return 0;
	/* only for a descriptor that is not open */
	if (!strcmp(call, "fcntl") &&
	    (args[1] == F_GETFD || args[1] == F_SETFD || args[1] == F_SETFL ||
	     args[1] == F_GET_SEALS || args[1] == F_OFD_GETLK))
		return 0;
	/* only with CLOSE_RANGE_UNSHARE */
	if (!strcmp(call, "close_range") && !(args[2] & CLOSE_RANGE_UNSHARE))
		return 0;
	/* only for what is no pipe, and no terminal */
	if (!strcmp(call, "ioctl") && args[1] == FIONREAD)
		return 0;
	/* its own sockets, which have polled readable */
	if (role == INJECT_KEEPER && (!strcmp(call, "recvmsg") || !strcmp(call, "read")))
		return 0;
	/* a peer that is gone, which is no error of the call */
	if (role == INJECT_SUPERVISOR && (!strcmp(call, "getsockopt") || !strcmp(call, "recvfrom")))
		return 0;
	/* nothing is waited for, nothing interrupts it */
	if (err == EINTR && ((!strcmp(call, "wait4") && (args[2] & WNOHANG)) ||
			     (!strcmp(call, "sendto") && (args[3] & MSG_DONTWAIT)) ||
			     (!strcmp(call, "recvfrom") && (args[3] & MSG_DONTWAIT)) ||
			     (!strcmp(call, "sendmsg") && (args[2] & MSG_DONTWAIT)) ||
			     (!strcmp(call, "recvmsg") && (args[2] & MSG_DONTWAIT))))
		return 0;
	return 1;
}

const int *expect_errnos(const char *call)
{
	static const int other[] = { EIO, 0 };

	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (!strcmp(errnos[i].call, call))
			return errnos[i].err;
	return other;
}

#define IN_PROCESS "default userns rich pty attach attach-userns attach-pty stop"
#define PROBE (~0ull) /* a descriptor -1: only whether the kernel knows the call */
#define AFTERWARDS "attach-detached stop-detached"
#define SUPERVISOR BIT(INJECT_SUPERVISOR)
#define HOOK BIT(INJECT_HOOK)
#define CALLER BIT(INJECT_CALLER)
#define KEEPER BIT(INJECT_KEEPER)
#define LAUNCHER BIT(INJECT_LAUNCHER)
#define INIT BIT(INJECT_INIT)

static const struct expect_row rows[] = {
	{ NULL, ANYBODY, "close", ANY, NULL, 0, "the kernel has closed it all the same" },
	{ NULL, ANYBODY, "munmap", ANY, NULL, 0, "the address space goes with the process" },
	{ NULL, ANYBODY, "prctl", PR_SET_NAME, NULL, 0, "only a name" },
	{ NULL, ANYBODY, "sched_yield", ANY, NULL, 0, "the thread of a listener looks again" },
	{ NULL, ANYBODY, "prctl", PR_CAPBSET_DROP, NULL, 0,
	  "what is not there needs no right to be dropped, and it is looked whether it is" },
	{ NULL, CALLER, "prctl", PR_CAPBSET_READ, "", 0,
	  "EINVAL ends the list; the payload has fewer" },
	{ NULL, CALLER, "prctl", PR_SCHED_CORE, NULL, 0,
	  "a probe: the kernel is taken not to have it" },
	{ NULL, CALLER, "prctl", PR_GET_SECCOMP, NULL, 0, "/proc tells it, too" },
	{ NULL, CALLER, "newfstatat", ANY, NULL, 0, "a probe: the kernel is taken not to have it" },
	{ NULL, CALLER, "landlock_create_ruleset", ANY, NULL, 0,
	  "a probe: the kernel is taken not to have it" },
	{ NULL, CALLER, "readlinkat", ANY, NULL, 0, "a probe of another user namespace" },
	{ NULL, CALLER, "openat2", PROBE, NULL, 0, "a probe" },
	{ NULL, CALLER, "open_tree", PROBE, NULL, 0, "a probe" },
	{ NULL, CALLER, "pidfd_open", PROBE, NULL, 0, "a probe" },
	{ NULL, CALLER, "clone3", 0, NULL, 0, "a probe" },
	{ NULL, CALLER, "close_range", 1, NULL, 0, "a probe" },
	{ NULL, CALLER, "?", ANY, NULL, 0, "a probe of a call newer than the headers" },
	{ NULL, CALLER, "seccomp", ANY, NULL, 0, "libseccomp's probes of what the kernel knows" },
	{ NULL, CALLER, "access", ANY, NULL, 0, "taken as missing" },
	{ NULL, CALLER, "getdents64", ANY, NULL, 0,
	  "groups that nobody needs any more: the next call clears them" },
	{ NULL, CALLER, "readlink", ANY, NULL, 0,
	  "a name for a message; or groups that the next call clears" },
	{ NULL, CALLER, "rmdir", ANY, NULL, EXPECT_LOST | EXPECT_FILES,
	  "tried again, or left for the next call" },
	{ "detached", CALLER, "openat", ANY, NULL, 0,
	  "groups that nobody needs any more: the next call clears them" },
	{ "detached", CALLER, "read", ANY, NULL, 0,
	  "groups that nobody needs any more: the next call clears them" },
	{ NULL, CALLER, "statx", ANY, NULL, 0,
	  "the mount is told by /proc/self/fdinfo instead, or counts as covered" },
	{ NULL, CALLER, "lgetxattr", ANY, NULL, 0,
	  "a cgroup counts as not delegated, or as nobody's" },
	{ "attach attach-userns attach-pty attach-detached", CALLER, "pidfd_send_signal", ANY, NULL,
	  0, "only whether init is still there" },
	{ "stop", CALLER, "pidfd_send_signal", ANY, NULL, 0, "the keeper ends it, by its leash" },
	{ NULL, CALLER, "sendto", ANY, NULL, 0,
	  "the plan, which goes by a file then; "
	  "the word to the keeper: the leash that closes "
	  "says the same" },
	{ NULL, CALLER, "faccessat2", ANY, NULL, 0,
	  "mkdir tells whether it is there, and whether it may be made" },
	{ IN_PROCESS, CALLER, "read", ANY, NULL, 0, "the boot id is only for what is detached" },
	{ IN_PROCESS, CALLER, "openat", ANY, NULL, 0, "the boot id is only for what is detached" },
	{ NULL, CALLER, "ftruncate", ANY, NULL, 0,
	  "the note of who holds the lock is only for people" },
	{ NULL, CALLER, "pwrite64", ANY, NULL, 0,
	  "the note of who holds the lock is only for people" },
	{ NULL, CALLER, "prlimit64", ANY, NULL, 0,
	  "a limit of file sizes that cannot be read is "
	  "taken for one, or of its own: reading them "
	  "cannot fail" },
	{ NULL, CALLER, "sysinfo", ANY, NULL, 0,
	  "qsort of the C library: how much memory it may take" },
	{ NULL, KEEPER, "chdir", ANY, NULL, 0,
	  "the caller's directory is kept busy, nothing else" },
	{ NULL, KEEPER, "capset", ANY, NULL, 0,
	  "without CAP_KILL there is nothing to keep: it is tried again without" },
	{ "rich", KEEPER, "shutdown", ANY, NULL, 0,
	  "its own pair of sockets, which is connected: the pump ends when the keeper does" },
	{ NULL, KEEPER, "futex", ANY, NULL, 0, "who waits for its state looks again" },
	{ NULL, KEEPER, "ppoll", ANY, NULL, 0, "it looks again" },
	{ NULL, LAUNCHER | INIT, "sched_setattr", ANY, NULL, 0,
	  "what needs a right that is not there stays the caller's" },
	{ NULL, LAUNCHER | INIT, "ioprio_get", ANY, NULL, 0, "it is set then" },
	{ NULL, LAUNCHER | INIT, "ioprio_set", ANY, NULL, 0,
	  "what needs a right that is not there stays the caller's" },
	{ NULL, LAUNCHER | INIT, "prctl", 42, NULL, 0,
	  "PR_GET_THP_DISABLE: a kernel without it has nothing to reset" },
	{ NULL, LAUNCHER | INIT, "prctl", 68, NULL, 0,
	  "PR_GET_MEMORY_MERGE: a kernel without it has nothing to reset" },
	{ NULL, INIT | HOOK, "getrusage", ANY, NULL, 0,
	  "the CPU time of the set-up is counted with the payload's" },
	{ NULL, INIT, "futex", ANY, NULL, 0, "who waits looks again" },
	{ NULL, INIT, "fstat", ANY, NULL, 0,
	  "taken for a file, which the kernel refuses to put on a directory" },
	{ NULL, INIT, "prctl", PR_SET_KEEPCAPS, NULL, 0, "the exec clears it" },
	{ NULL, INIT | HOOK, "prctl", PR_CAP_AMBIENT, NULL, 0,
	  "capset takes from the ambient set what is not inheritable" },
	{ NULL, HOOK, "prctl", PR_GET_NO_NEW_PRIVS, NULL, 0, "it cannot fail" },
	{ NULL, INIT | HOOK, "prctl", PR_CAPBSET_READ, NULL, 0,
	  "it fails for what the kernel does not know, and for nothing else" },
	{ "rich", LAUNCHER, "fstat", 1, NULL, 0,
	  "taken for two files: a pipe for each of stdout and stderr" },
	{ "rich", LAUNCHER, "fstat", 2, NULL, 0,
	  "taken for two files: a pipe for each of stdout and stderr" },
	{ "rich", LAUNCHER, "openat", ANY, NULL, 0,
	  "a list of devices that cannot be lifted: the hooks run under it" },
	{ "rich", LAUNCHER, "getdents64", ANY, NULL, 0,
	  "a list of devices that cannot be lifted: the hooks run under it" },
	{ "rich", LAUNCHER, "write", ANY, NULL, 0,
	  "a list of devices that cannot be lifted: the hooks run under it" },
	/* the output pump, which is cloned as init is; its descriptors are 0: the
	 * pipe, 1: the sink */
	{ "rich", INIT, "setsid", ANY, NULL, 0, "a new process leads no group: it cannot fail" },
	{ "rich", INIT, "read", 0, NULL, EXPECT_TOLD,
	  "the pump's: what it cannot take is lost, and told" },
	{ "rich", INIT, "pwritev2", ANY, NULL, EXPECT_TOLD,
	  "the pump's: what the sink refuses is lost, and told" },
	{ "rich", INIT, "fstatfs", 1, NULL, 0, "the pump's: its sink is taken for no pipe" },
	{ "rich", INIT, "restart_syscall", ANY, NULL, 0, "the pump looks again" },
	{ "rich detached", LAUNCHER | INIT | HOOK, "read", ANY, NULL, 0,
	  "the last words of a hook are lost" },
	{ "detached", SUPERVISOR, "open", ANY, NULL, 0, "its own start time: nobody needs it" },
	{ "detached", SUPERVISOR, "read", ANY, NULL, EXPECT_LOST,
	  "its own start time; or what the next turn of the loop reads again" },
	{ "detached", SUPERVISOR, "openat", ANY, NULL, 0,
	  "its own start time; a state file that is written in place instead" },
	{ "detached", SUPERVISOR, "renameat", ANY, NULL, 0,
	  "the state file is written in place instead" },
	{ "detached", SUPERVISOR, "write", ANY, NULL, 0,
	  "the state file is written in place instead" },
	{ NULL, ANYBODY, "prctl", PR_GET_SECUREBITS, NULL, 0, "it cannot fail" },
	{ NULL, INIT, "madvise", ANY, NULL, 0, "a reaper that holds memory it does not need" },
	{ NULL, INIT, "chdir", ANY, NULL, 0, "a reaper that stays in the payload's directory" },
	{ NULL, INIT, "prctl", PR_SET_DUMPABLE, NULL, 0,
	  "a reaper that an ordinary user cannot look at" },
	{ NULL, INIT, "rt_sigtimedwait", ANY, NULL, 0, "it looks again" },
	{ NULL, INIT, "sendmsg", CT_STAGE_KEEP_FD, NULL, 0,
	  "a reaper's last word: its exit code says the same" },
	{ "detached", SUPERVISOR, "prctl", PR_GET_DUMPABLE, NULL, 0, "taken for not dumpable" },
	{ "detached", SUPERVISOR, "setsid", ANY, NULL, 0,
	  "a new process leads no group: it cannot fail" },
	{ "detached", SUPERVISOR, "prlimit64", ANY, NULL, 0, "room for fewer clients" },
	{ "detached", SUPERVISOR, "setsockopt", ANY, NULL, 0,
	  "a starter that does not read is waited for longer" },
	{ "detached", SUPERVISOR, "recvmsg", ANY, NULL, 0,
	  "an end of the reports, whatever its name" },
	{ "detached", SUPERVISOR, "unlinkat", ANY, NULL, 0, "what was not there" },
	{ "detached", SUPERVISOR, "ioctl", ANY, NULL, 0,
	  "a terminal without its peer is looked at again" },
	{ "detached", SUPERVISOR, "sendmsg", ANY, NULL, EXPECT_LOST,
	  "what only tells how far it is; or the last word" },
	{ "detached", LAUNCHER, "prctl", PR_SET_DUMPABLE, NULL, 0,
	  "set before, by the supervisor that it is a fork of" },
	{ "detached", LAUNCHER, "prctl", PR_SET_PDEATHSIG, NULL, 0,
	  "set twice: the second one must not fail" },
	{ AFTERWARDS, SUPERVISOR, "*", ANY, NULL, EXPECT_LOST | EXPECT_FILES,
	  "the container ends all the same, the next call clears" },
	{ AFTERWARDS, CALLER, "recvfrom", ANY, NULL, 0,
	  "only for the end of the supervisor itself, after its answer" },
	{ AFTERWARDS, CALLER, "openat", ANY, NULL, 0,
	  "looked for again under the lock; the boot id is only for a start" },
	{ AFTERWARDS, CALLER, "socket", ANY, NULL, 0,
	  "only to let a frozen one go on, or to look where init is now" },
	{ AFTERWARDS, CALLER, "connect", ANY, NULL, 0,
	  "only to let a frozen one go on, or to look where init is now" },
	{ AFTERWARDS, CALLER, "getsockopt", ANY, NULL, 0,
	  "only to let a frozen one go on, or to look where init is now" },
	{ AFTERWARDS, CALLER, "sendto", ANY, NULL, 0,
	  "only to let a frozen one go on, or to look where init is now" },
	{ AFTERWARDS, CALLER, "recvmsg", ANY, NULL, 0,
	  "only to let a frozen one go on, or to look where init is now" },
	{ AFTERWARDS, CALLER, "fstatfs", ANY, NULL, 0, "only to let a frozen one go on" },
	{ "stop", CALLER, "fstatfs", ANY, NULL, 0,
	  "a cgroup that cannot be looked at through its descriptor is removed by path and id" },
	{ "stop", CALLER, "fcntl", ANY, NULL, 0, "only to let a frozen one go on" },
	{ "stop stop-detached", CALLER, "write", ANY, NULL, 0, "only to let a frozen one go on" },
	{ "stop stop-detached", CALLER, "pread64", ANY, NULL, 0, "only to let a frozen one go on" },
	{ AFTERWARDS, CALLER, "fcntl", ANY, NULL, 0, "looked for again under the lock" },
	{ AFTERWARDS, CALLER, "read", ANY, NULL, 0,
	  "the socket tells; the boot id is only for a start" },
	{ "detached " AFTERWARDS, HOOK, "*", ANY, NULL, 0,
	  "a stop hook that fails holds nothing up" },
	{ NULL, HOOK, "setsid", ANY, NULL, 0, "a new process leads no group: it cannot fail" },
	{ "attach-pty", LAUNCHER, "openat", ANY, NULL, 0,
	  "a terminal of the host's, for a container that has none to give" },
	{ "attach-pty", LAUNCHER, "openat2", ANY, NULL, 0,
	  "a terminal of the host's, for a container that has none to give" },
	{ "attach-pty", LAUNCHER, "fstat", ANY, NULL, 0,
	  "a terminal of the host's, for a container that has none to give" },
	{ "attach-pty", LAUNCHER, "fstatfs", ANY, NULL, 0,
	  "a terminal of the host's, for a container that has none to give" },
	{ "attach-pty", INIT, "openat", ANY, NULL, 0,
	  "the container's /dev/pts: the terminal is one of the host's" },
	{ "attach-pty", INIT, "openat2", ANY, NULL, 0,
	  "the container's /dev/pts: the terminal is one of the host's" },
	{ "attach-pty", INIT, "fstatfs", ANY, NULL, 0,
	  "the container's /dev/pts: the terminal is one of the host's" },
	{ NULL, INIT, "setgroups", ANY, NULL, 0,
	  "passwd is looked at with the caller's groups "
	  "where they may not be dropped; the program has "
	  "none of them" },
	{ NULL, INIT, "fchown", ANY, NULL, 0, "the terminal stays root's" },
	{ NULL, LAUNCHER, "prlimit64", ANY, NULL, 0,
	  "the limit for setting up stays the caller's" },
};

static int has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; (p = strstr(p, word)) != NULL; p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return 1;
	return 0;
}

const struct expect_row *expect_tolerated(const char *scenario, const struct inject_call *call,
					  const struct inject_outcome *o)
{
	static const struct expect_row later = { NULL,
						 SUPERVISOR,
						 "*",
						 ANY,
						 NULL,
						 EXPECT_LOST | EXPECT_FILES,
						 "the call has returned; the container ends all "
						 "the same, the next call clears" };
	const char *name = inject_call_name(call->nr);

	if (call->role == INJECT_SUPERVISOR && o->phase > 1)
		return &later;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((rows[i].roles & BIT(call->role)) &&
		    (!strcmp(rows[i].call, "*") || !strcmp(rows[i].call, name)) &&
		    (rows[i].first == ANY || rows[i].first == o->args[0]) &&
		    (!rows[i].scenarios || has_word(rows[i].scenarios, scenario)))
			return &rows[i];
	return NULL;
}

/* Capabilities of a line {"cap_...": "hexadecimal"}. */
static unsigned long long capabilities(const char *line)
{
	const char *p = strchr(line, ':');

	return p ? strtoull(p + 3, NULL, 16) : ~0ull;
}

int expect_same_view(const struct expect_row *row, const char *want, const char *got)
{
	while (*want && *got) {
		size_t a = strcspn(want, "\n"), b = strcspn(got, "\n");
		int free = row && row->may_differ &&
			   !strncmp(want, row->may_differ, strlen(row->may_differ)) &&
			   !strncmp(got, row->may_differ, strlen(row->may_differ));

		if ((a != b || memcmp(want, got, a)) && !free)
			return 0;
		if (free && !strncmp(want, "{\"cap_", 6) &&
		    (capabilities(got) & ~capabilities(want)))
			return 0;
		want += a + !!want[a];
		got += b + !!got[b];
	}
	return !*want && !*got;
}

int expect_plain(const char *where)
{
	/* a feature of the kernel that the host lacks; out of memory; what the supervisor
	 * answered, or did not */
	return !strcmp(where, "supervisor") || !strcmp(where, "host") || !strcmp(where, "plan") ||
	       !strcmp(where, "memory");
}

int expect_step_fails(const char *op)
{
	static const char *const without[] = {
		"id.signals",	 /* nothing but rt_sigaction and umask */
		"run.fds",	 /* nothing at all when no descriptor is handed over */
		"mount.targets", /* the second one closes what the first has made */
		"run.limits",	 /* limits are reported as their proc.limit */
		"run.close",	 /* ranges of descriptors can always be closed */
		"seccomp.keep",	 /* in process the journal is in memory */
		"landlock.keep",
	};

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (!strcmp(op, without[i]))
			return 0;
	return 1;
}
