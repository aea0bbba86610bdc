/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const applets[] = {
	"sh",	    "ash",    "true",	  "false",  "cat",   "echo", "sleep", "ls",	  "id",
	"env",	    "kill",   "mount",	  "umount", "mkdir", "rm",   "touch", "hostname", "stat",
	"ps",	    "tr",     "head",	  "wc",	    "grep",  "dd",   "tty",   "stty",	  "init",
	"halt",	    "reboot", "poweroff", "date",   "test",  "seq",  "yes",   "nice",	  "pwd",
	"readlink", "mknod",  "chmod",	  "chown",  "uname", "sync", "ln",    "mv",	  "cp",
	"find",	    "getty",  "login",	  "setsid", "awk"
};

int rootfs_mkdir(const struct rootfs *r, const char *path, mode_t mode)
{
	char full[2 * PATH_MAX], *p;
	int n = snprintf(full, sizeof(full), "%s/%s", r->path, path);

	if (n < 0 || (size_t)n >= sizeof(full))
		return -ENAMETOOLONG;
	for (p = full + strlen(r->path) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(full, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(full, mode) && errno != EEXIST)
		return -errno;
	return chmod(full, mode) ? -errno : 0;
}

/* Opens a new file below the rootfs, directories made as needed. */
static int new_file(const struct rootfs *r, const char *path, mode_t mode)
{
	char full[2 * PATH_MAX], dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;

	if (slash && slash != path) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
		snprintf(full, sizeof(full), "%s/%s", r->path, dir);
		if (access(full, F_OK))
			rootfs_mkdir(r, dir, 0755);
	}
	snprintf(full, sizeof(full), "%s/%s", r->path, path);
	unlink(full);
	fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	fchmod(fd, mode);
	return fd;
}

int rootfs_file(const struct rootfs *r, const char *path, const char *text, mode_t mode)
{
	int fd = new_file(r, path, mode);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

int rootfs_copy(const struct rootfs *r, const char *from, const char *path, mode_t mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, err = 0;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = new_file(r, path, mode);
	if (out < 0) {
		close(in);
		return out;
	}
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0)
		err = -errno;
	close(in);
	close(out);
	return err;
}

int rootfs_link(const struct rootfs *r, const char *to, const char *path)
{
	char full[2 * PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", r->path, path);
	unlink(full);
	return symlink(to, full) ? -errno : 0;
}

int rootfs_drop(const struct rootfs *r, const char *path)
{
	char full[2 * PATH_MAX];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", r->path, path);
	if (lstat(full, &st))
		return errno == ENOENT ? 0 : -errno;
	return tree_remove(full);
}

int rootfs_make_bare(struct rootfs *r)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(r->base, sizeof(r->base), "%s/ct-box-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(r->base))
		return -errno;
	chmod(r->base, 0755);
	snprintf(r->path, sizeof(r->path), "%s/rootfs", r->base);
	return mkdir(r->path, 0755) ? -errno : 0;
}

int rootfs_make(struct rootfs *r)
{
	static const char *const dirs[] = { "bin",  "sbin", "etc",     "proc",	  "sys", "dev",
					    "root", "run",  "var/log", "usr/bin", "mnt", "home" };
	const char *probe = getenv("CT_PROBE");
	char link[64];
	int err;
	size_t i;

	if (access("/bin/busybox", X_OK))
		return -ENOPKG;
	err = rootfs_make_bare(r);
	for (i = 0; !err && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		err = rootfs_mkdir(r, dirs[i], 0755);
	if (!err)
		err = rootfs_mkdir(r, "tmp", 01777);
	if (!err)
		err = rootfs_copy(r, "/bin/busybox", "bin/busybox", 0755);
	for (i = 0; !err && i < sizeof(applets) / sizeof(applets[0]); i++) {
		snprintf(link, sizeof(link), "bin/%s", applets[i]);
		err = rootfs_link(r, "busybox", link);
	}
	if (!err)
		err = rootfs_link(r, "../bin/busybox", "sbin/init");
	if (!err)
		err = rootfs_file(r, "etc/passwd",
				  "root:x:0:0:root:/root:/bin/sh\n"
				  "tester:x:1000:1000::/home:/bin/sh\n"
				  "wide:x:1001:1001::/:/bin/ash\n",
				  0644);
	if (!err)
		err = rootfs_file(r, "etc/group",
				  "root:x:0:\ntester:x:1000:\nextra:x:2000:tester\nwide:x:1001:\n",
				  0644);
	if (!err && probe)
		err = rootfs_copy(r, probe, "bin/probe", 0755);
	return err;
}

void rootfs_remove(struct rootfs *r)
{
	if (r->base[0])
		tree_remove(r->base);
	r->base[0] = 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)where;
	return type == FTW_DP || type == FTW_DNR ? rmdir(path) : unlink(path);
}

int tree_remove(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) ? -errno : 0;
}

static _Thread_local unsigned long long digest;

static void mix(const void *p, size_t n)
{
	const unsigned char *b = p;

	while (n--)
		digest = (digest ^ *b++) * 1099511628211ull;
}

static int digest_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	char buf[4096];
	ssize_t n;
	int fd;

	(void)type;
	(void)where;
	mix(path, strlen(path));
	mix(&st->st_mode, sizeof(st->st_mode));
	mix(&st->st_uid, sizeof(st->st_uid));
	mix(&st->st_gid, sizeof(st->st_gid));
	mix(&st->st_nlink, sizeof(st->st_nlink));
	mix(&st->st_rdev, sizeof(st->st_rdev));
	mix(&st->st_ctim, sizeof(st->st_ctim));
	mix(&st->st_size, sizeof(st->st_size));
	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, buf, sizeof(buf));
		mix(buf, n < 0 ? 0 : (size_t)n);
	} else if (S_ISREG(st->st_mode) && st->st_size < 1 << 20) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOATIME);
		while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
			mix(buf, (size_t)n);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

unsigned long long tree_digest(const char *path)
{
	digest = 14695981039346656037ull;
	nftw(path, digest_one, 16, FTW_PHYS | FTW_MOUNT);
	return digest;
}
