/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a container, and the wait for another. */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/child/control.h"
#include "run/handle/where.h"
#include "run/life/life.h"

int ct_timed_out(struct ct_err *e)
{
	return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait", "the time given was up");
}

static int running_or_frozen(struct ct_container *c)
{
	return ct_run_frozen(c) ? CT_STATE_FROZEN : CT_STATE_RUNNING;
}

/* Its state; a supervisor is given so long to answer. */
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
	if (r == 0)
		return reply.state == CT_STATE_RUNNING ? running_or_frozen(c) : (int)reply.state;
	if (r == -ESRCH || r == -ECONNRESET)
		return ct_where_gone(w.dir, r) ? (int)CT_STATE_STOPPED : (int)CT_STATE_STARTING;
	/* killed round a supervisor that something has stopped: that has still to tidy up */
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
	return r < 0 ? ct_timed_out(e) : (int)CT_STATE_STOPPED;
}

/* One look, and a wait where there is something to wait for. -EAGAIN: things have changed, or
 * nobody tells: look again. */
static int wait_once(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	struct ct_ctl_reply reply;
	struct ct_err own;
	int r = ct_where_find(c, &w, e);

	if (r < 0)
		return r;
	/* that it is frozen, or thawed again, nobody tells */
	if (mask & (CT_STATE_FROZEN | CT_STATE_RUNNING) &&
	    (w.init || w.life == CT_LIFE_SUPERVISED || w.life == CT_LIFE_ORPHAN)) {
		int patience = timeout_ms < CT_CTL_PING_MS ? CT_CTL_PING_MS : timeout_ms;

		r = state_in(c, timeout_ms < 0 ? CT_CTL_PATIENCE_MS : patience, e);
		if (r < 0 || ((unsigned)r & mask))
			return r;
		if (mask & CT_STATE_FROZEN || r == (int)CT_STATE_FROZEN)
			return -EAGAIN;
	}
	if (w.init)
		return wait_in_process(w.init, mask, timeout_ms, e);
	if (w.life == CT_LIFE_ORPHAN) {
		if (mask & CT_STATE_RUNNING)
			return CT_STATE_RUNNING;
		return ct_pidfd_ended(w.pidfd, timeout_ms) ? (int)CT_STATE_STOPPED : -ETIMEDOUT;
	}
	if (w.life == CT_LIFE_SUPERVISED) {
		ct_err_clear(&own);
		r = ct_ctl_wait(w.dir, mask, timeout_ms, &reply, &own);
		if (e && (ct_ctl_is_mute(&own) || r == -EMFILE || r == -ENFILE || r == -EPERM))
			*e = own;
		if (r == -ETIMEDOUT || r == -EMFILE || r == -ENFILE || r == -EPERM)
			return r;
		return r == 0 ? (int)reply.state : -EAGAIN;
	}
	return (mask & CT_STATE_STOPPED) && w.life != CT_LIFE_BUSY ? (int)CT_STATE_STOPPED
								   : -EAGAIN;
}

#define STATES                                                                         \
	(CT_STATE_STOPPED | CT_STATE_STARTING | CT_STATE_RUNNING | CT_STATE_STOPPING | \
	 CT_STATE_FROZEN | CT_STATE_ABORTING)

int ct_run_wait(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e)
{
	int64_t until = ct_now_ms() + (timeout_ms < 0 ? 0 : timeout_ms);
	int r = -EAGAIN;

	if (!mask || (mask & ~STATES)) {
		ct_err_hint(e, "give one or more of CT_STATE_*");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "wait", "0x%x is no set of states",
			       mask);
	}
	/* at first often: who starts or dies is about it right now */
	for (int pause = 2; r == -EAGAIN; pause = pause < 100 ? pause * 2 : 100) {
		int64_t left = timeout_ms < 0 ? -1 : until - ct_now_ms();

		r = wait_once(c, mask, timeout_ms < 0 ? -1 : ct_poll_ms(left, INT_MAX), e);
		if (r == -EAGAIN && timeout_ms >= 0 && left <= 0)
			r = -ETIMEDOUT;
		if (r == -EAGAIN)
			poll(NULL, 0, left >= 0 && left < pause ? (int)left : pause);
	}
	return r == -ETIMEDOUT ? ct_timed_out(e) : r;
}
