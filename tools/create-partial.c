/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create.h"

#define MAX_DEPTH 512

static int remove_below(int fd, dev_t dev, int depth);

/* One entry of `dirfd`; what is on another file system (a mount that was left) is not touched. */
static int remove_entry(int dirfd, const char *name, dev_t dev, int depth)
{
	struct stat st;
	int fd, err;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else
		err = st.st_dev != dev ? -EXDEV : depth ? remove_below(fd, dev, depth - 1) : -ELOOP;
	close(fd);
	if (err)
		return err;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_below(int fd, dev_t dev, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0, one;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!d) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		return err;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		one = remove_entry(fd, e->d_name, dev, depth);
		err = err ? err : one;
	}
	closedir(d);
	return err;
}

int remove_tree(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return remove_entry(dirfd, name, st.st_dev, MAX_DEPTH);
}

static int make_dirs(const char *path)
{
	char copy[4096];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, 0711) < 0 && errno != EEXIST ? -errno : 0;
}

/* Removes directories of an earlier ct-create of this name that nobody holds any more. */
static void remove_stale(const char *dir, const char *name)
{
	char prefix[128];
	struct dirent *e;
	DIR *d = opendir(dir);

	snprintf(prefix, sizeof(prefix), ".%s.partial-", name);
	while (d && (e = readdir(d))) {
		int fd;

		if (strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_tree(dirfd(d), e->d_name);
		close(fd);
	}
	if (d)
		closedir(d);
}

int partial_make(const struct args *a, struct partial *p, const char *dir, const char *name)
{
	int err = make_dirs(dir), fd;

	p->path[0] = '\0';
	p->lock = -1;
	if (err < 0)
		return fail(a, "%s: %s", dir, strerror(-err));
	remove_stale(dir, name);
	if ((size_t)snprintf(p->path, sizeof(p->path), "%s/.%s.partial-XXXXXX", dir, name) >= sizeof(p->path) ||
	    !mkdtemp(p->path)) {
		err = errno;
		p->path[0] = '\0';
		return fail(a, "no directory can be made in %s: %s", dir, strerror(err));
	}
	snprintf(p->rootfs, sizeof(p->rootfs), "%s/rootfs", p->path);
	snprintf(p->config, sizeof(p->config), "%s/config", p->path);
	p->lock = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open(p->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	if (p->lock < 0 || fd < 0 || flock(p->lock, LOCK_EX | LOCK_NB) < 0 || mkdir(p->rootfs, 0755) < 0 ||
	    chmod(p->rootfs, 0755) < 0) {
		err = fail(a, "%s: %s", p->path, strerror(errno));
		partial_remove(a, p);
		return err;
	}
	return 0;
}

void partial_remove(const struct args *a, struct partial *p)
{
	int err = p->path[0] ? remove_tree(AT_FDCWD, p->path) : 0;

	if (err < 0)
		fail(a, "%s cannot be removed: %s", p->path, strerror(-err));
	if (p->lock >= 0 && p->path[0])
		close(p->lock);
	p->lock = -1;
	p->path[0] = '\0';
}
