/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container wants of cgroups, which hierarchy serves it, and what is to be
 * written there. Pure. */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/devices-cells.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "shared/remove.h"

/* What a system that runs detached can be asked about, where it costs nothing to have it. */
#define USUAL                                                                               \
	(CT_CG_CPU | CT_CG_CPUACCT | CT_CG_MEMORY | CT_CG_IO | CT_CG_PIDS | CT_CG_DEVICES | \
	 CT_CG_FREEZER)
/* directory below the one with the limits, when the payload manages its own */
#define PAYLOAD "payload"

/* in a scope */
#define MONITOR "ct.monitor"
#define NUMBER_BYTES 4u /* "-999" behind a name that is taken */

/* bytes of a container's name that are always there; a pattern that leaves no room for
 * them is too long */
#define SHORTEST 32u

/* One thing wanted of a controller. */
struct want {
	uint32_t bit; /* CT_CG_*; 0: of version `only` as such */
	int only;     /* 1, 2: of that version; 0: either */
	bool hard;    /* no start without it */
	const struct ct_origin *at;
	const char *instead; /* remedy */
};

struct decision {
	const struct ct_cg_ask *ask;
	const struct ct_spec *spec;
	const struct ct_cgroups *trees;
	struct ct_arena *arena;
	struct ct_cg_plan *out;
	struct ct_err *err;
	uint32_t bits[CT_CG_TREES];  /* what each hierarchy is to serve */
	uint32_t hard[CT_CG_TREES];  /* ... and must */
	uint32_t asked[CT_CG_TREES]; /* ... and was asked for, be it with "try:" */
	bool used[CT_CG_TREES];
	bool devices; /* they are restricted */
};

static const struct ct_origin by_default = { .key = "" };

static int only_of(const struct ct_spec *s)
{
	if (s->cgroup_backend == CT_CGB_V1)
		return 1;
	return s->cgroup_backend == CT_CGB_V2 || s->cgroup_backend == CT_CGB_SYSTEMD ? 2 : 0;
}

/* Version 2 freezes, counts CPU time and ends a whole tree better than version 1, whatever is bound
 * where; for anything else a controller is where it is bound. */
static const struct ct_cg_tree *serving(const struct decision *d, uint32_t bit, int only)
{
	const struct ct_cg_tree *t = NULL;

	if (!only && (bit & (CT_CG_FREEZER | CT_CG_CPUACCT)))
		t = ct_cg_serving(d->trees, bit, 2);
	return t ? t : ct_cg_serving(d->trees, bit, only);
}

/* ---- what is not to be had ------------------------------------------------------------------- */

static int nowhere(struct decision *d, const struct want *w, int only)
{
	const char *layout = ct_cg_layout(d->trees);
	const char *name = w->bit ? ct_cg_name(w->bit, only ? only : 2) : "";

	ct_err_origin(d->err, w->at);
	/* only the devices are restricted without being asked to */
	ct_err_object(d->err, w->at->key[0] ? NULL : "devices");
	ct_err_hint(d->err, "%s", w->instead);
	ct_err_backend(d->err, only ? ct_cg_version_of(only)->name : "cgroup");
	if (!d->trees->n)
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "no cgroup file system is mounted here");
	if (only && !w->bit)
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "no cgroup hierarchy of version %d is mounted here (layout %s)",
			       only, layout);
	if (only == 2 && ct_cg_serving(d->trees, w->bit, 1))
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "%s is bound to version 1 here (layout %s)", name, layout);
	if (only == 1 && ct_cg_serving(d->trees, w->bit, 2))
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "%s belongs to version 2 here (layout %s)", name, layout);
	return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
		       "no hierarchy has the %s controller here (layout %s)", name, layout);
}

/* Where a container's groups are made. */
enum place { AT_TOP, BELOW_OWN, WHERE_POSSIBLE };

static bool in_scope(const struct decision *d)
{
	return d->spec->cgroup_backend == CT_CGB_SYSTEMD || d->ask->scope;
}

static enum place place_of(const struct decision *d)
{
	const struct ct_spec *s = d->spec;

