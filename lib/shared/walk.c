/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Down into the first group, up by "..", on from where that one stood: one descriptor, and eight
 * bytes for each level. */
#include "shared/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/dirent.h"

#define TRIES 100 /* from the beginning, when a group is removed while the walk is in it */
#define ROOM 4096 /* levels more at a time */

struct walk {
	int at;
	int down;    /* a group before those in it */
	int64_t *up; /* for each level above, where to go on there */
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
	void *more = w->up ? mremap(w->up, w->room * sizeof(*w->up), room * sizeof(*w->up),
				    MREMAP_MAYMOVE)
			   : mmap(NULL, room * sizeof(*w->up), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (more == MAP_FAILED)
		return -ENOMEM;
	w->up = more;
	w->room = room;
	return 0;
}

/* Most groups have none below, and no memory is taken for those. */
static int go_down(struct walk *w, int fd, int64_t behind)
{
	int r = w->n == w->room ? make_room(w) : 0;

	if (r < 0) {
		syscall(SYS_close, fd);
		return r;
	}
	w->up[w->n++] = behind;
	go_to(w, fd);
	return 0;
}

/* The next group in this one, opened, and where to go on behind it. A descriptor; -ENOENT: there is
 * none left, or another errno. */
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
	return n < 0 ? -errno : -ENOENT;
}

/* One group after another, until the top has none left. 0, what visit returned, or a negative
 * errno; -ENOENT: the group went away. */
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
		if (fd != -ENOENT || !w->n)
			return fd == -ENOENT ? 0 : fd;
		r = w->down ? 0 : visit(w->at, arg);
		if (r)
			return r;
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
	/* the whole of it has gone */
	return r == -ENOENT ? 0 : r;
}

int ct_walk(int dir, int (*visit)(int dir, void *arg), void *arg)
{
	int r = walk(dir, 0, visit, arg);

	return r ? r : visit(dir, arg);
}

int ct_walk_down(int dir, int (*visit)(int dir, void *arg), void *arg)
{
	int r = visit(dir, arg);

	return r ? r : walk(dir, 1, visit, arg);
}
