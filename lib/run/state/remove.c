/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/state/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

#define TRIES 16 /* how often a sweep may take a directory away before it is locked */

int ct_remove_tree(int dirfd, const char *where, const char *name, const struct ct_spare *keep,
		   struct ct_err *e)
{
	char path[4096 + sizeof(((struct ct_left *)0)->path)];
	struct ct_left left;

	if (!ct_remove(dirfd, name, keep, &left))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", where, left.path);
	ct_err_object(e, path);
	if (left.mount) {
		ct_err_hint(e, "unmount it; the next ct_destroy(), ct_create() or ct_list() "
			       "(ct-ls) removes the rest");
		return ct_fail(e, left.err, CT_ERR_ROOTFS, "define",
			       "a mount is there: nothing in it was touched, and it stays");
	}
	ct_err_hint(e, "the next ct_destroy(), ct_create() or ct_list() (ct-ls) tries again");
	if (left.n > 1)
		return ct_fail_sys(e, left.err, CT_ERR_ROOTFS, "define", "unlinkat",
				   "it and %u more cannot be removed", left.n - 1);
	return ct_fail_sys(e, left.err, CT_ERR_ROOTFS, "define", "unlinkat",
			   "it cannot be removed");
}

/* Locks the directory. 1: locked, and it still has that name; 0: not; or a negative errno. */
static int lock(int dirfd, const char *name, int fd)
{
	struct stat ours, there;
	int r = ct_or_errno(flock(fd, LOCK_EX | LOCK_NB));

	if (r == -EWOULDBLOCK)
		return 0;
	if (r < 0)
		return r;
	return !fstat(fd, &ours) && !fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int ct_hidden_make(int dirfd, const char *name, char *at)
{
	static unsigned calls;

	for (int i = 0; i < TRIES; i++) {
		CT_CLEAN_FD int fd = -1;
		int r;

		/* two threads may make containers of one name */
		ct_hidden_name(at, name,
			       (unsigned)getpid() +
				       __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) * 4194304u,
			       0);
		if (mkdirat(dirfd, at, 0770) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(dirfd, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			return -errno;
		/* a sweep has removed it before it could be locked */
		if (fd < 0)
			continue;
		r = lock(dirfd, at, fd);
		if (r < 0)
			return r;
		if (r > 0)
			return ct_take_fd(&fd);
	}
	return -EAGAIN;
}

int ct_hidden_rename(int dirfd, const char *name, char *at)
{
	CT_CLEAN_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	/* locked before it is renamed: from then on a sweep may remove it */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	for (unsigned i = 0; i < TRIES; i++) {
		ct_hidden_name(at, name, (unsigned)getpid() + i * 4194304u, 1);
		r = ct_rename_new(dirfd, name, dirfd, at);
		if (r >= 0)
			return ct_take_fd(&fd);
		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

/* Removes one hidden directory. 0; 1: another call uses it, or it is gone; or a negative errno. */
static int sweep_one(int dirfd, const char *where, const char *entry, struct ct_err *e)
{
	CT_CLEAN_FD int fd = openat(dirfd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = ct_or_errno(fd);

	if (r >= 0)
		r = lock(dirfd, entry, fd);
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 1;
	if (r < 0) {
		ct_err_object(e, entry);
		return ct_fail_sys(e, r, CT_ERR_ROOTFS, "define", "openat",
				   "what a removal left cannot be looked at");
	}
	if (r == 0)
		return 1;
	return ct_remove_tree(dirfd, where, entry, NULL, e);
}

int ct_hidden_sweep(int dirfd, const char *where, const char *name, struct ct_err *e)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0, err = 0, r;
	DIR *list = NULL;
	struct dirent *d;

	if (fd >= 0)
		list = fdopendir(fd);
	if (!list) {
		err = -errno;
		ct_close(&fd);
		return ct_fail_sys(e, err, CT_ERR_CONFIG_FILE, "define", "openat",
				   "the container directory cannot be read");
	}
	while ((d = readdir(list))) {
		if (!ct_hidden_is(d->d_name, name))
			continue;
		r = sweep_one(dirfd, where, d->d_name, e);
		n += r <= 0;
		if (r < 0 && !err)
			err = r;
	}
	closedir(list);
	if (err)
		return err;
	return n;
}
