/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of backends. */
#include "backend/backend.h"

static const struct ct_backend *const backends[] = { &ct_backend_cgroup1, &ct_backend_cgroup2 };

/* See backend.h. */
const struct ct_backend *ct_backend_of(int version)
{
	for (unsigned i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (backends[i]->version == version)
			return backends[i];
	return NULL;
}
