/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "run/child/confine.h"
#include "run/child/placeholder.h"
#include "run/child/rawcall.h"
#include "wire/wire.h"

#define CPU_LOOK_NS 2000000u /* how closely limit.cputime is kept */
#define AGAIN_NS 10000000u   /* from one SIGKILL to the next, of an init that is held where it is */
#define TELL_NS 100000000u   /* for a launcher to tell of the init that it clones */
#define STRAY_NS 2000000000u /* for children that nobody has told us of to end by themselves */

/* for a supervisor to undo a start that failed */
#define SUPERVISOR_NS 15000000000u
#define NEVER UINT64_MAX

/* What it knows beyond the struct. */
struct keep {
	struct ct_keeper *k;
	long launcher;	 /* 0: reaped */
	int has_init;	 /* its pidfd is there */
	int cloning;	 /* the launcher has said that there will be one */
	int sock_closed; /* nobody is left who could tell anything */
	int leash_closed;
	int pump_told;	    /* that init has ended */
	int child_news;	    /* a child may have ended since we looked */
	int ending, leave;  /* the caller said so, or is gone; the supervisor is to be left alone */
	uint64_t ending_at; /* since when */
};

static void publish(struct ct_keeper *k, int state)
{
	__atomic_store_n(&k->state, state, __ATOMIC_RELEASE);
	RAW3(SYS_futex, &k->state, FUTEX_WAKE, 0x7fffffff);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	RAW2(SYS_clock_gettime, clock, &t);
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

/* In the process that execs, which shares our memory while we are suspended (vfork):
 * descriptors into the places that wire.h names, everything else closed, the stage executed
 * from its sealed memfd. */
static int exec_stage(void *arg)
{
	struct ct_keeper *k = arg;
	const char *const no_env[] = { NULL };
	int n = k->n_inputs, top = CT_STAGE_INPUT_FD + n;
	int fd[CT_STAGE_INPUT_FD + CT_WIRE_INPUTS + 2];
	long r = 0;

	for (int i = 0; i < 3; i++)
		fd[i] = k->stdio[i];
	fd[CT_STAGE_REPORT_FD] = k->report;
	fd[CT_STAGE_KEEP_FD] = k->keep_sock;
	for (int i = 0; i < n; i++)
		fd[CT_STAGE_INPUT_FD + i] = k->inputs[i];
	if (k->message >= 0)
		fd[top++] = k->message;
	fd[top++] = k->image;
	for (int i = 0; i < top && r >= 0; i++)
		r = lift(&fd[i], top);
	for (int i = 0; i < top && r >= 0; i++)
		r = place(fd[i], i);
	if (r >= 0)
		r = RAW3(SYS_close_range, top, ~0u, 0);
	if (r >= 0)
		r = RAW3(SYS_fcntl, top - 1, F_SETFD, FD_CLOEXEC);
	if (r >= 0 && ct_raw_keep_caps(&k->caps)) {
		k->argv[2] = k->caps.inheritable;
		k->argv[3] = k->caps.ambient;
	}
	if (r >= 0)
		r = RAW5(SYS_execveat, top - 1, "", k->argv, no_env, AT_EMPTY_PATH);
	k->spawn_err = (int)r;
	return 127;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static int failed(struct ct_keeper *k, const char *call, long err)
{
	k->spawn_call = call;
	k->spawn_err = (int)err;
	return -1;
}

/* The stage, the caller's life, the ends of children: what there is to wait for, in
 * fd[]. 0, or -1. */
static int begin(struct keep *keep, int fd[CT_KEEPER_FDS])
{
	struct ct_keeper *k = keep->k;
	const unsigned long child = 1ul << (SIGCHLD - 1);
	int pair[2];
	long r;

	fd[CT_KEEPER_FD_LEASH] = k->leash;
	fd[CT_KEEPER_FD_CPU] = k->cpu_fd;
	fd[CT_KEEPER_FD_THAW] = k->thaw_fd;
	r = RAW2(SYS_pidfd_open, k->caller, 0);
	if (r < 0)
		return failed(k, "pidfd_open", r);
	fd[CT_KEEPER_FD_OWNER] = (int)r;
	/* its number may be somebody else's by now */
	if (RAW0(SYS_getppid) != k->caller)
		return failed(k, "getppid", -ESRCH);
	r = RAW4(SYS_signalfd4, -1, &child, sizeof(child), SFD_NONBLOCK);
	if (r < 0)
		return failed(k, "signalfd", r);
	fd[CT_KEEPER_FD_SIGNALS] = (int)r;
	r = RAW4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET, 0, pair);
	if (r < 0)
		return failed(k, "socketpair", r);
	fd[CT_KEEPER_FD_SOCK] = pair[0];
	k->keep_sock = pair[1];
	r = ct_raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, k->stack, exec_stage, k);
	if (r < 0)
		return failed(k, "clone", r);
	keep->launcher = r;
	if (k->spawn_err)
		return failed(k, "execveat", k->spawn_err);
	/* ours and not reaped: the number is its own */
	r = RAW2(SYS_pidfd_open, keep->launcher, 0);
	fd[CT_KEEPER_FD_LAUNCHER] = (int)r;
	return r < 0 ? failed(k, "pidfd_open", r) : 0;
}

