/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): each limit as it was asked for, and as the kernel has it in the group's file now. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/limit.h"
#include "run/protect/protections.h"

#define VALUE_MAX 4096

/* One limit of the config. */
struct asked {
	const char *name, *text;
	const struct ct_origin *at;
	uint32_t bit;			/* CT_CG_*; 0: none */
	int only;			/* version, for a file that is named; 0: either */
	const struct ct_cglimit_item *item;	/* NULL: a file that is named */
	const char *file;		/* ... this one */
};

/* What a version says to a limit that a start may do without, and has done without. NULL: nothing. */
static const char *not_expressible(struct ct_protect *t, const struct asked *a)
{
	const struct ct_cg_group *g = ct_cg_group_of(&t->held, a->bit);
	struct ct_spec alone = *t->p.spec;
	struct ct_cg_writes writes = { NULL, 0 };
	struct ct_cglimit_item item;
	struct ct_err why;

	if (!a->item || !g)
		return NULL;
	item = *a->item;
	item.tried = false;
	alone.cglimits = (struct ct_cglimits){ &item, 1 };
	ct_err_clear(&why);
	if (ct_limit_writes(&alone, g->version, a->bit, t->p.arena, &writes, &why) >= 0)
		return NULL;
	return CT_SAY(t, "%s", why.reason);
}

/* ---- what is in a file --------------------------------------------------------------------------------------------------------- */

static const char *where(struct ct_protect *t, const struct ct_cg_group *g, const char *file, const char *more)
{
	return CT_SAY(t, "%s of %s (version %d)%s", file, g->path, g->version, more);
}

/* A write of the plan, against what is read back. */
static void add_write(struct ct_protect *t, const char *name, const char *asked, const struct ct_cg_group *g, const struct ct_cg_write *w)
{
	bool other = w->file2 && faccessat(g->fd, w->file, F_OK, 0) < 0, weaker;
	const char *file = other ? w->file2 : w->file, *value = other && w->value2 ? w->value2 : w->value;
	char text[VALUE_MAX];
	int r = (int)ct_cg_read(g->fd, file, text, sizeof(text));

	if (r == -ENOENT && w->if_there) {
		ct_protect_add(t, true, name, asked, "nothing to limit", where(t, g, file, ": this kernel does not have it"));
		return;
	}
	if (r < 0) {
		ct_protect_add(t, false, name, asked, "not applied", CT_SAY(t, "%s of %s: %s", file, g->path, ct_errno_text(-r)));
		return;
	}
	weaker = ct_protect_weaker(file, value, text);
	ct_protect_add(t, !weaker, name, asked, *text ? text : "nothing", where(t, g, file, weaker && w->optional ? ": not taken" : ""));
}

/* The container's group in a directory's hierarchy; NULL: it has none there any more. */
static const struct ct_cg_group *group_of(const struct ct_protect *t, const struct ct_cg_dir *d)
{
	for (uint32_t i = 0; i < t->held.n; i++) {
		const struct ct_cg_group *g = &t->held.v[i];

		if (g->fd >= 0 && g->version == d->version && !strcmp(g->tree, d->tree))
			return g;
	}
	return NULL;
}

/* The file that stands for a limit: its own; what else is written along with it comes after. */
static bool is_main(const struct asked *a, const struct ct_cg_dir *d, const struct ct_cg_write *w)
{
	char buf[128];
	const char *file = a->item ? ct_limit_file(a->item->key, a->item->sub, d->version, buf, sizeof(buf)) : a->file;

	return file && !strcmp(w->file, file);
}

/* The rows of one limit's writes in one directory, those that stand for it or the others. Their number. */
static uint32_t add_writes(struct ct_protect *t, const struct asked *a, const struct ct_cg_dir *d, bool main)
{
	const struct ct_cg_group *g = group_of(t, d);
	uint32_t n = 0;

	for (uint32_t k = 0; k < d->writes.n; k++) {
		const struct ct_cg_write *w = &d->writes.v[k];

		if (w->at != a->at || !w->value || is_main(a, d, w) != main)
			continue;
		n++;
		if (!g)
			ct_protect_add(t, false, a->name, a->text, "not applied", CT_SAY(t, "the container has no group in hierarchy %s", d->tree));
		else if (main)
			add_write(t, a->name, a->text, g, w);
		else
			add_write(t, CT_SAY(t, "%s: %s", a->name, w->file), w->value, g, w);
	}
	return n;
}

/* What the groups say where a start of today could not be compared with. */
static bool add_uncompared(struct ct_protect *t, const struct asked *a)
{
	const struct ct_cg_group *g = a->bit ? ct_cg_group_of(&t->held, a->bit) : NULL;
	char buf[128], text[VALUE_MAX];
	const char *file;

	if (!t->no_groups.err || !g)
		return false;
	file = a->item ? ct_limit_file(a->item->key, a->item->sub, g->version, buf, sizeof(buf)) : a->file;
	if (!file || ct_cg_read(g->fd, file, text, sizeof(text)) < 0)
		return false;
	ct_protect_add(t, false, a->name, a->text, text, where(t, g, file, CT_SAY(t, ", cannot be compared: %s", t->no_groups.message)));
	return true;
}

