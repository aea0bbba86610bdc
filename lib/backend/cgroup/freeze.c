/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with all processes of a container by its cgroups: freeze, thaw, signal,
 * count. */
#include <errno.h>

#include "backend/cgroup/ops.h"

int ct_cgroup_none(struct ct_err *e, const char *what)
{
	ct_err_hint(e, "give it a limit.* key, or start it detached, without cgroup.backend = "
		       "none; ct_preflight() (ct-checkconfig) tells what there is");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup",
		       "the container has no cgroup that could %s", what);
}

int ct_cgroup_freeze(const struct ct_cgroups_held *held, int on, int timeout_ms, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_FREEZER);
	const char *done = "thawed";
	int r;

	if (!g)
		return ct_cgroup_none(e, "freeze it");
	if (on)
		done = "frozen";
	r = ct_cg_version_of(g->version)->freeze(g, on, timeout_ms);
	if (r == -ETIMEDOUT) {
		/* some processes may be frozen by now: back to the state before */
		ct_cg_version_of(g->version)->freeze(g, !on, 0);
		ct_err_hint(e, "a process that waits for a device or a network file system cannot "
			       "be frozen; it has been let go again");
		ct_fail(e, r, CT_ERR_TIMEOUT, "cgroup", "not every process could be %s in time",
			done);
	} else if (r < 0) {
		ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write", "the container cannot be %s",
			    done);
	}
	return r;
}

int ct_cgroup_frozen(const struct ct_cgroups_held *held)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, CT_CG_FREEZER);

	return g && ct_cg_version_of(g->version)->frozen(g);
}

int ct_cgroup_tell(const struct ct_cgroups_held *held, int sig, pid_t skip, struct ct_err *e)
{
	if (!held->n)
		return ct_cgroup_none(e, "tell all of its processes");
	return ct_cg_signal(held, sig, skip, e);
}

int ct_cgroup_stats(const struct ct_cgroups_held *held, ct_usage *out, struct ct_err *e)
{
	struct ct_cg_place places[CT_CG_TREES];
	uint32_t n = ct_cg_places(held, places);

	if (!n)
		return ct_cgroup_none(e, "be asked for figures");
	ct_usage_read(places, n, out);
	return 0;
}
