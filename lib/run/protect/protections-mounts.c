/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): what is hidden and read-only, in the container's own mount table. None
 * of its paths is opened: a file system of its own could hold who does. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <unistd.h>

#include "host/mounts.h"
#include "run/protect/protections.h"

#define TABLE_MAX (16u << 20)

struct table {
	struct ct_mount_rows rows;
	const char *why; /* NULL: it was read */
};

/* ---- the table ------------------------------------------------------------------------------- */

static void read_table(struct ct_protect *t, struct table *table)
{
	char *text = ct_protect_read(t, "mountinfo", TABLE_MAX, &table->why);

	if (!text || ct_mount_rows_read(text, &table->rows, t->p.arena) == 0)
		return;
	table->rows.n = 0;
	table->why = ct_errno_text(ENOMEM);
	t->report.oom = true;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (!strncmp(list, word, n) && (list[n] == ',' || !list[n]))
			return true;
	return false;
}

static bool is_readonly(const struct ct_mount_row *m)
{
	return has_word(m->options, "ro") || has_word(m->super, "ro");
}

/* ---- what the plan covers -------------------------------------------------------------------- */

/* One step that hides a path of /proc or /sys, or makes it read-only. */
static void add_cover(struct ct_protect *t, const struct table *table, const struct ct_step *s)
{
	const char *slot = s->b >= 0 ? t->p.plan->slot_name[s->b] : "",
		   *top = slot && !strcmp(slot, "proc") ? "/proc" : "/sys";
	const char *path = CT_SAY(t, "%s/%s", top, s->s[0]),
		   *asked = s->op == CT_OP_MASK ? "hidden" : "read-only", *how = ct_op_name(s->op);
	const struct ct_mount_row *base = ct_mount_rows_at(&table->rows, top),
				  *m = path ? ct_mount_rows_at(&table->rows, path) : NULL;

	if (!path) {
		t->report.oom = true;
		return;
	}
	if (table->why) {
		ct_protections_add(&t->report, false, path, asked,
				   CT_SAY(t, "cannot be told: %s", table->why), how);
		return;
	}
	/* by the kernel's own files here: nothing in the container is walked through */
	if (!m && !base)
		ct_protections_add(&t->report, true, path, asked,
				   CT_SAY(t, "%s is not mounted", top), "-");
	else if (!m && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		ct_protections_add(&t->report, true, path, asked, "not in this kernel", "-");
	else if (!m)
		ct_protections_add(&t->report, false, path, asked, "NOT THERE", how);
	else if (s->op == CT_OP_MASK)
		ct_protections_add(&t->report, !strcmp(m->type, "tmpfs"), path, asked,
				   CT_SAY(t, "%s on it", m->type), how);
	else
		ct_protections_add(&t->report, is_readonly(m), path, asked,
				   is_readonly(m) ? "read-only" : "writable", how);
}

static void add_covers(struct ct_protect *t, const struct table *table)
{
	const struct ct_plan *plan = t->p.plan;

	if (!plan) {
		ct_protections_add(&t->report, false, "hidden and read-only paths",
				   "as in mount.auto", "cannot be told", t->no_plan.message);
		return;
	}
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_MASK || plan->steps[i].op == CT_OP_READONLY)
			add_cover(t, table, &plan->steps[i]);
}

/* ---- whole file systems ---------------------------------------------------------------------- */

/* Has the config a mount of its own there? Then it says what it wants, and more than mount.auto. */
static bool by_entry(const struct ct_spec *s, const char *path)
{
	size_t n = strlen(path);

	for (uint32_t i = 0; i < s->mounts.n; i++)
		if (!strncmp(s->mounts.v[i].target, path, n) &&
		    (!s->mounts.v[i].target[n] || s->mounts.v[i].target[n] == '/'))
			return true;
	return false;
}

/* `loose`: it may be writable. */
static void add_whole(struct ct_protect *t, const struct table *table, const char *name,
		      const char *path, const char *asked, bool loose)
{
	const struct ct_mount_row *m = ct_mount_rows_at(&table->rows, path);

	if (table->why)
		ct_protections_add(&t->report, false, name, asked,
				   CT_SAY(t, "cannot be told: %s", table->why), "-");
	else if (!m)
		ct_protections_add(&t->report, true, name, asked, "not mounted", "-");
	else
		ct_protections_add(&t->report, loose || is_readonly(m), name, asked,
				   is_readonly(m) ? "read-only" : "writable",
				   CT_SAY(t, "%s on %s", m->type, path));
}

static void add_kernels(struct ct_protect *t, const struct table *table)
{
	const struct ct_spec *s = t->p.spec;
	uint8_t proc = s->mount_auto_set ? s->mount_auto.proc : CT_AUTO_MIXED,
		sys = s->mount_auto_set ? s->mount_auto.sys : CT_AUTO_RO;
	static const char *const words[] = { [CT_AUTO_NO] = "not mounted",
					     [CT_AUTO_RO] = "read-only",
					     [CT_AUTO_MIXED] = "read-only in part",
					     [CT_AUTO_RW] = "writable" };
	bool own_proc = by_entry(s, "proc"), own_sys = by_entry(s, "sys");
	const char *asked;

	add_whole(t, table, "/proc", "/proc", own_proc ? "as mount.entry says" : words[proc],
		  own_proc || proc == CT_AUTO_MIXED || proc == CT_AUTO_RW);
	/* of sys:mixed only the network devices are writable, which is another mount */
	asked = sys == CT_AUTO_MIXED ? words[CT_AUTO_RO] : words[sys];
	add_whole(t, table, "/sys", "/sys", own_sys ? "as mount.entry says" : asked,
		  own_sys || sys == CT_AUTO_RW);
}

static const char *groups_asked(const struct ct_mount_auto *a)
{
	if (!a->cgroup_kind)
		return "not mounted";
	if (a->cgroup_mode == CT_AUTO_RO)
		return "read-only";
	return a->cgroup_kind == CT_AUTO_CGROUP_FULL && a->cgroup_mode != CT_AUTO_MIXED
		       ? "writable"
		       : "own groups writable";
}

/* Every hierarchy at or below /sys/fs/cgroup. */
static void add_groups(struct ct_protect *t, const struct table *table)
{
	static const char top[] = "/sys/fs/cgroup";
	const struct ct_mount_auto *a = &t->p.spec->mount_auto;
	const char *asked = groups_asked(a), *got;
	bool own = by_entry(t->p.spec, "sys"),
	     loose = own || (a->cgroup_kind && a->cgroup_mode != CT_AUTO_RO);
	uint32_t all = 0, writable = 0;

	for (uint32_t i = 0; i < table->rows.n; i++) {
		const struct ct_mount_row *m = &table->rows.v[i];

		if (strncmp(m->point, top, sizeof(top) - 1) ||
		    (strcmp(m->type, "cgroup") && strcmp(m->type, "cgroup2")) ||
		    !ct_mount_rows_show(&table->rows, m))
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
	ct_protections_add(&t->report, !table->why && (loose || !writable), top, asked, got,
			   all ? "mount.auto" : "-");
}

void ct_protect_mounts(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	bool readonly = s->rootfs_readonly || (s->rootfs_options.attr_set & MOUNT_ATTR_RDONLY);
	struct table table = { { NULL, 0 }, NULL };

	read_table(t, &table);
	add_whole(t, &table, "root file system", "/", readonly ? "read-only" : "writable",
		  !readonly);
	add_kernels(t, &table);
	add_groups(t, &table);
	add_covers(t, &table);
}