static void add_limit(struct ct_protect *t, const struct asked *a)
{
	const char *why;
	uint32_t n = 0;

	for (uint32_t i = 0; i < ct_cgroup_state(&t->p.backends)->want.n; i++)
		n += add_writes(t, a, &ct_cgroup_state(&t->p.backends)->want.v[i], true);
	for (uint32_t i = 0; i < ct_cgroup_state(&t->p.backends)->want.n; i++)
		n += add_writes(t, a, &ct_cgroup_state(&t->p.backends)->want.v[i], false);
	if (n)
		return;
	if (a->item && ct_cglimit_idle(a->item)) {
		ct_protect_add(t, true, a->name, a->text, "no limit", "-");
		return;
	}
	if (add_uncompared(t, a))
		return;
	why = not_expressible(t, a);
	ct_protect_add(t, false, a->name, a->text, "not applied", why ? why : ct_protect_lack(t, a->bit, a->only));
}

/* ---- the lists ---------------------------------------------------------------------------------------------------------------------- */

static void add_cglimits(struct ct_protect *t)
{
	const struct ct_cglimits *l = &t->p.spec->cglimits;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ct_cglimit_item *item = &l->v[i];
		struct asked a = { .at = &item->at, .bit = ct_limit_bit(item->key), .item = item };

		a.name = CT_SAY(t, "%s%s%s", item->key, *item->sub ? "." : "", item->sub);
		a.text = CT_SAY(t, "%s%s", item->tried ? "try:" : "", item->text);
		add_limit(t, &a);
	}
}

/* Whether a later entry sets the same again: of a file with a line for each device, the same device's. */
static bool is_set_again(const struct ct_cgfiles *files, uint32_t i)
{
	const char *value = files->v[i].value;
	size_t n = strchr(value, ' ') ? strcspn(value, " ") + 1 : 0;

	for (uint32_t k = i + 1; k < files->n; k++)
		if (!strcmp(files->v[k].file, files->v[i].file) && !strncmp(files->v[k].value, value, n))
			return true;
	return false;
}

static void add_files(struct ct_protect *t, const struct ct_cgfiles *files, int version)
{
	for (uint32_t i = 0; i < files->n; i++) {
		const struct ct_cgfile_item *f = &files->v[i];
		struct asked a = { .at = &f->at, .bit = ct_cg_bit(f->file, strcspn(f->file, ".")), .only = version, .file = f->file };

		if (is_set_again(files, i))
			continue;
		a.name = CT_SAY(t, "%s.%s", version == 2 ? "cgroup2" : "cgroup", f->file);
		a.text = CT_SAY(t, "%s%s", f->tried ? "try:" : "", f->value);
		add_limit(t, &a);
	}
}

/* Limits that somebody keeps by looking. */
static void add_watched(struct ct_protect *t)
{
	static const struct {
		const char *key, *in_process, *detached;
	} rows[] = {
		{ "limit.time", "keeper", "supervisor" },
		{ "limit.output", "output pump and keeper (not programs attached)",
		  "supervisor: what the console prints; output pump and supervisor: what goes to descriptors handed over (not programs attached)" },
		{ "limit.cputime", "keeper", "supervisor" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *asked = ct_protect_asked(t, rows[i].key), *how = t->care == CT_CARE_KEEPER ? rows[i].in_process : rows[i].detached;
		const struct ct_cg_group *g = ct_cg_group_of(&t->held, CT_CG_CPUACCT);
		bool cputime = !strcmp(rows[i].key, "limit.cputime");

		if (!asked)
			continue;
		if (cputime && !t->p.spec->limit_cputime_us)
			ct_protect_add(t, true, rows[i].key, asked, "no limit", "-");
		else if (cputime && !g)
			ct_protect_add(t, false, rows[i].key, asked, "not applied", ct_protect_lack(t, CT_CG_CPUACCT, 0));
		else if (t->care == CT_CARE_NOBODY)
			ct_protect_add(t, false, rows[i].key, asked, "not kept", "the supervisor has been killed");
		else if (cputime)
			ct_protect_add(t, true, rows[i].key, asked, "kept",
				       CT_SAY(t, "%s, by %s", how, where(t, g, g->version == 2 ? "cpu.stat" : "cpuacct.usage", "")));
		else
			ct_protect_add(t, true, rows[i].key, asked, "kept", how);
	}
}

void ct_protect_limits(struct ct_protect *t)
{
	add_cglimits(t);
	add_files(t, &t->p.spec->cgroup1, 1);
	add_files(t, &t->p.spec->cgroup2, 2);
	add_watched(t);
}
