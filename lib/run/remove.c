/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

#define MAX_DEPTH 2048	/* descriptors are held along the path: RLIMIT_NOFILE ends deeper ones */

static int failed(const char *name, int err, struct ct_err *e)
{
	ct_err_object(e, name);
	return ct_fail_sys(e, -err, CT_ERR_ROOTFS, "define", "unlinkat", "it cannot be removed");
}

static int remove_below(int fd, int depth, struct ct_err *e);

static int remove_one(int dirfd, const char *name, int depth, struct ct_err *e)
{
	CT_CLEAN_FD int fd = -1;
	int r;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return failed(name, errno, e);
	fd = ct_openat2(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
	if (fd < 0)
		return failed(name, fd == -EXDEV ? EBUSY : -fd, e);
	r = depth < MAX_DEPTH ? remove_below(fd, depth + 1, e) : failed(name, ELOOP, e);
	if (r >= 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = failed(name, errno, e);
	return r;
}

static int remove_below(int fd, int depth, struct ct_err *e)
{
	int copy = ct_dup(fd), r = 0;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *d;

	if (!list) {
		ct_close(&copy);
		return failed("", errno, e);
	}
	rewinddir(list);
	while (r >= 0 && (d = readdir(list)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			r = remove_one(fd, d->d_name, depth, e);
	closedir(list);
	return r;
}

int ct_remove_tree(int dirfd, const char *name, struct ct_err *e)
{
	return remove_one(dirfd, name, 0, e);
}
