/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "run/placeholder.h"
#include "run/rawcall.h"
#include "wire/wire.h"

#define CPU_LOOK_NS 2000000u	/* how closely limit.cputime is kept */
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

/* The tree's CPU time in microseconds; 0 when it cannot be read. */
static uint64_t cpu_time(const struct ct_keeper *k)
{
	char text[64];
	long n = RAW4(SYS_pread64, k->cpu_fd, text, sizeof(text), 0), i = 0;
	uint64_t v = 0;

	/* version 2 says "usage_usec" in front, version 1 counts nanoseconds */
	while (i < n && (text[i] < '0' || text[i] > '9'))
		i++;
	for (long at = i; at < n && text[at] >= '0' && text[at] <= '9'; at++)
		v = v * 10 + (uint64_t)(text[at] - '0');
	return i ? v : v / 1000;
}

/* Nanoseconds until the CPU time can be used up at the earliest, 0: it is. */
static uint64_t cpu_left(const struct ct_keeper *k)
{
	uint64_t used = cpu_time(k), left;

	if (used >= k->limit_cpu_us)
		return 0;
	left = (k->limit_cpu_us - used) * 1000u / (uint64_t)(k->cpus > 0 ? k->cpus : 1);
	return left < CPU_LOOK_NS ? CPU_LOOK_NS : left;
}

/* Nanoseconds until a limit has to be looked at again, 0: there is none. Ends init when one is up. */
static uint64_t watch_limits(struct ct_keeper *k)
{
	uint64_t left = 0, cpu;
	int pid = __atomic_load_n(&k->init_pid, __ATOMIC_ACQUIRE);

	if (k->timed_out)
		return 0;
	if (k->limit_time_ns) {
		left = time_left(k);
		k->timed_out = left ? CT_KEEPER_NO_LIMIT : CT_KEEPER_TIME;
	}
	if (k->limit_cpu_us && !k->timed_out) {
		cpu = cpu_left(k);
		k->timed_out = cpu ? CT_KEEPER_NO_LIMIT : CT_KEEPER_CPU;
		left = !left || cpu < left ? cpu : left;
	}
	if (k->timed_out && pid > 0) {
		RAW2(SYS_kill, pid, SIGKILL);
		if (k->thaw_fd >= 0)
			RAW3(SYS_write, k->thaw_fd, "THAWED", 6);
	}
	return k->timed_out ? 0 : left;
}

static void wait_for_init(struct ct_keeper *k, long launcher)
{
	const unsigned long wake = 1ul << (SIGCHLD - 1) | 1ul << (KEEPER_WAKE - 1);

	while (reap(k, launcher)) {
		struct timespec t;
		uint64_t left;

		/* the caller's process has gone: so do we, and the kernel takes init */
		if (RAW0(SYS_getppid) != k->caller)
			return;
		left = watch_limits(k);
		t.tv_sec = (time_t)(left / 1000000000u);
		t.tv_nsec = (long)(left % 1000000000u);
		RAW4(SYS_rt_sigtimedwait, &wake, NULL, left ? &t : NULL, sizeof(wake));
	}
}

static void close_between(int after, int before)
{
	if (after + 1 < before)
		RAW3(SYS_close_range, after + 1, before - 1, 0);
}

/* It owns no descriptor but those that its limits need. */
static void drop_descriptors(const struct ct_keeper *k)
{
	int low = k->cpu_fd < k->thaw_fd ? k->cpu_fd : k->thaw_fd, high = k->cpu_fd < k->thaw_fd ? k->thaw_fd : k->cpu_fd;

	close_between(-1, low);
	close_between(low, high);
	RAW3(SYS_close_range, high + 1, ~0u, 0);
}

int ct_placeholder_main(void *arg)
{
	long caller = (long)arg;
	struct pollfd fd = { .events = POLLIN };

	RAW3(SYS_close_range, 0, ~0u, 0);
	RAW5(SYS_prctl, PR_SET_NAME, "ct-scope", 0, 0, 0);
	RAW1(SYS_chdir, "/");
	/* not PR_SET_PDEATHSIG: that comes with the end of the caller's thread */
	fd.fd = (int)RAW2(SYS_pidfd_open, caller, 0);
	if (fd.fd < 0 || RAW0(SYS_getppid) != caller)
		return 1;
	while (RAW5(SYS_ppoll, &fd, 1, NULL, NULL, 0) <= 0)
		;
	return 0;
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
	drop_descriptors(k);
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
