/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "backend/cgroup/ops.h"
#include "run/handle/container.h"

int ct_run_freeze(struct ct_container *c, int on, int timeout_ms, struct ct_err *e)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;
	int r = ct_groups_of(c, &held, e);

	if (r >= 0)
		r = ct_cgroup_freeze(&held, on, timeout_ms, e);
	return r;
}

void ct_run_thaw(struct ct_container *c)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;

	/* whether or not it is frozen yet: a freezer of version 1 may still be freezing */
	if (ct_groups_of(c, &held, NULL) >= 0)
		ct_cgroup_thaw(&held);
}

int ct_run_frozen(struct ct_container *c)
{
	CT_CLEAN_CGROUPS struct ct_cgroups_held held = CT_CGROUPS_NONE;

	return ct_groups_of(c, &held, NULL) >= 0 && ct_cgroup_frozen(&held);
}
