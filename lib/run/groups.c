/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/groups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/devices-cells.h"
#include "backend/devices.h"
#include "backend/systemd.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/container.h"
#include "run/trace.h"

#define JOURNAL_MAX (256u << 10)
#define VALUE_MAX 4096

/* ---- carrying out ----------------------------------------------------------------------------------------------------------- */

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
static int setup_scope(struct setup *u, const struct ct_step *s)
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

static int setup_make(struct setup *u, const struct ct_step *s)
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

static int setup_inner(struct setup *u, const struct ct_step *s)
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
static int setup_own(struct setup *u, const struct ct_step *s)
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
		return r == -ENOMEM ? ct_oom(u->err) : ct_fail(u->err, r, CT_ERR_DEVICES, "cgroup", "the device rules cannot be read back");
	r = ct_dev_attach(group_in(u, s->a)->fd, &list, s->flags & CT_SF_OPTIONAL ? NULL : u->err);
	return s->flags & CT_SF_OPTIONAL ? 0 : r;
}

static int carry_out(struct setup *u, const struct ct_step *s)
{
	static int (*const table[CT_OP_COUNT])(struct setup *, const struct ct_step *) = {
#define CT_STEP(...)
#define CT_SETUP_STEP(op, function, ...) [CT_OP_##op] = function,
#include "wire/steps.def"
	};

	if (s->op < CT_OP_COUNT && table[s->op])
		return table[s->op](u, s);
	return ct_fail(u->err, -EINVAL, CT_ERR_PLAN, "start", "the caller cannot carry out this step");
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

/* ---- finding and clearing --------------------------------------------------------------------------------------------------- */

int ct_groups_journal(int dirfd, struct ct_err *e)
{
	int fd = openat(dirfd, CT_STATE_GROUPS, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "openat", "the groups cannot be written down");
}

int ct_groups_load(int dirfd, struct ct_cg_held *held, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = openat(dirfd, CT_STATE_GROUPS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : ct_buf_read_fd(&text, fd, JOURNAL_MAX);

	held->n = 0;
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = ct_cg_load(ct_buf_text(&text), text.len, held);
	return r < 0 ? ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat", "the record of the container's groups cannot be read") : 0;
}

int ct_groups_clear(int dirfd, struct ct_err *e)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	struct ct_err why;
	int r;

	ct_err_clear(&why);
	r = ct_groups_load(dirfd, &held, &why);
	if (r < 0 && r != -EINVAL) {
		if (e)
			*e = why;
		return r;
	}
	/* one that makes no sense has nothing to tell */
	r = r < 0 ? 0 : ct_cg_undo(&held, e);
	if (r == 0 && unlinkat(dirfd, CT_STATE_GROUPS, 0) < 0 && errno != ENOENT)
		r = ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "unlinkat", "the record of the container's groups cannot be removed");
	return r;
}

/* Whether there may be something to clear in the places where this start is going to make its first group, or others have theirs. */
static bool may_be_stale(const struct ct_cgroups *trees, const struct ct_cg_dir *d)
{
	char path[4096];

	if (ct_cg_has_stale(d->mount))
		return true;
	for (uint32_t i = 0; i < trees->n; i++) {
		const struct ct_cg_tree *t = &trees->v[i];

		snprintf(path, sizeof(path), "%s%s", t->mount, t->self ? t->self : "");
		if (!strcmp(t->mount, d->mount) && t->self && *t->self && ct_cg_has_stale(path))
			return true;
	}
	/* from the group itself, which a killed caller may have named alike, up to where the path begins */
	snprintf(path, sizeof(path), "%s%s/%s", d->mount, d->base, d->path);
	for (size_t least = strlen(d->mount) + strlen(d->base); strlen(path) > least; *strrchr(path, '/') = '\0')
		if (ct_cg_has_stale(path))
			return true;
	return false;
}

void ct_groups_sweep(const struct ct_cgroups *trees, const struct ct_cg_plan *want)
{
	const struct ct_cg_tree *freezer = ct_cg_serving(trees, CT_CG_FREEZER, 1);
	const char *few[2], *all[CT_CG_TREES];
	uint32_t n = 0;

	if (want && (!want->n || !may_be_stale(trees, &want->v[0])))
		return;
	for (uint32_t i = 0; i < trees->n; i++) {
		all[i] = trees->v[i].mount;
		if (trees->v[i].version == 2 || &trees->v[i] == freezer)
			few[n < 2 ? n++ : 1] = all[i];
	}
	/* every container is in one of these two */
	if (want || ct_cg_sweep(few, n))
		ct_cg_sweep(all, trees->n);
}

int ct_groups_check_join(const struct ct_cg_group *g, int fd, struct ct_err *e)
{
	char link[64], path[4096], which[4096];
	ssize_t n;

	if (!(g->controllers & CT_CG_FREEZER) || !ct_cg_freezes(g->version, fd))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	if (!ct_cg_frozen_at(g->version, path, which, sizeof(which)))
		return 0;
	if (strcmp(which, g->path))
		return ct_cg_refuse_frozen(g->version, path, "attach", e);
	ct_err_hint(e, "ct_unfreeze() (ct-unfreeze) lets it go on");
	return ct_fail(e, -EBUSY, CT_ERR_CGROUP, "attach", "the container is frozen");
}

/* For hooks of the host the launcher lifts the list for a while (lib/stage/step-devices.c). */
static bool is_lifted(const struct ct_cg_group *g, const struct ct_dev_list *l)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = -1;

	if (g->version == 2)
		return ct_dev_programs(g->fd) == 0;
	fd = openat(g->fd, "devices.list", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_buf_read_fd(&text, fd, JOURNAL_MAX) < 0)
		return false;
	return (strstr(ct_buf_text(&text), "c *:* rwm") && ct_dev_decide(l, 'c', CT_DEV_ANY, CT_DEV_ANY) != CT_DEV_ALL) ||
	       (strstr(ct_buf_text(&text), "b *:* rwm") && ct_dev_decide(l, 'b', CT_DEV_ANY, CT_DEV_ANY) != CT_DEV_ALL);
}

int ct_groups_check_list(const struct ct_cg_group *g, const struct ct_spec *s, struct ct_arena *a, struct ct_err *e)
{
	struct ct_dev_list list;
	int r;

	if (!(g->controllers & CT_CG_DEVICES) || s->devices_tried || !ct_spec_hooks_inside(s))
		return 0;
	r = ct_dev_from_spec(s, g->version, a, &list, e);
	if (r < 0 || !is_lifted(g, &list))
		return r;
	ct_err_hint(e, "ct_wait() (ct-wait) for CT_STATE_RUNNING first");
	return ct_fail(e, -EBUSY, CT_ERR_DEVICES, "attach", "the container is being set up: a hook runs, for which its list of devices is lifted");
}

int ct_groups_of(struct ct_container *c, struct ct_cg_held *held, struct ct_err *e)
{
	struct ct_process *init = ct_running_init(c);
	CT_CLEAN_FD int dir = -1;
	int r;

	held->n = 0;
	if (init) {
		r = ct_process_groups(init, held);
		ct_process_put(init);
		return r < 0 ? ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "cgroup", "fcntl", "no descriptors for the container's groups") : 0;
	}
	dir = r = ct_running_dir(c, e);
	return r < 0 ? r : ct_groups_load(dir, held, e);
}
