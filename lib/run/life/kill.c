/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>

#include "backend/cgroup/ops.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/child/control.h"
#include "run/handle/where.h"

int ct_run_kill(struct ct_container *c, int sig, struct ct_err *e)
{
	CT_CLEAN_WHERE struct ct_where w = CT_WHERE_INIT;
	struct ct_process *starting = ct_starting_init(c);
	struct ct_err own;
	int r;

	if (starting) {
		r = ct_process_signal(starting, sig, e);
		ct_process_put(starting);
		return r;
	}
	r = ct_where_find(c, &w, e);
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
		/* a supervisor that was killed may have left its init running */
		if (ct_ctl_is_mute(&own) || r == -ESRCH)
			w.pidfd = ct_state_init(&w.st);
		if (w.pidfd < 0) {
			*e = own;
			return r;
		}
	} else if (w.life != CT_LIFE_ORPHAN) {
		return ct_not_running(c, e);
	}
	r = ct_init_signal(w.pidfd, sig, ct_running_reaper(c, NULL) > 0);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_PROCESS, "kill", "pidfd_send_signal",
				   "signal %d cannot be sent", sig);
	return 0;
}

/* The reaper's number, which is left out: it would pass the signal on to the program, which gets
 * it anyway. *pid is not set where init is no reaper, or has ended. */
static int reaper_of(struct ct_container *c, pid_t *pid, struct ct_err *e)
{
	CT_CLEAN_FD int fd = -1;
	int r = ct_running_reaper(c, e);

	if (r <= 0)
		return r;
	fd = ct_run_init(c, pid, e);
	if (fd < 0 && fd != -ESRCH)
		return fd;
	return 0;
}

/* SIGKILL to all processes; without cgroups init alone is known. */
static int kill_all(struct ct_container *c, struct ct_cgroups_held *held, struct ct_err *e)
{
	if (held->n)
		return ct_cgroup_kill(held, 30000, e);
	return ct_run_kill(c, SIGKILL, e);
}

int ct_run_kill_all(struct ct_container *c, int sig, struct ct_err *e)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;
	pid_t reaper = 0;
	int r;

	if (sig < 0 || sig > SIGRTMAX) {
		ct_err_hint(e, "signal(7) lists them");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "kill", "there is no signal %d", sig);
	}
	r = ct_groups_of(c, &held, e);
	if (r < 0)
		return r;
	if (sig == SIGKILL)
		return kill_all(c, &held, e);
	if (held.n)
		r = reaper_of(c, &reaper, e);
	if (r < 0)
		return r;
	return ct_cgroup_tell(&held, sig, reaper, e);
}
