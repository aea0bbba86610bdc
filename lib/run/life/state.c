/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a container, and the wait for another. */
#include <errno.h>
#include <poll.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "run/child/control.h"
#include "run/handle/where.h"
#include "run/life/life.h"

int ct_timed_out(struct ct_err *e)
{
	return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait", "the time given was up");
}

static int running_or_frozen(struct ct_container *c)
{
	if (ct_run_frozen(c))
		return CT_STATE_FROZEN;
	return CT_STATE_RUNNING;
}

/* Its state. A supervisor is given patience_ms to answer. */
static int state_in(struct ct_container *c, int patience_ms, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	CT_CLEAN_FD int init = -1;
	struct ct_ctl_reply reply;
	struct ct_err own;
	struct ct_process *starting = ct_starting_init(c);
	int r;

	if (starting) {
		ct_process_put(starting);
		return CT_STATE_STARTING;
	}
	r = ct_where_find(c, &w, e);
	ct_err_clear(&own);
	if (r < 0)
		return r;
	if (w.init || w.life == CT_LIFE_ORPHAN)
		return running_or_frozen(c);
	if (w.life == CT_LIFE_BUSY)
		return CT_STATE_STARTING;
	if (w.life != CT_LIFE_SUPERVISED)
		return CT_STATE_STOPPED;
	r = ct_ctl_status_in(w.dir, patience_ms, &reply, NULL, &own);
	if (r == 0 && reply.state == CT_STATE_RUNNING)
		return running_or_frozen(c);
	if (r == 0)
		return (int)reply.state;
	if (r == -ESRCH || r == -ECONNRESET) {
		if (ct_where_gone(w.dir, r))
			return CT_STATE_STOPPED;
		return CT_STATE_STARTING;
	}
	/* init was killed while its supervisor is stopped (SIGSTOP), which has yet to clean up */
	if (ct_ctl_is_mute(&own) && w.st.init > 0 && w.st.state != CT_STATE_STARTING) {
		init = ct_state_init(&w.st);
		if (init == -ESRCH)
			return CT_STATE_STOPPING;
	}
	*e = own;
	return r;
}

int ct_run_state(struct ct_container *c, struct ct_err *e)
{
	return state_in(c, CT_CTL_PATIENCE_MS, e);
}

/* What runs in process can only stop. */
static int wait_in_process(struct ct_process *p, unsigned mask, int timeout_ms, struct ct_err *e)
{
	int r;

	if (mask & CT_STATE_RUNNING)
		return CT_STATE_RUNNING;
	r = ct_process_await_end(p, timeout_ms, NULL);
	if (r < 0)
		return ct_timed_out(e);
	return CT_STATE_STOPPED;
}

/* What is left by a supervisor can only stop, too. */
static int wait_orphan(int pidfd, unsigned mask, int timeout_ms)
{
	if (mask & CT_STATE_RUNNING)
		return CT_STATE_RUNNING;
	if (!ct_pidfd_ended(pidfd, timeout_ms))
		return -ETIMEDOUT;
	return CT_STATE_STOPPED;
}

static int wait_supervised(int dir, unsigned mask, int timeout_ms, struct ct_err *e)
{
	struct ct_ctl_reply reply;
	struct ct_err own;
	int r;

	ct_err_clear(&own);
	r = ct_ctl_wait(dir, mask, timeout_ms, &reply, &own);
	if (r == 0)
		return (int)reply.state;
	if (e && (ct_ctl_is_mute(&own) || r == -EMFILE || r == -ENFILE || r == -EPERM))
		*e = own;
	if (r == -ETIMEDOUT || r == -EMFILE || r == -ENFILE || r == -EPERM)
		return r;
	return -EAGAIN;
}

/* How long a supervisor may take to tell its state in a wait of this length. */
static int patience_of(int timeout_ms)
{
	if (timeout_ms < 0)
		return CT_CTL_PATIENCE_MS;
	if (timeout_ms < CT_CTL_PING_MS)
		return CT_CTL_PING_MS;
	return timeout_ms;
}

/* Checks the state once, and waits where there is something to wait for. -EAGAIN: something has
 * changed, or there is nothing that reports a change: check again. */
static int wait_once(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	int r = ct_where_find(c, &w, e);

	if (r < 0)
		return r;
	/* freezing and thawing are not reported */
	if (mask & (CT_STATE_FROZEN | CT_STATE_RUNNING) &&
	    (w.init || w.life == CT_LIFE_SUPERVISED || w.life == CT_LIFE_ORPHAN)) {
		r = state_in(c, patience_of(timeout_ms), e);
		if (r < 0 || ((unsigned)r & mask))
			return r;
		if (mask & CT_STATE_FROZEN || r == (int)CT_STATE_FROZEN)
			return -EAGAIN;
	}
	if (w.init)
		return wait_in_process(w.init, mask, timeout_ms, e);
	if (w.life == CT_LIFE_ORPHAN)
		return wait_orphan(w.pidfd, mask, timeout_ms);
	if (w.life == CT_LIFE_SUPERVISED)
		return wait_supervised(w.dir, mask, timeout_ms, e);
	if ((mask & CT_STATE_STOPPED) && w.life != CT_LIFE_BUSY)
		return CT_STATE_STOPPED;
	return -EAGAIN;
}

#define STATES                                                                         \
	(CT_STATE_STOPPED | CT_STATE_STARTING | CT_STATE_RUNNING | CT_STATE_STOPPING | \
	 CT_STATE_FROZEN | CT_STATE_ABORTING)

int ct_run_wait(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e)
{
	int64_t until = ct_deadline(timeout_ms);
	int r = -EAGAIN;

	if (!mask || (mask & ~STATES)) {
		ct_err_hint(e, "give one or more of CT_STATE_*");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "wait", "0x%x is no set of states",
			       mask);
	}
	/* with short pauses at first: a start or an end that is under way takes a moment only */
	for (int pause = 2; r == -EAGAIN; pause = ct_next_pause(pause, 100)) {
		int left = ct_left_ms(until);

		r = wait_once(c, mask, left, e);
		if (r == -EAGAIN && left == 0)
			r = -ETIMEDOUT;
		if (left >= 0 && left < pause)
			pause = left;
		if (r == -EAGAIN)
			poll(NULL, 0, pause);
	}
	if (r == -ETIMEDOUT)
		return ct_timed_out(e);
	return r;
}
