/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): what is hidden and read-only, in the container's own mount table. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "run/protections.h"

#define TABLE_MAX (16u << 20)
#define DEPTH 64			/* mounts upon mounts that are followed upwards */

struct mount {
	uint32_t id, parent;
	const char *point, *options, *type, *super;
};

struct table {
	struct mount *v;
	uint32_t n;
	const char *why;		/* NULL: it was read */
};

/* ---- the table --------------------------------------------------------------------------------------------------------------- */

/* The kernel's escapes (\040 for a blank) taken out, in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		bool octal = s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7';

		*to++ = octal ? (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0')) : *s;
		s += octal ? 4 : 1;
	}
	*to = '\0';
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG].. - TYPE SOURCE SUPER"; false: another form. */
static bool read_line(char *line, struct mount *m)
{
	char *field[6], *dash = strstr(line, " - "), *rest, *type;

	if (!dash)
		return false;
	*dash = '\0';
	rest = dash + 3;
	for (int i = 0; i < 6; i++) {
		field[i] = strsep(&line, " ");
		if (!field[i])
			return false;
	}
	type = strsep(&rest, " ");
	if (!rest || !strsep(&rest, " ") || !rest)
		return false;
	if (ct_parse_u32(field[0], &m->id) < 0 || ct_parse_u32(field[1], &m->parent) < 0)
		return false;
	unescape(field[4]);
	m->point = field[4];
	m->options = field[5];
	m->type = type;
	m->super = rest;
	return true;
}

static void read_table(struct ct_protect *t, struct table *table)
{
	char *text = ct_protect_read(t, "mountinfo", TABLE_MAX, &table->why), *line;
	uint32_t cap = 0;

	while (text && (line = strsep(&text, "\n"))) {
		if (table->n == cap) {
			cap = cap ? cap * 2 : 256;
			table->v = ct_arena_grow(t->p.arena, table->v, table->n, cap, sizeof(*table->v));
		}
		if (!table->v) {
			table->n = 0;
			table->why = ct_errno_text(ENOMEM);
			t->oom = true;
			return;
		}
		table->n += read_line(line, &table->v[table->n]);
	}
}

/* The mount that is seen at a path: that of those there which none of the others stands on. The last in the table nearly always is. */
static const struct mount *mount_at(const struct table *table, const char *path)
{
	const struct mount *top = NULL, *next = NULL;

	for (uint32_t i = table->n; i > 0 && !top; i--)
		if (!strcmp(table->v[i - 1].point, path))
			top = &table->v[i - 1];
	for (int depth = 0; top && depth < DEPTH; depth++) {
		next = NULL;
		for (uint32_t i = 0; i < table->n && !next; i++)
			if (table->v[i].parent == top->id && &table->v[i] != top && !strcmp(table->v[i].point, path))
				next = &table->v[i];
		if (!next)
			break;
		top = next;
	}
	return top;
}

/* Whether it stands on `base`, perhaps on others upon it: what a later mount has covered protects nothing. */
static bool is_upon(const struct table *table, const struct mount *m, const struct mount *base)
{
	for (int depth = 0; m && depth < DEPTH; depth++) {
		const struct mount *up = NULL;

		if (m == base)
			return true;
		for (uint32_t i = 0; !up && i < table->n; i++)
			if (table->v[i].id == m->parent && &table->v[i] != m)
				up = &table->v[i];
		m = up;
	}
	return false;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (!strncmp(list, word, n) && (list[n] == ',' || !list[n]))
			return true;
	return false;
}

static bool is_readonly(const struct mount *m)
{
	return has_word(m->options, "ro") || has_word(m->super, "ro");
}

/* ---- what the plan covers ------------------------------------------------------------------------------------------------------ */

/* One step that hides a path of /proc or /sys, or makes it read-only. */
static void add_cover(struct ct_protect *t, const struct table *table, const struct ct_step *s)
{
	const char *slot = s->b >= 0 ? t->p.plan->slot_name[s->b] : "", *top = slot && !strcmp(slot, "proc") ? "/proc" : "/sys";
	const char *path = CT_SAY(t, "%s/%s", top, s->s[0]), *asked = s->op == CT_OP_MASK ? "hidden" : "read-only", *how = ct_op_name(s->op);
	const struct mount *base = mount_at(table, top), *m = path ? mount_at(table, path) : NULL;

	if (!path) {
		t->oom = true;
		return;
	}
	if (table->why) {
		ct_protect_add(t, false, path, asked, CT_SAY(t, "cannot be told: %s", table->why), how);
		return;
	}
	if (m && (!base || !is_upon(table, m, base)))
		m = NULL;
	/* by the kernel's own files here: nothing in the container is walked through */
	if (!m && !base)
		ct_protect_add(t, true, path, asked, CT_SAY(t, "%s is not mounted", top), "-");
	else if (!m && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		ct_protect_add(t, true, path, asked, "not in this kernel", "-");
	else if (!m)
		ct_protect_add(t, false, path, asked, "NOT THERE", how);
	else if (s->op == CT_OP_MASK)
		ct_protect_add(t, !strcmp(m->type, "tmpfs"), path, asked, CT_SAY(t, "%s on it", m->type), how);
	else
		ct_protect_add(t, is_readonly(m), path, asked, is_readonly(m) ? "read-only" : "writable", how);
}

static void add_covers(struct ct_protect *t, const struct table *table)
{
	const struct ct_plan *plan = t->p.plan;

	if (!plan) {
		ct_protect_add(t, false, "hidden and read-only paths", "as in mount.auto", "cannot be told", t->no_plan.message);
		return;
	}
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_MASK || plan->steps[i].op == CT_OP_READONLY)
			add_cover(t, table, &plan->steps[i]);
}