	if (ct_spec_origin(s, "cgroup.relative"))
		return s->cgroup_relative ? BELOW_OWN : AT_TOP;
	/* a path that is given begins at the top; and who outlives its starter is not part of
	 * the starter's service */
	if (s->cgroup_dir || s->cgroup_dir_container || d->ask->detached || in_scope(d))
		return AT_TOP;
	return WHERE_POSSIBLE;
}

/* Whether the place that the container's group is to be made in is out of the caller's reach. */
static bool is_closed(const struct decision *d, const struct ct_cg_tree *t)
{
	const struct ct_spec *s = d->spec;

	if (s->cgroup_dir || s->cgroup_dir_container || in_scope(d))
		return false;
	switch (place_of(d)) {
	case BELOW_OWN:
		return t->self_closed;
	case AT_TOP:
		return t->top_closed;
	default:
		return t->top_closed && !t->granted && (t->self_closed || t->self_bars);
	}
}

static int out_of_reach(struct decision *d, const struct want *w, const struct ct_cg_tree *t)
{
	ct_err_origin(d->err, w->at);
	ct_err_object(d->err, w->at->key[0] ? NULL : "devices");
	ct_err_hint(d->err,
		    "start it as root, or have a group delegated and set cgroup.relative = "
		    "1 (doc/CGROUPS.md); or %s",
		    w->instead);
	ct_err_backend(d->err, ct_cg_version_of(t->version)->name);
	return ct_fail(d->err, -EACCES, CT_ERR_LIMIT, "plan",
		       "no group can be made%s%s in %s%s: it is not delegated to you",
		       w->bit ? " for " : "", w->bit ? ct_cg_name(w->bit, t->version) : "",
		       t->mount, d->spec->cgroup_relative && t->self ? t->self : "");
}

/* Notes who serves it. Only a hard want fails. */
static int add(struct decision *d, const struct want *w)
{
	int backend = only_of(d->spec), only = w->only ? w->only : backend;
	const struct ct_cg_tree *t = NULL;

	if (!w->only || !backend || w->only == backend)
		t = w->bit ? serving(d, w->bit, only) : NULL;
	for (uint32_t i = 0; !w->bit && !t && i < d->trees->n; i++)
		if (d->trees->v[i].version == only)
			t = &d->trees->v[i];
	if (!t)
		return w->hard ? nowhere(d, w, only) : 0;
	if (is_closed(d, t))
		return w->hard ? out_of_reach(d, w, t) : 0;
	d->bits[t - d->trees->v] |= w->bit;
	d->hard[t - d->trees->v] |= w->hard ? w->bit : 0;
	d->used[t - d->trees->v] = true;
	return 0;
}

/* ---- wants ----------------------------------------------------------------------------------- */

static int want_limits(struct decision *d)
{
	uint32_t all = ct_limit_controllers(d->spec, true);
	int r = 0;

	for (uint32_t bit = 1; all && bit <= all && r == 0; bit <<= 1) {
		bool tried = false;
		struct want w = { .bit = bit,
				  .instead = "leave the limit out, write try: before "
					     "its value, or have the controller "
					     "mounted or delegated" };

		if (!(all & bit))
			continue;
		w.at = ct_limit_asking(d->spec, bit, &tried);
		w.hard = !tried;
		r = add(d, &w);
	}
	return r;
}

/* "memory.max" -> CT_CG_MEMORY; a file of every group ("cgroup.max.depth") is 0; -1: no
 * controller of that name. */
static int64_t file_bit(const char *file)
{
	size_t n = strcspn(file, ".");
	uint32_t bit = ct_cg_bit(file, n);

	if (bit)
		return bit;
	return n == 6 && !strncmp(file, "cgroup", 6) ? 0 : -1;
}

/* Whether the config says the same for the other version, as LXC's do for hosts of either, and that
 * one is this host's: then this file may be missing here. */
static bool has_twin(const struct decision *d, int64_t bit, int version)
{
	const struct ct_cgfiles *others = version == 1 ? &d->spec->cgroup2 : &d->spec->cgroup1;

	for (uint32_t i = 0; bit > 0 && i < others->n; i++)
		if (file_bit(others->v[i].file) == bit &&
		    ct_cg_serving(d->trees, (uint32_t)bit, 3 - version))
			return true;
	return false;
}