/* Its descriptors to their places, everything else closed. Where there is none, the socket fills
 * the gap, so that the first one received is CT_KEEPER_FD_INIT. */
static int place_all(struct ct_keeper *k, int fd[CT_KEEPER_FDS])
{
	long r = 0;

	for (int i = 0; i < CT_KEEPER_FD_INIT && r >= 0; i++) {
		if (fd[i] < 0)
			fd[i] = fd[CT_KEEPER_FD_SOCK];
		r = lift(&fd[i], CT_KEEPER_FDS);
	}
	for (int i = 0; i < CT_KEEPER_FD_INIT && r >= 0; i++)
		r = place(fd[i], i);
	if (r >= 0)
		r = RAW3(SYS_close_range, CT_KEEPER_FD_INIT, ~0u, 0);
	return r < 0 ? failed(k, "dup3", r) : 0;
}

/* ---- what is told ---------------------------------------------------------------------------- */

/* Takes one record in. Each says a thing once; what comes from inside the container is no
 * more than a number. */
static void take(struct keep *keep, const struct ct_keep *r, int got_fd)
{
	struct ct_keeper *k = keep->k;
	uint64_t age;

	switch (r->type) {
	case CT_KEEP_INIT:
		keep->has_init = keep->has_init || got_fd == CT_KEEPER_FD_INIT;
		k->init = k->init ? k->init : r->num;
		break;
	case CT_KEEP_CLONE:
		keep->cloning = 1;
		break;
	case CT_KEEP_PUMP:
		k->pump = k->pump ? k->pump : r->num;
		break;
	case CT_KEEP_OUTPUT:
		k->output_over = k->output != NULL;
		break;
	case CT_KEEP_EXEC:
		if (k->exec_ns)
			break;
		age = ct_age_ns(r->at_ns, now_ns(CLOCK_REALTIME));
		k->exec_user_us = r->user_us;
		k->exec_system_us = r->system_us;
		/* not what the cgroup has counted by now: this may be read late */
		k->exec_cpu_us = ct_since(r->user_us + r->system_us, r->outside_us);
		k->exec_ns = now_ns(CLOCK_MONOTONIC) - age;
		break;
	case CT_KEEP_STATUS:
		k->payload_status = r->num;
		k->have_payload_status = 1;
		break;
	default:
		break;
	}
}

