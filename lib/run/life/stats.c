/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running container's statistics. */

#include "backend/cgroup/limit.h"
#include "backend/cgroup/ops.h"
#include "run/handle/container.h"

/* The reaper is not the payload's: it does not count, as it does not count for limit.pids. */
static void without_reaper(ct_usage *u)
{
	if (u->pids != CT_ABSENT && u->pids)
		u->pids--;
	if (u->pids_peak != CT_ABSENT && u->pids_peak > 1)
		u->pids_peak--;
	if (u->pids_limit && u->pids_limit < CT_LIMIT_PIDS_GREATEST)
		u->pids_limit--;
}

static int stats_in_process(struct ct_process *init, ct_usage *out, struct ct_err *e)
{
	if (!ct_process_usage(init, out))
		return ct_cgroup_none(e, "be asked for figures");
	if (init->reaper)
		without_reaper(out);
	return 0;
}

int ct_run_stats(struct ct_container *c, ct_usage *out, struct ct_err *e)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;
	struct ct_process *init = ct_running_init(c);
	int r;

	if (init) {
		r = stats_in_process(init, out, e);
		ct_process_put(init);
		return r;
	}
	r = ct_groups_of(c, &held, e);
	if (r >= 0)
		r = ct_cgroup_stats(&held, out, e);
	if (r >= 0 && ct_running_reaper(c, NULL) > 0)
		without_reaper(out);
	return r;
}
