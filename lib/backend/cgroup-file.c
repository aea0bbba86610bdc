/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of a cgroup, the same for both versions. A cgroup file system has no links, and a payload can only make groups in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"

#define DEPTH 1000000	/* of groups in groups: a bound, no limit */
#define PROCS_MAX (8u << 20)

/* See backend.h. */
ssize_t ct_cg_read(int dirfd, const char *file, char *buf, size_t size)
{
	CT_CLEAN_FD int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);

	buf[0] = '\0';
	return fd < 0 ? -errno : ct_read_text(fd, buf, size);
}

/* See backend.h. */
int ct_cg_write(int dirfd, const char *file, const char *value)
{
	CT_CLEAN_FD int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* See backend.h. */
uint64_t ct_cg_keyed(int dirfd, const char *file, const char *key, uint64_t dflt)
{
	char text[4096], *line = text, *next;
	size_t n = strlen(key);
	uint64_t v;

	if (ct_cg_read(dirfd, file, text, sizeof(text)) < 0)
		return dflt;
	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(line, key, n) && line[n] == ' ' && ct_parse_u64(line + n + 1, &v) == 0)
			return v;
	}
	return dflt;
}

/* Where the walk was in the group above, and the name of the one it went into. */
struct spot {
	long pos;
	char name[256];
};

struct walk {
	DIR *dir;
	struct spot *up;
	uint32_t n, room;
};

/* Goes on with another directory; the descriptor is the walk's. */
static int enter(struct walk *w, int fd)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	if (w->dir)
		closedir(w->dir);
	w->dir = dir;
	return 0;
}

/* Into the next group below. 1; 0: there is none left. */
static int down(struct walk *w)
{
	struct dirent *d;

	while ((d = readdir(w->dir))) {
		int fd, r;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		if (w->n == DEPTH)
			return -ELOOP;
		if (w->n == w->room) {
			struct spot *more = realloc(w->up, (w->room + 64) * sizeof(*more));

			if (!more)
				return -ENOMEM;
			w->up = more;
			w->room += 64;
		}
		fd = openat(dirfd(w->dir), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		w->up[w->n].pos = telldir(w->dir);
		snprintf(w->up[w->n].name, sizeof(w->up->name), "%s", d->d_name);
		r = enter(w, fd);
		w->n += r == 0;
		return r < 0 ? r : 1;
	}
	return 0;
}

/* Tells of this group and goes back to the one above. */
static int up(struct walk *w, int (*fn)(int, int, const char *, void *), void *arg)
{
	const struct spot *spot = &w->up[w->n - 1];
	int above = openat(dirfd(w->dir), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (above < 0)
		return -errno;
	r = fn(dirfd(w->dir), above, spot->name, arg);
	if (r) {
		close(above);
		return r;
	}
	r = enter(w, above);
	if (r < 0)
		return r;
	seekdir(w->dir, spot->pos);
	w->n--;
	return 0;
}

/* See backend.h. A payload decides how deep its groups are: no descriptor and no stack for each level. */
int ct_cg_walk(int dirfd, int (*fn)(int dirfd, int parent, const char *name, void *arg), void *arg)
{
	struct walk w = { 0 };
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = enter(&w, fd);
	while (r == 0) {
		r = down(&w);
		if (r != 0) {
			r = r < 0 ? r : 0;
			continue;
		}
		if (!w.n)
			break;
		r = up(&w, fn, arg);
	}
	if (r == 0)
		r = fn(dirfd, -1, NULL, arg);
	if (w.dir)
		closedir(w.dir);
	free(w.up);
	return r;
}

/* Is the process of this pidfd still in the group? Looked at after the pidfd was opened: then it is nobody else. */
static bool is_in(int dirfd, uint32_t pid)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char *p, *word;
	uint32_t other;

	if (fd < 0 || ct_buf_read_fd(&text, fd, PROCS_MAX) < 0 || !text.data)
		return false;
	for (p = text.data; (word = strsep(&p, "\n"));)
		if (ct_parse_u32(word, &other) == 0 && other == pid)
			return true;
	return false;
}

static int signal_pid(int dirfd, uint32_t pid, int sig)
{
	CT_CLEAN_FD int pidfd = ct_pidfd_open((pid_t)pid);

	if (pidfd == -ESRCH || pidfd == -EINVAL || (pidfd >= 0 && !is_in(dirfd, pid)))
		return 0;
	if (pidfd < 0)
		return pidfd;
	return ct_pidfd_send_signal(pidfd, sig);
}

/* See backend.h. */
int ct_cg_signal_one(int dirfd, int sig)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char *p, *word;
	int n = 0, r = fd < 0 ? -errno : ct_buf_read_fd(&text, fd, PROCS_MAX);

	/* a threaded group has no list of processes: its threads are in its domain's */
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	for (p = text.data; p && (word = strsep(&p, "\n"));) {
		uint32_t pid;

		if (ct_parse_u32(word, &pid) || !pid)
			continue;
		r = signal_pid(dirfd, pid, sig);
		if (r < 0 && r != -ESRCH)
			return r;
		n++;
	}
	return n;
}
