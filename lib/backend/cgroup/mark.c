/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attribute of a cgroup's directory that has the mark of its owner. */
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
	if (on_the_way)
		n = snprintf(value, sizeof(value), "%c%s", CT_CG_ON_THE_WAY, mark);
	else
		n = snprintf(value, sizeof(value), "%s", mark);
	if (setxattr(path, ATTRIBUTE, value, (size_t)n, 0) == 0)
		return 0;
	/* a cgroup without the attribute is not removed after a kill: no reason not to start */
	if (errno == EOPNOTSUPP || errno == EPERM || errno == EACCES || errno == ENOSYS)
		return 0;
	return -errno;
}

const char *ct_cg_mark_read(const char *path, char value[CT_OWNER_MARK + 2])
{
	ssize_t n = lgetxattr(path, ATTRIBUTE, value, CT_OWNER_MARK + 1);

	if (n < 0)
		n = 0;
	value[n] = '\0';
	return value;
}
