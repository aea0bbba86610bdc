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
#include <stdint.h>
#include <sys/prctl.h>

#include "run/child/rawcall.h"

/* When a filter is loaded, the kernel tries every system call number on it, to remember those that
 * are always allowed; that takes longer than all calls of the keeper. It does not for a filter that
 * uses the index register, hence the first instruction. */
#define BEGIN                                                                            \
	BPF_STMT(BPF_MISC | BPF_TAX, 0),                                                 \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)), \
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CT_RAW_ARCH, 1, 0),                  \
		BPF_STMT(BPF_RET | BPF_K, REFUSE),                                       \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
/* An error, not a signal: a core dump of a task that shares the caller's memory could
 * be the caller's end. */
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define INSTRUCTIONS 64
#define ARG(n) (offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (n))

/* A call that is allowed: whatever its arguments, or where each argument that is named has one of
 * two values, which may be the same. */
struct allowed {
	unsigned nr;
	unsigned char n; /* of the arguments named */
	unsigned char arg[2], one[2], other[2];
};

#define CALL(number)         \
	{                    \
		.nr = number \
	}
#define CALL_ON(number, i, value)            \
	{                                    \
		number, 1, { i }, { value }, \
		{                            \
			value                \
		}                            \
	}
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

static struct sock_filter jump(unsigned value, unsigned yes, unsigned no)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, (unsigned char)yes,
					    (unsigned char)no);
}

static unsigned length(const struct allowed *row)
{
	unsigned n = 1;

	for (unsigned i = 0; i < row->n; i++)
		n += 2 + (row->one[i] != row->other[i]);
	return n;
}

/* Writes a row's instructions at f[at]. The last two of the filter are common to all rows, for the
 * kernel translates each instruction while it loads the filter: f[end], to which a call without a
 * row comes, refuses, and the next one allows. */
static void write_row(struct sock_filter *f, unsigned at, const struct allowed *row, unsigned end)
{
	f[at] = jump(row->nr, row->n ? 0 : end - at, length(row) - 1);
	at++;
	for (unsigned i = 0; i < row->n; i++) {
		unsigned two = row->one[i] != row->other[i], after = at + 2 + two;

		if (i + 1 == row->n)
			after = end + 1;
		f[at] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     (unsigned)ARG(row->arg[i]));
		at++;
		if (two) {
			f[at] = jump(row->one[i], after - at - 1, 0);
			at++;
		}
		f[at] = jump(row->other[i], after - at - 1, end - at - 1);
		at++;
	}
}

/* The filter of these n rows. Its length; 0: it does not fit. */
static unsigned short write_filter(struct sock_filter f[INSTRUCTIONS], const struct allowed *rows,
				   unsigned n)
{
	static const struct sock_filter begin[] = { BEGIN };
	unsigned at = sizeof(begin) / sizeof(*begin), end = at;

	for (unsigned i = 0; i < n; i++)
		end += length(&rows[i]);
	if (end + 2 > INSTRUCTIONS)
		return 0;
	for (unsigned i = 0; i < at; i++)
		f[i] = begin[i];
	for (unsigned i = 0; i < n; at += length(&rows[i++]))
		write_row(f, at, &rows[i], end);
	f[end] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, REFUSE);
	f[end + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return (unsigned short)(end + 2);
}

static int confine(const struct allowed *rows, unsigned n, unsigned keep, const char **call)
{
	struct sock_filter filter[INSTRUCTIONS];
	struct sock_fprog program = { write_filter(filter, rows, n), filter };
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
	static const struct allowed rows[] = {
		WAIT_AND_END,
		CALL(SYS_wait4),
		CALL(SYS_clock_gettime),
		CALL_ON(SYS_futex, 1, FUTEX_WAKE),
		CALL_ON(SYS_prctl, 0, PR_SET_CHILD_SUBREAPER),
		CALL_ON(SYS_recvmsg, 0, CT_KEEPER_FD_SOCK),
		CALL_ON(SYS_shutdown, 0, CT_KEEPER_FD_SOCK),
		{ SYS_read, 1, { 0 }, { CT_KEEPER_FD_LEASH }, { CT_KEEPER_FD_SIGNALS } },
		CALL_ON(SYS_pread64, 0, CT_KEEPER_FD_CPU),
		CALL_ON(SYS_write, 0, CT_KEEPER_FD_THAW),
		/* SIGKILL and SIGTERM alone, to one of two pidfds */
		{ SYS_pidfd_send_signal,
		  2,
		  { 1, 0 },
		  { SIGKILL, CT_KEEPER_FD_INIT },
		  { SIGTERM, CT_KEEPER_FD_LAUNCHER } },
	};

	return confine(rows, sizeof(rows) / sizeof(*rows), 1u << CAP_KILL, call);
}

int ct_confine_placeholder(const char **call)
{
	static const struct allowed rows[] = { WAIT_AND_END };

	return confine(rows, sizeof(rows) / sizeof(*rows), 0, call);
}
