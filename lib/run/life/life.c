/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State, wait, stop, kill, reboot: of an in-process container through its pidfd, of a detached one through its
 * supervisor, and of one whose supervisor was killed through what its state says. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/handle/container.h"
#include "run/child/control.h"
#include "run/start/groups.h"
#include "run/start/launch.h"
#include "shared/ask.h"

#define HELD_MS 1000	/* who was killed and lives on for so long is held by something */
#define LAST_MS 5000	/* from signal.stop, when that is another, to SIGKILL: as a supervisor does */
#define TIDY_MS 30000	/* for a supervisor that has only to tidy up */

struct ct_process *ct_running_init(struct ct_container *c)
{
	struct ct_process *p;

	pthread_mutex_lock(&c->lock);
	p = c->init ? ct_process_get(c->init) : NULL;
	pthread_mutex_unlock(&c->lock);
	if (p && !ct_process_in_process(p)) {
		ct_process_put(p);
		p = NULL;
	}
	return p;
}

struct ct_process *ct_starting_init(struct ct_container *c)
{
	struct ct_process *p = NULL, *over = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->init && ct_process_starting(c->init)) {
		p = ct_process_get(c->init);
	} else if (c->starting && ct_process_starting(c->starting)) {
		p = ct_process_get(c->starting);
	} else {
		over = c->starting;
		c->starting = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	ct_process_put(over);
	return p;
}

int ct_state_dir(struct ct_container *c, struct ct_err *e)
{
	int dir = -1, r;

	if (!c->name[0])
		return -ENOENT;
	r = ct_state_open(c->base, c->dir, c->name, 0, &dir, e);
	return r < 0 ? r : dir;
}

/* Where the container is to be found right now. */
struct where {
	struct ct_process *init;	/* in process */
	int dir;			/* state directory, -1 */
	int life;			/* enum ct_life */
	int pidfd;			/* of an orphan */
	struct ct_state_file st;
};
#define WHERE_INIT { .dir = -1, .pidfd = -1 }

static void where_free(struct where *w)
{
	ct_process_put(w->init);
	ct_close(&w->pidfd);
	ct_close(&w->dir);
}
#define CLEAN_WHERE __attribute__((cleanup(where_free)))

static int find(struct ct_container *c, struct where *w, struct ct_err *e)
{
	int r;

	w->init = ct_running_init(c);
	if (w->init)
		return 0;
	w->dir = ct_state_dir(c, e);
	if (w->dir < 0)
		return w->dir == -ENOENT ? 0 : w->dir;
	r = ct_state_sweep(w->dir, -1, &w->st, &w->pidfd, e);
	if (r < 0)
		return r;
	w->life = r;
	return 0;
}

static int not_running(struct ct_container *c, struct ct_err *e)
{
	ct_err_object(e, c->name);
	ct_err_hint(e, "start it first: ct_start() (ct-start)");
	return ct_fail(e, -ESRCH, CT_ERR_NOT_RUNNING, "state", "the container does not run");
}

static int running_or_frozen(struct ct_container *c)
{
	return ct_run_frozen(c) ? CT_STATE_FROZEN : CT_STATE_RUNNING;
}

/* No answer: because the supervisor has gone? Its lock goes a moment after its socket. One that begins has not taken a call yet. */
static int has_gone(int dir, int err)
{
	for (int pause = 1; err == -ECONNRESET && pause < 4096 && ct_state_alive(dir) > 0; pause *= 2)
		poll(NULL, 0, pause);
	return (err == -ECONNRESET || err == -ESRCH) && ct_state_alive(dir) == 0;
}

