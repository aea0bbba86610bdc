/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of backends, one row each, in the order of their parts of a plan. */
#include "backend/backend.h"

/* apparmor before cgroup: what a profile confines has ended when it is removed */
#define ROWS(ROW)     \
	ROW(apparmor) \
	ROW(cgroup)   \
	ROW(selinux)  \
	ROW(landlock) \
	ROW(seccomp)

#define DECLARE(name) extern const struct ct_backend ct_backend_##name;
#define LIST(name) &ct_backend_##name,

ROWS(DECLARE)

const struct ct_backend *const ct_backends[] = { ROWS(LIST) NULL };