static int want_files(struct decision *d, const struct ct_cgfiles *files, int version)
{
	int r = 0;

	for (uint32_t i = 0; i < files->n && r == 0; i++) {
		const struct ct_cgfile_item *f = &files->v[i];
		int64_t bit = file_bit(f->file);
		struct want w = { bit > 0 ? (uint32_t)bit : 0, version,
				  !f->tried && !has_twin(d, bit, version), &f->at,
				  "use the portable limit.* key, write try: before the value, or "
				  "leave it out" };

		if (bit < 0 && f->tried)
			continue;
		if (bit < 0) {
			ct_err_origin(d->err, &f->at);
			ct_err_hint(d->err, "a file's name begins with that of its controller, as "
					    "memory.max");
			return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
				       "there is no such cgroup controller");
		}
		r = add(d, &w);
	}
	return r;
}

/* Whether the config lets the payload use every device. */
static bool lifts_devices(const struct ct_spec *s)
{
	return s->devices_preset && !strcmp(s->devices_preset, "all") && !s->devrules.n;
}

/* Without rights over the host's devices there is nothing to restrict. */
static bool has_no_devices(const struct ct_cg_ask *ask)
{
	return ask->userns || !ask->host->initial_userns ||
	       !(ask->host->cap_permitted & UINT64_C(1) << CAP_MKNOD);
}

static int want_devices(struct decision *d)
{
	const struct ct_spec *s = d->spec;
	bool asked = s->devices_set || s->devrules.n;
	struct want w = { CT_CG_DEVICES, 0, !s->devices_tried, &by_default,
			  "mount the devices controller or cgroup2, or set limit.devices = all if "
			  "the payload may use every device" };

	if (lifts_devices(s) || (!asked && has_no_devices(d->ask)))
		return 0;
	if (s->devices_set)
		w.at = ct_spec_origin(s, "limit.devices");
	else if (s->devrules.n)
		w.at = &s->devrules.v[0].at;
	d->devices = serving(d, CT_CG_DEVICES, only_of(s)) != NULL;
	return add(d, &w);
}

/* What is there anyway for a container that has groups; never a reason to fail. */
static void want_usual(struct decision *d, bool everything)
{
	for (uint32_t bit = 1; everything && bit <= USUAL; bit <<= 1)
		if (USUAL & bit & ~CT_CG_DEVICES)
			add(d, &(struct want){ .bit = bit });
	/* the whole tree is reached through it */
	add(d, &(struct want){ .bit = CT_CG_FREEZER });
	for (uint32_t i = 0; i < d->trees->n && d->spec->mount_auto.cgroup_kind; i++)
		d->used[i] = d->used[i] || d->trees->v[i].version == 1 || only_of(d->spec) != 1;
	/* a mount of version 1 begins at the payload's group, and the host's has a release_agent */
	for (uint32_t i = 0; i < d->trees->n && d->ask->mounts; i++)
		d->used[i] = d->used[i] || d->trees->v[i].version == 1;
}

/* ---- directories ----------------------------------------------------------------------------- */

/* The container's name beside `beside` other bytes, as far as one directory has room for both. */
static const char *fitting_name(struct decision *d, size_t beside)
{
	const char *name = *d->ask->name ? d->ask->name : "anonymous";
	size_t room = beside < NAME_MAX - SHORTEST ? NAME_MAX - beside : SHORTEST;
	char *out = ct_arena_alloc(d->arena, NAME_MAX + 1);

	if (out)
		ct_short_name(out, name, room);
	return out;
}

/* The pattern with the container's name for %n; in the directory of that go also the mark, and a
 * number for one that is taken. */
static const char *by_pattern(struct decision *d)
{
	const char *pattern = d->spec->cgroup_pattern ? d->spec->cgroup_pattern : "ct.payload.%n",
		   *at = strstr(pattern, "%n"), *name;
	size_t before = 0;

	if (!at)
		return pattern;
	while (before < (size_t)(at - pattern) && at[-1 - (ptrdiff_t)before] != '/')
		before++;
	name = fitting_name(d, before + strcspn(at + 2, "/") + strlen(d->out->mark) + NUMBER_BYTES);
	return name ? ct_arena_printf(d->arena, "%.*s%s%s", (int)(at - pattern), pattern, name,
				      at + 2)
		    : NULL;
}