/* Its state; a supervisor is given so long to answer. */
static int state_in(struct ct_container *c, int patience_ms, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	CT_CLEAN_FD int init = -1;
	struct ct_ctl_reply reply;
	struct ct_err own;
	struct ct_process *starting = ct_starting_init(c);
	int r;

	if (starting) {
		ct_process_put(starting);
		return CT_STATE_STARTING;
	}
	r = find(c, &w, e);
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
		return has_gone(w.dir, r) ? (int)CT_STATE_STOPPED : (int)CT_STATE_STARTING;
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

/* A pidfd of init, and its number. */
static int init_of(struct ct_container *c, struct where *w, pid_t *pid, struct ct_err *e)
{
	struct ct_ctl_reply reply = {0};
	struct ct_err own;
	int fd = -1, r;

	if (w->init) {
		reply.init_pid = w->init->child.pid;
		fd = ct_dup(w->init->child.pidfd);
		if (fd < 0)
			return ct_fail_sys(e, fd, CT_ERR_DESCRIPTOR, "state", "fcntl", "no descriptor for init");
	} else if (w->life == CT_LIFE_ORPHAN) {
		reply.init_pid = w->st.init;
		fd = ct_take_fd(&w->pidfd);
	} else if (w->life == CT_LIFE_SUPERVISED) {
		ct_err_clear(&own);
		r = ct_ctl_status_in(w->dir, CT_CTL_PING_MS, &reply, &fd, &own);
		/* it has written down who init is */
		if (r < 0 && ct_ctl_is_mute(&own)) {
			r = fd = ct_state_init(&w->st);
			reply.init_pid = w->st.init;
		}
		if (r < 0 && !has_gone(w->dir, r)) {
			if (e)
				*e = own;
			return r;
		}
	}
	if (fd < 0)
		return not_running(c, e);
	if (pid)
		*pid = reply.init_pid;
	return fd;
}

int ct_run_init(struct ct_container *c, pid_t *pid, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	int r = find(c, &w, e);

	return r < 0 ? r : init_of(c, &w, pid, e);
}

int ct_unless_ended(struct ct_container *c, int r, struct ct_err *e)
{
	CT_CLEAN_FD int init = -1;
	struct pollfd fd = {.events = POLLIN};

	/* groups go when init is dead, and leave one of these */
	if ((r != -ENODEV && r != -ENOENT && r != -EOPNOTSUPP) || e->id == CT_ERR_UNKNOWN_KEY)
		return r;
	init = ct_run_init(c, NULL, NULL);
	fd.fd = init;
	if (init != -ESRCH && (init < 0 || poll(&fd, 1, 0) <= 0))
		return r;
	ct_err_clear(e);
	return not_running(c, e);
}

int ct_running_dir(struct ct_container *c, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	CT_CLEAN_FD int init = -1;
	int r = find(c, &w, e);

	if (r >= 0)
		r = init = init_of(c, &w, NULL, e);
	if (r < 0)
		return r;
	/* another thread has started it in process meanwhile */
	return w.dir >= 0 ? ct_take_fd(&w.dir) : not_running(c, e);
}

/* Waits for a pidfd; 0 or -ETIMEDOUT. */
static int wait_pidfd(int pidfd, int timeout_ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : -ETIMEDOUT;
}

static int timed_out(struct ct_err *e)
{
	return ct_fail(e, -ETIMEDOUT, CT_ERR_TIMEOUT, "wait", "the time given was up");
}

/* What runs in process can only stop. */
static int wait_in_process(struct ct_process *p, unsigned mask, int timeout_ms, struct ct_err *e)
{
	int r;

	if (mask & CT_STATE_RUNNING)
		return CT_STATE_RUNNING;
	r = ct_process_await_end(p, timeout_ms, NULL);
	return r < 0 ? timed_out(e) : (int)CT_STATE_STOPPED;
}

/* One look, and a wait where there is something to wait for. -EAGAIN: things have changed, or nobody tells: look again. */
static int wait_once(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	struct ct_ctl_reply reply;
	struct ct_err own;
	int r = find(c, &w, e);

	if (r < 0)
		return r;
	/* that it is frozen, or thawed again, nobody tells */
	if (mask & (CT_STATE_FROZEN | CT_STATE_RUNNING) && (w.init || w.life == CT_LIFE_SUPERVISED || w.life == CT_LIFE_ORPHAN)) {
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
		return wait_pidfd(w.pidfd, timeout_ms) < 0 ? -ETIMEDOUT : (int)CT_STATE_STOPPED;
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
	return (mask & CT_STATE_STOPPED) && w.life != CT_LIFE_BUSY ? (int)CT_STATE_STOPPED : -EAGAIN;
}

#define STATES                                                                                                              \
	(CT_STATE_STOPPED | CT_STATE_STARTING | CT_STATE_RUNNING | CT_STATE_STOPPING | CT_STATE_FROZEN | CT_STATE_ABORTING)

int ct_run_wait(struct ct_container *c, unsigned mask, int timeout_ms, struct ct_err *e)
{
	int64_t until = ct_now_ms() + (timeout_ms < 0 ? 0 : timeout_ms);
	int r = -EAGAIN;

	if (!mask || (mask & ~STATES)) {
		ct_err_hint(e, "give one or more of CT_STATE_*");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "wait", "0x%x is no set of states", mask);
	}
	/* at first often: who starts or dies is about it right now */
	for (int pause = 2; r == -EAGAIN; pause = pause < 100 ? pause * 2 : 100) {
		int64_t left = timeout_ms < 0 ? -1 : until - ct_now_ms();

		r = wait_once(c, mask, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0, e);
		if (r == -EAGAIN && timeout_ms >= 0 && left <= 0)
			r = -ETIMEDOUT;
		if (r == -EAGAIN)
			poll(NULL, 0, left >= 0 && left < pause ? (int)left : pause);
	}
	return r == -ETIMEDOUT ? timed_out(e) : r;
}

/* How the container that runs is asked to end, and made to. */
struct ending {
	int halt, kill;
};

static struct ending ending_of(struct ct_container *c, pid_t pid, int program)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	CT_CLEAN_CONFIG struct ct_config *config = NULL;
	struct ct_spec *spec = NULL;

	if (arena && ct_running_config(c, &config, NULL) >= 0)
		spec = ct_spec_read(config, arena, NULL);
	return (struct ending){ .halt = ct_halt_signal(pid, spec ? spec->signal_halt : 0, program),
				.kill = spec && spec->signal_stop ? (int)spec->signal_stop : SIGKILL };
}

