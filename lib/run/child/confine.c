/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* seccomp(2), seccomp_filter(7): a program over struct seccomp_data. Numbers compare in their low
 * halves: descriptors and signals are ints to the kernel. */
#include "run/child/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "run/child/rawcall.h"

#define ARG(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define SKIP_UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
/* An error, not a signal: a core dump of a task that shares the caller's memory could
 * be the caller's end. */
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)

/* When a filter is loaded, the kernel tries every system call number on it, to remember those that
 * are always allowed; that takes longer than all calls of the keeper. It does not for a filter that
 * uses the index register, hence the first instruction. */
#define BEGIN                                                                       \
	BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD(offsetof(struct seccomp_data, arch)), \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CT_RAW_ARCH, 1, 0), REFUSE,     \
		LOAD(offsetof(struct seccomp_data, nr))
/* The call, whatever its arguments. */
#define CALL(nr) SKIP_UNLESS(nr, 1), ALLOW
/* The call with this first argument alone: a descriptor, or an option. */
#define CALL_ON(nr, fd) SKIP_UNLESS(nr, 4), LOAD(ARG(0)), SKIP_UNLESS(fd, 1), ALLOW, REFUSE
#define EITHER(a, b) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a, 1, 0), SKIP_UNLESS(b, 1)
/* The call with this second argument alone. */
#define CALL_FOR(nr, what) SKIP_UNLESS(nr, 4), LOAD(ARG(1)), SKIP_UNLESS(what, 1), ALLOW, REFUSE
/* SIGKILL and SIGTERM alone, to one of two pidfds. */
#define END_ON(a, b)                                                                            \
	SKIP_UNLESS(SYS_pidfd_send_signal, 10), LOAD(ARG(1)), EITHER(SIGKILL, SIGTERM),         \
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), REFUSE, LOAD(ARG(0)), EITHER(a, b), ALLOW, \
		REFUSE
/* A wait that a stop signal has interrupted goes on as restart_syscall(2). */
#define WAIT_AND_END \
	CALL(SYS_ppoll), CALL(SYS_restart_syscall), CALL(SYS_exit), CALL(SYS_exit_group)

/* A caller without `keep` can end init by its user id, and so can the keeper without any. */
static long drop_capabilities(unsigned keep)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = { { keep, keep, 0 }, { 0, 0, 0 } };
	long r = RAW2(SYS_capset, &head, caps);

	if (r != -EPERM || !keep)
		return r;
	caps[0] = (struct __user_cap_data_struct){ 0, 0, 0 };
	return RAW2(SYS_capset, &head, caps);
}

static int confine(const struct sock_filter *filter, unsigned short n, unsigned keep,
		   const char **call)
{
	struct sock_fprog program = { n, (struct sock_filter *)filter };
	long r;

	*call = "capset";
	r = drop_capabilities(keep);
	if (r < 0)
		return (int)r;
	*call = "prctl";
	r = RAW5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (r < 0)
		return (int)r;
	*call = "seccomp";
	return (int)RAW3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
			 &program);
}

int ct_confine_keeper(const char **call)
{
	static const struct sock_filter filter[] = {
		BEGIN,
		WAIT_AND_END,
		CALL(SYS_wait4),
		CALL(SYS_clock_gettime),
		CALL_FOR(SYS_futex, FUTEX_WAKE),
		CALL_ON(SYS_prctl, PR_SET_CHILD_SUBREAPER),
		CALL_ON(SYS_recvmsg, CT_KEEPER_FD_SOCK),
		CALL_ON(SYS_shutdown, CT_KEEPER_FD_SOCK),
		SKIP_UNLESS(SYS_read, 5),
		LOAD(ARG(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CT_KEEPER_FD_LEASH, 1, 0),
		SKIP_UNLESS(CT_KEEPER_FD_SIGNALS, 1),
		ALLOW,
		REFUSE,
		CALL_ON(SYS_pread64, CT_KEEPER_FD_CPU),
		CALL_ON(SYS_write, CT_KEEPER_FD_THAW),
		END_ON(CT_KEEPER_FD_INIT, CT_KEEPER_FD_LAUNCHER),
		REFUSE,
	};

	return confine(filter, sizeof(filter) / sizeof(*filter), 1u << CAP_KILL, call);
}

int ct_confine_placeholder(const char **call)
{
	static const struct sock_filter filter[] = { BEGIN, WAIT_AND_END, REFUSE };

	return confine(filter, sizeof(filter) / sizeof(*filter), 0, call);
}
