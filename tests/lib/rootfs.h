/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A busybox root file system in a directory of its own, below $TMPDIR. */
#ifndef CT_TEST_ROOTFS_H
#define CT_TEST_ROOTFS_H

#include <limits.h>
#include <sys/types.h>

struct rootfs {
	/* the temporary directory; containers and state may live beside the rootfs */
	char base[PATH_MAX - 64];
	char path[PATH_MAX]; /* base/rootfs */
};

/* Makes one; 0 or negative errno. -ENOPKG: there is no /bin/busybox. */
int rootfs_make(struct rootfs *r);
/* An empty directory base/rootfs only. */
int rootfs_make_bare(struct rootfs *r);
/* Removes it with all below; mounts below it are a bug of the test. */
void rootfs_remove(struct rootfs *r);

/* mkdir -p, a file with text, a copy of a file, a link; all below the rootfs. 0 or
 * negative errno. */
int rootfs_mkdir(const struct rootfs *r, const char *path, mode_t mode);
int rootfs_file(const struct rootfs *r, const char *path, const char *text, mode_t mode);
int rootfs_copy(const struct rootfs *r, const char *from, const char *path, mode_t mode);
int rootfs_link(const struct rootfs *r, const char *to, const char *path);
/* Removes a file, link or whole directory below the rootfs, if there is one. */
int rootfs_drop(const struct rootfs *r, const char *path);

/* Removes a tree by path; does not follow links nor cross file systems. */
int tree_remove(const char *path);
/* Digest of a tree: names, types, modes, owners, sizes, times of change, links,
 * contents of small files. */
unsigned long long tree_digest(const char *path);

#endif