/* One of its own may hold init where it is by a freezer of version 1, again and again. */
static void kill_whole(struct ct_container *c)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;

	if (ct_groups_of(c, &held, NULL) >= 0)
		ct_cg_kill(&held, 20000, NULL);
	ct_cg_forget(&held);
}

/* Ask, wait, kill: by pidfd. `asked` is told that the end is wished for. */
static int stop_by_pidfd(struct ct_container *c, int pidfd, struct ending end, unsigned flags, int timeout_ms, int *asked, struct ct_err *e)
{
	int r;

	if (!(flags & CT_STOP_KILL)) {
		if (asked)
			__atomic_store_n(asked, CT_EXIT_STOPPED | CT_ASKED, __ATOMIC_RELEASE);
		r = ct_pidfd_send_signal(pidfd, end.halt);
		if (r < 0 && r != -ESRCH)
			return ct_fail_sys(e, r, CT_ERR_PROCESS, "stop", "pidfd_send_signal", "signal %d cannot be sent", end.halt);
		if (flags & CT_STOP_NO_WAIT)
			return 0;
		if (wait_pidfd(pidfd, timeout_ms) == 0)
			return 0;
		if (flags & CT_STOP_NO_KILL) {
			if (asked)
				__atomic_store_n(asked, 0, __ATOMIC_RELEASE);
			return timed_out(e);
		}
	}
	/* init may answer signal.stop by an exit, as it may signal.halt */
	if (asked)
		__atomic_store_n(asked, CT_EXIT_STOPPED | (end.kill == SIGKILL ? 0 : CT_ASKED), __ATOMIC_RELEASE);
	r = ct_pidfd_send_signal(pidfd, end.kill);
	if (r < 0 && r != -ESRCH)
		return ct_fail_sys(e, r, CT_ERR_PROCESS, "stop", "pidfd_send_signal", "signal %d cannot be sent", end.kill);
	if (flags & CT_STOP_NO_WAIT)
		return 0;
	if (end.kill != SIGKILL && wait_pidfd(pidfd, LAST_MS) == 0)
		return 0;
	if (end.kill != SIGKILL)
		ct_pidfd_send_signal(pidfd, SIGKILL);
	if (wait_pidfd(pidfd, HELD_MS) < 0)
		kill_whole(c);
	return wait_pidfd(pidfd, 30000) < 0 ? timed_out(e) : 0;
}

static int stop_in_process(struct ct_container *c, struct ct_process *p, unsigned flags, int timeout_ms, struct ct_err *e)
{
	int r = stop_by_pidfd(c, p->child.pidfd, ending_of(c, p->child.pid, p->program || p->reaper), flags, timeout_ms, &p->stop, e);

	/* a caller that has given up its rights has still the keeper's leash */
	if (r == -EPERM && !(flags & CT_STOP_NO_KILL)) {
		ct_err_clear(e);
		__atomic_store_n(&p->stop, CT_EXIT_STOPPED, __ATOMIC_RELEASE);
		ct_child_end(&p->child);
		r = 0;
	}
	if (r >= 0 && !(flags & CT_STOP_NO_WAIT))
		r = ct_process_await_end(p, 30000, e);
	return r < 0 ? r : 0;
}