/* Reads one record. Only the first may carry a descriptor. 1: there may be more. */
static int take_record(struct keep *keep)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct ct_keep r;
	struct iovec iov = { &r, sizeof(r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = -1;
	long n;

	if (keep->sock_closed)
		return 0;
	if (!keep->has_init) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
	}
	n = RAW3(SYS_recvmsg, CT_KEEPER_FD_SOCK, &m, MSG_DONTWAIT);
	if (n > 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
		fd = *(int *)(void *)CMSG_DATA(&control.head);
	if (n == (long)sizeof(r))
		take(keep, &r, fd);
	if (n > 0 || n == -EAGAIN || n == -EINTR)
		return n > 0;
	keep->sock_closed = 1;
	/* deaf, it could keep no limit */
	if (n < 0 && !keep->k->supervise) {
		keep->ending = 1;
		failed(keep->k, "recvmsg", n);
	}
	return 0;
}

static void keep_verdict(struct ct_keeper *k, int status, const struct rusage *ru)
{
	k->status = status;
	k->end_ns = now_ns(CLOCK_MONOTONIC);
	k->user_us = (uint64_t)ru->ru_utime.tv_sec * 1000000u + (uint64_t)ru->ru_utime.tv_usec;
	k->system_us = (uint64_t)ru->ru_stime.tv_sec * 1000000u + (uint64_t)ru->ru_stime.tv_usec;
	k->max_rss = (uint64_t)ru->ru_maxrss * 1024u;
	k->have_status = 1;
}

/* Reaps what has ended. 1 while there is something to wait for. */
static int reap(struct keep *keep)
{
	struct ct_keeper *k = keep->k;
	struct rusage ru;
	int status;
	long pid;

	if (!keep->child_news)
		return 1;
	keep->child_news = 0;
	while ((pid = RAW4(SYS_wait4, -1, &status, WNOHANG | __WALL, &ru)) > 0) {
		/* that there is a pump was told before there could be another */
		while (k->output && !k->pump && take_record(keep))
			;
		if (pid == keep->launcher) {
			keep->launcher = 0;
		} else if (pid == k->pump) {
			k->pump_status = status;
			k->have_pump_status = 1;
			k->output_over |= k->output && WIFEXITED(status) &&
					  WEXITSTATUS(status) == CT_PUMP_OVER;
		} else {
			while (!k->init && take_record(keep))
				;
			/* else it is a hook whose launcher we have killed */
			if (!k->init || pid == k->init)
				keep_verdict(k, status, &ru);
		}
	}
	return pid == 0;
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* The tree's CPU time in microseconds; 0 when it cannot be read. */
static uint64_t cpu_time(const struct ct_keeper *k)
{
	char text[64];
	long n = k->cpu_fd < 0 ? 0 : RAW4(SYS_pread64, CT_KEEPER_FD_CPU, text, sizeof(text), 0),
	     i = 0;
	uint64_t v = 0;

	/* version 2 says "usage_usec" in front, version 1 counts nanoseconds */
	while (i < n && (text[i] < '0' || text[i] > '9'))
		i++;
	for (long at = i; at < n && text[at] >= '0' && text[at] <= '9'; at++)
		v = v * 10 + (uint64_t)(text[at] - '0');
	return i ? v : v / 1000;
}

/* Nanoseconds until limit.time is up, measured from the exec. */
static uint64_t time_left(const struct ct_keeper *k)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), used = now > k->exec_ns ? now - k->exec_ns : 0;

	return used >= k->limit_time_ns ? 0 : k->limit_time_ns - used;
}

/* Nanoseconds until the CPU time can be used up at the earliest, 0: it is. */
static uint64_t cpu_left(const struct ct_keeper *k)
{
	uint64_t now = cpu_time(k), used = now > k->exec_cpu_us ? now - k->exec_cpu_us : 0, left;

	if (used >= k->limit_cpu_us)
		return 0;
	left = (k->limit_cpu_us - used) * 1000u / (uint64_t)(k->cpus > 0 ? k->cpus : 1);
	return left < CPU_LOOK_NS ? CPU_LOOK_NS : left;
}

/* Nanoseconds until a limit has to be looked at again. Before the exec there is
 * nothing to limit. */
