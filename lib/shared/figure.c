/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures from cgroup files. Each file is opened, read and closed once for all figures in it. */
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
#define TOGETHER 12	     /* figures from one reading of a file */

static int open_at(int dir, const char *name, int flags)
{
	return (int)syscall(SYS_openat, dir, name, flags | O_RDONLY | O_CLOEXEC, 0);
}

static void shut(int fd)
{
	syscall(SYS_close, fd);
}

/* Feeds a file's text to all of k[]. The kernel gives such a file in one go: a short read is its
 * last. False: it cannot be read. */
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
		whole = (size_t)got < room ? have : ct_keyed_whole(buf, have);
		for (uint32_t i = 0; i < n_k; i++)
			ct_keyed_feed(&k[i], buf, whole);
		kept = have - whole;
		memmove(buf, buf + whole, kept);
		/* a buffer without the end of a line is none of the kernel's texts */
		if ((size_t)got < room || !whole)
			break;
	} while (total < FILE_MAX);
	shut(fd);
	return got >= 0;
}

/* ---- groups below a group -------------------------------------------------------------------- */

struct walk {
	const struct ct_figure *row;
	uint64_t sum;
	uint32_t left; /* groups that may still be looked at */
};

static void walk(struct walk *w, int dir, unsigned depth);

/* cgroup file systems count a directory's directories in its links; those that do not have 1. */
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

/* All groups in the directory, and `depth` levels more. */
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

/* Puts what was found where it belongs. */
static void settle(struct ct_figures *s, const struct ct_figure *row, const struct ct_keyed *k,
		   int fd)
{
	uint64_t *out = place_of(s, row), v = ct_keyed_value(k);

	/* io.stat has only devices that were used; version 1's files lack also those
	 * that nobody counts for */
	if (row->how == CT_KEYED_DEVICES && ct_keyed_unsaid(k))
		v = 0;
	if (v == CT_ABSENT || *out != CT_ABSENT)
		return;
	if (row->how == CT_KEYED_TREE)
		v = with_groups_below(row, fd, v);
	*out = v / row->divisor;
}

/* The rows from `first` on that are in the same file and due. */
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

	/* version 2 counts CPU time in every group */
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
