/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: finding, making, locking and removing it. */
#include "run/state/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/state/dir.h"
#include "shared/weak.h"

#define WHERE "state"
#define TRIES 64 /* how often others may remove what we are making */

static int refuse(struct ct_err *e, int err, const char *object, const char *reason)
{
	ct_err_object(e, object);
	return ct_fail(e, err, CT_ERR_STATE, WHERE, "%s", reason);
}

static int refuse_call(struct ct_err *e, int err, const char *call, const char *object)
{
	ct_err_syscall(e, call);
	ct_err_object(e, object);
	return ct_fail(e, err, CT_ERR_STATE, WHERE, "the state directory cannot be used");
}

int ct_state_default_base(char *buf, size_t size, struct ct_err *e)
{
	const char *dir = "/run";
	int n;

	if (geteuid() != 0) {
		dir = secure_getenv("XDG_RUNTIME_DIR");
		if (!dir || dir[0] != '/') {
			ct_err_hint(e, "log in with a session, or name a state directory");
			return ct_fail(e, -ENOENT, CT_ERR_STATE, WHERE,
				       "XDG_RUNTIME_DIR is not set: there is no place for run-time "
				       "state");
		}
	}
	n = snprintf(buf, size, "%s/libcontain", dir);
	if (n < 0 || (size_t)n >= size)
		return ct_fail(e, -ENAMETOOLONG, CT_ERR_STATE, WHERE,
			       "the state directory's path is too long");
	return 0;
}

/* Refuses a directory that another user can change. */
static int check_ours(int fd, const char *path, struct ct_err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return refuse_call(e, -errno, "fstat", path);
	if (ct_weak(CT_WEAK_STATE_OWNER))
		return 0;
	if (st.st_uid != geteuid()) {
		ct_err_hint(e, "remove it, or name another state directory");
		return refuse(e, -EPERM, path, "the state directory belongs to another user");
	}
	if (st.st_mode & 022) {
		ct_err_hint(e, "chmod 0700 it after a look at who has put what into it");
		return refuse(e, -EPERM, path, "others can write into the state directory");
	}
	return 0;
}

