/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which cgroup hierarchies there are, from mountinfo and /proc/self/cgroup. Nothing that they say is taken for granted. */
#include "host/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "host/look.h"

#define MOUNTINFO_MAX (16u << 20)
#define SELF_MAX (64u << 10)
#define UNSEEN "the cgroups of this host cannot be looked at"

static const struct {
	uint32_t bit;
	const char *v1, *v2;	/* NULL: unknown to that version */
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

/* See cgroup.h. */
uint32_t ct_cg_bit(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is(name, n, names[i].v1) || is(name, n, names[i].v2))
			return names[i].bit;
	return 0;
}

/* See cgroup.h. */
const char *ct_cg_name(uint32_t bit, int version)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].bit == bit)
			return version == 2 && names[i].v2 ? names[i].v2 : names[i].v1;
	return "?";
}

/* See cgroup.h. */
const struct ct_cg_tree *ct_cg_serving(const struct ct_cgroups *c, uint32_t bit, int only)
{
	for (int version = 1; version <= 2; version++) {
		if (only && only != version)
			continue;
		for (uint32_t i = 0; i < c->n; i++) {
			uint32_t has = c->v[i].controllers | (c->v[i].version == 2 ? CT_CG_CORE : 0);

			if (c->v[i].version == version && (has & bit) == bit)
				return &c->v[i];
		}
	}
	return NULL;
}

/* See cgroup.h. */
const char *ct_cg_layout(const struct ct_cgroups *c)
{
	bool one = false, two = false;

	for (uint32_t i = 0; i < c->n; i++) {
		one |= c->v[i].version == 1;
		two |= c->v[i].version == 2;
	}
	return one && two ? "hybrid" : two ? "v2" : one ? "v1" : "none";
}

/* ---- mountinfo ----------------------------------------------------------------------------------------------------------- */

/* Field number i (from 0) of s[0..n), fields separated by one blank; NULL: there are fewer. */
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

/* A field with the kernel's escapes (\040 for a blank) taken out. NULL without memory. */
static char *unescape(const char *s, size_t n, struct ct_arena *a)
{
	char *out = ct_arena_strndup(a, s, n), *to = out;

	for (const char *p = out; p && *p; to++) {
		bool octal = p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7';

		*to = octal ? (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')) : *p;
		p += octal ? 4 : 1;
	}
	if (out)
		*to = '\0';
	return out;
}

/* The controllers among the super block's options, and a name for the hierarchy: "cpu,cpuacct", "name=systemd". */
static uint32_t super_options(const char *s, size_t n, struct ct_arena *a, const char **name)
{
	const char *list = "", *end = s + n;
	uint32_t bits = 0;

	while (s < end) {
		size_t len = 0;
		uint32_t bit;

		while (s + len < end && s[len] != ',')
			len++;
		bit = ct_cg_bit(s, len);
		if (list && (bit || (len > 5 && !memcmp(s, "name=", 5)))) {
			list = ct_arena_printf(a, "%s%s%.*s", list, *list ? "," : "", (int)len, s);
			bits |= bit;
		}
		s += len + (s + len < end);
	}
	*name = list;
	return bits;
}

/* One line: 1 when it is a cgroup mount, in *t and *root; 0 when not; -ENOMEM. */
static int read_mount(const char *line, size_t n, struct ct_cg_tree *t, const char **root, struct ct_arena *a)
{
	const char *dash = memmem(line, n, " - ", 3), *type, *super, *point, *top;
	size_t rest, n_type = 0, n_super = 0, n_point = 0, n_top = 0;

	if (!dash)
		return 0;
	rest = n - (size_t)(dash + 3 - line);
	type = field(dash + 3, rest, 0, &n_type);
	super = field(dash + 3, rest, 2, &n_super);
	top = field(line, n, 3, &n_top);
	point = field(line, n, 4, &n_point);
	if (!type || !super || !top || !point || point > dash)
		return 0;
	if (!is(type, n_type, "cgroup") && !is(type, n_type, "cgroup2"))
		return 0;
	*t = (struct ct_cg_tree){ .version = is(type, n_type, "cgroup2") ? 2 : 1, .name = "unified" };
	if (t->version == 1)
		t->controllers = super_options(super, n_super, a, &t->name);
	t->mount = unescape(point, n_point, a);
	*root = unescape(top, n_top, a);
	return t->name && t->mount && *root ? 1 : -ENOMEM;
}

/* Is this hierarchy known already, by another of its mounts? */
static struct ct_cg_tree *known(struct ct_cgroups *c, const struct ct_cg_tree *t)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->v[i].version == t->version && !strcmp(c->v[i].name, t->name))
			return &c->v[i];
	return NULL;
}

