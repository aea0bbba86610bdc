/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/start/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "shared/ask.h"
#include "run/child/keeper.h"
#include "run/state/state.h"
#include "plan/trace.h"

#define ENDING_MS 500 /* that the end of init is waited for */
#define RECHECK_MS 50 /* a child that another thread forked may keep the report socket open */

static void release(struct ct_launch *l)
{
	if (!l)
		return;
	ct_detached_close(&l->detached);
	ct_close(&l->spawn.cpu_fd);
	ct_close(&l->spawn.thaw_fd);
	ct_close(&l->into);
	ct_close(&l->poll);
	ct_close(&l->timer);
	ct_prepared_free(&l->prepared);
	free(l->way_out);
	ct_log_free(&l->log);
	free(l);
}

struct ct_launch *ct_launch_new(const char *what, const struct ct_log *log)
{
	struct ct_launch *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->prepared = CT_PREPARED_INIT;
	l->detached = CT_DETACHED_INIT;
	l->spawn = (struct ct_spawn){ .cpu_fd = -1, .thaw_fd = -1, .log = &l->log };
	l->what = what;
	l->into = l->poll = l->timer = -1;
	if (ct_log_copy(&l->log, log) < 0) {
		release(l);
		return NULL;
	}
	l->spawn.trace = ct_trace_wanted(&l->log);
	return l;
}

void ct_launch_deadline(struct ct_launch *l, uint32_t timeout_ms)
{
	const struct ct_plan *plan = l->prepared.plan;
	int64_t ms;

	if (!timeout_ms)
		timeout_ms = CT_LAUNCH_MS;
	ms = timeout_ms;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_HOOK)
			ms += (int64_t)plan->steps[i].n[0];
	l->timeout_ms = timeout_ms;
	l->until_ms = ct_now_ms() + ms;
}

/* ---- for an event loop ----------------------------------------------------------------------- */

static void wake_in(struct ct_launch *l, int64_t ms)
{
	struct itimerspec t = { .it_value = { ms / 1000, ms % 1000 * 1000000 + 1 } };

	timerfd_settime(l->timer, 0, &t, NULL);
}

/* One descriptor for the reports and the deadline. */
static int make_pollable(struct ct_launch *l, int report, struct ct_err *e)
{
	struct epoll_event event = { .events = EPOLLIN };
	int64_t left = l->until_ms - ct_now_ms();

	l->poll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->poll < 0 || l->timer < 0 || epoll_ctl(l->poll, EPOLL_CTL_ADD, report, &event) < 0 ||
	    epoll_ctl(l->poll, EPOLL_CTL_ADD, l->timer, &event) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_DESCRIPTOR, l->what, "epoll_ctl",
				   "no descriptor to tell of the start");
	if (left < 0)
		left = 0;
	wake_in(l, left);
	return 0;
}

/* With a listener, init's calls wait until ct_launch_follow() lets them through: adds it, once. */
static void watch_notify(const struct ct_launch *l, int listener)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (l->poll >= 0 && listener >= 0)
		(void)epoll_ctl(l->poll, EPOLL_CTL_ADD, listener, &event);
}

/* ---- the end of a launch --------------------------------------------------------------------- */

/* Moves the killed process out of the container's freezer cgroup: with version 1 a frozen process
 * does not end, even when it is killed. */
