/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/start/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/devices-cells.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/systemd.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/handle/container.h"
#include "plan/trace.h"

#define VALUE_MAX 4096

struct setup {
	struct ct_plan *plan;
	const struct ct_cg_plan *want;
	int journal;
	struct ct_cg_held *held;
	struct ct_placeholder *holder;
	struct ct_err *err;
	int file;		/* written to last, -1; of that group, by that name */
	const struct ct_cg_group *of;
	const char *name;
	char scope[4096];	/* absolute path of the scope's group; "": none */
};

/* The group in a slot. */
static struct ct_cg_group *group_in(struct setup *u, int slot)
{
	for (uint32_t i = 0; i < u->held->n; i++)
		if (u->held->v[i].fd == u->plan->input_fd[slot])
			return &u->held->v[i];
	return NULL;
}

static int note(struct setup *u, const struct ct_cg_group *g)
{
	CT_CLEAN_BUF struct ct_buf line = CT_BUF_INIT;
	int r;

	if (u->journal < 0)
		return 0;
	ct_cg_save(g, &line);
	r = ct_buf_error(&line) ? -ENOMEM : ct_write_all(u->journal, ct_buf_text(&line), line.len);
	return r < 0 ? ct_fail_sys(u->err, r, CT_ERR_STATE, "start", "write", "the groups cannot be written down") : 0;
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
	return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write", "the scope's first process cannot be moved");
}

/* What this start has made for one group goes with the last of those below it. */
static void share_keep(const struct setup *u, struct ct_cg_group *g)
{
	for (uint32_t i = 0; i < u->held->n; i++) {
		const struct ct_cg_group *other = &u->held->v[i];

		if (other->keep < g->keep && !strncmp(other->path, g->path, g->keep))
			g->keep = other->keep;
	}
}

/* A scope begins with a process, and gives nothing on while one lives in it: it goes into a group of its own. */
static int make_scope(struct setup *u, const struct ct_step *s)
{
	struct ct_scope scope = { .unit = s->s[0], .slice = s->s[1], .description = "libcontain container", .of_user = s->n[0] };
	char group[2048];
	int r = ct_placeholder_begin(u->holder, u->err), n;

	scope.pid = u->holder->pid;
	if (r >= 0)
		r = ct_systemd_scope(&scope, group, sizeof(group), u->err);
	if (r < 0)
		return r;
	n = snprintf(u->scope, sizeof(u->scope), "%s%s", u->want->v[0].mount, group);
	if (n < 0 || (size_t)n >= sizeof(u->scope) || asprintf(&u->holder->group, "%s/ct.setup", u->scope) < 0) {
		u->holder->group = NULL;
		return ct_oom(u->err);
	}
	if (mkdir(u->holder->group, 0755) < 0) {
		ct_err_object(u->err, u->holder->group);
		return ct_fail_sys(u->err, -errno, CT_ERR_CGROUP, "cgroup", "mkdir", "the scope is not delegated");
	}
	return move_to(u->holder->group, u->holder->pid, u->err);
}

static struct ct_cg_give give_of(const struct ct_step *s)
{
	return (struct ct_cg_give){ s->list[0], s->list[1], s->n_list[0], s->n_list[1] };
}

static int make(struct setup *u, const struct ct_step *s)
{
	const struct ct_cg_dir *d = &u->want->v[u->held->n];
	struct ct_cg_group *g = &u->held->v[u->held->n];
	struct ct_cg_making m = { .version = (int)s->n[0], .under = u->scope[0] ? u->scope : s->s[0], .path = s->s[1],
				   .numbered = s->n[1], .give = give_of(s), .mark = *u->want->mark ? u->want->mark : CT_CG_BY_JOURNAL,
				   .journal = u->journal };
	int r = ct_cg_make(&m, g, u->err);

	if (r < 0)
		return r;
	share_keep(u, g);
	u->held->n++;
	g->controllers = d->controllers;
	g->tree = strdup(d->tree);
	if (!g->tree)
		return ct_oom(u->err);
	u->plan->input_fd[s->o] = g->fd;
	/* one with an inner directory is written down when that is there */
	return d->inner ? 0 : note(u, g);
}

