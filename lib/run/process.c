/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "backend/usage.h"
#include "base/sys.h"
#include "run/control.h"
#include "run/groups.h"
#include "run/keeper.h"

/* Figures are absent until somebody tells them. */
#define CT_EXIT_ABSENT                                                                                                      \
	(ct_exit){ .size = sizeof(ct_exit), .cpu_us = CT_ABSENT, .memory_peak = CT_ABSENT, .io_read = CT_ABSENT,            \
		   .io_written = CT_ABSENT, .pids_peak = CT_ABSENT, .oom_kills = CT_ABSENT }

struct ct_process *ct_process_make(struct ct_child *child, int watch, int state)
{
	struct ct_process *p = calloc(1, sizeof(*p));

	if (!p) {
		if (child->pidfd >= 0 && child->keeper)
			ct_pidfd_send_signal(child->pidfd, SIGKILL);
		ct_child_reap(child, NULL);
		ct_close(&child->pidfd);
		ct_close(&child->pty);
		ct_close(&watch);
		ct_close(&state);
		return NULL;
	}
	p->refs = 1;
	p->owner = getpid();
	pthread_mutex_init(&p->lock, NULL);
	p->child = *child;
	p->watch = watch;
	p->state = state;
	p->output = (struct ct_output)CT_OUTPUT_INIT;
	p->verdict.size = sizeof(p->verdict);
	ct_err_clear(&p->err);
	return p;
}

/* What a wait status says, unless the caller's own wish explains it. */
static void judge(const struct ct_process *p, int status, int asked, ct_exit *v)
{
	/* who exits has not been killed, but may have been asked */
	v->reason = asked & CT_ASKED ? asked & ~CT_ASKED : CT_EXIT_EXITED;
	v->code = WEXITSTATUS(status);
	if (WIFEXITED(status))
		return;
	asked &= ~CT_ASKED;
	v->signal = WTERMSIG(status);
	v->core = !!WCOREDUMP(status);
	v->code = 128 + v->signal;
	v->reason = asked ? asked : CT_EXIT_SIGNALED;
	/* reboot(2) in a pid namespace: its init dies of SIGHUP (restart) or SIGINT (halt) */
	if (!asked && p->reboots && v->signal == SIGHUP)
		v->reason = CT_EXIT_REBOOT;
	if (!asked && p->reboots && v->signal == SIGINT)
		v->reason = CT_EXIT_HALT;
}

static void take_keeper_verdict(struct ct_process *p)
{
	static const int limits[] = {[CT_KEEPER_TIME] = CT_EXIT_TIME, [CT_KEEPER_CPU] = CT_EXIT_CPUTIME};
	struct ct_keeper k = {0};
	int asked = __atomic_load_n(&p->stop, __ATOMIC_ACQUIRE);

	ct_child_reap(&p->child, &k);
	if (!k.have_status) {
		p->verdict.reason = CT_EXIT_LOST;
		return;
	}
	judge(p, k.status, k.timed_out ? limits[k.timed_out] : asked, &p->verdict);
	p->verdict.wall_us = k.end_ns > p->child.exec_ns ? (k.end_ns - p->child.exec_ns) / 1000 : 0;
	p->verdict.user_us = k.user_us;
	p->verdict.system_us = k.system_us;
	p->verdict.max_rss = k.max_rss;
}

/* The supervisor tells, at the end of the last boot; one that was killed does not. */
static void take_supervisor_verdict(struct ct_process *p)
{
	struct ct_ctl_reply r;

	p->verdict.reason = CT_EXIT_LOST;
	if (ct_ctl_watched(p->watch, &r, NULL) == 0 && r.reason)
		p->verdict = (ct_exit){sizeof(ct_exit), r.reason, r.code, r.signal, r.core, r.wall_us, r.user_us, r.system_us, r.max_rss,
				       r.cpu_us, r.memory_peak, r.io_read, r.io_written, r.pids_peak, r.oom_kills};
}

