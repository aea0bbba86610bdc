/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container wants of cgroups, which hierarchy serves it, and what is to be written there.
 * Pure. */
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
#include "shared/weak.h"

/* Controllers that a container with cgroups gets anyway, for its statistics and so that its limits
 * can be changed later. */
#define USUAL                                                                               \
	(CT_CG_CPU | CT_CG_CPUACCT | CT_CG_MEMORY | CT_CG_IO | CT_CG_PIDS | CT_CG_DEVICES | \
	 CT_CG_FREEZER)
/* directory below the one with the limits, when the payload manages its own cgroups */
#define PAYLOAD "payload"

/* the supervisor's directory in a scope */
#define MONITOR "ct.monitor"
#define NUMBER_BYTES 4u /* "-999" behind a name that is taken */

/* bytes of a container's name that are kept; a pattern without room for them is too long */
#define SHORTEST 32u

/* One thing wanted of a controller. */
struct want {
	uint32_t bit;  /* CT_CG_*; 0: any cgroup of version `only` will do */
	int only;      /* 1, 2: of that version; 0: either */
	bool required; /* no start without it */
	const struct ct_origin *at;
	const char *remedy;
};

struct decision {
	const struct ct_cg_ask *ask;
	const struct ct_spec *spec;
	const struct ct_cgroups *cgroups; /* the host's hierarchies, by which the arrays go */
	struct ct_arena *arena;
	struct ct_cg_plan *out;
	struct ct_err *err;
	uint32_t bits[CT_CG_TREES];	/* controllers that each hierarchy is to serve */
	uint32_t required[CT_CG_TREES]; /* those of them that are required */
	uint32_t asked[CT_CG_TREES];	/* those that the config asks for, also with "try:" */
	bool used[CT_CG_TREES];
	bool devices; /* they are restricted */
};

static const struct ct_origin by_default = { .key = "" };

/* Freezing, CPU time and killing are done by version 2 where there is one: it does them for all
 * cgroups below, too. Any other controller is used in the hierarchy that it is bound to. */
static const struct ct_cg_tree *serving(const struct decision *d, uint32_t bit, int only)
{
	const struct ct_cg_tree *t;

	if (!only && (bit & (CT_CG_FREEZER | CT_CG_CPUACCT))) {
		t = ct_cg_serving(d->cgroups, bit, 2);
		if (t)
			return t;
	}
	return ct_cg_serving(d->cgroups, bit, only);
}

/* The config's keys cgroup.FILE for version 1, cgroup2.FILE for version 2. */
static const struct ct_cgfiles *files_of(const struct ct_spec *s, int version)
{
	if (version == 1)
		return &s->cgroup1;
	return &s->cgroup2;
}

/* ---- what is not available ------------------------------------------------------------------- */

/* The parts of the error for a want that cannot be served. */
static void describe(struct decision *d, const struct want *w, const char *backend)
{
	ct_err_origin(d->err, w->at);
	/* a want without a key is the restriction of devices, the only one by default */
	if (!w->at->key[0])
		ct_err_object(d->err, "devices");
	ct_err_backend(d->err, backend);
}

static int not_served(struct decision *d, const struct want *w, int only)
{
	const char *layout = ct_cg_layout(d->cgroups), *backend = CT_CG_NAME, *name;
	int version = 2;

	if (only) {
		version = only;
		backend = ct_cg_version_of(only)->name;
	}
	describe(d, w, backend);
	ct_err_hint(d->err, "%s", w->remedy);
	if (!d->cgroups->n)
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "no cgroup file system is mounted here");
	if (only && !w->bit)
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "no cgroup hierarchy of version %d is mounted here (layout %s)",
			       only, layout);
	name = ct_cg_name(w->bit, version);
	if (only == 2 && ct_cg_serving(d->cgroups, w->bit, 1))
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "%s is bound to version 1 here (layout %s)", name, layout);
	if (only == 1 && ct_cg_serving(d->cgroups, w->bit, 2))
		return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
			       "%s belongs to version 2 here (layout %s)", name, layout);
	return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
		       "no hierarchy has the %s controller here (layout %s)", name, layout);
}

/* Where a container's cgroups are made. */
enum place { AT_TOP, BELOW_OWN, WHERE_POSSIBLE };

static bool in_scope(const struct decision *d)
{
	return d->spec->cgroup_backend == CT_CGB_SYSTEMD || d->ask->scope;
}

