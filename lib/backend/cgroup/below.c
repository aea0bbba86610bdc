/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of version 1 in which a group cannot have less than the groups below it, nor these more
 * than it: the processors and nodes of cpuset (Documentation/admin-guide/cgroup-v1/cpusets.rst) and
 * the share of processor time that quota and period make. Version 2 has what is wanted and what
 * holds in two files, here the groups below have to be changed with their group.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/cpulist.h"
#include "base/fd.h"
#include "base/num.h"
#include "shared/walk.h"

#define LIST_MAX (64u << 10)
#define TRIES 5	       /* while the payload makes and changes groups of its own */
#define QUOTA_MIN 1000 /* microseconds: the least that the kernel takes */

/* ---- lists ----------------------------------------------------------------------------------- */

struct lists {
	const char *file;
	struct ct_cpulist top, want; /* of the uppermost group: so far, and from now on */
};

/* 1: there is one; 0: the group has none yet, or has gone. */
static int read_list(int dir, const char *file, struct ct_cpulist *out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : ct_buf_read_fd(&text, fd, LIST_MAX);

	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	ct_cpulist_read(ct_buf_text(&text), out);
	return !ct_cpulist_is_empty(out);
}

static int write_list(int dir, const char *file, const struct ct_cpulist *l)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r;

	ct_cpulist_print(l, &text);
	r = ct_buf_error(&text) ? -ENOMEM : ct_cg_write(dir, file, ct_buf_text(&text));
	return r == -ENODEV ? 0 : r;
}

/* What a group is to have in the end. One that had all that the uppermost has goes with it; another
 * keeps what is left to it, or when that is nothing gets what the group above is to have. */
static int target(int dir, const struct lists *l, const struct ct_cpulist *now,
		  struct ct_cpulist *out)
{
	CT_CLEAN_FD int above = -1;
	int r;

	*out = l->want;
	if (ct_cpulist_equal(now, &l->top))
		return 0;
	ct_cpulist_both(now, &l->want, out);
	if (!ct_cpulist_is_empty(out))
		return 0;
	above = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = above < 0 ? -errno : read_list(above, l->file, out);
	if (r > 0)
		ct_cpulist_both(out, &l->want, out);
	return r < 0 ? r : 0;
}

/* From above: each gets what it is to have besides what it has. */
static int add_to(int dir, void *arg)
{
	const struct lists *l = arg;
	struct ct_cpulist now, later;
	int r = read_list(dir, l->file, &now);

	if (r <= 0)
		return r;
	r = target(dir, l, &now, &later);
	ct_cpulist_either(&now, &later, &later);
	return r < 0 || ct_cpulist_equal(&now, &later) ? r : write_list(dir, l->file, &later);
}

/* From below: each loses what it is not to have. */
static int take_from(int dir, void *arg)
{
	const struct lists *l = arg;
	struct ct_cpulist now, later;
	int r = read_list(dir, l->file, &now);

	if (r <= 0)
		return r;
	ct_cpulist_both(&now, &l->want, &later);
	return ct_cpulist_is_empty(&later) || ct_cpulist_equal(&now, &later)
		       ? 0
		       : write_list(dir, l->file, &later);
}

static int set_lists(int dir, const char *file, const char *value)
{
	struct lists l = { .file = file };
	int r;

	/* what makes no sense the kernel refuses; what was empty has nothing below */
	if (!ct_cpulist_read(value, &l.want) || ct_cpulist_is_empty(&l.want) ||
	    read_list(dir, file, &l.top) <= 0)
		return ct_cg_write(dir, file, value);
	for (int i = 0; i < TRIES; i++) {
		r = ct_walk_down(dir, add_to, &l);
		if (r == 0)
			r = ct_walk(dir, take_from, &l);
		if (r != -EBUSY && r != -EACCES)
			break;
	}
	return r;
}

/* ---- processor time -------------------------------------------------------------------------- */

/* The uppermost group's, as they are to be. */
struct share {
	int64_t quota, period;
};

static bool read_number(int dir, const char *file, int64_t *out)
{
	char text[32];

	return ct_cg_read(dir, file, text, sizeof(text)) > 0 && ct_parse_i64(text, out) == 0;
}

/* A group below with a greater share gets as much as the uppermost, which is what it can use;
 * without one of its own it has that already. */
static int lower_share(int dir, void *arg)
{
	const struct share *s = arg;
	int64_t quota, period;
	char text[32];
	int r;

	if (!read_number(dir, "cpu.cfs_quota_us", &quota) || quota <= 0 ||
	    !read_number(dir, "cpu.cfs_period_us", &period))
		return 0;
	if ((double)quota * (double)s->period <= (double)s->quota * (double)period)
		return 0;
	quota = (int64_t)((double)s->quota / (double)s->period * (double)period);
	snprintf(text, sizeof(text), "%" PRId64, quota < QUOTA_MIN ? -1 : quota);
	r = ct_cg_write(dir, "cpu.cfs_quota_us", text);
	return r == -ENODEV ? 0 : r;
}

static int set_share(int dir, const char *file, const char *value)
{
	bool period = !strcmp(file, "cpu.cfs_period_us");
	int r = ct_cg_write(dir, file, value);
	struct share s;

	if (r != -EINVAL || !read_number(dir, "cpu.cfs_quota_us", &s.quota) ||
	    !read_number(dir, "cpu.cfs_period_us", &s.period))
		return r;
	if (ct_parse_i64(value, period ? &s.period : &s.quota) < 0 || s.quota < QUOTA_MIN ||
	    s.period < QUOTA_MIN)
		return r;
	r = ct_walk(dir, lower_share, &s);
	return r < 0 ? r : ct_cg_write(dir, file, value);
}

/* ---- which ----------------------------------------------------------------------------------- */

static const struct {
	const char *file;
	int (*set)(int dir, const char *file, const char *value);
} rows[] = {
	{ "cpuset.cpus", set_lists },
	{ "cpuset.mems", set_lists },
	{ "cpu.cfs_quota_us", set_share },
	{ "cpu.cfs_period_us", set_share },
};

int ct_cg_write_all(const struct ct_cg_group *g, const char *file, const char *value)
{
	for (unsigned i = 0; g->version == 1 && i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].file, file))
			return rows[i].set(g->fd, file, value);
	return ct_cg_write(g->fd, file, value);
}