static uint64_t watch_limits(struct ct_keeper *k)
{
	uint64_t time = NEVER, cpu = NEVER;

	if (!k->exec_ns || k->timed_out)
		return NEVER;
	if (k->limit_time_ns)
		time = time_left(k);
	if (k->limit_cpu_us && time)
		cpu = cpu_left(k);
	if (!time || !cpu)
		__atomic_store_n(&k->timed_out, time ? CT_KEEPER_CPU : CT_KEEPER_TIME,
				 __ATOMIC_RELEASE);
	return time < cpu ? time : cpu;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void kill_by(int pidfd, int sig)
{
	RAW4(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* A process of the payload may hold init by a freezer as soon as it is thawed: so again and again.
 * Nanoseconds until then. */
static uint64_t end_init(struct keep *keep)
{
	struct ct_keeper *k = keep->k;

	if (!keep->has_init || k->have_status)
		return NEVER;
	kill_by(CT_KEEPER_FD_INIT, SIGKILL);
	if (k->thaw_fd >= 0)
		RAW3(SYS_write, CT_KEEPER_FD_THAW, "THAWED", 6);
	return AGAIN_NS;
}

/* Init has ended: the pump is to come to its end, too, and how soon. What holds its pipes
 * open does not hold it. */
static void end_pump(struct keep *keep)
{
	struct ct_keeper *k = keep->k;
	int killed = k->have_status && WIFSIGNALED(k->status) && WTERMSIG(k->status) == SIGKILL;
	uint32_t how = killed || k->timed_out ? CT_OUTPUT_KILLED : CT_OUTPUT_ENDED;

	if (!k->output || !k->pump || k->have_pump_status)
		return;
	__atomic_store_n(&k->output->ended, keep->ending ? CT_OUTPUT_NOW : how, __ATOMIC_RELEASE);
	if (!keep->pump_told)
		RAW2(SYS_shutdown, CT_KEEPER_FD_SOCK, SHUT_WR);
	keep->pump_told = 1;
}

/* What it leaves behind, as a hook that dies with it, comes to us: the caller may be a reaper. */
static void kill_launcher(void)
{
	RAW5(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kill_by(CT_KEEPER_FD_LAUNCHER, SIGKILL);
}

/* How long the launcher is left alone. An init that it could not tell us of any more could not be
 * killed: one that the payload stops at its birth would stay. */
static uint64_t grace(const struct keep *keep)
{
	if (keep->k->supervise)
		return SUPERVISOR_NS;
	return keep->cloning && !keep->has_init ? TELL_NS : 0;
}

/* Ends all that there is; one round. 0: no more can be done, and the kernel takes the
 * rest when we end. */
static uint64_t end_all(struct keep *keep)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC),
		 patience = keep->k->supervise ? SUPERVISOR_NS : STRAY_NS;

	while (take_record(keep))
		;
	if (!keep->ending_at) {
		keep->ending_at = now;
		/* a supervisor takes back what it has begun */
		if (keep->launcher && keep->k->supervise)
			kill_by(CT_KEEPER_FD_LAUNCHER, SIGTERM);
	}
	if (keep->launcher && now - keep->ending_at >= grace(keep))
		kill_launcher();
	end_init(keep);
	if ((!keep->has_init || keep->k->have_status) && !keep->launcher &&
	    now - keep->ending_at > patience)
		return 0;
	return AGAIN_NS;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void read_leash(struct keep *keep)
{
	char word = 0;
	long n = RAW3(SYS_read, CT_KEEPER_FD_LEASH, &word, 1);

	if (n == 1 && word == CT_LEASH_DONE)
		keep->leave = 1;
	if (n == 1 && word == CT_LEASH_END)
		keep->ending = 1;
	if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR))
		keep->leash_closed = 1;
}

/* Whether what the stage tells is wanted at once. If not it stays in the socket until init ends:
 * each record would cost a start the time in which we wake up. */
static int listens(const struct keep *keep)
{
	const struct ct_keeper *k = keep->k;

	return !keep->sock_closed &&
	       (k->limit_time_ns || k->limit_cpu_us || k->output || k->supervise || keep->ending);
}

/* Waits for news, at most so long. */
static void wait_for_news(struct keep *keep, uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	struct pollfd fds[] = {
		{ .fd = CT_KEEPER_FD_SIGNALS, .events = POLLIN },
		{ .fd = listens(keep) ? CT_KEEPER_FD_SOCK : -1, .events = POLLIN },
		{ .fd = keep->leash_closed ? -1 : CT_KEEPER_FD_LEASH, .events = POLLIN },
		{ .fd = keep->ending ? -1 : CT_KEEPER_FD_OWNER, .events = POLLIN },
	};
	struct signalfd_siginfo si;

	if (RAW5(SYS_ppoll, fds, sizeof(fds) / sizeof(*fds), ns == NEVER ? NULL : &t, NULL, 0) <= 0)
		return;
	if (fds[0].revents) {
		RAW3(SYS_read, CT_KEEPER_FD_SIGNALS, &si, sizeof(si));
		keep->child_news = 1;
	}
	if (fds[1].revents)
		take_record(keep);
	if (fds[2].revents)
		read_leash(keep);
	/* a supervisor is to live on without its starter; one that is called off comes to its end
	 * also when nobody waits for that any more */
	if (!keep->ending && (fds[3].revents || keep->leash_closed)) {
		keep->ending = !keep->k->supervise;
		keep->leave = keep->k->supervise;
	}
}

static void keep_all(struct keep *keep)
{
	while (reap(keep) && !keep->leave) {
		uint64_t wait = watch_limits(keep->k);

		if (keep->k->timed_out || keep->k->output_over)
			wait = end_init(keep);
		if (keep->ending)
			wait = end_all(keep);
		if (keep->k->have_status || keep->ending)
			end_pump(keep);
		if (!wait)
			break;
		wait_for_news(keep, wait);
	}
	/* the last word of a reaper may have come with its end */
	while (take_record(keep))
		;
}

static void undo_begin(struct keep *keep)
{
	int status;

	/* ours and not reaped: the number is its own */
	if (keep->launcher)
		RAW2(SYS_kill, keep->launcher, SIGKILL);
	while (keep->launcher && RAW4(SYS_wait4, -1, &status, __WALL, NULL) == -EINTR)
		;
	RAW3(SYS_close_range, 0, ~0u, 0);
}

int ct_placeholder_main(void *arg)
{
	struct ct_placeholder_task *task = arg;
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	const char *call;
	long r;

	/* not PR_SET_PDEATHSIG: that comes with the end of the caller's thread */
	r = RAW2(SYS_pidfd_open, task->caller, 0);
	if (r < 0 || RAW0(SYS_getppid) != task->caller)
		return 1;
	fds[0].fd = (int)RAW3(SYS_fcntl, r, F_DUPFD, 2);
	fds[1].fd = (int)RAW3(SYS_fcntl, task->leash, F_DUPFD, 2);
	if (fds[0].fd < 0 || fds[1].fd < 0 || place(fds[0].fd, 0) < 0 || place(fds[1].fd, 1) < 0)
		return 1;
	fds[0].fd = 0;
	fds[1].fd = 1;
	RAW3(SYS_close_range, 2, ~0u, 0);
	RAW5(SYS_prctl, PR_SET_NAME, "ct-scope", 0, 0, 0);
	RAW1(SYS_chdir, "/");
	if (ct_confine_placeholder(&call) < 0)
		return 1;
	while (RAW5(SYS_ppoll, fds, 2, NULL, NULL, 0) <= 0)
		;
	return 0;
}

int ct_keeper_main(void *arg)
{
	static const unsigned long by_default[8]; /* the kernel's struct sigaction, all zero */
	struct keep keep = { .k = arg, .child_news = 1 };
	struct ct_keeper *k = arg;
	int fd[CT_KEEPER_FDS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	int err;

	/* a caller that ignores SIGCHLD hands that on: the kernel would take our child
	 * without a word */
	RAW4(SYS_rt_sigaction, SIGCHLD, by_default, NULL, 8);
	err = begin(&keep, fd);
	if (!err)
		err = place_all(k, fd);
	RAW5(SYS_prctl, PR_SET_NAME, "ct-keeper", 0, 0, 0);
	RAW1(SYS_chdir, "/");
	if (!err) {
		err = ct_confine_keeper(&k->spawn_call);
		k->spawn_err = err;
	}
	if (err) {
		undo_begin(&keep);
		publish(k, CT_KEEPER_FAILED);
		return 1;
	}
	publish(k, CT_KEEPER_STAGE);
	keep_all(&keep);
	publish(k, CT_KEEPER_ENDED);
	return 0;
}
