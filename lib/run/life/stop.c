/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stop, end, reboot: of an in-process container through its pidfd, of a detached one through its
 * supervisor, and of one whose supervisor was killed through the process in its state file. */
#include <errno.h>
#include <signal.h>

#include "backend/cgroup/ops.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/child/control.h"
#include "run/handle/where.h"
#include "run/life/life.h"
#include "run/start/launch.h"
#include "shared/ask.h"

#define HELD_MS 1000  /* an init that lives on for so long after SIGKILL is held by something */
#define LAST_MS 5000  /* from signal.stop, if it is not SIGKILL, to SIGKILL: as a supervisor does */
#define TIDY_MS 30000 /* for a supervisor that has only to clean up */

/* The signals that ask a running container to end, and that make it end. */
struct ending {
	int halt, kill;
};

static struct ending ending_of(struct ct_container *c, pid_t pid, int program)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	struct ending end = { .kill = SIGKILL };
	struct ct_spec *spec = NULL;
	unsigned halt = 0;

	if (arena && ct_running_config(c, &config, NULL) >= 0)
		spec = ct_spec_read(config, arena, NULL);
	if (spec)
		halt = spec->signal_halt;
	if (spec && spec->signal_stop)
		end.kill = (int)spec->signal_stop;
	end.halt = ct_halt_signal(pid, halt, program);
	return end;
}

/* Also an init that a process of the container freezes again and again, by version 1's freezer. */
static void kill_whole(struct ct_container *c)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;

	if (ct_groups_of(c, &held, NULL) >= 0)
		ct_cgroup_kill(&held, 20000, NULL);
}

/* Notes why the end that follows was caused; `reason` is NULL where no handle has the process. */
static void note_reason(int *reason, int value)
{
	if (reason)
		__atomic_store_n(reason, value, __ATOMIC_RELEASE);
}

/* Asks, waits, kills, by pidfd. *asked is ct_process.stop, NULL: there is none. */
static int stop_by_pidfd(struct ct_container *c, int pidfd, struct ending end, unsigned flags,
			 int timeout_ms, int *asked, struct ct_err *e)
{
	int r, reason = CT_EXIT_STOPPED;

	if (!(flags & CT_STOP_KILL)) {
		note_reason(asked, CT_EXIT_STOPPED | CT_ASKED);
		r = ct_pidfd_send_signal(pidfd, end.halt);
		if (r < 0 && r != -ESRCH)
			return ct_fail_sys(e, r, CT_ERR_PROCESS, "stop", "pidfd_send_signal",
					   "signal %d cannot be sent", end.halt);
		if (flags & CT_STOP_NO_WAIT)
			return 0;
		if (ct_pidfd_ended(pidfd, timeout_ms))
			return 0;
		if (flags & CT_STOP_NO_KILL) {
			note_reason(asked, 0);
			return ct_timed_out(e);
		}
	}
	/* init may answer signal.stop by an exit, as it may signal.halt */
	if (end.kill != SIGKILL)
		reason |= CT_ASKED;
	note_reason(asked, reason);
	r = ct_pidfd_send_signal(pidfd, end.kill);
	if (r < 0 && r != -ESRCH)
		return ct_fail_sys(e, r, CT_ERR_PROCESS, "stop", "pidfd_send_signal",
				   "signal %d cannot be sent", end.kill);
	if (flags & CT_STOP_NO_WAIT)
		return 0;
	if (end.kill != SIGKILL && ct_pidfd_ended(pidfd, LAST_MS))
		return 0;
	if (end.kill != SIGKILL)
		ct_pidfd_send_signal(pidfd, SIGKILL);
	if (!ct_pidfd_ended(pidfd, HELD_MS))
		kill_whole(c);
	if (!ct_pidfd_ended(pidfd, 30000))
		return ct_timed_out(e);
	return 0;
}

