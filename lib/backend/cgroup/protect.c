/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of ct_protections() for cgroups. */
#include "backend/cgroup/state.h"

/* First the limits, then the devices. */
void ct_cg_protect(const void *state, struct ct_protections *r)
{
	ct_cg_protect_limits(state, r);
	ct_cg_protect_devices(state, r);
}
