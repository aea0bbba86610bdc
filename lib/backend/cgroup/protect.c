/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What protects by cgroups. */
#include "backend/cgroup/state.h"

/* Limits first, then devices. */
void ct_cg_protect(const void *state, struct ct_protections *r)
{
	ct_cg_protect_limits(state, r);
	ct_cg_protect_devices(state, r);
}