static void lead_out(const struct ct_launch *l, pid_t pid)
{
	CT_CLEAN_FD int fd = -1;

	if (!l->way_out || pid <= 0)
		return;
	fd = open(l->way_out, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dprintf(fd, "%d", (int)pid);
}

/* Takes back what was made for the launch: cgroups, and the state directory of a detached start. */
static void undo(struct ct_process *p, struct ct_launch *l)
{
	ct_cgroup_forget(&p->groups);
	ct_undo_all(&p->undo, NULL);
	ct_placeholder_end(&p->holder);
	if (l->super.name)
		ct_detached_undo(&l->detached, l->super.name);
}

/* The launch is over: it is taken out of the process handle and freed. */
static void settle(struct ct_process *p)
{
	struct ct_launch *l = p->launch;

	pthread_mutex_lock(&p->lock);
	p->launch = NULL;
	pthread_mutex_unlock(&p->lock);
	__atomic_store_n(&p->starting, 0, __ATOMIC_RELEASE);
	release(l);
}

static void succeed(struct ct_process *p)
{
	struct ct_detached *d = &p->launch->detached;

	if (p->launch->super.name) {
		p->child.pty = ct_take_fd(&d->console);
		p->watch = ct_take_fd(&d->watch);
		p->state = ct_take_fd(&d->dir);
	}
	settle(p);
	/* a container that has ended meanwhile could not remove its state while we held the lock */
	if (p->state >= 0)
		(void)ct_state_sweep(p->state, -1, NULL, NULL, NULL);
}

/* Whether an attach has failed with r because the container ends. */
static int has_ended(const struct ct_launch *l, int r)
{
	/* the stage was killed with the pid namespace, which is before init has ended; it was not
	 * in its cgroup any more; a pid namespace that ends takes no new process */
	int dying = r == -ECHILD || r == -EIO || r == -ENOMEM;

	if (l->into < 0)
		return 0;
	if (!dying)
		return ct_pidfd_ended(l->into, 0);
	/* an init that ends first kills and reaps all other processes, which may take long */
	if (ct_proc_exiting(l->init))
		return 1;
	return ct_pidfd_ended(l->into, ENDING_MS);
}

static int over(struct ct_process *p, int r, const struct ct_err *why, struct ct_err *e)
{
	undo(p, p->launch);
	p->failed = *why;
	if (__atomic_load_n(&p->cancelled, __ATOMIC_ACQUIRE)) {
		ct_err_clear(&p->failed);
		r = ct_fail(&p->failed, -ECANCELED, CT_ERR_CANCELED, p->launch->what,
			    "it was called off before the program was executed");
	} else if (has_ended(p->launch, r)) {
		ct_err_clear(&p->failed);
		r = ct_fail(&p->failed, -ESRCH, CT_ERR_NOT_RUNNING, p->launch->what,
			    "the container has ended before the program was executed");
	}
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	settle(p);
	if (e)
		*e = p->failed;
	return r;
}

int ct_launch_fail(struct ct_process *p, int r, struct ct_err *e)
{
	struct ct_err why = *e;

	return over(p, r, &why, e);
}

static int too_late(struct ct_process *p, struct ct_err *e)
{
	struct ct_launch *l = p->launch;
	struct ct_err why;
	int r;

	ct_err_clear(&why);
	ct_err_hint(&why, "something holds it: a process of the container that stops or freezes "
			  "newcomers, a file system or a hook "
			  "that does not answer; timeout_ms sets the time");
	r = ct_fail(&why, -ETIMEDOUT, CT_ERR_TIMEOUT, l->what,
		    "the program was not executed within %u ms", l->timeout_ms);
	ct_child_end(&p->child);
	lead_out(l, p->child.pid);
	ct_child_drop(&p->child, NULL);
	return over(p, r, &why, e);
}

/* ---- the way there --------------------------------------------------------------------------- */

int ct_launch_follow(struct ct_process *p, int timeout_ms, struct ct_err *e)
{
	struct ct_launch *l = p->launch;
	struct ct_err why;
	int64_t until;
	int r;

	if (!l) {
		if (p->failed.err && e)
			*e = p->failed;
		return p->failed.err;
	}
	until = ct_now_ms() + timeout_ms;
	if (timeout_ms < 0 || until > l->until_ms)
		until = l->until_ms;
	ct_err_clear(&why);
	r = ct_spawn_follow(&l->spawn, &p->child, until, &why);
	if (r == -EINPROGRESS && ct_now_ms() >= l->until_ms)
		return too_late(p, e);
	if (r == -EINPROGRESS) {
		watch_notify(l, p->child.notify);
		if (l->timer >= 0 && p->child.exec_ns)
			wake_in(l, RECHECK_MS);
		ct_err_hint(e, "poll ct_process_start_fd() and ask again");
		return ct_fail(e, r, CT_ERR_TIMEOUT, l->what, "the program is not executed yet");
	}
	if (r < 0)
		return over(p, r, &why, e);
	succeed(p);
	return 0;
}

/* Whether the caller gets a listener of the filter that the plan loads. */
static bool has_listener(const struct ct_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_FILTER && plan->steps[i].n[0] == CT_LISTENER_CALLER)
			return true;
	return false;
}

int ct_launch_begin(struct ct_process *p, int wait, struct ct_err *e)
{
	struct ct_launch *l = p->launch;
	struct ct_child child = CT_CHILD_INIT;
	struct ct_err why;
	int r;

	l->spawn.notifies = has_listener(l->spawn.plan);
	r = ct_spawn(&l->spawn, &child, e);
	if (r < 0) {
		why = *e;
		return over(p, r, &why, e);
	}
	pthread_mutex_lock(&p->lock);
	p->child = child;
	p->child.leash_lock = &p->lock;
	pthread_mutex_unlock(&p->lock);
	/* it may have been called off before there was a child to end */
	if (__atomic_load_n(&p->cancelled, __ATOMIC_ACQUIRE))
		ct_child_end(&p->child);
	if (!wait) {
		ct_spawn_settle(&p->child);
		r = make_pollable(l, p->child.report, e);
		if (r >= 0)
			return 0;
		why = *e;
		ct_child_drop(&p->child, NULL);
		return over(p, r, &why, e);
	}
	return ct_launch_follow(p, -1, e);
}

void ct_launch_cancel(struct ct_process *p)
{
	__atomic_store_n(&p->cancelled, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&p->lock);
	/* only while the launch is under way: later the end of the child is the container's end */
	if (p->launch)
		ct_child_end(&p->child);
	pthread_mutex_unlock(&p->lock);
}

/* For process_free(): ends a launch that is still under way and takes back what it has made. */
static void drop(struct ct_process *p)
{
	if (!p->launch)
		return;
	ct_child_end(&p->child);
	lead_out(p->launch, p->child.pid);
	ct_child_drop(&p->child, NULL);
	undo(p, p->launch);
	settle(p);
}

const struct ct_launch_ops ct_launch_ops = {
	.follow = ct_launch_follow,
	.cancel = ct_launch_cancel,
	.drop = drop,
	.release = release,
};
