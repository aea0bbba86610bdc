/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): each limit as the config asks for it, and as the kernel has it in the
 * cgroup's file now. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/limit.h"
#include "backend/cgroup/state.h"

#define VALUE_MAX 4096

const char *ct_cg_lack(const struct ct_cgroup_state *st, struct ct_protections *r, uint32_t bit,
		       int only)
{
	const struct ct_cgroups *cgroups = &st->trees;

	if (r->spec->cgroup_backend == CT_CGB_NONE)
		return "cgroup.backend = none";
	if (r->not_opened->err)
		return r->not_opened->message;
	if (!cgroups->n)
		return "no cgroup file system is mounted here";
	if (!only)
		only = ct_cg_only_version(r->spec);
	if (!bit)
		return "there is no such cgroup controller";
	if (!ct_cg_serving(cgroups, bit, 0))
		return CT_ROW_TEXT(r, "no hierarchy has the %s controller here (layout %s)",
				   ct_cg_name(bit, 2), ct_cg_layout(cgroups));
	if (only == 2 && !ct_cg_serving(cgroups, bit, 2))
		return CT_ROW_TEXT(r, "%s is bound to version 1 here (layout %s)",
				   ct_cg_name(bit, 2), ct_cg_layout(cgroups));
	if (only == 1 && !ct_cg_serving(cgroups, bit, 1))
		return CT_ROW_TEXT(r, "%s belongs to version 2 here (layout %s)",
				   ct_cg_name(bit, 1), ct_cg_layout(cgroups));
	return CT_ROW_TEXT(r, "the container has no group with the %s controller",
			   ct_cg_name(bit, 2));
}

/* One limit of the config. */
struct asked {
	const char *name, *text;
	const struct ct_origin *at;
	uint32_t bit;			    /* CT_CG_*; 0: none */
	int only;			    /* version of a file that the config names; 0: either */
	const struct ct_cglimit_item *item; /* NULL: the config names a file */
	const char *file;		    /* that file */
};

/* The file that stands for a limit on a version; NULL: there is none. */
static const char *main_file(const struct asked *a, int version, char *buf, size_t size)
{
	if (!a->item)
		return a->file;
	return ct_limit_file(a->item->key, a->item->sub, version, buf, size);
}

/* The value as the config has it, with its "try:". */
static const char *asked_text(struct ct_protections *r, bool tried, const char *text)
{
	if (tried)
		return CT_ROW_TEXT(r, "try:%s", text);
	return CT_ROW_TEXT(r, "%s", text);
}

/* Why the version cannot express a limit that was only tried; NULL: it can. */
static const char *not_expressible(struct ct_protections *r, const struct asked *a)
{
	const struct ct_cg_group *g = ct_cg_group_of(r->running, a->bit);
	struct ct_spec alone = *r->spec;
	struct ct_cg_writes writes = { NULL, 0 };
	struct ct_cglimit_item item;
	struct ct_err why;

	if (!a->item || !g)
		return NULL;
	item = *a->item;
	item.tried = false;
	alone.cglimits = (struct ct_cglimits){ &item, 1 };
	ct_err_clear(&why);
	if (ct_limit_writes(&alone, g->version, a->bit, r->arena, &writes, &why) >= 0)
		return NULL;
	return CT_ROW_TEXT(r, "%s", why.reason);
}

/* ---- what is in a file ----------------------------------------------------------------------- */

static const char *where(struct ct_protections *r, const struct ct_cg_group *g, const char *file,
			 const char *more)
{
	return CT_ROW_TEXT(r, "%s of %s (version %d)%s", file, g->path, g->version, more);
}

/* The row of one write of the plan: compares it with what is read back. */
static void add_write(struct ct_protections *r, const char *name, const char *asked,
		      const struct ct_cg_group *g, const struct ct_cg_write *w)
{
	const char *file = w->file, *value = w->value, *more = "", *got = "nothing";
	char text[VALUE_MAX];
	bool weaker;
	int n;

	if (w->file2 && faccessat(g->fd, w->file, F_OK, 0) < 0) {
		file = w->file2;
		if (w->value2)
			value = w->value2;
	}
	n = (int)ct_cg_read(g->fd, file, text, sizeof(text));
	if (n == -ENOENT && w->if_there) {
		ct_protections_add(r, true, name, asked, "nothing to limit",
				   where(r, g, file, ": this kernel does not have it"));
		return;
	}
	if (n < 0) {
		ct_protections_add(r, false, name, asked, "not applied",
				   CT_ROW_TEXT(r, "%s of %s: %s", file, g->path,
					       ct_errno_text(-n)));
		return;
	}
	weaker = ct_cg_weaker(file, value, text);
	if (weaker && w->optional)
		more = ": not taken";
	if (*text)
		got = text;
	ct_protections_add(r, !weaker, name, asked, got, where(r, g, file, more));
}

/* The container's cgroup in a directory's hierarchy; NULL: it has none there any more. */
static const struct ct_cg_group *group_of(const struct ct_protections *r, const struct ct_cg_dir *d)
{
	for (uint32_t i = 0; i < r->running->n; i++) {
		const struct ct_cg_group *g = &r->running->v[i];

		if (g->fd >= 0 && g->version == d->version && !strcmp(g->tree, d->tree))
			return g;
	}
	return NULL;
}

/* Whether a write is the limit's own file, not one that is written along with it. */
static bool is_main(const struct asked *a, const struct ct_cg_dir *d, const struct ct_cg_write *w)
{
	char buf[128];
	const char *file = main_file(a, d->version, buf, sizeof(buf));

	return file && !strcmp(w->file, file);
}