static int stop_in_process(struct ct_container *c, struct ct_process *p, unsigned flags,
			   int timeout_ms, struct ct_err *e)
{
	struct ending end = ending_of(c, p->child.pid, p->program || p->reaper);
	int r = stop_by_pidfd(c, p->child.pidfd, end, flags, timeout_ms, &p->stop, e);

	/* a caller that has dropped its privileges still has the keeper's leash */
	if (r == -EPERM && !(flags & CT_STOP_NO_KILL)) {
		ct_err_clear(e);
		__atomic_store_n(&p->stop, CT_EXIT_STOPPED, __ATOMIC_RELEASE);
		ct_child_end(&p->child);
		r = 0;
	}
	if (r >= 0 && !(flags & CT_STOP_NO_WAIT))
		r = ct_process_await_end(p, 30000, e);
	if (r < 0)
		return r;
	return 0;
}

/* Where no supervisor lives, or it does not answer. */
static int stop_without(struct ct_container *c, struct ct_where *w, unsigned flags, int timeout_ms,
			struct ct_err *e)
{
	struct ending end = ending_of(c, w->st.init, (int)w->st.program);

	return stop_by_pidfd(c, w->pidfd, end, flags, timeout_ms, NULL, e);
}

/* Waits for the end of a supervisor: 0, also when it had ended before, or -ETIMEDOUT. *pidfd, the
 * caller's, is its pidfd; negative when it had ended before. */
static int wait_supervisor(const struct ct_state_file *st, int timeout_ms, int *pidfd)
{
	const struct ct_state_file super = { .init = st->supervisor,
					     .init_start = st->supervisor_start };

	*pidfd = ct_state_init(&super);
	if (*pidfd >= 0 && !ct_pidfd_ended(*pidfd, timeout_ms))
		return -ETIMEDOUT;
	return 0;
}

/* Ends init by its pidfd, found by the state file, since the supervisor does not answer: `why` is
 * the error that says so. */
static int stop_past_supervisor(struct ct_container *c, struct ct_where *w, unsigned flags,
				int timeout_ms, const struct ct_err *why, struct ct_err *e)
{
	CT_CLEAN_FD int super = -1;
	int r = w->pidfd = ct_state_init(&w->st);

	if (r >= 0)
		return stop_without(c, w, flags, timeout_ms, e);
	/* init has ended: a supervisor with many cgroups to remove is busy with that */
	if (r == -ESRCH && !(flags & CT_STOP_NO_WAIT) && !ct_ctl_is_stopped(w->st.supervisor) &&
	    wait_supervisor(&w->st, TIDY_MS, &super) == 0)
		return 0;
	/* between two boots: only the supervisor knows what comes next */
	if (r == -ESRCH) {
		*e = *why;
		return why->err;
	}
	return ct_fail_sys(e, r, CT_ERR_PROCESS, "stop", "pidfd_open", "no descriptor for init");
}

/* What failed at the end, such as a stop hook: the supervisor has written it to log.file, the
 * caller's log function gets it here. */
static void log_last_error(struct ct_container *c, int dir)
{
	struct ct_state_file st = { 0 };

	if (c->log.fn && ct_state_read(dir, &st, NULL) >= 0 && st.error[0])
		ct_log(&c->log, CT_LOG_ERROR, "%s", st.error);
}

/* A supervisor that ends by itself while it is asked has done what was wanted. */
static int stop_supervised(struct ct_container *c, struct ct_where *w, unsigned flags,
			   int timeout_ms, struct ct_err *e)
{
	struct ct_ctl_reply reply;
	struct ct_err own;
	int r;

	ct_err_clear(&own);
	/* a stop may take long, an answer to a status request does not */
	r = ct_ctl_status_in(w->dir, CT_CTL_PING_MS, &reply, NULL, &own);
	if (r == 0 || !ct_ctl_is_mute(&own)) {
		ct_err_clear(&own);
		r = ct_ctl_stop(w->dir, flags, timeout_ms, NULL, &own);
		/* should it not answer now, the caller's time has been used */
		timeout_ms = 0;
	}
	if (r < 0 && ct_ctl_is_mute(&own)) {
		r = stop_past_supervisor(c, w, flags, timeout_ms, &own, e);
		/* a supervisor that is only slow cleans up */
		if (r >= 0 && timeout_ms == 0 && !(flags & CT_STOP_NO_WAIT))
			ct_run_wait(c, CT_STATE_STOPPED, CT_CTL_LATE_MS, NULL);
		return r;
	}
	/* the supervisor waits for an init that a process of the container keeps frozen */
	if (r == -ETIMEDOUT && !(flags & (CT_STOP_NO_KILL | CT_STOP_NO_WAIT))) {
		kill_whole(c);
		r = -ECONNRESET;
	}
	if ((r == -ECONNRESET || r == -ESRCH) &&
	    ct_run_wait(c, CT_STATE_STOPPED, CT_CTL_PATIENCE_MS, NULL) >= 0)
		r = 0;
	if (r < 0)
		*e = own;
	if (r >= 0 && !(flags & CT_STOP_NO_WAIT)) {
		log_last_error(c, w->dir);
		/* what the supervisor cannot remove while it lives */
		ct_state_sweep(w->dir, -1, NULL, NULL, NULL);
	}
	return r;
}

