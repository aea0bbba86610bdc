/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attribute of a directory that says whose it is. */
#include <errno.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "backend/cgroup/cgroup.h"

#define ATTRIBUTE "user.libcontain.owner"

int ct_cg_mark(int dirfd, const char *mark, bool on_the_way)
{
	char path[64], value[CT_OWNER_MARK + 2];
	int n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	n = snprintf(value, sizeof(value), "%s%s",
		     on_the_way ? (char[]){ CT_CG_ON_THE_WAY, '\0' } : "", mark);
	if (setxattr(path, ATTRIBUTE, value, (size_t)n, 0) == 0)
		return 0;
	/* one that cannot have it is not cleared after a kill: no reason not to start */
	return errno == EOPNOTSUPP || errno == EPERM || errno == EACCES || errno == ENOSYS ? 0
											   : -errno;
}

const char *ct_cg_mark_read(const char *path, char value[CT_OWNER_MARK + 2])
{
	ssize_t n = lgetxattr(path, ATTRIBUTE, value, CT_OWNER_MARK + 1);

	value[n > 0 ? n : 0] = '\0';
	return value;
}
