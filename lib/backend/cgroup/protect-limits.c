/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each limit as it was asked for, and as the kernel has it in the group's file now. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/limit.h"
#include "backend/cgroup/state.h"

#define VALUE_MAX 4096

/* The one version that cgroup.backend leaves; 0: either. */
static int only_of(const struct ct_spec *s)
{
	if (s->cgroup_backend == CT_CGB_V1)
		return 1;
	return s->cgroup_backend == CT_CGB_V2 || s->cgroup_backend == CT_CGB_SYSTEMD ? 2 : 0;
}

const char *ct_cg_lack(const struct ct_cgroup_state *st, struct ct_protections *r, uint32_t bit,
		       int only)
{
	const struct ct_cgroups *trees = &st->trees;

	if (r->spec->cgroup_backend == CT_CGB_NONE)
		return "cgroup.backend = none";
	if (r->not_opened->err)
		return r->not_opened->message;
	if (!trees->n)
		return "no cgroup file system is mounted here";
	only = only ? only : only_of(r->spec);
	if (!bit)
		return "there is no such cgroup controller";
	if (!ct_cg_serving(trees, bit, 0))
		return CT_ROW_TEXT(r, "no hierarchy has the %s controller here (layout %s)",
				   ct_cg_name(bit, 2), ct_cg_layout(trees));
	if (!ct_cg_serving(trees, bit, only))
		return CT_ROW_TEXT(r, "%s %s version %d here (layout %s)", ct_cg_name(bit, only),
				   only == 2 ? "is bound to" : "belongs to", only == 2 ? 1 : 2,
				   ct_cg_layout(trees));
	return CT_ROW_TEXT(r, "the container has no group with the %s controller",
			   ct_cg_name(bit, 2));
}

/* One limit of the config. */
struct asked {
	const char *name, *text;
	const struct ct_origin *at;
	uint32_t bit;			    /* CT_CG_*; 0: none */
	int only;			    /* version, for a file that is named; 0: either */
	const struct ct_cglimit_item *item; /* NULL: a file that is named */
	const char *file;		    /* ... this one */
};

/* What a version says to a limit that a start may do without, and has done without.
 * NULL: nothing. */
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

/* A write of the plan, against what is read back. */
static void add_write(struct ct_protections *r, const char *name, const char *asked,
		      const struct ct_cg_group *g, const struct ct_cg_write *w)
{
	bool other = w->file2 && faccessat(g->fd, w->file, F_OK, 0) < 0, weaker;
	const char *file = other ? w->file2 : w->file,
		   *value = other && w->value2 ? w->value2 : w->value;
	char text[VALUE_MAX];
	int got = (int)ct_cg_read(g->fd, file, text, sizeof(text));

	if (got == -ENOENT && w->if_there) {
		ct_protections_add(r, true, name, asked, "nothing to limit",
				   where(r, g, file, ": this kernel does not have it"));
		return;
	}
	if (got < 0) {
		ct_protections_add(r, false, name, asked, "not applied",
				   CT_ROW_TEXT(r, "%s of %s: %s", file, g->path,
					       ct_errno_text(-got)));
		return;
	}
	weaker = ct_cg_weaker(file, value, text);
	ct_protections_add(r, !weaker, name, asked, *text ? text : "nothing",
			   where(r, g, file, weaker && w->optional ? ": not taken" : ""));
}

/* The container's group in a directory's hierarchy; NULL: it has none there any more. */
static const struct ct_cg_group *group_of(const struct ct_protections *r, const struct ct_cg_dir *d)
{
	for (uint32_t i = 0; i < r->running->n; i++) {
		const struct ct_cg_group *g = &r->running->v[i];

		if (g->fd >= 0 && g->version == d->version && !strcmp(g->tree, d->tree))
			return g;
	}
	return NULL;
}

/* The file that stands for a limit: its own; what else is written along with it comes after. */
static bool is_main(const struct asked *a, const struct ct_cg_dir *d, const struct ct_cg_write *w)
{
	char buf[128];
	const char *file = a->item ? ct_limit_file(a->item->key, a->item->sub, d->version, buf,
						   sizeof(buf))
				   : a->file;

	return file && !strcmp(w->file, file);
}

/* The rows of one limit's writes in one directory, those that stand for it or the
 * others. Their number. */
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

/* What the groups say where a start of today could not be compared with. */
static bool add_uncompared(struct ct_protections *r, const struct asked *a)
{
	const struct ct_cg_group *g = a->bit ? ct_cg_group_of(r->running, a->bit) : NULL;
	char buf[128], text[VALUE_MAX];
	const char *file;

	if (!r->not_opened->err || !g)
		return false;
	file = a->item ? ct_limit_file(a->item->key, a->item->sub, g->version, buf, sizeof(buf))
		       : a->file;
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
	ct_protections_add(r, false, a->name, a->text, "not applied",
			   why ? why : ct_cg_lack(st, r, a->bit, a->only));
}

/* ---- the lists ------------------------------------------------------------------------------- */

static void add_cglimits(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	const struct ct_cglimits *l = &r->spec->cglimits;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ct_cglimit_item *item = &l->v[i];
		struct asked a = { .at = &item->at, .bit = ct_limit_bit(item->key), .item = item };

		a.name = CT_ROW_TEXT(r, "%s%s%s", item->key, *item->sub ? "." : "", item->sub);
		a.text = CT_ROW_TEXT(r, "%s%s", item->tried ? "try:" : "", item->text);
		add_limit(st, r, &a);
	}
}

/* Whether a later entry sets the same again: of a file with a line for each device,
 * the same device's. */
static bool is_set_again(const struct ct_cgfiles *files, uint32_t i)
{
	const char *value = files->v[i].value;
	size_t n = strchr(value, ' ') ? strcspn(value, " ") + 1 : 0;

	for (uint32_t k = i + 1; k < files->n; k++)
		if (!strcmp(files->v[k].file, files->v[i].file) &&
		    !strncmp(files->v[k].value, value, n))
			return true;
	return false;
}

static void add_files(const struct ct_cgroup_state *st, struct ct_protections *r,
		      const struct ct_cgfiles *files, int version)
{
	for (uint32_t i = 0; i < files->n; i++) {
		const struct ct_cgfile_item *f = &files->v[i];
		struct asked a = { .at = &f->at,
				   .bit = ct_cg_bit(f->file, strcspn(f->file, ".")),
				   .only = version,
				   .file = f->file };

		if (is_set_again(files, i))
			continue;
		a.name = CT_ROW_TEXT(r, "%s.%s", version == 2 ? "cgroup2" : "cgroup", f->file);
		a.text = CT_ROW_TEXT(r, "%s%s", f->tried ? "try:" : "", f->value);
		add_limit(st, r, &a);
	}
}

/* limit.cputime, which somebody keeps by looking. */
static void add_cputime(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	const char *asked = ct_protections_asked(r, "limit.cputime"),
		   *how = r->care == CT_CARE_KEEPER ? "keeper" : "supervisor";
	const struct ct_cg_group *g = ct_cg_group_of(r->running, CT_CG_CPUACCT);

	if (!asked)
		return;
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
				   CT_ROW_TEXT(r, "%s, by %s", how,
					       where(r, g,
						     g->version == 2 ? "cpu.stat" : "cpuacct.usage",
						     "")));
}

void ct_cg_protect_limits(const struct ct_cgroup_state *st, struct ct_protections *r)
{
	add_cglimits(st, r);
	add_files(st, r, &r->spec->cgroup1, 1);
	add_files(st, r, &r->spec->cgroup2, 2);
	add_cputime(st, r);
}
