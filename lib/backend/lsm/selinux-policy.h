/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the loaded policy of SELinux has and allows, by libselinux. */
#ifndef CT_BACKEND_LSM_SELINUX_POLICY_H
#define CT_BACKEND_LSM_SELINUX_POLICY_H

#include "base/arena.h"
#include "base/error.h"
#include "host/host.h"

/* The question of one key. The class is that of the permission on the context; `own` is one of the
 * class process, of this process on itself; NULL: none. */
struct ct_selinux_ask {
	const char *context, *class, *permission, *own;
};

/* 1: SELinux is on here, and this build knows it; 0: not, and *why is a sentence. */
int ct_selinux_usable(const struct ct_host *host, const char **why);
/* Whether the policy has the context and lets this process use it. *out becomes the context as the
 * kernel prints it, in the arena. 0 or a negative errno, recorded. */
int ct_selinux_ask(const struct ct_selinux_ask *ask, struct ct_arena *arena, const char **out,
		   struct ct_err *e);

#endif
