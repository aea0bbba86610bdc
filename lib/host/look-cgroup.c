/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the report: cgroups. What counts is what is mounted as what, never which folders exist. */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "host/look.h"

/* One line of mountinfo, cut into the parts that matter; nothing is terminated. */
struct mount_line {
	const char *point, *fstype, *super;
	size_t n_point, n_fstype, n_super;
};

/* Field number i (from 0) of s[0..n), fields separated by one blank. */
static const char *field(const char *s, size_t n, unsigned i, size_t *len)
{
	const char *end = s + n;

	for (; i; i--) {
		s = memchr(s, ' ', (size_t)(end - s));
		if (!s)
			return NULL;
		s++;
	}
	*len = 0;
	while (s + *len < end && s[*len] != ' ')
		(*len)++;
	return s;
}

static bool split(const char *line, size_t n, struct mount_line *m)
{
	const char *dash = memmem(line, n, " - ", 3);
	size_t rest;

	if (!dash)
		return false;
	rest = n - (size_t)(dash + 3 - line);
	m->point = field(line, n, 4, &m->n_point);
	m->fstype = field(dash + 3, rest, 0, &m->n_fstype);
	m->super = field(dash + 3, rest, 2, &m->n_super);
	return m->point && m->fstype && m->super;
}

static bool is(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(s, word, n) == 0;
}

/* Next cgroup mount from *s on; v2 says which kind. */
static bool next_cgroup(const char **s, struct mount_line *m, bool *v2)
{
	const char *line;
	size_t n;

	while ((line = ct_look_line(s, &n))) {
		if (!split(line, n, m))
			continue;
		*v2 = is(m->fstype, m->n_fstype, "cgroup2");
		if (*v2 || is(m->fstype, m->n_fstype, "cgroup"))
			return true;
	}
	return false;
}

/* Where the v2 tree is mounted, into buf. */
static bool find_v2(const struct ct_look_facts *f, char *buf, size_t size)
{
	const char *s = ct_buf_text(&f->mountinfo);
	struct mount_line m;
	bool v2;

	while (next_cgroup(&s, &m, &v2)) {
		if (!v2 || m.n_point >= size)
			continue;
		memcpy(buf, m.point, m.n_point);
		buf[m.n_point] = '\0';
		return true;
	}
	return false;
}

/* Whether `controller` is bound to a mounted v1 hierarchy. */
static bool on_v1(const struct ct_look_facts *f, const char *controller)
{
	const char *s = ct_buf_text(&f->mountinfo);
	struct mount_line m;
	bool v2;

	while (next_cgroup(&s, &m, &v2))
		if (!v2 && ct_look_word(m.super, m.n_super, ",", controller))
			return true;
	return false;
}

/* Words of cgroup.controllers at the root of the v2 tree, "" when there is none. */
static void v2_controllers(const struct ct_look_facts *f, char *out, size_t size)
{
	char point[256];
	CT_CLEAN_BUF struct ct_buf path = CT_BUF_INIT;

	out[0] = '\0';
	if (!find_v2(f, point, sizeof(point)))
		return;
	ct_buf_printf(&path, "%s/cgroup.controllers", point);
	ct_host_read(ct_buf_text(&path), out, size);
}

/* v1, v2, or both side by side. */
void ct_look_cgroup_layout(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	const char *s = ct_buf_text(&f->mountinfo);
	struct mount_line m;
	struct statfs st;
	char point[256];
	bool v2, one = false;

	(void)arg;
	while (next_cgroup(&s, &m, &v2))
		one |= !v2;
	v2 = find_v2(f, point, sizeof(point));
	if (statfs("/sys/fs/cgroup", &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC && !one)
		ct_buf_str(&it->value, "v2 (unified)");
	else if (one && v2)
		ct_buf_printf(&it->value, "hybrid: v1 hierarchies, v2 on %s", point);
	else if (one)
		ct_buf_str(&it->value, "v1");
	else if (v2)
		ct_buf_printf(&it->value, "v2 on %s", point);
	else
		ct_look_no(it, "mount cgroup2 on /sys/fs/cgroup", "no cgroup file system is mounted");
}

/* Adds a name to a list that begins with `head`. */
static void add_name(struct ct_buf *list, const char *head, const char *name)
{
	ct_buf_str(list, list->len ? " " : head);
	ct_buf_str(list, name);
}

static void append(struct ct_buf *out, const struct ct_buf *list)
{
	if (list->len)
		ct_buf_printf(out, "%s%s", out->len ? "; " : "", ct_buf_text(list));
}

/* Each controller: on v1, on v2, nowhere. */
void ct_look_cgroup_controllers(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	/* the kernel's own list (/proc/cgroups) leaves out what only v2 knows */
	static const char *const names[] = { "cpu",	   "cpuacct", "cpuset", "io",	  "blkio",   "memory",
					     "pids",	   "devices", "freezer", "hugetlb", "net_cls", "net_prio",
					     "perf_event", "rdma",    "misc",	 "dmem" };
	CT_CLEAN_BUF struct ct_buf v1 = CT_BUF_INIT, v2 = CT_BUF_INIT, none = CT_BUF_INIT, known = CT_BUF_INIT;
	char on2[256];

	(void)arg;
	v2_controllers(f, on2, sizeof(on2));
	ct_look_slurp("/proc/cgroups", 64u << 10, &known);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (on_v1(f, names[i]))
			add_name(&v1, "v1: ", names[i]);
		else if (ct_look_word(on2, strlen(on2), " ", names[i]))
			add_name(&v2, "v2: ", names[i]);
		else if (ct_look_word(ct_buf_text(&known), known.len, "\t\n", names[i]))
			add_name(&none, "not mounted: ", names[i]);
	}
	append(&it->value, &v1);
	append(&it->value, &v2);
	append(&it->value, &none);
	if (!v1.len && !v2.len)
		ct_look_no(it, "mount cgroup2 on /sys/fs/cgroup", "no controller can be used");
}

/* What this version does with them. */
void ct_look_cgroup_limits(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it)
{
	(void)f, (void)arg;
	ct_look_no(it, "leave cgroup.* and cgroup2.* out; limit.time, limit.output and prlimit.* need no cgroup",
		   "not in this version: the keys are kept, and a start that has one is refused");
}
