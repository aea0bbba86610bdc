/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carries out the steps of phase SETUP, in the caller: cgroups are made and written to. */
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

/* The arguments of all functions that carry out a step. */
struct setup {
	struct ct_cgroup_state *st;
	const struct ct_setup *context;
	struct ct_err *err;
};

/* Where the failure of a step is recorded; NULL: the step is optional. */
static struct ct_err *err_of(const struct setup *u, const struct ct_step *s)
{
	if (s->flags & CT_SF_OPTIONAL)
		return NULL;
	return u->err;
}

/* The result of a step: an optional one does not fail. */
static int result_of(const struct ct_step *s, int r)
{
	if (s->flags & CT_SF_OPTIONAL)
		return 0;
	return r;
}

/* The cgroup whose directory is in a slot. */
static struct ct_cg_group *group_in(struct setup *u, int slot)
{
	for (uint32_t i = 0; i < u->st->held.n; i++)
		if (u->st->held.v[i].fd == u->context->plan->input_fd[slot])
			return &u->st->held.v[i];
	return NULL;
}

/* Records a cgroup in the journal when it has been made, and again with its inner directory. */
static int note(struct setup *u, const struct ct_cg_group *g)
{
	CT_CLEAN_BUF struct ct_buf line = CT_BUF_INIT;

	if (ct_cg_save(g, &line) < 0)
		return ct_oom(u->err);
	return ct_undo_after(u->context->undo, CT_CG_NAME, ct_buf_text(&line), u->err);
}

static int move_pid(const char *group, pid_t pid)
{
	CT_CLEAN_FD int dir = open(group, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char number[24];

	if (dir < 0)
		return -errno;
	snprintf(number, sizeof(number), "%d", (int)pid);
	return ct_cg_write(dir, "cgroup.procs", number);
}

static int move_to(const char *group, pid_t pid, struct ct_err *e)
{
	int r = move_pid(group, pid);

	if (r >= 0)
		return 0;
	ct_err_object(e, group);
	return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write",
			   "the scope's first process cannot be moved");
}

/* A directory that this start has made for an earlier cgroup and that g is in, too, is removed with
 * the last of them. */
static void share_keep(const struct setup *u, struct ct_cg_group *g)
{
	for (uint32_t i = 0; i < u->st->held.n; i++) {
		const struct ct_cg_group *other = &u->st->held.v[i];

		if (other->keep < g->keep && !strncmp(other->path, g->path, g->keep))
			g->keep = other->keep;
	}
}

/* A scope begins with a process, and no controller can be enabled for the cgroups below while it
 * has one: the process is moved into a cgroup of its own below. */
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

static struct ct_cg_controllers controllers_of(const struct ct_step *s)
{
	return (struct ct_cg_controllers){ s->list[0], s->list[1], s->n_list[0], s->n_list[1] };
}

static int setup_make(struct setup *u, const struct ct_step *s)
{
	const struct ct_cg_dir *d = &u->st->want.v[u->st->held.n];
	struct ct_cg_group *g = &u->st->held.v[u->st->held.n];
	struct ct_cg_making m = { .version = (int)s->n[0],
				  .under = s->s[0],
				  .path = s->s[1],
				  .numbered = s->n[1],
				  .controllers = controllers_of(s),
				  .mark = u->st->want.mark,
				  .undo = u->context->undo };
	int r;

	if (u->st->scope)
		m.under = u->st->scope;
	if (!*m.mark)
		m.mark = CT_CG_BY_JOURNAL;
	r = ct_cg_make(&m, g, u->err);
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
	const struct ct_cg_controllers controllers = controllers_of(s);
	int r = ct_cg_make_inner(g, s->s[0], &controllers, u->err);

	if (r < 0)
		return r;
	u->context->plan->input_fd[s->o] = g->inner_fd;
	return note(u, g);
}

