/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The twin of host.c, without libapparmor. */
#include "backend/apparmor/host.h"

#include <errno.h>

/* Never. */
int ct_aa_works(const char **why)
{
	*why = "this build of libcontain has no AppArmor (-Dapparmor=enabled)";
	return 0;
}

/* Not there. */
int ct_aa_open(void)
{
	return -EOPNOTSUPP;
}

/* Refuses. */
int ct_aa_remove(const char *profile)
{
	(void)profile;
	return -EOPNOTSUPP;
}