static int name_dir(struct decision *d, struct ct_cg_dir *dir)
{
	const struct ct_spec *s = d->spec;
	const char *name = by_pattern(d);

	if (!name)
		return ct_oom(d->err);
	if (s->cgroup_dir_container) {
		dir->path = s->cgroup_dir_container;
	} else {
		dir->numbered = d->ask->detached;
		dir->path = ct_arena_printf(d->arena, "%s%s%s%s",
					    s->cgroup_dir ? s->cgroup_dir : "",
					    s->cgroup_dir ? "/" : "", name, d->out->mark);
	}
	dir->inner = s->cgroup_dir_inner;
	/* LXC's words without a mode mean that the payload may write, too; and who may mount
	 * needs not ask for one */
	if (!dir->inner && (d->ask->mounts ||
			    (s->mount_auto.cgroup_kind && s->mount_auto.cgroup_mode != CT_AUTO_RO)))
		dir->inner = PAYLOAD;
	return dir->path ? 0 : ct_oom(d->err);
}

/* Why the group cannot be below the caller's own; NULL: it can. */
static const char *no_place_below(struct decision *d, uint32_t i)
{
	const struct ct_cg_tree *t = &d->trees->v[i];
	uint32_t lack = t->version == 2 ? d->asked[i] & ~CT_CG_CORE & ~t->self_gives : 0;

	if (!t->self)
		return "which is not below this mount";
	if (!*t->self)
		return NULL;
	if (t->self_closed)
		return "which is not delegated to the caller";
	if (t->self_bars)
		return "which is threaded";
	if (lack)
		return ct_arena_printf(d->arena, "which does not give %s on",
				       ct_cg_name(lack & -lack, 2));
	if (t->version == 1 && d->devices && (t->controllers & CT_CG_DEVICES) && t->self_narrow)
		return "which may not use every device itself";
	return NULL;
}

/* One more that is not below the caller's own, with the reason. */
static int say_elsewhere(struct decision *d, const struct ct_cg_tree *t, const char *why)
{
	const char *before = d->out->elsewhere;

	d->out->elsewhere = ct_arena_printf(d->arena,
					    "%s%s%s is made at the top of %s, not below "
					    "the caller's own cgroup%s%s, %s",
					    before ? before : "", before ? "; " : "", t->name,
					    t->mount, t->self ? " " : "", t->self ? t->self : "",
					    why);
	return d->out->elsewhere ? 0 : ct_oom(d->err);
}

/* The existing group that ours is made in. */
static int base_dir(struct decision *d, uint32_t i, struct ct_cg_dir *dir)
{
	const struct ct_cg_tree *t = &d->trees->v[i];
	enum place place = place_of(d);
	const char *why = place == WHERE_POSSIBLE ? no_place_below(d, i) : NULL;

	dir->base = "";
	if (place == AT_TOP)
		return 0;
	if (why && t->granted && !(d->asked[i] & ~CT_CG_CORE & ~t->granted_gives)) {
		dir->base = t->granted;
		return 0;
	}
	/* who may not use the top is told by the kernel what is in the way below its own */
	if (why && (!t->top_closed || !t->self)) {
		d->out->scope_wanted = d->out->scope_wanted || (t->version == 2 && t->self);
		return say_elsewhere(d, t, why);
	}
	dir->base = t->self;
	if (t->self)
		return 0;
	ct_err_origin(d->err, ct_spec_origin(d->spec, "cgroup.relative"));
	ct_err_object(d->err, t->mount);
	return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_CGROUP, "plan",
		       "the caller's own group is not below this mount");
}