static enum place place_of(const struct decision *d)
{
	const struct ct_spec *s = d->spec;
	bool relative = ct_spec_origin(s, "cgroup.relative");

	if (relative && s->cgroup_relative)
		return BELOW_OWN;
	/* a path in the config begins at the top; and a detached container, which outlives its
	 * caller, must not end with the caller's service */
	if (relative || s->cgroup_dir || s->cgroup_dir_container || d->ask->detached || in_scope(d))
		return AT_TOP;
	return WHERE_POSSIBLE;
}

/* Whether the caller may make no cgroup in the place of the container's. */
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

static int not_delegated(struct decision *d, const struct want *w, const struct ct_cg_tree *t)
{
	const char *below = "";

	describe(d, w, ct_cg_version_of(t->version)->name);
	ct_err_hint(d->err,
		    "start it as root, or have a group delegated and set cgroup.relative = "
		    "1 (doc/CGROUPS.md); or %s",
		    w->remedy);
	if (d->spec->cgroup_relative && t->self)
		below = t->self;
	if (!w->bit)
		return ct_fail(d->err, -EACCES, CT_ERR_LIMIT, "plan",
			       "no group can be made in %s%s: it is not delegated to you", t->mount,
			       below);
	return ct_fail(d->err, -EACCES, CT_ERR_LIMIT, "plan",
		       "no group can be made for %s in %s%s: it is not delegated to you",
		       ct_cg_name(w->bit, t->version), t->mount, below);
}

/* The hierarchy that serves a want, of version `only` where that is not 0; NULL: none. */
static const struct ct_cg_tree *find_server(const struct decision *d, const struct want *w,
					    int only)
{
	int backend = ct_cg_only_version(d->spec);

	if (w->bit && w->only && backend && w->only != backend)
		return NULL;
	if (w->bit)
		return serving(d, w->bit, only);
	for (uint32_t i = 0; i < d->cgroups->n; i++)
		if (d->cgroups->v[i].version == only)
			return &d->cgroups->v[i];
	return NULL;
}

/* Assigns a want to a hierarchy. Fails only when it is required. */
static int add(struct decision *d, const struct want *w)
{
	const struct ct_cg_tree *t;
	int only = w->only;

	if (!only)
		only = ct_cg_only_version(d->spec);
	t = find_server(d, w, only);
	if (!t || is_closed(d, t)) {
		if (!w->required)
			return 0;
		if (!t)
			return not_served(d, w, only);
		return not_delegated(d, w, t);
	}
	d->bits[t - d->cgroups->v] |= w->bit;
	if (w->required)
		d->required[t - d->cgroups->v] |= w->bit;
	d->used[t - d->cgroups->v] = true;
	return 0;
}

/* ---- wants ----------------------------------------------------------------------------------- */

static int want_limits(struct decision *d)
{
	uint32_t all = ct_limit_controllers(d->spec, true);
	int r = 0;

	for (uint32_t bit = 1; all && bit <= all && r == 0; bit <<= 1) {
		bool best_effort = false;
		struct want w = { .bit = bit,
				  .remedy = "leave the limit out, write try: before "
					    "its value, or have the controller "
					    "mounted or delegated" };

		if (!(all & bit))
			continue;
		w.at = ct_limit_asking(d->spec, bit, &best_effort);
		w.required = !best_effort;
		r = add(d, &w);
	}
	return r;
}

/* The controller of a file: CT_CG_MEMORY for "memory.max". 0: it is a file of every cgroup
 * ("cgroup.max.depth"); -1: there is no controller of that name. */
static int64_t file_bit(const char *file)
{
	size_t n = strcspn(file, ".");
	uint32_t bit = ct_cg_bit(file, n);

	if (bit)
		return bit;
	if (n == strlen("cgroup") && !strncmp(file, "cgroup", n))
		return 0;
	return -1;
}

/* Whether the config has a key of the same controller for the other version, and this host has the
 * controller there. LXC's configs are for hosts of either version in this way; the file of this
 * version is not required then. */
static bool has_twin(const struct decision *d, int64_t bit, int version)
{
	const struct ct_cgfiles *others = files_of(d->spec, 3 - version);

	for (uint32_t i = 0; bit > 0 && i < others->n; i++)
		if (file_bit(others->v[i].file) == bit &&
		    ct_cg_serving(d->cgroups, (uint32_t)bit, 3 - version))
			return true;
	return false;
}