/* Over limit.output. A supervised container may run under another init by now. */
static void end_for_output(struct ct_process *p)
{
	__atomic_store_n(&p->stop, CT_EXIT_OUTPUT, __ATOMIC_RELEASE);
	if (p->state >= 0)
		ct_ctl_stop(p->state, CT_STOP_KILL | CT_STOP_NO_WAIT, 0, NULL, NULL);
	else
		ct_pidfd_send_signal(p->child.pidfd, SIGKILL);
}

static uint64_t or_zero(uint64_t v)
{
	return v == CT_ABSENT ? 0 : v;
}

/* What the tree of processes has used, and whether a limit has ended it. A request to stop, and limits that we watch over
 * ourselves, have been told of already. */
static void judge_tree(ct_exit *v, const struct ct_usage_verdict *u)
{
	v->cpu_us = u->cpu_us;
	v->memory_peak = u->memory_peak;
	v->io_read = u->io_read;
	v->io_written = u->io_written;
	v->pids_peak = u->pids_peak;
	v->oom_kills = u->oom_kills;
	if (v->reason != CT_EXIT_EXITED && v->reason != CT_EXIT_SIGNALED)
		return;
	if (or_zero(u->oom_kills))
		v->reason = CT_EXIT_MEMORY;
	else if (or_zero(u->pids_refused))
		v->reason = CT_EXIT_PIDS;
}

/* Reads the last figures of the groups and removes them. */
static void end_groups(struct ct_process *p)
{
	struct ct_cg_place places[CT_CG_TREES];
	struct ct_usage_verdict u;

	if (!p->groups.n)
		return;
	ct_usage_verdict(places, ct_cg_places(&p->groups, places), &u);
	if (p->verdict.reason != CT_EXIT_LOST)
		judge_tree(&p->verdict, &u);
	ct_cg_undo(&p->groups, NULL);
	ct_placeholder_end(&p->holder);
}

int ct_process_groups(struct ct_process *p, struct ct_cg_held *out)
{
	int r;

	pthread_mutex_lock(&p->lock);
	r = ct_cg_copy(&p->groups, out);
	pthread_mutex_unlock(&p->lock);
	return r;
}

uint32_t ct_process_usage(struct ct_process *p, ct_usage *out)
{
	struct ct_cg_place places[CT_CG_TREES];
	uint32_t n;

	pthread_mutex_lock(&p->lock);
	n = ct_cg_places(&p->groups, places);
	if (n)
		ct_usage_read(places, n, out);
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* The end has been seen: make the verdict final, once. */
static void finish(struct ct_process *p)
{
	pthread_mutex_lock(&p->lock);
	if (!p->done) {
		ct_output_pump(&p->output);
		ct_output_end(&p->output);
		p->verdict = CT_EXIT_ABSENT;
		if (p->child.keeper)
			take_keeper_verdict(p);
		else
			take_supervisor_verdict(p);
		end_groups(p);
		/* it may have said too much and gone before anybody could end it */
		if (ct_output_over(&p->output) && p->verdict.reason != CT_EXIT_LOST)
			p->verdict.reason = CT_EXIT_OUTPUT;
		p->done = 1;
	}
	pthread_mutex_unlock(&p->lock);
}

/* Passes output on; over the limit the process is killed. */
static void pump(struct ct_process *p)
{
	int over;

	pthread_mutex_lock(&p->lock);
	over = ct_output_pump(&p->output);
	pthread_mutex_unlock(&p->lock);
	if (over)
		end_for_output(p);
}

/* Waits until the pidfd, or the supervisor, says that the end has come. 1, or 0 when time is up. */
static int wait_end(struct ct_process *p, int timeout_ms)
{
	int64_t until = timeout_ms < 0 ? 0 : ct_now_ms() + timeout_ms;

	for (;;) {
		struct pollfd fds[3] = {{.fd = p->watch >= 0 ? p->watch : p->child.pidfd, .events = POLLIN}};
		int64_t left = timeout_ms < 0 ? -1 : until - ct_now_ms();
		int n;

		/* a pipe whose writers are all gone would report itself for ever */
		for (int i = 0; i < 2; i++)
			fds[i + 1] = (struct pollfd){.fd = p->output.from[i], .events = POLLIN};
		n = poll(fds, 3, left < 0 && timeout_ms >= 0 ? 0 : (int)left);
		if (n > 0 && (fds[1].revents | fds[2].revents))
			pump(p);
		for (int i = 0; i < 2; i++)
			if (n > 0 && (fds[i + 1].revents & (POLLHUP | POLLIN)) == POLLHUP)
				ct_close(&p->output.from[i]);
		if (n > 0 && fds[0].revents)
			return 1;
		if (timeout_ms >= 0 && ct_now_ms() >= until)
			return 0;
	}
}

int ct_process_running(struct ct_process *p)
{
	struct pollfd fd = {.fd = p->child.pidfd, .events = POLLIN};

	/* a poll that a signal interrupts, also one without a wait, says nothing of its end */
	return !p->done && p->child.pidfd >= 0 && poll(&fd, 1, 0) <= 0;
}

int ct_process_await(struct ct_process *p, ct_exit *out, int timeout_ms, struct ct_err *e)
{
	size_t size = out ? out->size : 0;

	if (getpid() != p->owner)
		return ct_fail(e, -ECHILD, CT_ERR_FORKED, "wait", "the handle belongs to another process");
	if (out && (size < offsetof(ct_exit, core) || size > 4096))
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "wait", "ct_exit.size is not set: begin with CT_EXIT_INIT");
	if (!p->done) {
		if (!wait_end(p, timeout_ms))
			return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait", "the process still runs");
		finish(p);
	}
	if (out) {
		size_t n = size < sizeof(*out) ? size : sizeof(*out);

		memcpy(out, &p->verdict, n);
		out->size = size;
		if (size > n)
			memset((char *)out + n, 0, size - n);
	}
	return 0;
}