/* The controllers that the groups above must give on, and those that they may. */
static int list_controllers(struct decision *d, uint32_t bits, uint32_t hard, struct ct_cg_dir *dir)
{
	bits &= ~CT_CG_CORE;
	dir->enable = ct_arena_alloc(d->arena, 32 * sizeof(*dir->enable));
	dir->wish = ct_arena_alloc(d->arena, 32 * sizeof(*dir->wish));
	if (!dir->enable || !dir->wish)
		return ct_oom(d->err);
	for (uint32_t bit = 1; bits; bit <<= 1) {
		if (bits & bit & hard)
			dir->enable[dir->n_enable++] = ct_cg_name(bit, 2);
		else if (bits & bit)
			dir->wish[dir->n_wish++] = ct_cg_name(bit, 2);
		bits &= ~bit;
	}
	return 0;
}

static int add_write(struct decision *d, struct ct_cg_dir *dir, const struct ct_cgfile_item *f)
{
	struct ct_cg_write *v = ct_arena_grow(d->arena, dir->writes.v, dir->writes.n,
					      dir->writes.n + 1, sizeof(*v));

	if (!v)
		return ct_oom(d->err);
	v[dir->writes.n++] = (struct ct_cg_write){
		.at = &f->at, .file = f->file, .value = f->value, .optional = f->tried
	};
	dir->writes.v = v;
	return 0;
}

/* cgroup.FILE and cgroup2.FILE come after the limits: who writes a file by its name means it. */
static int add_files(struct decision *d, struct ct_cg_dir *dir)
{
	const struct ct_cgfiles *files = dir->version == 2 ? &d->spec->cgroup2 : &d->spec->cgroup1;
	int r = 0;

	for (uint32_t i = 0; i < files->n && r == 0; i++) {
		int64_t bit = file_bit(files->v[i].file);

		if (bit > 0 ? (dir->controllers & (uint32_t)bit) != 0
			    : bit == 0 && dir->version == 2)
			r = add_write(d, dir, &files->v[i]);
	}
	return r;
}

static int write_devices(struct decision *d, const struct ct_dev_list *list,
			 const struct ct_origin *at, struct ct_cg_dir *dir)
{
	uint32_t from = dir->writes.n;
	int r = ct_dev_v1_writes(list, at, d->arena, &dir->writes, d->err);

	for (uint32_t i = from; r == 0 && i < dir->writes.n; i++)
		dir->writes.v[i].optional = d->spec->devices_tried;
	return r;
}

/* The policy as lines, the way a plan and a state file have it. */
static int print_rules(struct decision *d, const struct ct_dev_list *list, struct ct_cg_dir *dir)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char *copy, *line;
	uint32_t n = 0;

	ct_dev_print_list(list, &text);
	copy = ct_buf_error(&text) ? NULL : ct_arena_strdup(d->arena, ct_buf_text(&text));
	for (const char *p = copy; p && *p; p++)
		n += *p == '\n';
	dir->rules = ct_arena_alloc(d->arena, (n + 1) * sizeof(*dir->rules));
	if (!copy || !dir->rules)
		return ct_oom(d->err);
	while ((line = strsep(&copy, "\n")))
		if (*line)
			dir->rules[dir->n_rules++] = line;
	return 0;
}

/* What init needs of the rules to set the container up, and what it is spared where they refuse it:
 * that is done outside of the group. */
static int note_refusals(struct decision *d, const struct ct_dev_list *list)
{
	static const struct {
		uint32_t major, minor;
	} nodes[] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 } };
	struct ct_dev_cells blocks;
	int r = ct_dev_cells(list, 'b', d->arena, &blocks, d->err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		d->out->no_nodes |= !ct_dev_allowed(list, 'c', nodes[i].major, nodes[i].minor,
						    CT_DEV_MKNOD);
	d->out->no_terminals |= !ct_dev_allowed(list, 'c', 5, 2, CT_DEV_READ | CT_DEV_WRITE);
	for (uint32_t i = 0; i < blocks.n; i++)
		d->out->no_blocks |= (~blocks.v[i].allowed & (CT_DEV_READ | CT_DEV_WRITE)) != 0;
	return 0;
}