static int open_real_dir(int parent, const char *name)
{
	return ct_or_errno(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* 0; -ESTALE, not recorded: `parent` was removed meanwhile; or another errno, recorded. */
static int make_dir(int parent, const char *name, const char *path, struct ct_err *e)
{
	if (!mkdirat(parent, name, 0700) || errno == EEXIST)
		return 0;
	if (errno == ENOENT)
		return -ESTALE;
	return refuse_call(e, -errno, "mkdirat", path);
}

/* Opens the directory `name` in `parent` for reading, never through a link; with `create` makes it
 * if it is missing. Negative errno; -ENOENT and -ESTALE are not recorded. */
static int open_ours(int parent, const char *name, int create, const char *path, struct ct_err *e)
{
	CT_CLEAN_FD int fd = open_real_dir(parent, name);
	struct stat st;
	int r;

	if (fd == -ENOENT && create) {
		r = make_dir(parent, name, path, e);
		if (r < 0)
			return r;
		fd = open_real_dir(parent, name);
		if (fd == -ENOENT)
			return -ESTALE;
	}
	if (fd == -ENOENT)
		return fd;
	if (fd < 0) {
		if (!fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode))
			return refuse(e, -ELOOP, path, "the state directory is a symbolic link");
		return refuse_call(e, fd, "openat", path);
	}
	r = check_ours(fd, path, e);
	if (r)
		return r;
	return ct_take_fd(&fd);
}

static int open_part(int at, const char *name)
{
	return ct_or_errno(openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Opens the base; directories that are missing on the way are made 0700. Negative errno; -ENOENT
 * is not recorded. */
static int open_base(const char *base, int create, struct ct_err *e)
{
	CT_CLEAN_FD int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char part[NAME_MAX + 1];
	const char *p = base;

	if (!base || base[0] != '/')
		return refuse(e, -EINVAL, base, "the state directory must be an absolute path");
	if (at < 0)
		return refuse_call(e, -errno, "open", "/");
	for (;;) {
		size_t n;
		int fd;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 0)
			return refuse(e, -EINVAL, base, "this cannot be the state directory");
		if (n > NAME_MAX)
			return refuse(e, -ENAMETOOLONG, base, "this cannot be the state directory");
		memcpy(part, p, n);
		part[n] = 0;
		p += n;
		if (!p[strspn(p, "/")])
			return open_ours(at, part, create, base, e);
		fd = open_part(at, part);
		if (fd == -ENOENT && create) {
			if (mkdirat(at, part, 0700) && errno != EEXIST)
				return refuse_call(e, -errno, "mkdirat", base);
			fd = open_part(at, part);
		}
		if (fd == -ENOENT)
			return fd;
		if (fd < 0)
			return refuse_call(e, fd, "openat", base);
		ct_close(&at);
		at = fd;
	}
}

/* The canonical path of a directory that need not exist: the part that exists, resolved, and the
 * rest as it is. NULL with errno. */
static char *canonical(const char *dir)
{
	char *path, *whole, *cut, *real, saved;
	const char *front;

	if (dir[0] == '/')
		path = strdup(dir);
	else if (asprintf(&path, "./%s", dir) < 0)
		path = NULL;
	if (!path)
		return NULL;
	for (cut = path + strlen(path); cut > path + 1 && cut[-1] == '/'; cut--)
		cut[-1] = 0;
	for (;;) {
		saved = *cut;
		*cut = 0;
		front = path;
		if (!*front)
			front = "/";
		real = realpath(front, NULL);
		*cut = saved;
		if (real || errno != ENOENT)
			break;
		while (cut > path && *--cut != '/')
			;
	}
	front = real;
	/* "/" and a rest that begins with a slash: one slash is enough */
	if (real && !strcmp(real, "/") && *cut)
		front = "";
	whole = NULL;
	if (real && asprintf(&whole, "%s%s", front, cut) < 0)
		whole = NULL;
	free(real);
	free(path);
	return whole;
}

int ct_state_hash(const char *dir, char hex[17])
{
	uint64_t h = 0xcbf29ce484222325u;
	char *path = canonical(dir);

	if (!path)
		return -errno;
	for (const char *p = path; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	free(path);
	snprintf(hex, 17, "%016llx", (unsigned long long)h);
	return 0;
}

int ct_state_open_all(const char *base, const char *dir, int create, struct ct_err *e)
{
	CT_CLEAN_FD int at = -1;
	char hex[17];
	int r;

	r = ct_state_hash(dir, hex);
	if (r)
		return refuse_call(e, r, "realpath", dir);
	at = open_base(base, create, e);
	if (at < 0)
		return at;
	return open_ours(at, hex, create, base, e);
}

int ct_state_open(const char *base, const char *dir, const char *name, int create, int *dirfd,
		  struct ct_err *e)
{
	int r = -ESTALE;

	if (!name[0] || name[0] == '.' || strchr(name, '/'))
		return refuse(e, -EINVAL, name, "not a container name");
	for (int i = 0; i < TRIES && r == -ESTALE; i++) {
		CT_CLEAN_FD int all = ct_state_open_all(base, dir, create, e);

		r = all;
		if (all >= 0)
			r = open_ours(all, name, create, base, e);
	}
	if (r == -ESTALE)
		return refuse(e, r, base, "the state directory is removed again and again");
	if (r < 0)
		return r;
	*dirfd = r;
	return 0;
}

static void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int try_lock(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return ct_or_errno(fcntl(fd, F_OFD_SETLK, &l));
}

/* Writes our process id into the lock file: the error of a call that waits in vain names it. */
static void sign_lock(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) || ct_write_at(fd, text, (size_t)n, 0))
		return;
}

static int lock_held(int fd, struct ct_err *e)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n >= 0)
		text[n] = 0;
	text[strspn(text, "0123456789")] = 0;
	ct_err_object(e, CT_STATE_LOCK);
	ct_err_hint(e, "wait until it is done, or look at what that process does");
	return ct_fail(e, -EBUSY, CT_ERR_STATE, WHERE,
		       "another call works on this container (process %s)",
		       text[0] ? text : "unknown");
}