/* Without the supervisor, which gives no sign of life, or without one that lives. */
static int stop_without(struct ct_container *c, struct where *w, unsigned flags, int timeout_ms, struct ct_err *e)
{
	struct ending end = ending_of(c, w->st.init, (int)w->st.program);

	return stop_by_pidfd(c, w->pidfd, end, flags, timeout_ms, NULL, e);
}

/* Waits for the end of a supervisor: 0, also when it was gone before, or -ETIMEDOUT. *pidfd, the caller's, is its own; -1 when it has gone. */
static int wait_supervisor(const struct ct_state_file *st, int timeout_ms, int *pidfd)
{
	const struct ct_state_file super = { .init = st->supervisor, .init_start = st->supervisor_start };

	*pidfd = ct_state_init(&super);
	return *pidfd < 0 ? 0 : wait_pidfd(*pidfd, timeout_ms);
}

/* By init's pidfd, which the state file leads to. `why` is the supervisor's silence. */
static int go_round(struct ct_container *c, struct where *w, unsigned flags, int timeout_ms, const struct ct_err *why, struct ct_err *e)
{
	CT_CLEAN_FD int super = -1;
	int r = w->pidfd = ct_state_init(&w->st);

	if (r >= 0)
		return stop_without(c, w, flags, timeout_ms, e);
	/* ended: a supervisor with many groups to remove is busy with that */
	if (r == -ESRCH && !(flags & CT_STOP_NO_WAIT) && !ct_ctl_is_stopped(w->st.supervisor) && wait_supervisor(&w->st, TIDY_MS, &super) == 0)
		return 0;
	/* between two boots: only the supervisor could tell */
	if (r == -ESRCH) {
		*e = *why;
		return why->err;
	}
	return ct_fail_sys(e, r, CT_ERR_PROCESS, "stop", "pidfd_open", "no descriptor for init");
}

/* What went wrong in the end, as a stop hook: the supervisor has written it to log.file, the caller's own function gets it here. */
static void tell_last_words(struct ct_container *c, int dir)
{
	struct ct_state_file st = {0};

	if (c->log.fn && ct_state_read(dir, &st, NULL) >= 0 && st.error[0])
		ct_log(&c->log, CT_LOG_ERROR, "%s", st.error);
}

/* A supervisor that goes by itself while it is asked has done what was wanted. */
static int stop_supervised(struct ct_container *c, struct where *w, unsigned flags, int timeout_ms, struct ct_err *e)
{
	struct ct_ctl_reply reply;
	struct ct_err own;
	int r;

	ct_err_clear(&own);
	/* a stop may take its time, a sign of life does not */
	r = ct_ctl_status_in(w->dir, CT_CTL_PING_MS, &reply, NULL, &own);
	if (r == 0 || !ct_ctl_is_mute(&own)) {
		ct_err_clear(&own);
		r = ct_ctl_stop(w->dir, flags, timeout_ms, NULL, &own);
		/* it does not answer any more: the time given is over */
		timeout_ms = 0;
	}
	if (r < 0 && ct_ctl_is_mute(&own)) {
		r = go_round(c, w, flags, timeout_ms, &own, e);
		/* one that is only slow sees to the rest */
		if (r >= 0 && timeout_ms == 0 && !(flags & CT_STOP_NO_WAIT))
			ct_run_wait(c, CT_STATE_STOPPED, CT_CTL_LATE_MS, NULL);
		return r;
	}
	/* the supervisor waits for an init that one of its own holds */
	if (r == -ETIMEDOUT && !(flags & (CT_STOP_NO_KILL | CT_STOP_NO_WAIT))) {
		kill_whole(c);
		r = -ECONNRESET;
	}
	if ((r == -ECONNRESET || r == -ESRCH) && ct_run_wait(c, CT_STATE_STOPPED, CT_CTL_PATIENCE_MS, NULL) >= 0)
		r = 0;
	if (r < 0)
		*e = own;
	if (r >= 0 && !(flags & CT_STOP_NO_WAIT)) {
		tell_last_words(c, w->dir);
		/* what it cannot remove while it lives */
		ct_state_sweep(w->dir, -1, NULL, NULL, NULL);
	}
	return r;
}