static int add_devices(struct decision *d, struct ct_cg_dir *dir)
{
	struct ct_dev_list *list;
	const struct ct_origin *at = ct_spec_origin(d->spec, "limit.devices");
	int r;

	if (!d->devices || !(dir->controllers & CT_CG_DEVICES))
		return 0;
	list = ct_arena_alloc(d->arena, sizeof(*list));
	if (!list)
		return ct_oom(d->err);
	r = ct_dev_from_spec(d->spec, dir->version, d->arena, list, d->err);
	if (r == 0)
		r = note_refusals(d, list);
	if (r < 0)
		return r;
	dir->lists = true;
	if (!at)
		at = d->spec->devrules.n ? &d->spec->devrules.v[0].at : &by_default;
	if (dir->version == 1)
		return write_devices(d, list, at, dir);
	dir->rules_at = at;
	dir->rules_optional = d->spec->devices_tried;
	return print_rules(d, list, dir);
}

static int add_dir(struct decision *d, uint32_t i)
{
	const struct ct_cg_tree *t = &d->trees->v[i];
	struct ct_cg_dir *dir = &d->out->v[d->out->n];
	int r;

	/* a directory of version 1 has all that is bound there; one of version 2 what
	 * is given on to it */
	*dir = (struct ct_cg_dir){ .version = t->version,
				   .tree = t->name,
				   .mount = t->mount,
				   .controllers = t->version == 1 ? t->controllers
								  : d->bits[i] | (CT_CG_CORE &
										  ~CT_CG_DEVICES) };
	r = base_dir(d, i, dir);
	if (r == 0)
		r = name_dir(d, dir);
	if (r == 0 && t->version == 2)
		r = list_controllers(d, dir->controllers, d->hard[i], dir);
	if (r == 0)
		r = ct_cg_version_of(t->version)->plan(d->spec, d->bits[i], d->arena, dir, d->err);
	if (r == 0)
		r = add_devices(d, dir);
	if (r == 0)
		r = add_files(d, dir);
	if (r < 0)
		ct_err_backend(d->err, ct_cg_version_of(t->version)->name);
	d->out->n += r == 0;
	return r;
}

/* NULL: the supervisor stays where it is. */
static const char *monitor_dir(const struct decision *d)
{
	const char *asked = d->spec->cgroup_dir_monitor;

	if (!d->ask->detached)
		return NULL;
	/* systemd takes a scope away, with all figures in it, when the last process has left: that
	 * is to be the supervisor */
	return !asked && in_scope(d) ? MONITOR : asked;
}

/* The supervisor's own place, in each hierarchy that the container has one in. */
static int add_monitor(struct decision *d, const struct ct_cg_dir *payload)
{
	struct ct_cg_dir *dir = &d->out->v[d->out->n];

	*dir = (struct ct_cg_dir){ .version = payload->version,
				   .tree = ct_arena_printf(d->arena, CT_CG_MONITOR "%s",
							   payload->tree),
				   .mount = payload->mount,
				   .base = payload->base,
				   .path = monitor_dir(d),
				   .monitor = true,
				   .controllers = payload->controllers };
	int r;

	if (!dir->tree)
		return ct_oom(d->err);
	d->out->n++;
	/* none of the limits, but what a process needs to get in */
	r = ct_cg_version_of(payload->version)->plan(d->spec, 0, d->arena, dir, d->err);
	dir->controllers = 0;
	return r;
}

/* The scope's name is the container's; what systemd would take for another part of a
 * name is not in it. */
static int name_scope(struct decision *d)
{
	const char *name;
	char *unit;

	if (!in_scope(d) || !d->out->n)
		return 0;
	name = fitting_name(d, strlen("ct-.scope") + strlen(d->out->mark));
	unit = name ? ct_arena_printf(d->arena, "ct-%s%s.scope", name, d->out->mark) : NULL;
	if (!unit)
		return ct_oom(d->err);
	for (char *p = strpbrk(unit, "@~"); p; p = strpbrk(p, "@~"))
		*p = '-';
	d->out->unit = unit;
	/* root of a user namespace is a user like others to the host's systemd */
	d->out->user_manager = d->ask->host->uid != 0 || !d->ask->host->initial_userns;
	d->out->slice = d->out->user_manager ? "app.slice" : "machine.slice";
	return 0;
}