/* Cancels this handle's start under way, whether or not a thread waits for it. 1: there was one. */
static int call_off(struct ct_container *c)
{
	struct ct_process *starting = ct_starting_init(c);

	if (!starting)
		return 0;
	ct_launch_cancel(starting);
	ct_process_put(starting);
	return 1;
}

int ct_run_stop(struct ct_container *c, unsigned flags, int timeout_ms, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	int r;

	if (flags & ~(CT_STOP_NO_KILL | CT_STOP_KILL | CT_STOP_NO_WAIT))
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "stop", "unknown flag");
	if (call_off(c))
		return 0;
	r = ct_where_find(c, &w, e);
	if (r < 0)
		return r;
	/* frozen processes do not receive signals, with version 1 not even SIGKILL */
	if (w.init || w.life == CT_LIFE_SUPERVISED || w.life == CT_LIFE_ORPHAN)
		ct_run_thaw(c);
	if (w.init)
		return stop_in_process(c, w.init, flags, timeout_ms, e);
	if (w.life == CT_LIFE_SUPERVISED)
		return stop_supervised(c, &w, flags, timeout_ms, e);
	if (w.life != CT_LIFE_ORPHAN)
		return ct_not_running(c, e);
	r = stop_without(c, &w, flags, timeout_ms, e);
	if (r >= 0)
		ct_state_sweep(w.dir, -1, NULL, NULL, NULL);
	return r;
}

int ct_run_end(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	CT_CLEAN_FD int pidfd = -1;
	int r = ct_run_stop(c, CT_STOP_KILL, 0, e);

	if (r >= 0 || r == -ESRCH)
		r = ct_where_find(c, &w, e);
	if (r < 0 || w.life != CT_LIFE_SUPERVISED)
		return r;
	/* its init has ended: what is left to the supervisor is to end, too */
	r = wait_supervisor(&w.st, CT_CTL_PING_MS, &pidfd);
	if (r < 0) {
		ct_pidfd_send_signal(pidfd, SIGKILL);
		if (!ct_pidfd_ended(pidfd, CT_CTL_PATIENCE_MS))
			return ct_fail(e, -ETIMEDOUT, CT_ERR_SUPERVISOR, "stop",
				       "its supervisor, process %d, does not end",
				       (int)w.st.supervisor);
	}
	r = ct_state_sweep(w.dir, -1, NULL, NULL, e);
	if (r < 0)
		return r;
	return 0;
}

int ct_run_reboot(struct ct_container *c, int timeout_ms, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	int r = ct_where_find(c, &w, e);

	if (r < 0)
		return r;
	if (w.life == CT_LIFE_SUPERVISED && ct_run_frozen(c)) {
		ct_err_object(e, c->name);
		ct_err_hint(e, "let it go on first: ct_unfreeze() (ct-unfreeze)");
		return ct_fail(e, -EBUSY, CT_ERR_CGROUP, "reboot",
			       "the container is frozen, and would reboot when it is thawed");
	}
	if (w.life == CT_LIFE_SUPERVISED)
		return ct_ctl_reboot(w.dir, timeout_ms, NULL, e);
	if (!w.init && w.life != CT_LIFE_ORPHAN)
		return ct_not_running(c, e);
	ct_err_hint(e, "start it detached, or stop it and start it again");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_SUPERVISOR, "reboot",
		       "only a supervisor can start the container again");
}
