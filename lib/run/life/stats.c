/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running container's statistics. */

#include "backend/cgroup/limit.h"
#include "backend/cgroup/usage.h"
#include "run/life/life.h"

/* A reaper is none of the payload's: the figures count what limit.pids counts. */
static void without_reaper(ct_usage *u)
{
	if (u->pids != CT_ABSENT && u->pids)
		u->pids--;
	if (u->pids_peak != CT_ABSENT && u->pids_peak > 1)
		u->pids_peak--;
	if (u->pids_limit && u->pids_limit < CT_LIMIT_PIDS_GREATEST)
		u->pids_limit--;
}

int ct_run_stats(struct ct_container *c, ct_usage *out, struct ct_err *e)
{
	struct ct_cg_place places[CT_CG_TREES];
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	struct ct_process *init = ct_running_init(c);
	int r;

	if (init) {
		r = ct_process_usage(init, out) ? 0 : ct_no_cgroup(e, "be asked for figures");
		if (r >= 0 && init->reaper)
			without_reaper(out);
		ct_process_put(init);
		return r;
	}
	r = ct_groups_of(c, &held, e);
	if (r >= 0 && !held.n)
		r = ct_no_cgroup(e, "be asked for figures");
	if (r >= 0)
		ct_usage_read(places, ct_cg_places(&held, places), out);
	if (r >= 0 && ct_running_reaper(c, NULL) > 0)
		without_reaper(out);
	ct_cgroup_forget(&held);
	return r;
}
