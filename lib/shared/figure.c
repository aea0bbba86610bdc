/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters from cgroup files. Each file is opened, read and closed once for all counters in it. */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/dirent.h"
#include "shared/figure.h"

#define FILE_MAX (64u << 10) /* bytes of one file */
#define PIECE (8u << 10)     /* bytes of it at a time */
#define TOGETHER 12	     /* counters from one reading of a file */

static int open_at(int dir, const char *name, int flags)
{
	return (int)syscall(SYS_openat, dir, name, flags | O_RDONLY | O_CLOEXEC, 0);
}

static void shut(int fd)
{
	syscall(SYS_close, fd);
}

/* Feeds a file's text to all of k[]. The kernel returns as much as it has at once: a short read is
 * the last. False: it cannot be read. */
__attribute__((noinline)) static int feed_file(int dir, const char *file, struct ct_keyed *k,
					       uint32_t n_k)
{
	char buf[PIECE];
	size_t kept = 0, total = 0;
	int fd = open_at(dir, file, O_NOFOLLOW);
	long got;

	if (fd < 0)
		return 0;
	do {
		size_t room = sizeof(buf) - kept, have, whole;

		got = syscall(SYS_read, fd, buf + kept, room);
		if (got < 0)
			break;
		total += (size_t)got;
		have = kept + (size_t)got;
		whole = have;
		if ((size_t)got == room)
			whole = ct_keyed_whole(buf, have);
		for (uint32_t i = 0; i < n_k; i++)
			ct_keyed_feed(&k[i], buf, whole);
		kept = have - whole;
		memmove(buf, buf + whole, kept);
		/* the kernel has no line as long as the buffer */
		if ((size_t)got < room || !whole)
			break;
	} while (total < FILE_MAX);
	shut(fd);
	return got >= 0;
}

/* ---- cgroups below a cgroup ------------------------------------------------------------------ */

struct walk {
	const struct ct_figure *row;
	uint64_t sum;
	uint32_t left; /* how many cgroups may still be read */
};

static void walk(struct walk *w, int dir, unsigned depth);

/* The links of a directory are 2 and the directories in it; a file system that does not count them
 * has 1. */
static int has_groups(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && st.st_nlink != 2;
}

static void walk_into(struct walk *w, int dir, const char *name, unsigned depth)
{
	struct ct_keyed k = { .key = w->row->key, .how = w->row->how };
	int fd;

	if (!w->left)
		return;
	w->left--;
	fd = open_at(dir, name, O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return;
	feed_file(fd, w->row->file, &k, 1);
	if (ct_keyed_value(&k) < UINT64_MAX - w->sum)
		w->sum += ct_keyed_value(&k);
	if (depth && has_groups(fd))
		walk(w, fd, depth - 1);
	shut(fd);
}

/* Adds all cgroups in the directory, and those of `depth` levels more. */
static void walk(struct walk *w, int dir, unsigned depth)
{
	char buf[1024] __attribute__((aligned(8)));
	long n;

	while (w->left && (n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		const struct ct_dirent *e;

		for (long at = 0; at < n; at += e->len) {
			e = (const struct ct_dirent *)(buf + at);
			if (e->type == CT_DIRENT_DIR && strcmp(e->name, ".") &&
			    strcmp(e->name, ".."))
				walk_into(w, dir, e->name, depth);
		}
	}
}

static uint64_t with_groups_below(const struct ct_figure *row, int fd, uint64_t own)
{
	struct walk w = { row, own, CT_FIGURE_GROUPS };
	struct stat st;
	int dir;

	if (!has_groups(fd) || fstatat(fd, row->local, &st, 0) == 0)
		return own;
	dir = open_at(fd, ".", O_DIRECTORY);
	if (dir < 0)
		return own;
	walk(&w, dir, CT_FIGURE_DEPTH - 1);
	shut(dir);
	return w.sum;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static uint64_t *place_of(struct ct_figures *s, const struct ct_figure *row)
{
	return (uint64_t *)((char *)s->out + row->offset);
}

/* Sets the counter of a row to what was found, unless an earlier row has set it. */
static void settle(struct ct_figures *s, const struct ct_figure *row, const struct ct_keyed *k,
		   int fd)
{
	uint64_t *out = place_of(s, row), v = ct_keyed_value(k);

	/* io.stat has only devices that were used, so none is 0; version 1's files also lack those
	 * that are not counted, so none is absent */
	if (row->how == CT_KEYED_DEVICES && ct_keyed_unsaid(k))
		v = 0;
	if (v == CT_ABSENT || *out != CT_ABSENT)
		return;
	if (row->how == CT_KEYED_TREE)
		v = with_groups_below(row, fd, v);
	*out = v / row->divisor;
}

/* Reads the file of the row `first` for all rows from there on that are due and have that file. */
static void read_together(struct ct_figures *s, uint32_t first, uint8_t *due, int fd)
{
	const struct ct_figure *row[TOGETHER];
	struct ct_keyed k[TOGETHER];
	uint32_t n = 0;

	for (uint32_t i = first; i < s->n && n < TOGETHER; i++) {
		if (!due[i] || (i != first && strcmp(s->rows[i].file, s->rows[first].file)))
			continue;
		due[i] = 0;
		row[n] = &s->rows[i];
		k[n++] = (struct ct_keyed){ .key = s->rows[i].key, .how = s->rows[i].how };
	}
	if (!feed_file(fd, s->rows[first].file, k, n))
		return;
	for (uint32_t i = 0; i < n; i++)
		settle(s, row[i], &k[i], fd);
}

void ct_figures_add(struct ct_figures *s, unsigned version, uint32_t controllers, int fd)
{
	uint8_t due[CT_FIGURE_ROWS];

	/* version 2 counts CPU time in every cgroup */
	if (version == 2)
		controllers |= CT_CG_CPUACCT;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t bit = s->rows[i].controller;

		due[i] = s->rows[i].version == version &&
			 (bit == CT_CG_ANY || (bit & controllers & s->wanted));
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (due[i] && *place_of(s, &s->rows[i]) == CT_ABSENT)
			read_together(s, i, due, fd);
	}
	s->wanted &= ~controllers;
}

void ct_figures_add_places(struct ct_figures *s, unsigned version, const struct ct_cg_place *v,
			   uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].version == version)
			ct_figures_add(s, version, v[i].controllers, v[i].fd);
	}
}
