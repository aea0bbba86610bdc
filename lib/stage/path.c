/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths below a descriptor. What is below it is hostile: it may hold links to anywhere, and change while we look. The kernel
 * resolves, confined; we only ever hold O_PATH descriptors, and make things by their last component.
 */
#include <errno.h>
#include <string.h>

#include "stage/steps.h"

/* A rename or a mount anywhere on the machine makes the kernel give up a confined ".." with EAGAIN. */
#define RETRIES 256

static uint64_t resolve_flags(unsigned flags)
{
	if (flags & CT_SF_STRICT)
		return K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_MAGICLINKS;
	return K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS;
}

static int open_retry(int dir, const char *path, uint64_t oflags, uint64_t resolve)
{
	int fd = -EAGAIN;

	for (int i = 0; fd == -EAGAIN && i < RETRIES; i++)
		fd = sys_openat2(dir, path, oflags | O_PATH, 0, resolve);
	return fd;
}

/* Why a link was in the way: the last component is one, or one before it. */
static const char *link_text(int dir, const char *path, uint64_t resolve)
{
	struct stat st;
	SYS_CLOSEP int fd = open_retry(dir, path, O_NOFOLLOW, resolve);

	if (fd >= 0 && sys_fstat(fd, &st) == 0 && S_ISLNK(st.st_mode))
		return resolve & K_RESOLVE_NO_SYMLINKS ? "target is a symbolic link" : "target is a symbolic link without end";
	return resolve & K_RESOLVE_NO_SYMLINKS ? "target leads through a symbolic link" :
						 "target leads through a link of procfs, or through links without end";
}

static void explain(struct path_error *e, int err, int dir, const char *path, uint64_t oflags, uint64_t resolve)
{
	e->sys = SYS_openat2;
	e->text = NULL;
	switch (err) {
	case -ELOOP:
		e->text = link_text(dir, path, resolve);
		break;
	case -ENOTDIR:
		e->text = oflags & O_DIRECTORY ? "target is not a directory, or leads through a file" :
						 "target leads through what is not a directory";
		break;
	case -EXDEV:
		e->text = "target leaves the directory that it must stay below";
		break;
	case -EAGAIN:
		e->text = "target kept changing while it was looked up";
		break;
	}
}

static const char *relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

static int root_fd(struct path_error *e)
{
	int fd = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);

	if (fd < 0) {
		e->sys = SYS_openat;
		e->text = NULL;
	}
	return fd;
}

/* An O_PATH descriptor, the caller's to close; negative errno with the reason in *e. */
int path_open(int under, const char *path, unsigned flags, uint64_t oflags, struct path_error *e)
{
	uint64_t resolve = resolve_flags(flags);
	SYS_CLOSEP int root = -1;
	int fd;

	if (under < 0) {
		under = root = root_fd(e);
		if (root < 0)
			return root;
	}
	path = relative(path);
	fd = open_retry(under, path, oflags, resolve);
	if (fd < 0)
		explain(e, fd, under, path, oflags, resolve);
	return fd;
}

/* Makes one directory and opens it. */
static int make_directory(int dir, const char *name, struct path_error *e)
{
	int err = (int)sys3(SYS_mkdirat, dir, name, 0755), fd;

	if (err && err != -EEXIST) {
		e->sys = SYS_mkdirat;
		e->text = NULL;
		return err;
	}
	fd = sys_openat2(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS);
	if (fd < 0) {
		e->sys = SYS_openat2;
		e->text = err == -EEXIST ? "there is a symbolic link that leads nowhere" : "the new directory was exchanged";
		return err == -EEXIST ? -ENOENT : fd;
	}
	return fd;
}

static int make_file(int dir, const char *name, struct path_error *e)
{
	int fd = sys_openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0644);

	if (fd < 0) {
		e->sys = SYS_openat;
		e->text = fd == -EEXIST ? "there is a symbolic link that leads nowhere" : NULL;
		return fd == -EEXIST ? -ENOENT : fd;
	}
	return fd;
}

/* Walks `path` (writable, relative), makes what is missing; directory of the last component. Each prefix is resolved
 * anew from `under`, so that links before the first missing component work as they do elsewhere. */
__attribute__((noinline)) static int make_path(int under, char *path, unsigned flags, struct path_error *e)
{
	SYS_CLOSEP int dir = -1;
	char *end = path;
	int fd;

	while (*end) {
		char *name, c;

		while (*end == '/')
			end++;
		name = end;
		while (*end && *end != '/')
			end++;
		if (name == end)
			break;
		c = *end;
		*end = '\0';
		fd = path_open(under, path, flags, O_DIRECTORY, e);
		if (fd == -ENOENT)
			fd = make_directory(dir < 0 ? under : dir, name, e);
		*end = c;
		if (fd < 0)
			return fd;
		sys_close(dir);
		dir = fd;
	}
	fd = dir;
	dir = -1;
	return fd >= 0 ? fd : path_open(under, ".", flags, O_DIRECTORY, e);
}

/* Splits off the last component of `path`. Its length of directory part, or -EINVAL when it has no name to make. */
static int split(const char *path, char *base)
{
	size_t len = strlen(path), at;

	while (len && path[len - 1] == '/')
		len--;
	for (at = len; at && path[at - 1] != '/'; at--)
		;
	if (len == at || len - at > 255)
		return len == at ? -EINVAL : -ENAMETOOLONG;
	memcpy(base, path + at, len - at);
	base[len - at] = '\0';
	if (!strcmp(base, ".") || !strcmp(base, ".."))
		return -EINVAL;
	return (int)at;
}

/* An O_PATH descriptor of the directory of the last component, the caller's to close; negative errno with the reason in
 * *e. base has room for 256 bytes. */
__attribute__((noinline)) int path_parent(int under, const char *path, unsigned flags, char *base, struct path_error *e)
{
	char dir[4096];
	int at, fd;
	SYS_CLOSEP int root = -1;

	path = relative(path);
	at = split(path, base);
	if (at < 0 || at >= (int)sizeof(dir)) {
		e->sys = SYS_openat2;
		e->text = at == -EINVAL ? "target has no name" : NULL;
		return at < 0 ? at : -ENAMETOOLONG;
	}
	if (under < 0) {
		under = root = root_fd(e);
		if (root < 0)
			return root;
	}
	memcpy(dir, path, (size_t)at);
	dir[at] = '\0';
	fd = path_open(under, dir, flags, O_DIRECTORY, e);
	if (fd == -ENOENT && (flags & CT_SF_CREATE_DIR))
		fd = make_path(under, dir, flags, e);
	return fd;
}

/* path_open(), and when it is missing it is made, its parents, too. The caller's to close; negative errno with the
 * reason in *e. */
int path_make(int under, const char *path, unsigned flags, int directory, struct path_error *e)
{
	char base[256];
	SYS_CLOSEP int dir = -1;
	int fd = path_open(under, path, flags, 0, e);

	if (fd != -ENOENT)
		return fd;
	dir = path_parent(under, path, flags | CT_SF_CREATE_DIR, base, e);
	if (dir < 0)
		return dir;
	return directory ? make_directory(dir, base, e) : make_file(dir, base, e);
}