int ct_state_lock(int dirfd, int timeout_ms, int *lockfd, struct ct_err *e)
{
	CT_CLEAN_FD int fd =
		openat(dirfd, CT_STATE_LOCK,
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	int64_t until = ct_now_ms() + timeout_ms;
	struct stat st;
	int pause = 1, r;

	if (fd < 0 && errno == ENOENT)
		return -ESTALE;
	if (fd < 0)
		return refuse_call(e, -errno, "openat", CT_STATE_LOCK);
	while ((r = try_lock(fd)) != 0) {
		if (r == -EINTR)
			continue;
		if (r != -EAGAIN && r != -EACCES)
			return refuse_call(e, r, "fcntl", CT_STATE_LOCK);
		if (ct_now_ms() >= until)
			return lock_held(fd, e);
		sleep_ms(pause);
		pause = ct_next_pause(pause, 20);
	}
	if (fstat(fd, &st))
		return refuse_call(e, -errno, "fstat", CT_STATE_LOCK);
	if (!st.st_nlink)
		return -ESTALE;
	sign_lock(fd);
	*lockfd = ct_take_fd(&fd);
	return 0;
}

int ct_state_enter(const char *base, const char *dir, const char *name, int timeout_ms, int *dirfd,
		   int *lockfd, struct ct_err *e)
{
	for (int i = 0; i < TRIES; i++) {
		CT_CLEAN_FD int fd = -1;
		int r;

		r = ct_state_open(base, dir, name, 1, &fd, e);
		if (!r)
			r = ct_state_lock(fd, timeout_ms, lockfd, e);
		if (r == -ESTALE)
			continue;
		if (!r)
			*dirfd = ct_take_fd(&fd);
		return r;
	}
	return refuse(e, -ESTALE, base, "the state directory is removed again and again");
}

int ct_state_take_alive(int dirfd, int *fd, struct ct_err *e)
{
	CT_CLEAN_FD int f =
		openat(dirfd, CT_STATE_ALIVE,
		       O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	int r;

	if (f < 0)
		return refuse_call(e, -errno, "openat", CT_STATE_ALIVE);
	r = try_lock(f);
	if (r == -EAGAIN || r == -EACCES) {
		ct_err_hint(e, "stop it first");
		return ct_fail(e, -EBUSY, CT_ERR_RUNNING, WHERE,
			       "the container is already running");
	}
	if (r)
		return refuse_call(e, r, "fcntl", CT_STATE_ALIVE);
	*fd = ct_take_fd(&f);
	return 0;
}

int ct_state_alive(int dirfd)
{
	CT_CLEAN_FD int fd = openat(dirfd, CT_STATE_ALIVE,
				    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_GETLK, &l))
		return -errno;
	return l.l_type != F_UNLCK;
}

static int unlink_if_there(int dirfd, const char *name, struct ct_err *e)
{
	if (unlinkat(dirfd, name, 0) && errno != ENOENT)
		return refuse_call(e, -errno, "unlinkat", name);
	return 0;
}

int ct_state_clear(int dirfd, struct ct_err *e)
{
	static const char *const files[] = { CT_STATE_CONTROL, CT_STATE_FILE, ".state.new",
					     CT_STATE_CONFIG };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int r = unlink_if_there(dirfd, files[i], e);

		if (r)
			return r;
	}
	return 0;
}

/* Removes all files, the lock last. */
static int remove_files(int dirfd, struct ct_err *e)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct dirent *d;
	DIR *dir;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return refuse_call(e, -errno, "openat", NULL);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return ct_oom(e);
	}
	while (!r && (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") &&
		    strcmp(d->d_name, CT_STATE_LOCK))
			r = unlink_if_there(dirfd, d->d_name, e);
	}
	closedir(dir);
	if (r)
		return r;
	return unlink_if_there(dirfd, CT_STATE_LOCK, e);
}

/* Last component of the path of an open directory in buf; 0 or -1. */
static int name_of(int fd, char *buf, size_t size)
{
	char link[32], path[PATH_MAX], *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return -1;
	path[n] = 0;
	slash = strrchr(path, '/');
	if (!slash || strlen(slash + 1) >= size)
		return -1;
	memcpy(buf, slash + 1, strlen(slash + 1) + 1);
	return 0;
}

/* Removes the directory `name` of `parent` when that is what fd is open on. 0 or negative errno. */
static int remove_dir(int parent, const char *name, int fd)
{
	struct stat there, ours;

	if (fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) || fstat(fd, &ours)) {
		if (errno == ENOENT)
			return 0;
		return -errno;
	}
	if (there.st_dev != ours.st_dev || there.st_ino != ours.st_ino)
		return 0;
	/* -ENOTEMPTY: once the lock file is gone another call may have begun to use it */
	if (unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT && errno != ENOTEMPTY)
		return -errno;
	return 0;
}

int ct_state_remove(int dirfd, const char *name, struct ct_err *e)
{
	CT_CLEAN_FD int parent = openat(dirfd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC), base = -1;
	char own[NAME_MAX + 1];
	int r;

	r = remove_files(dirfd, e);
	if (r || parent < 0)
		return r;
	r = remove_dir(parent, name, dirfd);
	if (r)
		return refuse_call(e, r, "unlinkat", name);
	/* the directory of all containers of this place, when this was the last one */
	base = openat(parent, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base >= 0 && !name_of(parent, own, sizeof(own)) && strlen(own) == 16)
		remove_dir(base, own, parent);
	return 0;
}

int ct_state_remove_unnamed(int dirfd, struct ct_err *e)
{
	char own[NAME_MAX + 1];

	if (name_of(dirfd, own, sizeof(own)))
		return ct_state_clear(dirfd, e);
	return ct_state_remove(dirfd, own, e);
}
