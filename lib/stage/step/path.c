/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths below a descriptor. The tree there is hostile: it may have links to anywhere, and change at
 * any time. openat2(2) resolves the paths, confined; only O_PATH descriptors are held, and things
 * are made by their last component.
 */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"
#include "shared/weak.h"
#include "shared/words.h"

/* A confined ".." fails with EAGAIN when anything on the machine is renamed or mounted meanwhile.
 * */
#define RETRIES 256

static uint64_t resolve_flags(unsigned flags)
{
	if (ct_weak(CT_WEAK_PATH_STRINGS))
		return 0;
	if ((flags & CT_SF_STRICT) && !ct_weak(CT_WEAK_FOLLOW_LINKS))
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
	if (!*path)
		return ".";
	return path;
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

/* Opens a regular file for reading, confined by the K_RESOLVE_ flags. Its type is checked by an
 * O_PATH descriptor first, for opening another type may block or have effects; the file that is
 * then opened must be the same. The caller's to close; -EINVAL: no regular file, -ESTALE: it was
 * exchanged meanwhile, or another errno. */
int path_regular(int dir, const char *path, uint64_t resolve)
{
	SYS_CLOSEP int checked = open_retry(dir, path, 0, resolve);
	struct stat seen, now;
	int fd, err;

	if (checked < 0)
		return checked;
	err = sys_fstat(checked, &seen);
	if (err)
		return err;
	if (!S_ISREG(seen.st_mode))
		return -EINVAL;
	fd = sys_openat2(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, resolve);
	if (fd < 0)
		return fd;
	err = sys_fstat(fd, &now);
	if (!err &&
	    (now.st_dev != seen.st_dev || now.st_ino != seen.st_ino || !S_ISREG(now.st_mode)))
		err = -ESTALE;
	if (!err)
		return fd;
	sys_close(fd);
	return err;
}

/* Another, writable mount of a read-only root's file system; -1: none. */
static int targets = -1;

/* Takes the descriptor of that mount; an earlier one is closed. */
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
	if (ct_weak(CT_WEAK_CREATE_FOLLOWS))
		fd = sys_openat(dir, name, O_CREAT | O_WRONLY, 0644);
	else
		fd = sys_openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0644);
	if (fd < 0)
		return fd;
	sys_close(fd);
	return 0;
}

/* Makes `name` in the directory `dir`, which has the path `prefix`, by way of the writable mount.
 * 0, -EROFS where that does not have the same directory, or another negative errno. */
static int make_in_targets(int dir, const char *prefix, const char *name, int directory)
{
	struct path_error e;
	struct stat here, there;
	SYS_CLOSEP int same = -1;

	if (targets < 0)
		return -EROFS;
	same = path_open(targets, prefix, 0, O_DIRECTORY, &e);
	if (same < 0 || sys_fstat(dir, &here) || sys_fstat(same, &there))
		return -EROFS;
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return -EROFS;
	return make_one(same, name, directory);
}

/* Makes `name` in the directory `dir`, which is `prefix` below the root, and opens it. */
static int make(int dir, const char *prefix, const char *name, int directory, struct path_error *e)
{
	int err = make_one(dir, name, directory), fd;
	uint64_t type = 0;

	if (err == -EROFS)
		err = make_in_targets(dir, prefix, name, directory);
	e->sys = SYS_openat;
	e->text = NULL;
	if (directory) {
		e->sys = SYS_mkdirat;
		type = O_DIRECTORY;
	}
	if (err && err != -EEXIST)
		return err;
	if (ct_weak(CT_WEAK_CREATE_FOLLOWS))
		return sys_openat(dir, name, O_PATH, 0);
	fd = sys_openat2(dir, name, O_PATH | O_NOFOLLOW | type, 0,
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
	long n;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	n = sys4(SYS_readlinkat, fd, "", to, PATH_SIZE - 1);
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
	size_t keep = at;

	if (*to == '/')
		keep = 0;
	str_cut(rest, sizeof(rest), path + end);
	if (keep + strlen(to) + strlen(rest) + 1 > PATH_SIZE)
		return -ENAMETOOLONG;
	path[keep] = '\0';
	str_add(str_add(path, PATH_SIZE, to), PATH_SIZE, rest);
	return 0;
}

/* Makes what is missing at path[at], the last component of `path` so far, and opens it. */
static int make_component(int dir, char *path, size_t at, int directory, struct path_error *e)
{
	char name[256];
	int fd;

	str_cut(name, sizeof(name), path + at);
	path[at] = '\0';
	fd = make(dir, path, name, directory, e);
	memcpy(path + at, name, strlen(name));
	return fd;
}

/* Walks `path` (writable) and makes what is missing; *fd is the descriptor of its end. The kernel
 * resolves each prefix anew, from `under` and confined to it. 1 with *fd < 0: the last component is
 * a link that leads nowhere, and its text has replaced it in `path`. On the way such links are an
 * error: a config that names a path does not ask for what lies behind them. */
__attribute__((noinline)) static int walk(int under, char *path, unsigned flags, int directory,
					  int *fd, struct path_error *e)
{
	SYS_CLOSEP int dir = path_open(under, ".", flags, O_DIRECTORY, e);
	char to[PATH_SIZE];
	size_t at = 0;

	while (dir >= 0) {
		uint64_t type = O_DIRECTORY;
		int last, next;
		size_t end;
		long link = 0;
		char c;

		at += strspn(path + at, "/");
		end = at + strcspn(path + at, "/");
		if (end == at)
			break;
		last = !path[end + strspn(path + end, "/")];
		c = path[end];
		path[end] = '\0';
		if (last)
			type = 0;
		next = path_open(under, path, flags, type, e);
		if (next == -ENOENT)
			link = link_target(dir, path + at, to);
		if (link < 0)
			return (int)link;
		if (link) {
			path[end] = c;
			if ((flags & CT_SF_STRICT) || !last) {
				e->text = "there is a symbolic link that leads nowhere";
				return -ENOENT;
			}
			if (replace_link(path, at, end, to))
				return -ENAMETOOLONG;
			return 1;
		}
		if (next == -ENOENT)
			next = make_component(dir, path, at, !last || directory, e);
		path[end] = c;
		if (next < 0)
			return next;
		sys_close(dir);
		dir = next;
		at = end;
	}
	if (dir < 0)
		return dir;
	*fd = dir;
	dir = -1;
	return 0;
}

/* Walks `path`, also through links at its end that lead nowhere. A descriptor or a negative errno.
 * */
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
	if (r < 0)
		return r;
	return fd;
}

/* Copies the last component of `path` to base[256]. The length of the part before it, -EINVAL where
 * the path has no name at its end, or -ENAMETOOLONG. */
static int split(const char *path, char *base)
{
	size_t len = strlen(path), at;

	while (len && path[len - 1] == '/')
		len--;
	for (at = len; at && path[at - 1] != '/'; at--)
		;
	if (len == at)
		return -EINVAL;
	if (len - at > 255)
		return -ENAMETOOLONG;
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
	if (at >= (int)sizeof(dir))
		at = -ENAMETOOLONG;
	if (at < 0) {
		e->sys = SYS_openat2;
		e->text = text_for(at, -EINVAL, "target has no name");
		return at;
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

/* As path_open(), but what is missing is made, with its parents. The caller's to close; negative
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
