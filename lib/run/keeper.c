/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "run/rawcall.h"
#include "wire/wire.h"

#define KEEPER_WAKE SIGTERM	/* sent by the kernel when the thread that cloned us ends */

static void publish(struct ct_keeper *k, int state)
{
	__atomic_store_n(&k->state, state, __ATOMIC_RELEASE);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	RAW2(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Puts *fd out of the way of the low numbers. */
static long lift(int *fd, int above)
{
	long r = *fd < above ? RAW3(SYS_fcntl, *fd, F_DUPFD_CLOEXEC, above) : *fd;

	if (r >= 0)
		*fd = (int)r;
	return r;
}

static long place(int fd, int at)
{
	return RAW3(SYS_dup3, fd, at, 0);
}

/* In the process that execs, which shares our memory while we are suspended (vfork): descriptors into the places that
 * wire.h names, everything else closed, the stage executed from its sealed memfd. */
static int exec_stage(void *arg)
{
	struct ct_keeper *k = arg;
	const char *const no_env[] = {NULL};
	int n = k->n_inputs, top = CT_STAGE_INPUT_FD + n + 2;
	int fd[4 + CT_WIRE_SLOTS];
	long r = 0;

	for (int i = 0; i < 3; i++)
		fd[i] = k->stdio[i];
	fd[3] = k->report;
	for (int i = 0; i < n; i++)
		fd[4 + i] = k->inputs[i];
	fd[4 + n] = k->message;
	fd[5 + n] = k->image;
	for (int i = 0; i < n + 6 && r >= 0; i++)
		r = lift(&fd[i], top);
	for (int i = 0; i < n + 6 && r >= 0; i++)
		r = place(fd[i], i);
	if (r >= 0)
		r = RAW3(SYS_close_range, top, ~0u, 0);
	if (r >= 0)
		r = RAW3(SYS_fcntl, 5 + n, F_SETFD, FD_CLOEXEC);
	if (r >= 0)
		r = RAW5(SYS_execveat, 5 + n, "", k->argv, no_env, AT_EMPTY_PATH);
	k->spawn_err = (int)r;
	return 127;
}

/* Ties us to the life of the caller and starts the stage. 0, or why there is to be no container. */
static int begin(struct ct_keeper *k, long *launcher)
{
	k->spawn_call = "prctl";
	k->spawn_err = (int)RAW5(SYS_prctl, PR_SET_PDEATHSIG, KEEPER_WAKE, 0, 0, 0);
	if (k->spawn_err < 0 || RAW0(SYS_getppid) != k->caller)
		return -1;
	k->spawn_call = "execveat";
	*launcher = ct_raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, k->stack, exec_stage, k);
	if (*launcher < 0) {
		k->spawn_call = "clone";
		k->spawn_err = (int)*launcher;
	}
	return k->spawn_err;
}

static void keep_verdict(struct ct_keeper *k, int status, const struct rusage *ru)
{
	k->status = status;
	k->end_ns = now_ns();
	k->user_us = (uint64_t)ru->ru_utime.tv_sec * 1000000u + (uint64_t)ru->ru_utime.tv_usec;
	k->system_us = (uint64_t)ru->ru_stime.tv_sec * 1000000u + (uint64_t)ru->ru_stime.tv_usec;
	k->max_rss = (uint64_t)ru->ru_maxrss * 1024u;
	k->have_status = 1;
}

/* Reaps what has ended. 1 while there is something to wait for. */
static int reap(struct ct_keeper *k, long launcher)
{
	struct rusage ru;
	int status;
	long pid;

	while ((pid = RAW4(SYS_wait4, -1, &status, WNOHANG | __WALL, &ru)) > 0)
		if (pid != launcher)
			keep_verdict(k, status, &ru);
	return pid == 0;
}

/* Nanoseconds until limit.time is up, measured from the exec. */
static uint64_t time_left(const struct ct_keeper *k)
{
	uint64_t begin = __atomic_load_n(&k->exec_ns, __ATOMIC_ACQUIRE), now = now_ns();

	if (!begin || now < begin)
		return k->limit_time_ns;
	return now - begin >= k->limit_time_ns ? 0 : k->limit_time_ns - (now - begin);
}

static void wait_for_init(struct ct_keeper *k, long launcher)
{
	const unsigned long wake = 1ul << (SIGCHLD - 1) | 1ul << (KEEPER_WAKE - 1);

	while (reap(k, launcher)) {
		struct timespec t = {0, 0};
		uint64_t left = 0;

		/* the caller's process has gone: so do we, and the kernel takes init */
		if (RAW0(SYS_getppid) != k->caller)
			return;
		if (k->limit_time_ns && !k->timed_out) {
			left = time_left(k);
			t.tv_sec = (time_t)(left / 1000000000u);
			t.tv_nsec = (long)(left % 1000000000u);
		}
		if (k->limit_time_ns && !k->timed_out && !left) {
			int pid = __atomic_load_n(&k->init_pid, __ATOMIC_ACQUIRE);

			k->timed_out = 1;
			if (pid > 0)
				RAW2(SYS_kill, pid, SIGKILL);
		}
		RAW4(SYS_rt_sigtimedwait, &wake, NULL, left ? &t : NULL, sizeof(wake));
	}
}

int ct_keeper_main(void *arg)
{
	static const unsigned long by_default[8];	/* the kernel's struct sigaction, all zero */
	struct ct_keeper *k = arg;
	long launcher = 0;
	int err;

	/* a caller that ignores SIGCHLD hands that on: the kernel would take our child without a word */
	RAW4(SYS_rt_sigaction, SIGCHLD, by_default, NULL, 8);
	err = begin(k, &launcher);
	RAW3(SYS_close_range, 0, ~0u, 0);
	if (err) {
		publish(k, CT_KEEPER_FAILED);
		return 1;
	}
	publish(k, CT_KEEPER_STAGE);
	if (k->supervise)
		return 0;
	RAW5(SYS_prctl, PR_SET_NAME, "ct-keeper", 0, 0, 0);
	RAW1(SYS_chdir, "/");
	wait_for_init(k, launcher);
	publish(k, CT_KEEPER_ENDED);
	return 0;
}
