/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths below a descriptor. What is below it is hostile: it may hold links to anywhere, and change
 * while we look. The kernel resolves, confined; we only ever hold O_PATH descriptors, and make
 * things by their last component.
 */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"
#include "shared/words.h"

/* A rename or a mount anywhere on the machine makes the kernel give up a confined ".."
 * with EAGAIN. */
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

/* Whether the last component itself is a link. */
static int is_link(int dir, const char *path, uint64_t resolve)
{
	struct stat st;
	SYS_CLOSEP int fd = open_retry(dir, path, O_NOFOLLOW, resolve);

	return fd >= 0 && sys_fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

static void explain(struct path_error *e, int err, int dir, const char *path, uint64_t oflags,
		    uint64_t resolve)
{
	e->sys = SYS_openat2;
	e->text = ct_target_words(err, (resolve & K_RESOLVE_NO_SYMLINKS) != 0,
				  (oflags & O_DIRECTORY) != 0,
				  err == -ELOOP && is_link(dir, path, resolve));
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

/* The writable twin of a read-only root, -1: there is none. */
static int targets = -1;

/* Where path_make() makes what is missing in a read-only tree; what was there before is closed. */
void path_targets(int fd)
{
	sys_close(targets);
	targets = fd;
}

static int make_one(int dir, const char *name, int directory)
{
	int fd;

	if (directory)
		return (int)sys3(SYS_mkdirat, dir, name, 0755);
	fd = sys_openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0644);
	sys_close(fd);
	return fd < 0 ? fd : 0;
}

/* The same directory as `dir`, by its path, in the writable twin. */
static int make_in_twin(int dir, const char *prefix, const char *name, int directory)
{
	struct path_error e;
	struct stat here, there;
	SYS_CLOSEP int twin = targets < 0 ? -EROFS : path_open(targets, prefix, 0, O_DIRECTORY, &e);

	if (twin < 0 || sys_fstat(dir, &here) || sys_fstat(twin, &there))
		return -EROFS;
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return -EROFS;
	return make_one(twin, name, directory);
}

/* Makes `name` in the directory `dir`, which is `prefix` below the root, and opens it. */
static int make(int dir, const char *prefix, const char *name, int directory, struct path_error *e)
{
	int err = make_one(dir, name, directory), fd;

	if (err == -EROFS)
		err = make_in_twin(dir, prefix, name, directory);
	e->sys = directory ? SYS_mkdirat : SYS_openat;
	e->text = NULL;
	if (err && err != -EEXIST)
		return err;
	fd = sys_openat2(dir, name, O_PATH | O_NOFOLLOW | (directory ? O_DIRECTORY : 0), 0,
			 K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS);
	if (fd < 0) {
		e->sys = SYS_openat2;
		e->text = "what was made was exchanged";
	}
	return fd;
}

#define MAX_LINKS 40
#define PATH_SIZE 4096

/* The text of a link, in to[PATH_SIZE]; 0 when there is none of that name, or it is no link; else
 * its length, or a negative errno. */
static long link_target(int dir, const char *name, char *to)
{
	SYS_CLOSEP int fd = sys_openat2(dir, name, O_PATH | O_NOFOLLOW, 0, K_RESOLVE_BENEATH);
	long n = fd < 0 ? 0 : sys4(SYS_readlinkat, fd, "", to, PATH_SIZE - 1);

	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (n <= 0 || n >= PATH_SIZE - 1)
		return 0;
	to[n] = '\0';
	return n;
}

/* Puts a link's text in the place of path[at .. end): from the root on when it is absolute.
 * 0 or -ENAMETOOLONG. */
__attribute__((noinline)) static int replace_link(char *path, size_t at, size_t end, const char *to)
{
	char rest[PATH_SIZE];
	size_t keep = *to == '/' ? 0 : at;

	str_cut(rest, sizeof(rest), path + end);
	if (keep + strlen(to) + strlen(rest) + 1 > PATH_SIZE)
		return -ENAMETOOLONG;
	path[keep] = '\0';
	str_add(str_add(path, PATH_SIZE, to), PATH_SIZE, rest);
	return 0;
}

/* Walks `path` (writable) and makes what is missing; the descriptor of its end. Each prefix is
 * resolved anew by the kernel, from `under` and confined to it. 1 with *fd < 0: the end is a link
 * that leads nowhere, and was replaced by what it says. On the way such links are not followed:
 * nobody asked for what is behind them. */
__attribute__((noinline)) static int walk(int under, char *path, unsigned flags, int directory,
					  int *fd, struct path_error *e)
{
	SYS_CLOSEP int dir = path_open(under, ".", flags, O_DIRECTORY, e);
	char to[PATH_SIZE];
	size_t at = 0;

	while (dir >= 0) {
		int last, next;
		size_t end;
		long link;
		char c;

		at += strspn(path + at, "/");
		end = at + strcspn(path + at, "/");
		if (end == at)
			break;
		last = !path[end + strspn(path + end, "/")];
		c = path[end];
		path[end] = '\0';
		next = path_open(under, path, flags, last ? 0 : O_DIRECTORY, e);
		link = next == -ENOENT ? link_target(dir, path + at, to) : 0;
		if (link < 0)
			return (int)link;
		if (link) {
			path[end] = c;
			if ((flags & CT_SF_STRICT) || !last) {
				e->text = "there is a symbolic link that leads nowhere";
				return -ENOENT;
			}
			return replace_link(path, at, end, to) ? -ENAMETOOLONG : 1;
		}
		if (next == -ENOENT) {
			char name[256];

			str_cut(name, sizeof(name), path + at);
			path[at] = '\0';
			next = make(dir, path, name, !last || directory, e);
			memcpy(path + at, name, strlen(name));
		}
		path[end] = c;
		if (next < 0)
			return next;
		sys_close(dir);
		dir = next;
		at = end;
	}
	*fd = dir;
	dir = -1;
	return *fd < 0 ? *fd : 0;
}

/* Walks, and follows links that lead nowhere. */
__attribute__((noinline)) static int make_path(int under, const char *path, unsigned flags,
					       int directory, struct path_error *e)
{
	char work[PATH_SIZE];
	int fd = -1, r = 1;

	if (strlen(path) >= sizeof(work)) {
		e->sys = SYS_openat2;
		e->text = NULL;
		return -ENAMETOOLONG;
	}
	str_cut(work, sizeof(work), path);
	for (int links = 0; r == 1; links++) {
		if (links > MAX_LINKS) {
			e->text = "target is a symbolic link without end";
			return -ELOOP;
		}
		r = walk(under, work, flags, directory, &fd, e);
	}
	return r < 0 ? r : fd;
}

/* Splits off the last component of `path`. Its length of directory part, or -EINVAL when it
 * has no name to make. */
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

/* An O_PATH descriptor of the directory of the last component, the caller's to close; negative
 * errno with the reason in *e. base has room for 256 bytes. */
__attribute__((noinline)) int path_parent(int under, const char *path, unsigned flags, char *base,
					  struct path_error *e)
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
		fd = make_path(under, dir, flags, 1, e);
	return fd;
}

/* path_open(), and when it is missing it is made, its parents, too. The caller's to close; negative
 * errno with the reason in *e. */
int path_make(int under, const char *path, unsigned flags, int directory, struct path_error *e)
{
	SYS_CLOSEP int root = -1;
	int fd = path_open(under, path, flags, 0, e);

	if (fd != -ENOENT)
		return fd;
	if (under < 0) {
		under = root = root_fd(e);
		if (root < 0)
			return root;
	}
	return make_path(under, relative(path), flags, directory, e);
}