/* ---- where the caller is ------------------------------------------------------------------------------------------------- */

/* Whether the list of /proc/self/cgroup's second field is the hierarchy's: the same controllers, or the same name. */
static bool is_tree(const struct ct_cg_tree *t, const char *s, size_t n)
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

/* The caller's directory as seen below a mount whose root is `root` of the hierarchy. NULL: it is not below it. */
static const char *below(const char *path, size_t n, const char *root, struct ct_arena *a)
{
	size_t k = strlen(root);

	if (k == 1)
		k = 0;
	if (n >= 3 && !memcmp(path, "/..", 3))
		return NULL;
	if (k > n || memcmp(path, root, k) || (k < n && path[k] != '/'))
		return NULL;
	return n - k == 1 ? "" : ct_arena_strndup(a, path + k, n - k);
}

static void find_self(struct ct_cg_tree *t, const char *self, const char *root, struct ct_arena *a)
{
	const char *line;
	size_t n;

	while ((line = ct_look_line(&self, &n))) {
		const char *list = memchr(line, ':', n), *path;

		if (!list)
			continue;
		list++;
		path = memchr(list, ':', n - (size_t)(list - line));
		if (!path || path[1] != '/' || !is_tree(t, list, (size_t)(path - list)))
			continue;
		t->self = below(path + 1, n - (size_t)(path + 1 - line), root, a);
		return;
	}
}

/* See cgroup.h. */
int ct_cgroups_parse(const char *mountinfo, const char *self, struct ct_cgroups *out, struct ct_arena *arena)
{
	const char *line;
	size_t n;

	out->n = 0;
	while ((line = ct_look_line(&mountinfo, &n))) {
		struct ct_cg_tree t, *old;
		const char *root;
		int r = read_mount(line, n, &t, &root, arena);

		if (r < 0)
			return r;
		if (!r)
			continue;
		find_self(&t, self, root, arena);
		old = known(out, &t);
		/* of several mounts of one hierarchy the first that shows where the caller is */
		if (old && !old->self && t.self)
			*old = t;
		if (!old && out->n < CT_CG_TREES)
			out->v[out->n++] = t;
	}
	return 0;
}

static int slurp(const char *path, size_t max, struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : ct_buf_read_fd(out, fd, max);

	if (r >= 0)
		return 0;
	ct_err_object(e, path);
	return ct_fail_sys(e, r, CT_ERR_CGROUP, "host", "open", UNSEEN);
}

/* What the top of a version 2 hierarchy has to give. */
static int v2_controllers(const char *mount, uint32_t *bits, struct ct_err *e)
{
	char path[512], text[512];
	const char *s = text;
	ssize_t r;

	*bits = 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/cgroup.controllers", mount) >= sizeof(path))
		return 0;
	r = ct_host_read(path, text, sizeof(text));
	if (r < 0 && r != -ENOENT) {
		ct_err_object(e, path);
		return ct_fail_sys(e, (int)r, CT_ERR_CGROUP, "host", "read", UNSEEN);
	}
	while (*s) {
		size_t n = strcspn(s, " ");

		*bits |= ct_cg_bit(s, n);
		s += n + (s[n] == ' ');
	}
	return 0;
}

static bool closed(const char *top, const char *below)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s%s", top, below) >= sizeof(path))
		return false;
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 && (errno == EACCES || errno == EPERM || errno == EROFS);
}

/* Whoever may make groups at the top of one hierarchy, as root of the host, may in all of them. */
static void look_for_rights(struct ct_cgroups *c)
{
	if (!c->n || !closed(c->v[0].mount, ""))
		return;
	for (uint32_t i = 0; i < c->n; i++) {
		struct ct_cg_tree *t = &c->v[i];

		t->top_closed = closed(t->mount, "");
		t->self_closed = !t->self || closed(t->mount, t->self);
	}
}

/* See cgroup.h. */
int ct_cgroups_probe(struct ct_cgroups *out, struct ct_arena *arena, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf mounts = CT_BUF_INIT;
	CT_CLEAN_BUF struct ct_buf self = CT_BUF_INIT;
	int r = slurp("/proc/thread-self/mountinfo", MOUNTINFO_MAX, &mounts, e);

	if (r >= 0)
		r = slurp("/proc/thread-self/cgroup", SELF_MAX, &self, e);
	if (r >= 0 && ct_cgroups_parse(ct_buf_text(&mounts), ct_buf_text(&self), out, arena) < 0)
		r = ct_oom(e);
	for (uint32_t i = 0; r >= 0 && i < out->n; i++)
		if (out->v[i].version == 2)
			r = v2_controllers(out->v[i].mount, &out->v[i].controllers, e);
	if (r >= 0)
		look_for_rights(out);
	return r;
}