/* The value of the same file in the parent. */
static int parents_value(const struct ct_cg_group *g, const char *file, char *value)
{
	CT_CLEAN_FD int parent = openat(g->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ssize_t n;

	if (parent < 0)
		return -errno;
	n = ct_cg_read(parent, file, value, VALUE_MAX);
	if (n < 0)
		return (int)n;
	return 0;
}

/* Only ENOENT means that it is missing: with any other errno the write itself fails and reports. */
static bool has_file(const struct ct_cg_group *g, const char *file)
{
	return faccessat(g->fd, file, F_OK, 0) == 0 || errno != ENOENT;
}

/* Keeps the file open for the next step: version 1's list of devices takes many writes in a row. */
static int write_open(struct setup *u, const struct ct_step *s, const char *value, struct ct_err *e)
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

static bool is_set(const char *s)
{
	return s && *s;
}

/* Writes the file by its second name, with the value for that if there is one. */
static int write_other(const struct ct_cg_group *g, const struct ct_step *s, const char *value,
		       struct ct_err *e)
{
	if (is_set(s->s[3]))
		value = s->s[3];
	return ct_cg_set(g, s->s[2], value, e);
}

/* Writes one file. A kernel may have it by two names, each for some kinds of devices: then both are
 * written. */
static int setup_set(struct setup *u, const struct ct_step *s)
{
	const struct ct_cg_group *g = group_in(u, s->a);
	const char *value = s->s[1];
	bool second = is_set(s->s[2]) && has_file(g, s->s[2]);
	bool first = (!second && !s->n[0]) || has_file(g, s->s[0]);
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
		r = write_open(u, s, value, err_of(u, s));
	if (r == 0 && second)
		r = write_other(g, s, value, err_of(u, s));
	return result_of(s, r);
}

/* The files are those of cgroups(7), "Cgroups delegation", and /sys/kernel/cgroup/delegate. */
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

static int read_rules(const struct ct_step *s, struct ct_arena *a, struct ct_dev_list *list)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

	if (!a)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n_list[0]; i++)
		ct_buf_printf(&text, "%s\n", s->list[0][i]);
	/* without its last rules the list might allow more */
	if (ct_buf_error(&text))
		return -ENOMEM;
	return ct_dev_parse_list(ct_buf_text(&text), a, list);
}

static int setup_devices(struct setup *u, const struct ct_step *s)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_dev_list list;
	int r = read_rules(s, arena, &list);

	if (r == -ENOMEM)
		return ct_oom(u->err);
	if (r < 0)
		return ct_fail(u->err, r, CT_ERR_DEVICES, "cgroup",
			       "the device rules cannot be read back");
	r = ct_dev_attach(group_in(u, s->a)->fd, &list, u->context->program, err_of(u, s));
	return result_of(s, r);
}

/* The directory that the cgroup is to be made in. The cgroup itself is always new: an existing one
 * of its name belongs to another container. */
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

/* A cgroup below a frozen one begins frozen: init could not run in it. */
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

/* The backend that has refused a step; NULL: the step records it itself. */
static const char *backend_of(unsigned op)
{
	switch (op) {
	case CT_OP_CGROUP_SCOPE:
		return "systemd";
	case CT_OP_CGROUP_DEVICES:
		return ct_cg_version2.name;
	default:
		return NULL;
	}
}

static int carry_out(struct setup *u, const struct ct_step *s)
{
	int r = 0;

	/* before the first step, when nothing has been made yet */
	if (!u->st->begun)
		r = check_frozen(&u->st->want, u->err);
	u->st->begun = true;
	if (r < 0)
		return r;
	if (!steps[s->op])
		return ct_fail(u->err, -EINVAL, CT_ERR_PLAN, "start",
			       "the caller cannot carry out this step");
	return steps[s->op](u, s);
}

int ct_cg_setup(void *state, const struct ct_setup *context, const struct ct_step *s,
		struct ct_err *e)
{
	struct setup u = { state, context, e };
	int r = carry_out(&u, s);

	if (r < 0)
		ct_err_backend(e, backend_of(s->op));
	return r;
}
