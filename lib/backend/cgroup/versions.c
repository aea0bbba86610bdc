/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The versions of cgroups. */
#include "backend/cgroup/cgroup.h"

static const struct ct_cg_version *const versions[] = { &ct_cg_version1, &ct_cg_version2 };

const struct ct_cg_version *ct_cg_version_of(int version)
{
	for (unsigned i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (versions[i]->version == version)
			return versions[i];
	return NULL;
}

int ct_cg_only_version(const struct ct_spec *s)
{
	switch (s->cgroup_backend) {
	case CT_CGB_V1:
		return 1;
	case CT_CGB_V2:
	case CT_CGB_SYSTEMD:
		return 2;
	default:
		return 0;
	}
}
