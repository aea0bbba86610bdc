/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "run/life/life.h"

int ct_no_cgroup(struct ct_err *e, const char *what)
{
	ct_err_hint(e, "give it a limit.* key, or start it detached, without cgroup.backend = none; ct_preflight() (ct-checkconfig) tells what there is");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup", "the container has no cgroup that could %s", what);
}

/* The groups' freezer, copied; -1 in fd without one. */
static int get_freezer(struct ct_container *c, struct ct_cgroups_held *held, const struct ct_cg_group **g, struct ct_err *e)
{
	int r = ct_groups_of(c, held, e);

	*g = r < 0 ? NULL : ct_cg_group_of(held, CT_CG_FREEZER);
	return r;
}

int ct_run_freeze(struct ct_container *c, int on, int timeout_ms, struct ct_err *e)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	const struct ct_cg_group *g;
	int r = get_freezer(c, &held, &g, e);

	if (r < 0)
		return r;
	r = g ? ct_cg_version_of(g->version)->freeze(g, on, timeout_ms) : ct_no_cgroup(e, "freeze it");
	if (g && r == -ETIMEDOUT) {
		/* half frozen is neither */
		ct_cg_version_of(g->version)->freeze(g, !on, 0);
		ct_err_hint(e, "a process that waits for a device or a network file system cannot be frozen; it has been let go again");
		ct_fail(e, r, CT_ERR_TIMEOUT, "cgroup", "not every process could be %s in time", on ? "frozen" : "thawed");
	} else if (g && r < 0) {
		ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write", "the container cannot be %s", on ? "frozen" : "thawed");
	}
	ct_cgroup_forget(&held);
	return r;
}

void ct_run_thaw(struct ct_container *c)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;

	/* without a look at whether it is frozen: version 1 may be about to be */
	if (ct_groups_of(c, &held, NULL) >= 0)
		ct_cgroup_thaw(&held);
	ct_cgroup_forget(&held);
}

int ct_run_frozen(struct ct_container *c)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	const struct ct_cg_group *g;
	int r = get_freezer(c, &held, &g, NULL) >= 0 && g && ct_cg_version_of(g->version)->frozen(g);

	ct_cgroup_forget(&held);
	return r;
}