/* ---- whole file systems ---------------------------------------------------------------------------------------------------------- */

/* Has the config a mount of its own there? Then it says what it wants, and more than mount.auto. */
static bool by_entry(const struct ct_spec *s, const char *path)
{
	size_t n = strlen(path);

	for (uint32_t i = 0; i < s->mounts.n; i++)
		if (!strncmp(s->mounts.v[i].target, path, n) && (!s->mounts.v[i].target[n] || s->mounts.v[i].target[n] == '/'))
			return true;
	return false;
}

/* `loose`: it may be writable. */
static void add_whole(struct ct_protect *t, const struct table *table, const char *name, const char *path, const char *asked, bool loose)
{
	const struct mount *m = mount_at(table, path);

	if (table->why)
		ct_protect_add(t, false, name, asked, CT_SAY(t, "cannot be told: %s", table->why), "-");
	else if (!m)
		ct_protect_add(t, true, name, asked, "not mounted", "-");
	else
		ct_protect_add(t, loose || is_readonly(m), name, asked, is_readonly(m) ? "read-only" : "writable", CT_SAY(t, "%s on %s", m->type, path));
}

static void add_kernels(struct ct_protect *t, const struct table *table)
{
	const struct ct_spec *s = t->p.spec;
	uint8_t proc = s->mount_auto_set ? s->mount_auto.proc : CT_AUTO_MIXED, sys = s->mount_auto_set ? s->mount_auto.sys : CT_AUTO_RO;
	static const char *const words[] = { [CT_AUTO_NO] = "not mounted", [CT_AUTO_RO] = "read-only",
					     [CT_AUTO_MIXED] = "read-only in part", [CT_AUTO_RW] = "writable" };
	bool own_proc = by_entry(s, "proc"), own_sys = by_entry(s, "sys");

	add_whole(t, table, "/proc", "/proc", own_proc ? "as mount.entry says" : words[proc], own_proc || proc == CT_AUTO_MIXED || proc == CT_AUTO_RW);
	/* of sys:mixed only the network devices are writable, which is another mount */
	add_whole(t, table, "/sys", "/sys", own_sys ? "as mount.entry says" : sys == CT_AUTO_MIXED ? "read-only" : words[sys],
		  own_sys || sys == CT_AUTO_RW);
}

static const char *groups_asked(const struct ct_mount_auto *a)
{
	if (!a->cgroup_kind)
		return "not mounted";
	if (a->cgroup_mode == CT_AUTO_RO)
		return "read-only";
	return a->cgroup_kind == CT_AUTO_CGROUP_FULL && a->cgroup_mode != CT_AUTO_MIXED ? "writable" : "own groups writable";
}

/* Every hierarchy at or below /sys/fs/cgroup. */
static void add_groups(struct ct_protect *t, const struct table *table)
{
	static const char top[] = "/sys/fs/cgroup";
	const struct ct_mount_auto *a = &t->p.spec->mount_auto;
	const char *asked = groups_asked(a), *got;
	bool own = by_entry(t->p.spec, "sys"), loose = own || (a->cgroup_kind && a->cgroup_mode != CT_AUTO_RO);
	const struct mount *base = mount_at(table, "/sys");
	uint32_t all = 0, writable = 0;

	if (!base)
		base = mount_at(table, "/");
	for (uint32_t i = 0; i < table->n; i++) {
		const struct mount *m = &table->v[i];

		if (strncmp(m->point, top, sizeof(top) - 1) || (strcmp(m->type, "cgroup") && strcmp(m->type, "cgroup2")) || !is_upon(table, m, base))
			continue;
		all++;
		writable += !is_readonly(m);
	}
	if (own)
		asked = "as mount.entry says";
	if (table->why)
		got = CT_SAY(t, "cannot be told: %s", table->why);
	else if (all && writable)
		got = CT_SAY(t, "%u of %u mounts writable", writable, all);
	else
		got = all ? "read-only" : "not mounted";
	ct_protect_add(t, !table->why && (loose || !writable), top, asked, got, all ? "mount.auto" : "-");
}

/* See protections.h. */
void ct_protect_mounts(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	bool readonly = s->rootfs_readonly || (s->rootfs_options.attr_set & MOUNT_ATTR_RDONLY);
	struct table table = { NULL, 0, NULL };

	read_table(t, &table);
	add_whole(t, &table, "root file system", "/", readonly ? "read-only" : "writable", !readonly);
	add_kernels(t, &table);
	add_groups(t, &table);
	add_covers(t, &table);
}
