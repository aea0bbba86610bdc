/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Down along the first group of each level to one that has none below, up by "..", and there it
 * is removed by the name that the parent has for its inode. No path is kept: a chain of groups
 * may be longer than any.
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

#define ANY 0 /* inode: the first that comes */

/* The name of a group in `dir`: of one inode, or of any. 1, 0: there is none, or a
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
	return n < 0 ? -errno : 0;
}

/* From a group without any below: to the one above, where it is removed. The descriptor of that,
 * or a negative errno. */
static int remove_and_climb(int at, void (*busy)(int dir))
{
	int up = ct_dirent_open(at, ".."), r;
	struct stat st;
	char name[256];

	if (up < 0)
		return up;
	r = fstat(at, &st) < 0 ? -errno : find(up, st.st_ino, name);
	/* somebody else has removed it meanwhile */
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
	int at = ct_dirent_open(dir, "."), r = at < 0 ? at : 1, next;
	unsigned depth = 0;
	char name[256];

	while (r >= 0) {
		r = find(at, ANY, name);
		if (r < 0 || (r == 0 && depth == 0))
			break;
		next = r ? ct_dirent_open(at, name) : remove_and_climb(at, busy);
		/* it has gone while we looked at it: look again */
		if (next == -ENOENT && r)
			continue;
		if (next < 0) {
			r = next;
			break;
		}
		depth = r ? depth + 1 : depth - 1;
		syscall(SYS_close, at);
		at = next;
	}
	if (at >= 0)
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
		up[n ? n - 1 : 0] = '\0';
		n = n ? n - 1 : 0;
	}
}

/* What cannot be looked at is not gone. */
static int is_still_there(const char *path, uint64_t inode)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno != ENOENT;
	return st.st_ino == inode;
}

int ct_prune_path(int dir, uint64_t inode, const char *path, size_t keep, void (*busy)(int dir))
{
	size_t n = strlen(path);
	char above[4096];
	int r;

	if (!is_still_there(path, inode))
		return 0;
	r = rmdir(path) < 0 ? -errno : 0;
	/* most have none below */
	if (r == -EBUSY || r == -ENOTEMPTY) {
		ct_prune(dir, busy);
		r = rmdir(path) < 0 ? -errno : 0;
	}
	while (n > keep && path[n - 1] != '/')
		n--;
	if (r == 0 && n > keep && n <= sizeof(above)) {
		memcpy(above, path, n - 1);
		above[n - 1] = '\0';
		ct_prune_above(above, keep);
	}
	return r == -ENOENT ? 0 : r;
}
