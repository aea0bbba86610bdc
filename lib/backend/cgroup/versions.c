/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of backends. */
#include "backend/cgroup/cgroup.h"

static const struct ct_cg_version *const backends[] = { &ct_cg_version1, &ct_cg_version2 };

const struct ct_cg_version *ct_cg_version_of(int version)
{
	for (unsigned i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (backends[i]->version == version)
			return backends[i];
	return NULL;
}
