/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The listener of a filter that notifies: seccomp(2) gives it to the process that loads the filter,
 * in which by then no call need be allowed any more, and each may be one that waits for an answer.
 * So a thread sends it, which is made before and is not filtered (SECCOMP_FILTER_FLAG_TSYNC is not
 * used). It learns the descriptor's number from memory; the loading thread learns from memory that
 * it has been sent, and makes no call until then. The thread ends at once; an exec would end it,
 * too. It closes the descriptor, so that init holds none: when nobody serves it any more, init's
 * own calls do not wait for ever.
 *
 * The thread has the stack below and no thread-local storage of its own: errno is the other one's,
 * which waits without a call meanwhile. It can be made in the child of a reaper, which shares the
 * memory of its parent as after vfork(2), as well as in init.
 */
#include <errno.h>
#include <sched.h>

#include "stage/step/steps.h"

#define THREAD_STACK 16384
#define UNKNOWN (-1) /* the filter is not loaded yet */
#define NONE (-2)    /* nor will it be */

struct courier {
	struct stage *st;
	int to;	  /* whom the listener is sent to; -1: the library */
	int fd;	  /* atomic; the listener, UNKNOWN or NONE */
	int done; /* atomic; `err` is set, and nothing of this is used any more */
	int err;  /* 0 or a negative errno */
};

/* Of the C library, below clone(3), which refuses CLONE_THREAD in later versions. */
int __clone(int (*function)(void *), void *stack, int flags, void *arg, ...);

static int carry(void *arg)
{
	struct courier *c = arg;
	int fd;

	while ((fd = __atomic_load_n(&c->fd, __ATOMIC_ACQUIRE)) == UNKNOWN)
		sys0(SYS_sched_yield);
	if (fd >= 0) {
		c->err = c->to < 0 ? report_fd(c->st, CT_FD_TAG_NOTIFY, 0, fd)
				   : send_number(c->to, 0, fd);
		sys_close(fd);
	}
	__atomic_store_n(&c->done, 1, __ATOMIC_RELEASE);
	return 0;
}

/* Loads it. The listener, or a negative errno. */
static int load(const struct k_sock_fprog *program, unsigned flags)
{
	int fd;

	flags |= K_SECCOMP_FLAG_NEW_LISTENER;
	fd = (int)sys3(SYS_seccomp, K_SECCOMP_SET_MODE_FILTER, flags | K_SECCOMP_FLAG_WAIT_KILLABLE,
		       program);
	if (fd != -EINVAL)
		return fd;
	return (int)sys3(SYS_seccomp, K_SECCOMP_SET_MODE_FILTER, flags, program);
}

int listener_load(struct stage *st, const struct ct_wire_step *s, int to, int *sys)
{
	static char stack[THREAD_STACK] __attribute__((aligned(16)));
	static struct courier c;
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM;
	struct k_sock_fprog program;
	unsigned seccomp;
	int err = filter_read(st, s, &program, &seccomp, sys), fd;

	if (err)
		return err;
	c = (struct courier){ .st = st, .to = to, .fd = UNKNOWN };
	*sys = SYS_clone;
	err = __clone(carry, stack + sizeof(stack), flags, &c);
	if (err < 0)
		return err;
	*sys = SYS_seccomp;
	fd = load(&program, seccomp);
	err = fd;
	__atomic_store_n(&c.fd, fd >= 0 ? fd : NONE, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE))
		;
	if (err < 0)
		return err;
	*sys = SYS_sendmsg;
	return c.err;
}
