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
#include "shared/weak.h"
#include "wire/wire.h"

#define CPU_POLL_NS 2000000u /* shortest time between two reads for limit.cputime */
#define AGAIN_NS 10000000u   /* from one SIGKILL to the next, of an init that is kept frozen */
#define CLONE_NS 100000000u  /* for a launcher to report the init that it is cloning */
#define STRAY_NS 2000000000u /* for children that no record names to end by themselves */

/* for a supervisor to undo a start that failed */
#define SUPERVISOR_NS 15000000000u
#define NEVER UINT64_MAX

/* What the keeper knows beyond the struct. */
struct keep {
	struct ct_keeper *k;
	long launcher;	 /* 0: reaped */
	int has_init;	 /* its pidfd has been received */
	int cloning;	 /* the launcher has reported that it clones init next */
	int sock_closed; /* no process is left that could send a record */
	int leash_closed;
	int pump_told;	    /* that init has ended */
	int proxy;	    /* pid of the process that hands requests on to the proxy; 0: none */
	int check_children; /* a child may have ended since the last wait4() */
	int ending; /* all processes are to be ended: the caller asked for it, or has ended */
	int leave;  /* the supervisor goes on alone, and the keeper ends */
	uint64_t ending_at; /* since when `ending` */
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

/* Moves *fd out of the low numbers: to `above` or higher. */
static long lift(int *fd, int above)
{
	long r = *fd;

	if (*fd < above)
		r = RAW3(SYS_fcntl, *fd, F_DUPFD_CLOEXEC, above);
	if (r >= 0)
		*fd = (int)r;
	return r;
}

static long place(int fd, int at)
{
	return RAW3(SYS_dup3, fd, at, 0);
}

/* In a child that shares our memory while we are suspended (vfork): puts the descriptors into the
 * places that wire.h names, closes all others, executes the stage from its sealed memfd. */
static int exec_stage(void *arg)
{
	struct ct_keeper *k = arg;
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
	if (r >= 0 && !ct_weak(CT_WEAK_DESCRIPTORS))
		r = RAW3(SYS_close_range, top, ~0u, 0);
	if (r >= 0)
		r = RAW3(SYS_fcntl, top - 1, F_SETFD, FD_CLOEXEC);
	if (r >= 0 && ct_raw_keep_caps(&k->caps)) {
		k->argv[2] = k->caps.inheritable;
		k->argv[3] = k->caps.ambient;
	}
	if (r >= 0)
		r = RAW5(SYS_execveat, top - 1, "", k->argv, ct_weak_environment(), AT_EMPTY_PATH);
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

/* Starts the stage, and makes in fd[] the descriptors that the keeper waits on. 0, or -1. */
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
	/* the caller has ended, and its pid may be another process' */
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
	/* our child, not yet reaped: the pid is still its own */
	r = RAW2(SYS_pidfd_open, keep->launcher, 0);
	fd[CT_KEEPER_FD_LAUNCHER] = (int)r;
	if (r < 0)
		return failed(k, "pidfd_open", r);
	return 0;
}

/* Puts the descriptors into their places and closes all others. The socket fills the place of one
 * that is missing, so that the first one received gets the number CT_KEEPER_FD_INIT. */
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
	if (r < 0)
		return failed(k, "dup3", r);
	return 0;
}

/* ---- records from the stage ------------------------------------------------------------------ */

/* Handles one record. The first of a type counts; what comes from inside the container is no more
 * than a number. */
