/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The twin of selinux-policy.c, without libselinux. */
#include <errno.h>

#include "backend/lsm/selinux-policy.h"

/* No. */
int ct_selinux_usable(const struct ct_host *host, const char **why)
{
	(void)host;
	*why = "this build of libcontain knows nothing of SELinux (-Dselinux=enabled)";
	return 0;
}

/* Refuses. */
int ct_selinux_ask(const struct ct_selinux_ask *ask, struct ct_arena *arena, const char **out,
		   struct ct_err *e)
{
	const char *why;

	(void)ask, (void)arena, (void)out;
	ct_selinux_usable(NULL, &why);
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_LABEL, "selinux", "%s", why);
}