static int make_inner(struct setup *u, const struct ct_step *s)
{
	struct ct_cg_group *g = group_in(u, s->a);
	const struct ct_cg_give give = give_of(s);
	int r = ct_cg_make_inner(g, s->s[0], &give, u->err);

	if (r < 0)
		return r;
	u->plan->input_fd[s->o] = g->inner_fd;
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

/* A file that is written to several times in a row, as version 1's list of devices is, stays open. */
static int write_again(struct setup *u, const struct ct_step *s, const char *value, struct ct_err *e)
{
	const struct ct_cg_group *g = group_in(u, s->a);

	if (u->file < 0 || u->of != g || strcmp(u->name, s->s[0])) {
		ct_close(&u->file);
		u->file = openat(g->fd, s->s[0], O_WRONLY | O_CLOEXEC);
		u->of = g;
		u->name = s->s[0];
	}
	if (u->file >= 0 && write(u->file, value, strlen(value)) >= 0)
		return 0;
	return ct_cg_set_failed(g, s->s[0], value, -errno, e);
}

/* One file. A kernel may have the same thing under two names, each for its own kind of device: then both are written. */
static int set(struct setup *u, const struct ct_step *s)
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
			return ct_fail_sys(u->err, r, CT_ERR_CGROUP, "cgroup", "openat", "the value of the group above cannot be read");
		value = parents;
	}
	if (first)
		r = write_again(u, s, value, e);
	if (r == 0 && second)
		r = ct_cg_set(g, other, s->s[3] && *s->s[3] ? s->s[3] : value, e);
	return s->flags & CT_SF_OPTIONAL ? 0 : r;
}

/* cgroups(7), "Cgroups delegation"; /sys/kernel/cgroup/delegate. */
static int hand_over(struct setup *u, const struct ct_step *s)
{
	static const char *const files[] = { "", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group", "tasks" };
	int dir = u->plan->input_fd[s->a];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (fchownat(dir, files[i], (uid_t)s->n[0], (gid_t)s->n[1], AT_EMPTY_PATH) == 0 || errno == ENOENT)
			continue;
		ct_err_object(u->err, files[i]);
		return ct_fail_sys(u->err, -errno, CT_ERR_CGROUP, "cgroup", "fchownat", "the payload's group cannot be handed over");
	}
	return 0;
}

static int restrict_devices(struct setup *u, const struct ct_step *s)
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
		return r == -ENOMEM ? ct_oom(u->err) : ct_fail(u->err, r, CT_ERR_DEVICES, "cgroup", "the device rules cannot be read back");
	r = ct_dev_attach(group_in(u, s->a)->fd, &list, s->flags & CT_SF_OPTIONAL ? NULL : u->err);
	return s->flags & CT_SF_OPTIONAL ? 0 : r;
}

static int carry_out(struct setup *u, const struct ct_step *s)
{
	switch (s->op) {
	case CT_OP_CGROUP_SCOPE:
		return make_scope(u, s);
	case CT_OP_CGROUP_MAKE:
		return make(u, s);
	case CT_OP_CGROUP_INNER:
		return make_inner(u, s);
	case CT_OP_CGROUP_OWN:
		return hand_over(u, s);
	case CT_OP_CGROUP_SET:
		return set(u, s);
	case CT_OP_CGROUP_DEVICES:
		return restrict_devices(u, s);
	default:
		return ct_fail(u->err, -EINVAL, CT_ERR_PLAN, "start", "the caller cannot carry out this step");
	}
}

/* Where the group is to be made. That itself is always new: one of its name that is there already is somebody else's. */
static void path_above(const struct ct_cg_plan *want, const struct ct_cg_dir *d, char *out, size_t size)
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

int ct_groups_setup(struct ct_plan *plan, const struct ct_cg_plan *want, int journal, const struct ct_log *log, struct ct_cg_held *held,
		    struct ct_placeholder *holder, struct ct_err *e)
{
	struct setup u = { plan, want, journal, held, holder, e, -1, NULL, NULL, "" };
	int r = check_frozen(want, e);

	for (uint32_t i = 0; r >= 0 && i < plan->n_setup; i++) {
		const struct ct_step *s = &plan->steps[i];
		uint64_t began = ct_now_ns(CLOCK_MONOTONIC);

		r = carry_out(&u, s);
		if (r >= 0)
			ct_trace_step(log, plan, i, ct_now_ns(CLOCK_MONOTONIC) - began);
		if (r >= 0)
			continue;
		ct_err_step(e, (int)i, ct_op_name(s->op));
		if (s->op == CT_OP_CGROUP_SCOPE)
			ct_err_backend(e, "systemd");
		if (s->op == CT_OP_CGROUP_DEVICES)
			ct_err_backend(e, "cgroup2");
		if (s->at->key[0])
			ct_err_origin(e, s->at);
		break;
	}
	ct_close(&u.file);
	if (r >= 0)
		return 0;
	ct_cg_undo(held, NULL);
	ct_placeholder_end(holder);
	return r;
}
