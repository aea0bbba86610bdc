/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which cgroup hierarchies there are, from the texts of mountinfo and /proc/self/cgroup, neither of
 * which is trusted. */
#include "host/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "host/look.h"

static const struct {
	uint32_t bit;
	const char *v1, *v2; /* NULL: unknown to that version */
} names[] = {
	{ CT_CG_CPU, "cpu", "cpu" },
	{ CT_CG_CPUACCT, "cpuacct", NULL },
	{ CT_CG_CPUSET, "cpuset", "cpuset" },
	{ CT_CG_MEMORY, "memory", "memory" },
	{ CT_CG_IO, "blkio", "io" },
	{ CT_CG_PIDS, "pids", "pids" },
	{ CT_CG_DEVICES, "devices", NULL },
	{ CT_CG_FREEZER, "freezer", NULL },
	{ CT_CG_HUGETLB, "hugetlb", "hugetlb" },
	{ CT_CG_RDMA, "rdma", "rdma" },
	{ CT_CG_MISC, "misc", "misc" },
	{ CT_CG_NET_CLS, "net_cls", NULL },
	{ CT_CG_NET_PRIO, "net_prio", NULL },
	{ CT_CG_PERF, "perf_event", "perf_event" },
};

static bool is(const char *s, size_t n, const char *word)
{
	return word && strlen(word) == n && memcmp(s, word, n) == 0;
}

uint32_t ct_cg_bit(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is(name, n, names[i].v1) || is(name, n, names[i].v2))
			return names[i].bit;
	return 0;
}

const char *ct_cg_name(uint32_t bit, int version)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].bit != bit)
			continue;
		if (version == 2 && names[i].v2)
			return names[i].v2;
		return names[i].v1;
	}
	return "?";
}

const struct ct_cg_tree *ct_cg_serving(const struct ct_cgroups *c, uint32_t bit, int only)
{
	for (int version = 1; version <= 2; version++) {
		if (only && only != version)
			continue;
		for (uint32_t i = 0; i < c->n; i++) {
			uint32_t has = c->v[i].controllers;

			if (c->v[i].version == 2)
				has |= CT_CG_CORE;
			if (c->v[i].version == version && (has & bit) == bit)
				return &c->v[i];
		}
	}
	return NULL;
}

const char *ct_cg_layout(const struct ct_cgroups *c)
{
	bool one = false, two = false;

	for (uint32_t i = 0; i < c->n; i++) {
		one |= c->v[i].version == 1;
		two |= c->v[i].version == 2;
	}
	if (one && two)
		return "hybrid";
	if (two)
		return "v2";
	if (one)
		return "v1";
	return "none";
}

/* ---- mountinfo ------------------------------------------------------------------------------- */

/* The controllers among the super block's options, and a name for the hierarchy: "cpu,cpuacct",
 * "name=systemd". */
static uint32_t super_options(const char *s, size_t n, struct ct_arena *a, const char **name)
{
	const char *list = "", *end = s + n, *comma = "";
	uint32_t bits = 0;

	while (s < end) {
		size_t len = 0;
		uint32_t bit;

		while (s + len < end && s[len] != ',')
			len++;
		bit = ct_cg_bit(s, len);
		if (list && (bit || (len > 5 && !memcmp(s, "name=", 5)))) {
			list = ct_arena_printf(a, "%s%s%.*s", list, comma, (int)len, s);
			comma = ",";
			bits |= bit;
		}
		s += len + (s + len < end);
	}
	*name = list;
	return bits;
}

static bool is_readonly(const char *options)
{
	return ct_look_word(options, strlen(options), ",", "ro");
}

/* Reads one line: 1 when it is a cgroup mount, in *t and *root; 0 when not; -ENOMEM. */
static int read_mount(const char *line, size_t n, struct ct_cg_tree *t, const char **root,
		      struct ct_arena *a)
{
	struct ct_mount_row m;
	int r;

	if (!memmem(line, n, " - cgroup", 9))
		return 0;
	r = ct_mount_row_read(line, n, &m, a);
	if (r <= 0)
		return r;
	*t = (struct ct_cg_tree){ .name = "unified" };
	if (!strcmp(m.type, "cgroup")) {
		t->version = 1;
		t->controllers = super_options(m.super, strlen(m.super), a, &t->name);
	} else if (!strcmp(m.type, "cgroup2")) {
		t->version = 2;
	} else {
		return 0;
	}
	t->mount_id = m.id;
	t->readonly = is_readonly(m.options) || is_readonly(m.super);
	t->mount = m.point;
	*root = m.root;
	if (t->name)
		return 1;
	return -ENOMEM;
}