/* Has the config asked for groups in a way that no single controller stands for? */
static const struct ct_origin *asks_for_groups(const struct ct_spec *s)
{
	static const char *const keys[] = { "cgroup.dir", "cgroup.dir.container",
					    "cgroup.dir.container.inner", "cgroup.backend" };

	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (ct_spec_origin(s, keys[i]))
			return ct_spec_origin(s, keys[i]);
	return s->mount_auto.cgroup_kind ? ct_spec_origin(s, "mount.auto") : NULL;
}

static int want_groups(struct decision *d, const struct ct_origin *at)
{
	if (!d->trees->n)
		return nowhere(d,
			       &(struct want){ .at = at,
					       .instead = "mount cgroup2 on /sys/fs/cgroup" },
			       0);
	if (!only_of(d->spec))
		return 0;
	return add(d, &(struct want){ .only = only_of(d->spec),
				      .hard = true,
				      .at = at,
				      .instead = "take cgroup.backend out, or mount a hierarchy of "
						 "that version" });
}

static int decide(struct decision *d)
{
	const struct ct_origin *groups = asks_for_groups(d->spec);
	bool any = groups != NULL || d->ask->detached;
	int r = groups ? want_groups(d, groups) : 0;

	if (r == 0)
		r = want_limits(d);
	if (r == 0)
		r = want_files(d, &d->spec->cgroup1, 1);
	if (r == 0)
		r = want_files(d, &d->spec->cgroup2, 2);
	if (r == 0)
		r = want_devices(d);
	for (uint32_t i = 0; i < d->trees->n; i++)
		any |= d->used[i];
	memcpy(d->asked, d->bits, sizeof(d->asked));
	if (r == 0 && any)
		want_usual(d, groups || d->ask->detached);
	/* who manages groups itself is there for what these can do */
	if (d->spec->mount_auto.cgroup_kind)
		memcpy(d->asked, d->bits, sizeof(d->asked));
	d->out->at = groups ? groups : &by_default;
	return r;
}

int ct_cg_check_none(const struct ct_cg_ask *ask, const char *where, struct ct_err *e)
{
	const struct ct_spec *s = ask->spec;

	if (s->cgroup_backend != CT_CGB_NONE || !ask->mknod || s->devices_tried ||
	    lifts_devices(s) || has_no_devices(ask))
		return 0;
	ct_err_origin(e, ct_spec_origin(s, "cgroup.backend"));
	ct_err_hint(e, "set limit.devices = all if the payload may use every device, or drop "
		       "mknod, or give it a user namespace (idmap)");
	return ct_fail(
		e, -EINVAL, CT_ERR_CONFLICT, where,
		"devices cannot be restricted without a cgroup, and the payload keeps mknod");
}

int ct_cg_decide(const struct ct_cg_ask *ask, struct ct_arena *a, struct ct_cg_plan *out,
		 struct ct_err *e)
{
	static const struct ct_cgroups nothing;
	struct decision d = { .ask = ask, .spec = ask->spec, .arena = a, .out = out, .err = e };
	int r;

	*out = (struct ct_cg_plan){ .mark = ct_arena_strdup(a, ask->mark) };
	if (!out->mark)
		return ct_oom(e);
	d.trees = ask->host->cgroups ? ask->host->cgroups : &nothing;
	if (ask->spec->cgroup_backend == CT_CGB_NONE)
		return ct_cg_check_none(ask, "plan", e);
	out->v = ct_arena_alloc(a, (2 * d.trees->n + 1) * sizeof(*out->v));
	if (!out->v)
		return ct_oom(e);
	r = decide(&d);
	/* version 2's is made first and removed last: what a killed owner has left is
	 * looked for there */
	for (int version = 2; version >= 1; version--)
		for (uint32_t i = 0; r == 0 && i < d.trees->n; i++)
			if (d.used[i] && d.trees->v[i].version == version)
				r = add_dir(&d, i);
	for (uint32_t i = 0, n = out->n; r == 0 && i < n && monitor_dir(&d); i++)
		r = out->n < CT_CG_TREES ? add_monitor(&d, &out->v[i]) : -E2BIG;
	return r == 0 ? name_scope(&d) : r;
}
