/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backends of one start or attach. This file does not need the list of all backends. */
#include "backend/backend.h"

void *ct_backend_state(const struct ct_backend_set *set, const struct ct_backend *backend)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->v[i] == backend)
			return set->state[i];
	return NULL;
}