/* The same hierarchy, found by another of its mounts; NULL: this is the first one. */
static struct ct_cg_tree *known(struct ct_cgroups *c, const struct ct_cg_tree *t)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->v[i].version == t->version && !strcmp(c->v[i].name, t->name))
			return &c->v[i];
	return NULL;
}

/* ---- where the caller is --------------------------------------------------------------------- */

/* Whether the second field of a line of /proc/self/cgroup is the hierarchy's: the same controllers,
 * or the same name. */
static bool is_hierarchy(const struct ct_cg_tree *t, const char *s, size_t n)
{
	uint32_t bits = 0;

	if (t->version == 2)
		return n == 0;
	if (!t->controllers)
		return is(s, n, t->name);
	for (const char *end = s + n; s < end;) {
		size_t len = 0;

		while (s + len < end && s[len] != ',')
			len++;
		bits |= ct_cg_bit(s, len);
		s += len + (s + len < end);
	}
	return bits == t->controllers;
}

/* Whether a path begins with "..", and so leads out of a cgroup namespace: "/.." or "/../a". */
static bool goes_up(const char *path)
{
	return !strncmp(path, "/..", 3) && (!path[3] || path[3] == '/');
}

/* The caller's directory, relative to a mount whose root is `root` in the hierarchy; both may begin
 * with "/..". NULL: it is not below the mount, or there is no memory. */
static const char *below(const char *path, const char *root, struct ct_arena *a)
{
	size_t n = strlen(path), k = strlen(root);

	if (!strcmp(root, "/"))
		k = 0;

	if (k > n || memcmp(path, root, k) || (k < n && path[k] != '/') || goes_up(path + k))
		return NULL;
	if (n - k == 1)
		return "";
	return ct_arena_strdup(a, path + k);
}

bool ct_cg_own_path(const struct ct_cg_tree *t, const char *self, char *buf, size_t size)
{
	const char *line;
	size_t n;

	while ((line = ct_look_line(&self, &n))) {
		const char *list = memchr(line, ':', n), *path;

		if (!list)
			continue;
		list++;
		path = memchr(list, ':', n - (size_t)(list - line));
		if (!path || path[1] != '/' || !is_hierarchy(t, list, (size_t)(path - list)))
			continue;
		return (size_t)snprintf(buf, size, "%.*s", (int)(n - (size_t)(path + 1 - line)),
					path + 1) < size;
	}
	return false;
}

const char *ct_cg_v2_path(const char *text)
{
	const char *line;
	size_t n;

	while ((line = ct_look_line(&text, &n)))
		if (!strncmp(line, "0::", 3))
			return line + 3;
	return NULL;
}

/* Of several mounts of one hierarchy the one with most points counts, the first of equal ones. */
static int rank(const struct ct_cg_tree *t)
{
	int points = 0;

	if (!t->readonly)
		points += 2;
	if (t->self)
		points++;
	return points;
}

int ct_cgroups_read(const char *mountinfo, const char *self, ct_mount_seen *seen,
		    struct ct_cgroups *out, struct ct_arena *arena)
{
	const char *line;
	size_t n;

	out->n = 0;
	out->self = self;
	while ((line = ct_look_line(&mountinfo, &n))) {
		struct ct_cg_tree t, *old;
		char own[4096];
		const char *root;
		int r = read_mount(line, n, &t, &root, arena);

		if (r < 0)
			return r;
		if (!r || (seen && !seen(t.mount, t.mount_id)))
			continue;
		t.self = t.above = NULL;
		if (ct_cg_own_path(&t, self, own, sizeof(own)))
			t.self = below(own, root, arena);
		if (goes_up(root))
			t.above = root;
		old = known(out, &t);
		if (old && rank(&t) > rank(old))
			*old = t;
		if (!old && out->n < CT_CG_TREES)
			out->v[out->n++] = t;
	}
	return 0;
}

int ct_cgroups_parse(const char *mountinfo, const char *self, struct ct_cgroups *out,
		     struct ct_arena *arena)
{
	return ct_cgroups_read(mountinfo, self, NULL, out, arena);
}
