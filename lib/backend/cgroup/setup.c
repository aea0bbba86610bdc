/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of phase SETUP: cgroups made and written to, by the caller. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/devices-cells.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/state.h"
#include "backend/cgroup/systemd.h"
#include "base/fd.h"
#include "base/sys.h"

#define VALUE_MAX 4096

/* What one step is carried out with. */
struct setup {
	struct ct_cgroup_state *st;
	const struct ct_setup *context;
	struct ct_err *err;
};

/* The group in a slot. */
static struct ct_cg_group *group_in(struct setup *u, int slot)
{
	for (uint32_t i = 0; i < u->st->held.n; i++)
		if (u->st->held.v[i].fd == u->context->plan->input_fd[slot])
			return &u->st->held.v[i];
	return NULL;
}

/* A cgroup that is there, for the journal: again once it has its inner directory. */
static int note(struct setup *u, const struct ct_cg_group *g)
{
	CT_CLEAN_BUF struct ct_buf line = CT_BUF_INIT;

	if (ct_cg_save(g, &line) < 0)
		return ct_oom(u->err);
	return ct_undo_after(u->context->undo, CT_CG_NAME, ct_buf_text(&line), u->err);
}

static int move_to(const char *group, pid_t pid, struct ct_err *e)
{
	CT_CLEAN_FD int dir = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char number[24];
	int r;

	snprintf(number, sizeof(number), "%d", (int)pid);
	r = dir < 0 ? -errno : ct_cg_write(dir, "cgroup.procs", number);
	if (r >= 0)
		return 0;
	ct_err_object(e, group);
	return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write",
			   "the scope's first process cannot be moved");
}

/* What this start has made for one group goes with the last of those below it. */
static void share_keep(const struct setup *u, struct ct_cg_group *g)
{
	for (uint32_t i = 0; i < u->st->held.n; i++) {
		const struct ct_cg_group *other = &u->st->held.v[i];

		if (other->keep < g->keep && !strncmp(other->path, g->path, g->keep))
			g->keep = other->keep;
	}
}

/* A scope begins with a process, and gives nothing on while one lives in it: it goes into
 * a group of its own. */
static int setup_scope(struct setup *u, const struct ct_step *s)
{
	struct ct_scope scope = { .unit = s->s[0],
				  .slice = s->s[1],
				  .description = "libcontain container",
				  .of_user = s->n[0] };
	char group[2048], **place;
	pid_t pid = u->context->placeholder(u->context->arg, &place, u->err);
	int r;

	if (pid < 0)
		return pid;
	scope.pid = pid;
	r = ct_systemd_scope(&scope, group, sizeof(group), u->err);
	if (r < 0)
		return r;
	if (asprintf(&u->st->scope, "%s%s", u->st->want.v[0].mount, group) < 0 ||
	    asprintf(place, "%s/ct.setup", u->st->scope) < 0) {
		*place = NULL;
		return ct_oom(u->err);
	}
	if (mkdir(*place, 0755) < 0) {
		ct_err_object(u->err, *place);
		return ct_fail_sys(u->err, -errno, CT_ERR_CGROUP, "cgroup", "mkdir",
				   "the scope is not delegated");
	}
	return move_to(*place, pid, u->err);
}

static struct ct_cg_give give_of(const struct ct_step *s)
{
	return (struct ct_cg_give){ s->list[0], s->list[1], s->n_list[0], s->n_list[1] };
}

static int setup_make(struct setup *u, const struct ct_step *s)
{
	const struct ct_cg_dir *d = &u->st->want.v[u->st->held.n];
	struct ct_cg_group *g = &u->st->held.v[u->st->held.n];
	struct ct_cg_making m = { .version = (int)s->n[0],
				  .under = u->st->scope ? u->st->scope : s->s[0],
				  .path = s->s[1],
				  .numbered = s->n[1],
				  .give = give_of(s),
				  .mark = *u->st->want.mark ? u->st->want.mark : CT_CG_BY_JOURNAL,
				  .undo = u->context->undo };
	int r = ct_cg_make(&m, g, u->err);

	if (r < 0)
		return r;
	share_keep(u, g);
	u->st->held.n++;
	g->controllers = d->controllers;
	g->tree = strdup(d->tree);
	if (!g->tree)
		return ct_oom(u->err);
	u->context->plan->input_fd[s->o] = g->fd;
	return note(u, g);
}

static int setup_inner(struct setup *u, const struct ct_step *s)
{
	struct ct_cg_group *g = group_in(u, s->a);
	const struct ct_cg_give give = give_of(s);
	int r = ct_cg_make_inner(g, s->s[0], &give, u->err);

	if (r < 0)
		return r;
	u->context->plan->input_fd[s->o] = g->inner_fd;
	return note(u, g);
}