static void take(struct keep *keep, const struct ct_keep *r, int got_fd)
{
	struct ct_keeper *k = keep->k;
	uint64_t age;

	switch (r->type) {
	case CT_KEEP_INIT:
		keep->has_init = keep->has_init || got_fd == CT_KEEPER_FD_INIT;
		if (!k->init)
			k->init = r->num;
		break;
	case CT_KEEP_CLONE:
		keep->cloning = 1;
		break;
	case CT_KEEP_PUMP:
		if (!k->pump)
			k->pump = r->num;
		break;
	case CT_KEEP_PROXY:
		/* later records may come from inside the container */
		if (!keep->proxy && !k->init)
			keep->proxy = r->num;
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
		/* not what the cgroup has counted now: the record may have waited for long */
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

/* Receives one record. Init's may carry a descriptor. 1: there may be more. */
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
	/* no limit can be kept without the records */
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

/* Reaps children that have ended. 1 while there are others. */
static int reap(struct keep *keep)
{
	struct ct_keeper *k = keep->k;
	struct rusage ru;
	int status;
	long pid;

	if (!keep->check_children)
		return 1;
	keep->check_children = 0;
	while ((pid = RAW4(SYS_wait4, -1, &status, WNOHANG | __WALL, &ru)) > 0) {
		/* the launcher has reported the pump before it made another child */
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
			/* another pid: a hook whose launcher we have killed */
			if (pid != keep->proxy && (!k->init || pid == k->init))
				keep_verdict(k, status, &ru);
		}
	}
	return pid == 0;
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* The cgroup's CPU time in microseconds; 0 when it cannot be read. */
static uint64_t cpu_time(const struct ct_keeper *k)
{
	char text[64];
	long n = 0, i = 0;
	uint64_t v = 0;

	if (k->cpu_fd >= 0)
		n = RAW4(SYS_pread64, CT_KEEPER_FD_CPU, text, sizeof(text), 0);
	/* "usage_usec 12" with version 2; a number of nanoseconds alone with version 1 */
	while (i < n && (text[i] < '0' || text[i] > '9'))
		i++;
	for (long at = i; at < n && text[at] >= '0' && text[at] <= '9'; at++)
		v = v * 10 + (uint64_t)(text[at] - '0');
	if (i == 0)
		v /= 1000;
	return v;
}

/* Nanoseconds until limit.time is up, measured from the exec. */
static uint64_t time_left(const struct ct_keeper *k)
{
	return ct_since(k->limit_time_ns, ct_since(now_ns(CLOCK_MONOTONIC), k->exec_ns));
}

/* Nanoseconds until the CPU time can be used up at the earliest, 0: it is. */
static uint64_t cpu_left(const struct ct_keeper *k)
{
	uint64_t left = ct_since(k->limit_cpu_us, ct_since(cpu_time(k), k->exec_cpu_us)) * 1000u;

	if (!left)
		return 0;
	if (k->cpus > 1)
		left /= (uint64_t)k->cpus;
	if (left < CPU_POLL_NS)
		return CPU_POLL_NS;
	return left;
}

/* Nanoseconds until a limit has to be checked again. Nothing is limited before the exec. */
static uint64_t watch_limits(struct ct_keeper *k)
{
	uint64_t time = NEVER, cpu = NEVER;

	if (!k->exec_ns || k->timed_out)
		return NEVER;
	if (k->limit_time_ns)
		time = time_left(k);
	if (k->limit_cpu_us && time)
		cpu = cpu_left(k);
	if (!time)
		__atomic_store_n(&k->timed_out, CT_KEEPER_TIME, __ATOMIC_RELEASE);
	else if (!cpu)
		__atomic_store_n(&k->timed_out, CT_KEEPER_CPU, __ATOMIC_RELEASE);
	if (time < cpu)
		return time;
	return cpu;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void kill_by(int pidfd, int sig)
{
	RAW4(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* Kills init. A process of the payload may freeze it again as soon as it is thawed: the time until
 * this is to be repeated is returned. */
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

/* How long the pump may go on once init has ended. */
static uint32_t pump_grace(const struct keep *keep)
{
	const struct ct_keeper *k = keep->k;

	if (keep->ending)
		return CT_OUTPUT_NOW;
	if (k->timed_out ||
	    (k->have_status && WIFSIGNALED(k->status) && WTERMSIG(k->status) == SIGKILL))
		return CT_OUTPUT_KILLED;
	return CT_OUTPUT_ENDED;
}

/* Tells the pump that init has ended, and that it is to end, too, even if its pipes are open. */
static void end_pump(struct keep *keep)
{
	struct ct_keeper *k = keep->k;

	if (!k->output || !k->pump || k->have_pump_status)
		return;
	__atomic_store_n(&k->output->ended, pump_grace(keep), __ATOMIC_RELEASE);
	if (!keep->pump_told)
		RAW2(SYS_shutdown, CT_KEEPER_FD_SOCK, SHUT_WR);
	keep->pump_told = 1;
}

/* Its orphans, such as a hook, come to us and not to the caller, which may be a subreaper. */
static void kill_launcher(void)
{
	RAW5(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kill_by(CT_KEEPER_FD_LAUNCHER, SIGKILL);
}

/* How long the launcher is not killed. While it clones init it is needed: an init that it does not
 * report cannot be killed, and would stay if it is stopped as soon as it is cloned. */
static uint64_t grace(const struct keep *keep)
{
	if (keep->k->supervise)
		return SUPERVISOR_NS;
	if (keep->cloning && !keep->has_init)
		return CLONE_NS;
	return 0;
}

/* One round of ending all processes. Returns the time until the next one; 0: no more can be done,
 * and the kernel does the rest when we end. */
static uint64_t end_all(struct keep *keep)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC), patience = STRAY_NS;

	if (keep->k->supervise)
		patience = SUPERVISOR_NS;
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

/* Whether records are needed at once. If not they stay in the socket until init ends: a wake-up for
 * each would make a start slower. */
static int needs_records(const struct keep *keep)
{
	const struct ct_keeper *k = keep->k;

	return !keep->sock_closed &&
	       (k->limit_time_ns || k->limit_cpu_us || k->output || k->supervise || keep->ending);
}

/* Waits for an event, at most so long, and handles it. */
static void wait_for_event(struct keep *keep, uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	const struct timespec *timeout = &t;
	struct pollfd fds[] = {
		{ .fd = CT_KEEPER_FD_SIGNALS, .events = POLLIN },
		{ .fd = CT_KEEPER_FD_SOCK, .events = POLLIN },
		{ .fd = CT_KEEPER_FD_LEASH, .events = POLLIN },
		{ .fd = CT_KEEPER_FD_OWNER, .events = POLLIN },
	};
	struct signalfd_siginfo si;

	/* poll(2) passes over negative descriptors */
	if (!needs_records(keep))
		fds[1].fd = -1;
	if (keep->leash_closed)
		fds[2].fd = -1;
	if (keep->ending)
		fds[3].fd = -1;
	if (ns == NEVER)
		timeout = NULL;
	if (RAW5(SYS_ppoll, fds, sizeof(fds) / sizeof(*fds), timeout, NULL, 0) <= 0)
		return;
	if (fds[0].revents) {
		RAW3(SYS_read, CT_KEEPER_FD_SIGNALS, &si, sizeof(si));
		keep->check_children = 1;
	}
	if (fds[1].revents)
		take_record(keep);
	if (fds[2].revents)
		read_leash(keep);
	/* the caller has ended: a supervisor goes on without it, unless the start was cancelled */
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
		wait_for_event(keep, wait);
	}
	/* a reaper sends the payload's status just before it ends */
	while (take_record(keep))
		;
}

static void undo_begin(struct keep *keep)
{
	int status;

	/* our child, not yet reaped: the pid is still its own */
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

	/* not PR_SET_PDEATHSIG, which is sent when the caller's thread ends */
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
	struct keep keep = { .k = arg, .check_children = 1 };
	struct ct_keeper *k = arg;
	int fd[CT_KEEPER_FDS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	int err;

	/* inherited from a caller that ignores SIGCHLD: the kernel would reap our children */
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