static int no_controller(struct decision *d, const struct ct_cgfile_item *f)
{
	ct_err_origin(d->err, &f->at);
	ct_err_hint(d->err, "a file's name begins with that of its controller, as memory.max");
	return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_LIMIT, "plan",
		       "there is no such cgroup controller");
}

static int want_files(struct decision *d, int version)
{
	const struct ct_cgfiles *files = files_of(d->spec, version);
	int r = 0;

	for (uint32_t i = 0; i < files->n && r == 0; i++) {
		const struct ct_cgfile_item *f = &files->v[i];
		int64_t bit = file_bit(f->file);
		struct want w = { .only = version,
				  .required = !f->tried && !has_twin(d, bit, version),
				  .at = &f->at,
				  .remedy = "use the portable limit.* key, write try: before the "
					    "value, or leave it out" };

		if (bit < 0 && f->tried)
			continue;
		if (bit < 0)
			return no_controller(d, f);
		w.bit = (uint32_t)bit;
		r = add(d, &w);
	}
	return r;
}

/* Whether the config lets the payload use every device. */
static bool lifts_devices(const struct ct_spec *s)
{
	return s->devices_preset && !strcmp(s->devices_preset, "all") && !s->devrules.n;
}

/* Whether the payload has no rights over the host's devices, so that there is nothing to
 * restrict. */
static bool has_no_devices(const struct ct_cg_ask *ask)
{
	return ask->userns || !ask->host->initial_userns ||
	       !(ask->host->cap_permitted & UINT64_C(1) << CAP_MKNOD);
}

static int want_devices(struct decision *d)
{
	const struct ct_spec *s = d->spec;
	bool asked = s->devices_set || s->devrules.n;
	struct want w = { .bit = CT_CG_DEVICES,
			  .required = !s->devices_tried,
			  .at = &by_default,
			  .remedy =
				  "mount the devices controller or cgroup2, or set limit.devices = "
				  "all if the payload may use every device" };

	if (lifts_devices(s) || (!asked && has_no_devices(d->ask)))
		return 0;
	if (s->devices_set)
		w.at = ct_spec_origin(s, "limit.devices");
	else if (s->devrules.n)
		w.at = &s->devrules.v[0].at;
	d->devices = serving(d, CT_CG_DEVICES, ct_cg_only_version(s)) != NULL;
	return add(d, &w);
}

/* What a container that has cgroups gets without asking. Nothing of it is required. */
static void want_usual(struct decision *d, bool everything)
{
	for (uint32_t bit = 1; everything && bit <= USUAL; bit <<= 1)
		if (USUAL & bit & ~CT_CG_DEVICES)
			add(d, &(struct want){ .bit = bit });
	/* all processes are signalled and frozen through it */
	add(d, &(struct want){ .bit = CT_CG_FREEZER });
	for (uint32_t i = 0; i < d->cgroups->n && d->spec->mount_auto.cgroup_kind; i++)
		d->used[i] = d->used[i] || d->cgroups->v[i].version == 1 ||
			     ct_cg_only_version(d->spec) != 1;
	/* a payload that may mount version 1 needs a cgroup of its own in each hierarchy: a mount
	 * begins there, and at the host's top there is a release_agent */
	for (uint32_t i = 0; i < d->cgroups->n && d->ask->mounts; i++)
		d->used[i] = d->used[i] || d->cgroups->v[i].version == 1;
}

/* ---- directories ----------------------------------------------------------------------------- */

/* The container's name, shortened so that one directory's name has room for it and for `beside`
 * other bytes. */
static const char *fitting_name(struct decision *d, size_t beside)
{
	const char *name = d->ask->name;
	size_t room = SHORTEST;
	char *out = ct_arena_alloc(d->arena, NAME_MAX + 1);

	if (!*name)
		name = "anonymous";
	if (beside < NAME_MAX - SHORTEST)
		room = NAME_MAX - beside;
	if (out)
		ct_short_name(out, name, room);
	return out;
}

/* The pattern with the container's name in place of %n. The component with %n must also have room
 * for the mark, and for a number when the name is taken. */
static const char *by_pattern(struct decision *d)
{
	const char *pattern = d->spec->cgroup_pattern, *at, *name;
	size_t before = 0;

	if (!pattern)
		pattern = "ct.payload.%n";
	at = strstr(pattern, "%n");
	if (!at)
		return pattern;
	while (before < (size_t)(at - pattern) && at[-1 - (ptrdiff_t)before] != '/')
		before++;
	name = fitting_name(d, before + strcspn(at + 2, "/") + strlen(d->out->mark) + NUMBER_BYTES);
	if (!name)
		return NULL;
	return ct_arena_printf(d->arena, "%.*s%s%s", (int)(at - pattern), pattern, name, at + 2);
}