/* A file that wants the parent's value, as version 1's cpuset does before a process may enter. */
static int parents_value(const struct ct_cg_group *g, const char *file, char *value)
{
	CT_CLEAN_FD int parent = openat(g->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ssize_t n = parent < 0 ? -errno : ct_cg_read(parent, file, value, VALUE_MAX);

	return n < 0 ? (int)n : 0;
}

/* What cannot be told is not missing: the write will say what there is to say. */
static bool has_file(const struct ct_cg_group *g, const char *file)
{
	return faccessat(g->fd, file, F_OK, 0) == 0 || errno != ENOENT;
}

/* A file that is written to several times in a row, as version 1's list of devices is,
 * stays open. */
static int write_again(struct setup *u, const struct ct_step *s, const char *value,
		       struct ct_err *e)
{
	const struct ct_cg_group *g = group_in(u, s->a);

	if (u->st->file < 0 || u->st->of != g || strcmp(u->st->name, s->s[0])) {
		ct_close(&u->st->file);
		u->st->file = openat(g->fd, s->s[0], O_WRONLY | O_CLOEXEC);
		u->st->of = g;
		u->st->name = s->s[0];
	}
	if (u->st->file >= 0 && write(u->st->file, value, strlen(value)) >= 0)
		return 0;
	return ct_cg_set_failed(g, s->s[0], value, -errno, e);
}

/* One file. A kernel may have the same thing under two names, each for its own kind of device:
 * then both are written. */
static int setup_set(struct setup *u, const struct ct_step *s)
{
	const struct ct_cg_group *g = group_in(u, s->a);
	const char *value = s->s[1], *other = s->s[2] && *s->s[2] ? s->s[2] : NULL;
	bool second = other && has_file(g, other);
	bool first = (!second && !s->n[0]) || has_file(g, s->s[0]);
	struct ct_err *e = s->flags & CT_SF_OPTIONAL ? NULL : u->err;
	char parents[VALUE_MAX];
	int r = 0;

	if (!value) {
		r = parents_value(g, s->s[0], parents);
		if (r < 0)
			return ct_fail_sys(u->err, r, CT_ERR_CGROUP, "cgroup", "openat",
					   "the value of the group above cannot be read");
		value = parents;
	}
	if (first)
		r = write_again(u, s, value, e);
	if (r == 0 && second)
		r = ct_cg_set(g, other, s->s[3] && *s->s[3] ? s->s[3] : value, e);
	return s->flags & CT_SF_OPTIONAL ? 0 : r;
}

/* cgroups(7), "Cgroups delegation"; /sys/kernel/cgroup/delegate. */
static int setup_own(struct setup *u, const struct ct_step *s)
{
	static const char *const files[] = { "",
					     "cgroup.procs",
					     "cgroup.threads",
					     "cgroup.subtree_control",
					     "memory.oom.group",
					     "tasks" };
	int dir = u->context->plan->input_fd[s->a];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (fchownat(dir, files[i], (uid_t)s->n[0], (gid_t)s->n[1], AT_EMPTY_PATH) == 0 ||
		    errno == ENOENT)
			continue;
		ct_err_object(u->err, files[i]);
		return ct_fail_sys(u->err, -errno, CT_ERR_CGROUP, "cgroup", "fchownat",
				   "the payload's group cannot be handed over");
	}
	return 0;
}

static int setup_devices(struct setup *u, const struct ct_step *s)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_dev_list list;
	int r = arena ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < s->n_list[0]; i++)
		ct_buf_printf(&text, "%s\n", s->list[0][i]);
	if (r == 0)
		r = ct_dev_parse_list(ct_buf_text(&text), arena, &list);
	if (r < 0)
		return r == -ENOMEM ? ct_oom(u->err)
				    : ct_fail(u->err, r, CT_ERR_DEVICES, "cgroup",
					      "the device rules cannot be read back");
	r = ct_dev_attach(group_in(u, s->a)->fd, &list, s->flags & CT_SF_OPTIONAL ? NULL : u->err);
	return s->flags & CT_SF_OPTIONAL ? 0 : r;
}

/* Where the group is to be made. That itself is always new: one of its name that is there already
 * is somebody else's. */
static void path_above(const struct ct_cg_plan *want, const struct ct_cg_dir *d, char *out,
		       size_t size)
{
	const char *last = strrchr(d->path, '/');

	if (want->unit)
		snprintf(out, size, "%s/%s", d->mount, want->slice);
	else if (last)
		snprintf(out, size, "%s%s/%.*s", d->mount, d->base, (int)(last - d->path), d->path);
	else
		snprintf(out, size, "%s%s", d->mount, d->base);
}

/* Nobody could be started in a group that begins frozen. */
static int check_frozen(const struct ct_cg_plan *want, struct ct_err *e)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < want->n; i++) {
		const struct ct_cg_dir *d = &want->v[i];
		char path[4096];

		if (d->version == 1 && !(d->controllers & CT_CG_FREEZER) && !d->monitor)
			continue;
		path_above(want, d, path, sizeof(path));
		r = ct_cg_refuse_frozen(d->version, path, "start", e);
	}
	return r;
}

static int (*const steps[CT_OP_COUNT])(struct setup *u, const struct ct_step *s) = {
#define CT_STEP(...)
#define CT_SETUP_STEP(...)
#define CT_CGROUP_STEP(op, function, ...) [CT_OP_##op] = function,
#include "wire/steps.def"
};

/* Who refuses them when it is not the version of the cgroup, which says so itself. */
static const char *refuses(unsigned op)
{
	if (op == CT_OP_CGROUP_SCOPE)
		return "systemd";
	return op == CT_OP_CGROUP_DEVICES ? ct_cg_version2.name : NULL;
}

/* Nothing is made where init could not run: a cgroup that begins frozen. */
int ct_cg_setup(void *state, const struct ct_setup *context, const struct ct_step *s,
		struct ct_err *e)
{
	struct setup u = { state, context, e };
	int r = u.st->begun ? 0 : check_frozen(&u.st->want, e);

	u.st->begun = true;
	if (r >= 0)
		r = steps[s->op] ? steps[s->op](&u, s)
				 : ct_fail(e, -EINVAL, CT_ERR_PLAN, "start",
					   "the caller cannot carry out this step");
	if (r < 0 && refuses(s->op))
		ct_err_backend(e, refuses(s->op));
	return r;
}
