/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of backends. */
#include "backend/backend.h"
#include "backend/cgroup/backend.h"

const struct ct_backend *const ct_backends[] = {
	&ct_backend_cgroup,
	NULL,
};
