/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes down into the first cgroup of each level, up by "..", and on from the offset at which that
 * one was read: one descriptor, and eight bytes for each level. */
#include "shared/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/dirent.h"
#include "shared/grow.h"

#define TRIES 100 /* from the beginning, when a cgroup is removed while the walk is in it */
#define ROOM 4096 /* levels more at a time */

struct walk {
	int at;
	int down;    /* a cgroup before those in it */
	int64_t *up; /* for each level above, the offset at which to go on there */
	size_t n, room;
};

/* Goes on with another directory; the descriptor is the walk's. */
static void go_to(struct walk *w, int fd)
{
	syscall(SYS_close, w->at);
	w->at = fd;
}

static int make_room(struct walk *w)
{
	size_t room = w->room + ROOM;
	void *more = ct_grow(w->up, w->room * sizeof(*w->up), room * sizeof(*w->up));

	if (!more)
		return -ENOMEM;
	w->up = more;
	w->room = room;
	return 0;
}

/* No memory is taken before the first level, since most cgroups have none below. */
static int go_down(struct walk *w, int fd, int64_t behind)
{
	int r = 0;

	if (w->n == w->room)
		r = make_room(w);
	if (r < 0) {
		syscall(SYS_close, fd);
		return r;
	}
	w->up[w->n++] = behind;
	go_to(w, fd);
	return 0;
}

/* Opens the next cgroup in this one; *behind is the offset after it. A descriptor; -ENOENT: there
 * is none left; or another errno. */
static int next(const struct walk *w, int64_t *behind)
{
	char buf[2048] __attribute__((aligned(8)));
	long n;

	while ((n = syscall(SYS_getdents64, w->at, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n;) {
			const struct ct_dirent *e = (const struct ct_dirent *)(buf + i);
			int fd;

			i += e->len;
			if (!ct_dirent_is_group(e))
				continue;
			*behind = e->off;
			fd = ct_dirent_open(w->at, e->name);
			if (fd != -ENOENT)
				return fd;
		}
	if (n < 0)
		return -errno;
	return -ENOENT;
}

/* Visits one cgroup after another, until the top has none left. 0, what visit returned, or a
 * negative errno; -ENOENT: a cgroup was removed while the walk was in it. */
static int all_below(struct walk *w, int (*visit)(int, void *), void *arg)
{
	for (;;) {
		int64_t behind;
		int fd = next(w, &behind), r;

		if (fd >= 0) {
			r = go_down(w, fd, behind);
			if (r == 0 && w->down)
				r = visit(w->at, arg);
			if (r)
				return r;
			continue;
		}
		if (fd != -ENOENT)
			return fd;
		if (!w->n)
			return 0;
		if (!w->down) {
			r = visit(w->at, arg);
			if (r)
				return r;
		}
		fd = ct_dirent_open(w->at, "..");
		if (fd < 0)
			return fd;
		go_to(w, fd);
		if (syscall(SYS_lseek, w->at, w->up[--w->n], SEEK_SET) < 0)
			return -errno;
	}
}

static int walk(int dir, int down, int (*visit)(int dir, void *arg), void *arg)
{
	struct walk w = { .down = down };
	int r = -ENOENT;

	for (int i = 0; r == -ENOENT && i < TRIES; i++) {
		w.n = 0;
		w.at = r = ct_dirent_open(dir, ".");
		if (r < 0)
			break;
		r = all_below(&w, visit, arg);
		syscall(SYS_close, w.at);
	}
	if (w.up)
		munmap(w.up, w.room * sizeof(*w.up));
	/* `dir` itself was removed */
	if (r == -ENOENT)
		return 0;
	return r;
}

int ct_walk(int dir, int (*visit)(int dir, void *arg), void *arg)
{
	int r = walk(dir, 0, visit, arg);

	if (r)
		return r;
	return visit(dir, arg);
}

int ct_walk_down(int dir, int (*visit)(int dir, void *arg), void *arg)
{
	int r = visit(dir, arg);

	if (r)
		return r;
	return walk(dir, 1, visit, arg);
}
