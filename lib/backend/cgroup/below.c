/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of version 1 in which a cgroup cannot have less than those below it, nor these more than
 * it: the processors and nodes of cpuset (Documentation/admin-guide/cgroup-v1/cpusets.rst) and the
 * share of processor time that quota and period make. In version 2 the kernel bounds the cgroups
 * below itself; in version 1 they have to be changed together with the one above.
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
#define TRIES 5	       /* while the payload makes and changes cgroups of its own */
#define QUOTA_MIN 1000 /* microseconds: the least that the kernel takes */

/* ---- lists ----------------------------------------------------------------------------------- */

struct lists {
	const char *file;
	struct ct_cpulist top, want; /* of the topmost cgroup: before and after the change */
};

/* 1: the cgroup has a list; 0: it has none yet, or has been removed. */
static int read_list(int dir, const char *file, struct ct_cpulist *out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r = ct_buf_read_at(&text, dir, file, LIST_MAX);

	if (r == -ENOENT || r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	ct_cpulist_read(ct_buf_text(&text), out);
	return !ct_cpulist_is_empty(out);
}

/* Writes a file of a cgroup that may have been removed meanwhile, which is no failure. */
static int write_below(int dir, const char *file, const char *value)
{
	int r = ct_cg_write(dir, file, value);

	if (r == -ENODEV)
		return 0;
	return r;
}

static int write_list(int dir, const char *file, const struct ct_cpulist *l)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

	ct_cpulist_print(l, &text);
	if (ct_buf_error(&text))
		return -ENOMEM;
	return write_below(dir, file, ct_buf_text(&text));
}

/* What a cgroup is to have after the change. One that had all that the topmost had gets all of the
 * new list; another keeps what the new list leaves it, or when that is nothing, gets what the
 * cgroup above it is to have. */
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
	if (above < 0)
		return -errno;
	r = read_list(above, l->file, out);
	if (r < 0)
		return r;
	if (r > 0)
		ct_cpulist_both(out, &l->want, out);
	return 0;
}

/* First, from the top down, each cgroup gets what it is to have in addition to what it has. */
static int add_to(int dir, void *arg)
{
	const struct lists *l = arg;
	struct ct_cpulist now, later;
	int r = read_list(dir, l->file, &now);

	if (r <= 0)
		return r;
	r = target(dir, l, &now, &later);
	if (r < 0)
		return r;
	ct_cpulist_either(&now, &later, &later);
	if (ct_cpulist_equal(&now, &later))
		return 0;
	return write_list(dir, l->file, &later);
}

/* Then, from the bottom up, each loses what it is not to have. */
static int take_from(int dir, void *arg)
{
	const struct lists *l = arg;
	struct ct_cpulist now, later;
	int r = read_list(dir, l->file, &now);

	if (r <= 0)
		return r;
	ct_cpulist_both(&now, &l->want, &later);
	if (ct_cpulist_is_empty(&later) || ct_cpulist_equal(&now, &later))
		return 0;
	return write_list(dir, l->file, &later);
}

static int set_lists(int dir, const char *file, const char *value)
{
	struct lists l = { .file = file };
	int r;

	/* a faulty value is left to the kernel to refuse; below an empty list all are empty */
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

/* Quota and period of the topmost cgroup, after the change. */
struct share {
	int64_t quota, period;
};

static bool read_number(int dir, const char *file, int64_t *out)
{
	char text[32];

	return ct_cg_read(dir, file, text, sizeof(text)) > 0 && ct_parse_i64(text, out) == 0;
}

/* A cgroup with a greater share than the topmost gets the same share, which is all that it can use
 * anyway. One without a quota needs no change. */
static int lower_share(int dir, void *arg)
{
	const struct share *s = arg;
	int64_t quota, period;
	char text[32];

	if (!read_number(dir, "cpu.cfs_quota_us", &quota) || quota <= 0 ||
	    !read_number(dir, "cpu.cfs_period_us", &period))
		return 0;
	if ((double)quota * (double)s->period <= (double)s->quota * (double)period)
		return 0;
	quota = (int64_t)((double)s->quota / (double)s->period * (double)period);
	/* a quota that the kernel would not take is removed: the cgroup above still limits */
	if (quota < QUOTA_MIN)
		quota = -1;
	snprintf(text, sizeof(text), "%" PRId64, quota);
	return write_below(dir, "cpu.cfs_quota_us", text);
}

static int set_share(int dir, const char *file, const char *value)
{
	int r = ct_cg_write(dir, file, value);
	int64_t *changed;
	struct share s;

	if (r != -EINVAL || !read_number(dir, "cpu.cfs_quota_us", &s.quota) ||
	    !read_number(dir, "cpu.cfs_period_us", &s.period))
		return r;
	changed = &s.quota;
	if (!strcmp(file, "cpu.cfs_period_us"))
		changed = &s.period;
	if (ct_parse_i64(value, changed) < 0 || s.quota < QUOTA_MIN || s.period < QUOTA_MIN)
		return r;
	r = ct_walk(dir, lower_share, &s);
	if (r < 0)
		return r;
	return ct_cg_write(dir, file, value);
}

/* ---- the files ------------------------------------------------------------------------------- */

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
