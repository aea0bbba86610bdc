/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): what is hidden and read-only, in the container's own mount table. None
 * of its paths is opened: on a file system of the payload's (FUSE) that may block for ever. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
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

static const char *mode_text(bool readonly)
{
	if (readonly)
		return "read-only";
	return "writable";
}

/* ---- what the plan covers -------------------------------------------------------------------- */

/* A row to be: what was found, and whether it is as asked. */
struct found {
	bool ok;
	const char *got, *how;
};

/* Whether nothing is at a path that would have been covered: of /proc and /sys by this process's
 * own, else by the container's root without any mount below it. */
static bool is_missing(const struct ct_protect *t, const char *path, bool of_kernel)
{
	CT_CLEAN_FD int root = -1, fd = -1;

	if (of_kernel)
		return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
	root = openat(t->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return false;
	fd = ct_openat2(root, path + strspn(path, "/"), O_PATH | O_CLOEXEC, 0,
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	return fd == -ENOENT;
}

/* What is at `path`, which the step covers, below `top`. */
static struct found find_cover(struct ct_protect *t, const struct table *table,
			       const struct ct_step *s, const char *top, const char *path)
{
	const struct ct_mount_row *m = ct_mount_rows_at(&table->rows, path);
	const char *how = ct_op_name(s->op);

	if (table->why)
		return (struct found){ false, CT_TEXT(t, "cannot be told: %s", table->why), how };
	if (!m && *top && !ct_mount_rows_at(&table->rows, top))
		return (struct found){ true, CT_TEXT(t, "%s is not mounted", top), "-" };
	if (!m && is_missing(t, path, *top))
		return (struct found){ true, *top ? "not in this kernel" : "not there", "-" };
	if (!m)
		return (struct found){ false, "NOT THERE", how };
	if (s->op == CT_OP_MASK)
		return (struct found){ !strcmp(m->type, "tmpfs"), CT_TEXT(t, "%s on it", m->type),
				       how };
	return (struct found){ is_readonly(m), mode_text(is_readonly(m)), how };
}

/* The mount point that the step's path begins at, "" for the root. */
static const char *top_of(const struct ct_protect *t, const struct ct_step *s)
{
	const char *slot = "";

	if (s->b >= 0)
		slot = t->p.plan->slot_name[s->b];
	if (!strcmp(slot, "proc"))
		return "/proc";
	if (!strcmp(slot, "root"))
		return "";
	return "/sys";
}

/* One step that hides a path of /proc or /sys, or makes it read-only. */
static void add_cover(struct ct_protect *t, const struct table *table, const struct ct_step *s)
{
	const char *top = top_of(t, s), *path = CT_TEXT(t, "%s/%s", top, s->s[0]),
		   *asked = "read-only";
	struct found f;

	if (!path) {
		t->report.oom = true;
		return;
	}
	if (s->op == CT_OP_MASK)
		asked = "hidden";
	f = find_cover(t, table, s, top, path);
	ct_protections_add(&t->report, f.ok, path, asked, f.got, f.how);
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

/* Whether the config mounts something at or below the path, which then takes the place of what
 * mount.auto asks for. */
static bool by_entry(const struct ct_spec *s, const char *path)
{
	size_t n = strlen(path);

	for (uint32_t i = 0; i < s->mounts.n; i++)
		if (!strncmp(s->mounts.v[i].target, path, n) &&
		    (!s->mounts.v[i].target[n] || s->mounts.v[i].target[n] == '/'))
			return true;
	return false;
}

/* The mount at `path`. `loose`: it may be writable. */
static void add_whole(struct ct_protect *t, const struct table *table, const char *name,
		      const char *path, const char *asked, bool loose)
{
	const struct ct_mount_row *m = ct_mount_rows_at(&table->rows, path);

	if (table->why)
		ct_protections_add(&t->report, false, name, asked,
				   CT_TEXT(t, "cannot be told: %s", table->why), "-");
	else if (!m)
		ct_protections_add(&t->report, true, name, asked, "not mounted", "-");
	else
		ct_protections_add(&t->report, loose || is_readonly(m), name, asked,
				   mode_text(is_readonly(m)),
				   CT_TEXT(t, "%s on %s", m->type, path));
}

/* /proc and /sys. */
static void add_kernels(struct ct_protect *t, const struct table *table)
{
	static const char *const words[] = { [CT_AUTO_NO] = "not mounted",
					     [CT_AUTO_RO] = "read-only",
					     [CT_AUTO_MIXED] = "read-only in part",
					     [CT_AUTO_RW] = "writable" };
	const struct ct_spec *s = t->p.spec;
	uint8_t proc = CT_AUTO_MIXED, sys = CT_AUTO_RO;
	bool own_proc = by_entry(s, "proc"), own_sys = by_entry(s, "sys");
	const char *proc_asked, *sys_asked;

	if (s->mount_auto_set) {
		proc = s->mount_auto.proc;
		sys = s->mount_auto.sys;
	}
	proc_asked = words[proc];
	sys_asked = words[sys];
	/* of sys:mixed only the network devices are writable, which is another mount */
	if (sys == CT_AUTO_MIXED)
		sys_asked = words[CT_AUTO_RO];
	if (own_proc)
		proc_asked = "as mount.entry says";
	if (own_sys)
		sys_asked = "as mount.entry says";
	add_whole(t, table, "/proc", "/proc", proc_asked,
		  own_proc || proc == CT_AUTO_MIXED || proc == CT_AUTO_RW);
	add_whole(t, table, "/sys", "/sys", sys_asked, own_sys || sys == CT_AUTO_RW);
}

static const char *cgroups_asked(const struct ct_mount_auto *a)
{
	if (!a->cgroup_kind)
		return "not mounted";
	if (a->cgroup_mode == CT_AUTO_RO)
		return "read-only";
	if (a->cgroup_kind == CT_AUTO_CGROUP_FULL && a->cgroup_mode != CT_AUTO_MIXED)
		return "writable";
	return "own groups writable";
}

/* Every hierarchy at or below /sys/fs/cgroup. */
static void add_cgroups(struct ct_protect *t, const struct table *table)
{
	static const char top[] = "/sys/fs/cgroup";
	const struct ct_mount_auto *a = &t->p.spec->mount_auto;
	const char *asked = cgroups_asked(a), *got = "not mounted", *how = "-";
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
		got = CT_TEXT(t, "cannot be told: %s", table->why);
	else if (writable)
		got = CT_TEXT(t, "%u of %u mounts writable", writable, all);
	else if (all)
		got = "read-only";
	if (all)
		how = "mount.auto";
	ct_protections_add(&t->report, !table->why && (loose || !writable), top, asked, got, how);
}

void ct_protect_mounts(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	bool readonly = s->rootfs_readonly || (s->rootfs_options.attr_set & MOUNT_ATTR_RDONLY);
	struct table table = { { NULL, 0 }, NULL };

	read_table(t, &table);
	add_whole(t, &table, "root file system", "/", mode_text(readonly), !readonly);
	add_kernels(t, &table);
	add_cgroups(t, &table);
	add_covers(t, &table);
}