/* A start of this handle's that another thread waits for, or nobody does. 1: it is called off. */
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
	CLEAN_WHERE struct where w = WHERE_INIT;
	int r;

	if (flags & ~(CT_STOP_NO_KILL | CT_STOP_KILL | CT_STOP_NO_WAIT))
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "stop", "unknown flag");
	if (call_off(c))
		return 0;
	r = find(c, &w, e);
	if (r < 0)
		return r;
	/* who is frozen hears nothing, and version 1 does not even let it be killed */
	if (w.init || w.life == CT_LIFE_SUPERVISED || w.life == CT_LIFE_ORPHAN)
		ct_run_thaw(c);
	if (w.init)
		return stop_in_process(c, w.init, flags, timeout_ms, e);
	if (w.life == CT_LIFE_SUPERVISED)
		return stop_supervised(c, &w, flags, timeout_ms, e);
	if (w.life != CT_LIFE_ORPHAN)
		return not_running(c, e);
	r = stop_without(c, &w, flags, timeout_ms, e);
	if (r >= 0)
		ct_state_sweep(w.dir, -1, NULL, NULL, NULL);
	return r;
}

int ct_run_end(struct ct_container *c, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	CT_CLEAN_FD int pidfd = -1;
	int r = ct_run_stop(c, CT_STOP_KILL, 0, e);

	if (r >= 0 || r == -ESRCH)
		r = find(c, &w, e);
	if (r < 0 || w.life != CT_LIFE_SUPERVISED)
		return r;
	/* it has nothing left to do but to end, and does not */
	r = wait_supervisor(&w.st, CT_CTL_PING_MS, &pidfd);
	if (r < 0) {
		ct_pidfd_send_signal(pidfd, SIGKILL);
		r = wait_pidfd(pidfd, CT_CTL_PATIENCE_MS);
	}
	if (r < 0)
		return ct_fail(e, r, CT_ERR_SUPERVISOR, "stop", "its supervisor, process %d, does not end", (int)w.st.supervisor);
	r = ct_state_sweep(w.dir, -1, NULL, NULL, e);
	return r < 0 ? r : 0;
}

int ct_run_kill(struct ct_container *c, int sig, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	struct ct_process *starting = ct_starting_init(c);
	struct ct_err own;
	int r;

	if (starting) {
		r = ct_process_signal(starting, sig, e);
		ct_process_put(starting);
		return r;
	}
	r = find(c, &w, e);
	if (r < 0)
		return r;
	if (sig == SIGKILL && (w.init || w.life == CT_LIFE_SUPERVISED || w.life == CT_LIFE_ORPHAN))
		ct_run_thaw(c);
	if (w.init)
		return ct_process_signal(w.init, sig, e);
	if (w.life == CT_LIFE_SUPERVISED) {
		ct_err_clear(&own);
		r = ct_ctl_kill(w.dir, sig, &own);
		if (r == 0)
			return 0;
		/* one that has just been killed may have left its init */
		if (ct_ctl_is_mute(&own) || r == -ESRCH)
			w.pidfd = ct_state_init(&w.st);
		if (w.pidfd < 0) {
			*e = own;
			return r;
		}
	} else if (w.life != CT_LIFE_ORPHAN) {
		return not_running(c, e);
	}
	r = ct_init_signal(w.pidfd, sig, ct_running_reaper(c, NULL) > 0);
	return r < 0 ? ct_fail_sys(e, r, CT_ERR_PROCESS, "kill", "pidfd_send_signal", "signal %d cannot be sent", sig) : 0;
}

int ct_run_reboot(struct ct_container *c, int timeout_ms, struct ct_err *e)
{
	CLEAN_WHERE struct where w = WHERE_INIT;
	int r = find(c, &w, e);

	if (r < 0)
		return r;
	if (w.life == CT_LIFE_SUPERVISED && ct_run_frozen(c)) {
		ct_err_object(e, c->name);
		ct_err_hint(e, "let it go on first: ct_unfreeze() (ct-unfreeze)");
		return ct_fail(e, -EBUSY, CT_ERR_CGROUP, "reboot", "the container is frozen, and would reboot when it is thawed");
	}
	if (w.life == CT_LIFE_SUPERVISED)
		return ct_ctl_reboot(w.dir, timeout_ms, NULL, e);
	if (!w.init && w.life != CT_LIFE_ORPHAN)
		return not_running(c, e);
	ct_err_hint(e, "start it detached, or stop it and start it again");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_SUPERVISOR, "reboot", "only a supervisor can start the container again");
}