static int name_dir(struct decision *d, struct ct_cg_dir *dir)
{
	const struct ct_spec *s = d->spec;
	const char *name = by_pattern(d);

	if (!name)
		return ct_oom(d->err);
	dir->numbered = d->ask->detached && !s->cgroup_dir_container;
	if (s->cgroup_dir_container)
		dir->path = s->cgroup_dir_container;
	else if (s->cgroup_dir)
		dir->path = ct_arena_printf(d->arena, "%s/%s%s", s->cgroup_dir, name, d->out->mark);
	else
		dir->path = ct_arena_printf(d->arena, "%s%s", name, d->out->mark);
	if (!dir->path)
		return ct_oom(d->err);
	dir->inner = s->cgroup_dir_inner;
	/* in LXC, mount.auto's cgroup words without a mode let the payload write; and a payload
	 * that may mount cgroups can do so itself */
	if (!dir->inner && (d->ask->mounts ||
			    (s->mount_auto.cgroup_kind && s->mount_auto.cgroup_mode != CT_AUTO_RO)))
		dir->inner = PAYLOAD;
	return 0;
}

/* Why the container's cgroup cannot be below the caller's own; NULL: it can. */
static const char *no_place_below(struct decision *d, uint32_t i)
{
	const struct ct_cg_tree *t = &d->cgroups->v[i];
	uint32_t lack = d->asked[i] & ~CT_CG_CORE & ~t->self_gives;

	if (!t->self)
		return "which is not below this mount";
	if (!*t->self)
		return NULL;
	if (t->self_closed)
		return "which is not delegated to the caller";
	if (t->self_bars)
		return "which is threaded";
	if (t->version == 2 && lack)
		return ct_arena_printf(d->arena, "which does not give %s on",
				       ct_cg_name(lack & -lack, 2));
	if (t->version == 1 && d->devices && (t->controllers & CT_CG_DEVICES) && t->self_narrow)
		return "which may not use every device itself";
	return NULL;
}

/* Adds to out->elsewhere that the cgroup of this hierarchy is at the top, and why. */
static int note_elsewhere(struct decision *d, const struct ct_cg_tree *t, const char *why)
{
	const char *before = d->out->elsewhere, *sep = "; ";
	const char *self = t->self, *blank = " ";

	if (!before)
		before = sep = "";
	if (!self)
		self = blank = "";
	d->out->elsewhere = ct_arena_printf(d->arena,
					    "%s%s%s is made at the top of %s, not below "
					    "the caller's own cgroup%s%s, %s",
					    before, sep, t->name, t->mount, blank, self, why);
	if (!d->out->elsewhere)
		return ct_oom(d->err);
	return 0;
}

/* The existing cgroup that the container's is made in. */
static int base_dir(struct decision *d, uint32_t i, struct ct_cg_dir *dir)
{
	const struct ct_cg_tree *t = &d->cgroups->v[i];
	enum place place = place_of(d);
	const char *why = NULL;

	dir->base = "";
	if (place == AT_TOP)
		return 0;
	if (place == WHERE_POSSIBLE)
		why = no_place_below(d, i);
	if (why && t->granted && !(d->asked[i] & ~CT_CG_CORE & ~t->granted_gives)) {
		dir->base = t->granted;
		return 0;
	}
	/* else the top; where that is closed the start goes on below the caller's own, and fails
	 * with the kernel's reason */
	if (why && (!t->top_closed || !t->self)) {
		d->out->scope_wanted = d->out->scope_wanted || (t->version == 2 && t->self);
		return note_elsewhere(d, t, why);
	}
	dir->base = t->self;
	if (t->self)
		return 0;
	ct_err_origin(d->err, ct_spec_origin(d->spec, "cgroup.relative"));
	ct_err_object(d->err, t->mount);
	return ct_fail(d->err, -EOPNOTSUPP, CT_ERR_CGROUP, "plan",
		       "the caller's own group is not below this mount");
}

