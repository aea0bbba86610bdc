/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The twin of systemd.c for static programs, which cannot load a library. */
#include <errno.h>

#include "backend/cgroup/systemd.h"

bool ct_systemd_usable(const char **why)
{
	*why = "this program is static and cannot load libsystemd";
	return false;
}

bool ct_systemd_reachable(void)
{
	return false;
}

int ct_systemd_refuse(const char *why, struct ct_err *e)
{
	ct_err_hint(e, "ct-start and ct-execute are not static; or leave cgroup.backend to auto");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup", "%s", why);
}

int ct_systemd_scope(const struct ct_scope *s, char *path, size_t size, struct ct_err *e)
{
	const char *why;

	(void)s, (void)path, (void)size;
	ct_systemd_usable(&why);
	return ct_systemd_refuse(why, e);
}