/* The rows of one limit's writes in one directory: of its own file (`main`), or of the others.
 * Their number. */
static uint32_t add_writes(struct ct_protections *r, const struct asked *a,
			   const struct ct_cg_dir *d, bool main)
{
	const struct ct_cg_group *g = group_of(r, d);
	uint32_t n = 0;

	for (uint32_t k = 0; k < d->writes.n; k++) {
		const struct ct_cg_write *w = &d->writes.v[k];

		if (w->at != a->at || !w->value || is_main(a, d, w) != main)
			continue;
		n++;
		if (!g)
			ct_protections_add(r, false, a->name, a->text, "not applied",
					   CT_ROW_TEXT(r,
						       "the container has no group in hierarchy %s",
						       d->tree));
		else if (main)
			add_write(r, a->name, a->text, g, w);
		else
			add_write(r, CT_ROW_TEXT(r, "%s: %s", a->name, w->file), w->value, g, w);
	}
	return n;
}

/* When it is not known what a start would write now: the text of the cgroup's file, without a
 * comparison. */
static bool add_uncompared(struct ct_protections *r, const struct asked *a)
{
	const struct ct_cg_group *g;
	char buf[128], text[VALUE_MAX];
	const char *file;

	if (!r->not_opened->err || !a->bit)
		return false;
	g = ct_cg_group_of(r->running, a->bit);
	if (!g)
		return false;
	file = main_file(a, g->version, buf, sizeof(buf));
	if (!file || ct_cg_read(g->fd, file, text, sizeof(text)) < 0)
		return false;
	ct_protections_add(r, false, a->name, a->text, text,
			   where(r, g, file,
				 CT_ROW_TEXT(r, ", cannot be compared: %s",
					     r->not_opened->message)));
	return true;
}

static void add_limit(const struct ct_cgroup_state *st, struct ct_protections *r,
		      const struct asked *a)
{
	const char *why;
	uint32_t n = 0;

	for (uint32_t i = 0; i < st->want.n; i++)
		n += add_writes(r, a, &st->want.v[i], true);
	for (uint32_t i = 0; i < st->want.n; i++)
		n += add_writes(r, a, &st->want.v[i], false);
	if (n)
		return;
	if (a->item && ct_cglimit_idle(a->item)) {
		ct_protections_add(r, true, a->name, a->text, "no limit", "-");
		return;
	}
	if (add_uncompared(r, a))
		return;
	why = not_expressible(r, a);
	if (!why)
		why = ct_cg_lack(st, r, a->bit, a->only);
	ct_protections_add(r, false, a->name, a->text, "not applied", why);
}

/* ---- the lists ------------------------------------------------------------------------------- */

static void add_cglimits(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	const struct ct_cglimits *l = &r->spec->cglimits;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ct_cglimit_item *item = &l->v[i];
		struct asked a = { .at = &item->at, .bit = ct_limit_bit(item->key), .item = item };

		a.name = item->key;
		if (*item->sub)
			a.name = CT_ROW_TEXT(r, "%s.%s", item->key, item->sub);
		a.text = asked_text(r, item->tried, item->text);
		add_limit(st, r, &a);
	}
}

/* Whether a later entry sets the same again; in a file with a line for each device, the same
 * device's line. */
static bool is_set_again(const struct ct_cgfiles *files, uint32_t i)
{
	const char *value = files->v[i].value, *blank = strchr(value, ' ');
	size_t n = 0;

	if (blank)
		n = (size_t)(blank - value) + 1;
	for (uint32_t k = i + 1; k < files->n; k++)
		if (!strcmp(files->v[k].file, files->v[i].file) &&
		    !strncmp(files->v[k].value, value, n))
			return true;
	return false;
}

static void add_files(const struct ct_cgroup_state *st, struct ct_protections *r,
		      const struct ct_cgfiles *files, const char *prefix, int version)
{
	for (uint32_t i = 0; i < files->n; i++) {
		const struct ct_cgfile_item *f = &files->v[i];
		struct asked a = { .at = &f->at,
				   .bit = ct_cg_bit(f->file, strcspn(f->file, ".")),
				   .only = version,
				   .file = f->file };

		if (is_set_again(files, i))
			continue;
		a.name = CT_ROW_TEXT(r, "%s.%s", prefix, f->file);
		a.text = asked_text(r, f->tried, f->value);
		add_limit(st, r, &a);
	}
}

/* limit.cputime, which a process enforces by polling the counter. */
static void add_cputime(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	const char *asked = ct_protections_asked(r, "limit.cputime"), *by = "supervisor";
	const struct ct_cg_group *g = ct_cg_group_of(r->running, CT_CG_CPUACCT);

	if (!asked)
		return;
	if (r->care == CT_CARE_KEEPER)
		by = "keeper";
	if (!r->spec->limit_cputime_us)
		ct_protections_add(r, true, "limit.cputime", asked, "no limit", "-");
	else if (!g)
		ct_protections_add(r, false, "limit.cputime", asked, "not applied",
				   ct_cg_lack(st, r, CT_CG_CPUACCT, 0));
	else if (r->care == CT_CARE_NOBODY)
		ct_protections_add(r, false, "limit.cputime", asked, "not kept",
				   "the supervisor has been killed");
	else
		ct_protections_add(r, true, "limit.cputime", asked, "kept",
				   CT_ROW_TEXT(r, "%s, by %s", by,
					       where(r, g, ct_cg_cpu_time_file(g), "")));
}

void ct_cg_protect_limits(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	add_cglimits(st, r);
	add_files(st, r, &r->spec->cgroup1, "cgroup", 1);
	add_files(st, r, &r->spec->cgroup2, "cgroup2", 2);
	add_cputime(st, r);
}