/* The controllers that the cgroups above must enable, and those that are best effort. */
static int list_controllers(struct decision *d, uint32_t bits, uint32_t required,
			    struct ct_cg_dir *dir)
{
	bits &= ~CT_CG_CORE;
	dir->enable = ct_arena_alloc(d->arena, 32 * sizeof(*dir->enable));
	dir->best_effort = ct_arena_alloc(d->arena, 32 * sizeof(*dir->best_effort));
	if (!dir->enable || !dir->best_effort)
		return ct_oom(d->err);
	for (uint32_t bit = 1; bits; bit <<= 1) {
		if (bits & bit & required)
			dir->enable[dir->n_enable++] = ct_cg_name(bit, 2);
		else if (bits & bit)
			dir->best_effort[dir->n_best_effort++] = ct_cg_name(bit, 2);
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

/* Whether the directory has the file. The files of every cgroup count as version 2's. */
static bool has_file(const struct ct_cg_dir *dir, const char *file)
{
	int64_t bit = file_bit(file);

	if (bit > 0)
		return dir->controllers & (uint32_t)bit;
	return bit == 0 && dir->version == 2;
}

/* Files that the config names are written after the limits, and so override them. */
static int add_files(struct decision *d, struct ct_cg_dir *dir)
{
	const struct ct_cgfiles *files = files_of(d->spec, dir->version);
	int r = 0;

	for (uint32_t i = 0; i < files->n && r == 0; i++)
		if (has_file(dir, files->v[i].file))
			r = add_write(d, dir, &files->v[i]);
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

/* The policy as lines, as plans and state files have it. */
static int print_rules(struct decision *d, const struct ct_dev_list *list, struct ct_cg_dir *dir)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char *copy = NULL, *line;
	uint32_t n = 0;

	ct_dev_print_list(list, &text);
	if (!ct_buf_error(&text))
		copy = ct_arena_strdup(d->arena, ct_buf_text(&text));
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

/* Notes which of the things that init needs to set the container up the rules refuse. Those are
 * done by a process outside of the cgroup. */
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

	if (!d->devices || !(dir->controllers & CT_CG_DEVICES) || ct_weak(CT_WEAK_DEVICES))
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
	if (!at && d->spec->devrules.n)
		at = &d->spec->devrules.v[0].at;
	if (!at)
		at = &by_default;
	if (dir->version == 1)
		return write_devices(d, list, at, dir);
	dir->rules_at = at;
	dir->rules_optional = d->spec->devices_tried;
	return print_rules(d, list, dir);
}

static int add_dir(struct decision *d, uint32_t i)
{
	const struct ct_cg_tree *t = &d->cgroups->v[i];
	struct ct_cg_dir *dir = &d->out->v[d->out->n];
	int r;

	*dir = (struct ct_cg_dir){ .version = t->version, .tree = t->name, .mount = t->mount };
	/* a directory of version 1 has all controllers that are bound there; one of version 2 has
	 * those that are enabled for it */
	dir->controllers = t->controllers;
	if (t->version == 2)
		dir->controllers = d->bits[i] | (CT_CG_CORE & ~CT_CG_DEVICES);
	r = base_dir(d, i, dir);
	if (r == 0)
		r = name_dir(d, dir);
	if (r == 0 && t->version == 2)
		r = list_controllers(d, dir->controllers, d->required[i], dir);
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

/* The supervisor's directory; NULL: the supervisor stays where it is. */
static const char *monitor_dir(const struct decision *d)
{
	const char *asked = d->spec->cgroup_dir_monitor;

	if (!d->ask->detached)
		return NULL;
	/* systemd removes a scope, with its statistics, when the last process has left it: the
	 * supervisor reads them, so it has to be that process */
	if (!asked && in_scope(d))
		return MONITOR;
	return asked;
}

/* The supervisor's directory in a hierarchy in which the container has one. */
static int add_monitor(struct decision *d, const struct ct_cg_dir *payload)
{
	struct ct_cg_dir *dir = &d->out->v[d->out->n];
	int r;

	*dir = (struct ct_cg_dir){ .version = payload->version,
				   .tree = ct_arena_printf(d->arena, CT_CG_MONITOR "%s",
							   payload->tree),
				   .mount = payload->mount,
				   .base = payload->base,
				   .path = monitor_dir(d),
				   .monitor = true,
				   .controllers = payload->controllers };
	if (!dir->tree)
		return ct_oom(d->err);
	d->out->n++;
	/* no limits; but in version 1 cpuset must be filled before a process can enter */
	r = ct_cg_version_of(payload->version)->plan(d->spec, 0, d->arena, dir, d->err);
	dir->controllers = 0;
	return r;
}

/* Names the scope after the container, without the characters that mean something in names of
 * units. */
static int name_scope(struct decision *d)
{
	const char *name;
	char *unit = NULL;

	if (!in_scope(d) || !d->out->n)
		return 0;
	name = fitting_name(d, strlen("ct-.scope") + strlen(d->out->mark));
	if (name)
		unit = ct_arena_printf(d->arena, "ct-%s%s.scope", name, d->out->mark);
	if (!unit)
		return ct_oom(d->err);
	for (char *p = strpbrk(unit, "@~"); p; p = strpbrk(p, "@~"))
		*p = '-';
	d->out->unit = unit;
	/* the host's systemd knows root of a user namespace as an ordinary user */
	d->out->user_manager = d->ask->host->uid != 0 || !d->ask->host->initial_userns;
	d->out->slice = "machine.slice";
	if (d->out->user_manager)
		d->out->slice = "app.slice";
	return 0;
}

/* The key that asks for cgroups without asking for a controller; NULL: none does. */
static const struct ct_origin *asks_for_groups(const struct ct_spec *s)
{
	static const char *const keys[] = { "cgroup.dir", "cgroup.dir.container",
					    "cgroup.dir.container.inner", "cgroup.backend" };

	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (ct_spec_origin(s, keys[i]))
			return ct_spec_origin(s, keys[i]);
	if (!s->mount_auto.cgroup_kind)
		return NULL;
	return ct_spec_origin(s, "mount.auto");
}

static int want_groups(struct decision *d, const struct ct_origin *at)
{
	struct want w = { .only = ct_cg_only_version(d->spec), .required = true, .at = at };

	if (!d->cgroups->n) {
		w.remedy = "mount cgroup2 on /sys/fs/cgroup";
		return not_served(d, &w, 0);
	}
	if (!w.only)
		return 0;
	w.remedy = "take cgroup.backend out, or mount a hierarchy of that version";
	return add(d, &w);
}

static int decide(struct decision *d)
{
	const struct ct_origin *groups = asks_for_groups(d->spec);
	bool any = groups != NULL || d->ask->detached;
	int r = 0;

	d->out->at = &by_default;
	if (groups) {
		d->out->at = groups;
		r = want_groups(d, groups);
	}
	if (r == 0)
		r = want_limits(d);
	if (r == 0)
		r = want_files(d, 1);
	if (r == 0)
		r = want_files(d, 2);
	if (r == 0)
		r = want_devices(d);
	for (uint32_t i = 0; i < d->cgroups->n; i++)
		any |= d->used[i];
	memcpy(d->asked, d->bits, sizeof(d->asked));
	if (r == 0 && any)
		want_usual(d, groups || d->ask->detached);
	/* a payload that manages cgroups has asked for all that they can do */
	if (d->spec->mount_auto.cgroup_kind)
		memcpy(d->asked, d->bits, sizeof(d->asked));
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

/* Version 2's directories come first, and are removed last: the next start searches there for what
 * a killed owner has left. */
static int add_dirs(struct decision *d)
{
	int r = 0;

	for (int version = 2; version >= 1; version--)
		for (uint32_t i = 0; r == 0 && i < d->cgroups->n; i++)
			if (d->used[i] && d->cgroups->v[i].version == version)
				r = add_dir(d, i);
	for (uint32_t i = 0, n = d->out->n; r == 0 && i < n && monitor_dir(d); i++) {
		if (d->out->n >= CT_CG_TREES) {
			ct_err_origin(d->err, ct_spec_origin(d->spec, "cgroup.dir.monitor"));
			return ct_fail(d->err, -E2BIG, CT_ERR_CGROUP, "plan",
				       "there are too many cgroup hierarchies for a cgroup of the "
				       "supervisor in each");
		}
		r = add_monitor(d, &d->out->v[i]);
	}
	return r;
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
	d.cgroups = ask->host->cgroups;
	if (!d.cgroups)
		d.cgroups = &nothing;
	if (ask->spec->cgroup_backend == CT_CGB_NONE)
		return ct_cg_check_none(ask, "plan", e);
	out->v = ct_arena_alloc(a, (2 * d.cgroups->n + 1) * sizeof(*out->v));
	if (!out->v)
		return ct_oom(e);
	r = decide(&d);
	if (r == 0)
		r = add_dirs(&d);
	if (r < 0)
		return r;
	return name_scope(&d);
}