/* Who is to be killed must not be frozen: version 1 would hold it all the same. */
static void thaw(struct ct_process *p)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;

	if ((p->state >= 0 ? ct_groups_load(p->state, &held, NULL) : ct_process_groups(p, &held)) >= 0)
		ct_cg_thaw(&held);
	ct_cg_forget(&held);
}

int ct_process_signal(struct ct_process *p, int sig, struct ct_err *e)
{
	int r;

	if (getpid() != p->owner)
		return ct_fail(e, -ECHILD, CT_ERR_FORKED, "kill", "the handle belongs to another process");
	if (sig < 0 || sig > SIGRTMAX)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "kill", "there is no signal %d", sig);
	if (sig == SIGKILL) {
		__atomic_store_n(&p->stop, CT_EXIT_STOPPED, __ATOMIC_RELEASE);
		thaw(p);
	}
	/* the supervisor knows which init there is by now */
	r = p->done || p->state < 0 ? -ESRCH : ct_ctl_kill(p->state, sig, NULL);
	if (r == -ESRCH && !p->done)
		r = ct_pidfd_send_signal(p->child.pidfd, sig);
	if (r == -ESRCH)
		return ct_fail(e, r, CT_ERR_PROCESS, "kill", "the process has ended");
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_PROCESS, "kill", "pidfd_send_signal", "signal %d cannot be sent", sig);
	return 0;
}

/* Until it is dead, whatever its own do to hold it. */
static void kill_init(struct ct_process *p)
{
	struct pollfd fd = {.fd = p->child.pidfd, .events = POLLIN};

	thaw(p);
	ct_pidfd_send_signal(p->child.pidfd, SIGKILL);
	if (p->groups.n && poll(&fd, 1, 1000) == 0)
		ct_cg_kill(&p->groups, 20000, NULL);
}

static void process_free(struct ct_process *p)
{
	if (p->owner == getpid() && p->child.keeper) {
		kill_init(p);
		ct_child_reap(&p->child, NULL);
	}
	ct_output_end(&p->output);
	/* a forked child's copy is not the owner */
	if (p->owner == getpid()) {
		ct_cg_undo(&p->groups, NULL);
		ct_placeholder_end(&p->holder);
	}
	ct_cg_forget(&p->groups);
	ct_close(&p->child.pidfd);
	ct_close(&p->child.pty);
	ct_close(&p->watch);
	ct_close(&p->state);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct ct_process *ct_process_get(struct ct_process *p)
{
	__atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
	return p;
}

void ct_process_put(struct ct_process *p)
{
	if (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0)
		process_free(p);
}
