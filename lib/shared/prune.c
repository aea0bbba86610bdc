/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Goes down by the first cgroup of each level to one that has none below, then up by ".." to its
 * parent, where it is removed by the name that its inode has there. No path is kept: a chain of
 * cgroups may be longer than PATH_MAX.
 */
#include "shared/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/dirent.h"

#define ANY 0 /* no inode has this number */

/* The name of the cgroup in `dir` with this inode, or of the first one. 1; 0: there is none; or a
 * negative errno. */
static int find(int dir, uint64_t ino, char name[256])
{
	char buf[2048] __attribute__((aligned(8)));
	long n;

	if (syscall(SYS_lseek, dir, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			const struct ct_dirent *e = (const struct ct_dirent *)(buf + at);

			at += e->len;
			if (!ct_dirent_is_group(e) || (ino != ANY && e->ino != ino) ||
			    strlen(e->name) > 255)
				continue;
			memcpy(name, e->name, strlen(e->name) + 1);
			return 1;
		}
	if (n < 0)
		return -errno;
	return 0;
}

/* Goes from a cgroup without any below to its parent and removes it there. The descriptor of the
 * parent, or a negative errno. */
static int remove_and_climb(int at, void (*busy)(int dir))
{
	int up = ct_dirent_open(at, ".."), r;
	struct stat st;
	char name[256];

	if (up < 0)
		return up;
	if (fstat(at, &st) < 0)
		r = -errno;
	else
		r = find(up, st.st_ino, name);
	/* ENOENT: another process has removed it meanwhile */
	if (r == 1 && syscall(SYS_unlinkat, up, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		r = -errno;
		if (r == -EBUSY && busy)
			busy(at);
	}
	if (r >= 0)
		return up;
	syscall(SYS_close, up);
	return r;
}

int ct_prune(int dir, void (*busy)(int dir))
{
	int at = ct_dirent_open(dir, "."), r, next;
	unsigned depth = 0;
	char name[256];

	if (at < 0)
		return at;
	for (;;) {
		r = find(at, ANY, name);
		if (r < 0 || (r == 0 && depth == 0))
			break;
		if (r) {
			next = ct_dirent_open(at, name);
			/* removed since it was found */
			if (next == -ENOENT)
				continue;
			depth++;
		} else {
			next = remove_and_climb(at, busy);
			depth--;
		}
		if (next < 0) {
			r = next;
			break;
		}
		syscall(SYS_close, at);
		at = next;
	}
	syscall(SYS_close, at);
	return r;
}

void ct_prune_above(const char *path, size_t keep)
{
	char up[4096];
	size_t n = strlen(path);

	if (n >= sizeof(up))
		return;
	memcpy(up, path, n + 1);
	while (n > keep && rmdir(up) == 0) {
		while (n > keep && up[n - 1] != '/')
			n--;
		if (n)
			n--;
		up[n] = '\0';
	}
}

/* True also when that cannot be found out. */
static int is_still_there(const char *path, uint64_t inode)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno != ENOENT;
	return st.st_ino == inode;
}

static int remove_empty(const char *path)
{
	if (rmdir(path) < 0)
		return -errno;
	return 0;
}

int ct_prune_path(int dir, uint64_t inode, const char *path, size_t keep, void (*busy)(int dir))
{
	size_t n = strlen(path);
	char above[4096];
	int r;

	if (!is_still_there(path, inode))
		return 0;
	r = remove_empty(path);
	/* there are cgroups below, which most do not have */
	if (r == -EBUSY || r == -ENOTEMPTY) {
		ct_prune(dir, busy);
		r = remove_empty(path);
	}
	while (n > keep && path[n - 1] != '/')
		n--;
	if (r == 0 && n > keep && n <= sizeof(above)) {
		memcpy(above, path, n - 1);
		above[n - 1] = '\0';
		ct_prune_above(above, keep);
	}
	if (r == -ENOENT)
		return 0;
	return r;
}
