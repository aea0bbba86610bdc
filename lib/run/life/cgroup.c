/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with a running container's groups: freeze, kill, read, write, count. Limits and protections have files of their own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "backend/cgroup/usage.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/handle/container.h"
#include "run/start/groups.h"

#define FILE_MAX (1u << 20)

static int no_group(struct ct_err *e, const char *what)
{
	ct_err_hint(e, "give it a limit.* key, or start it detached, without cgroup.backend = none; ct_preflight() (ct-checkconfig) tells what there is");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "cgroup", "the container has no cgroup that could %s", what);
}

/* The groups' freezer, copied; -1 in fd without one. */
static int get_freezer(struct ct_container *c, struct ct_cg_held *held, const struct ct_cg_group **g, struct ct_err *e)
{
	int r = ct_groups_of(c, held, e);

	*g = r < 0 ? NULL : ct_cg_group_of(held, CT_CG_FREEZER);
	return r;
}

int ct_run_freeze(struct ct_container *c, int on, int timeout_ms, struct ct_err *e)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	const struct ct_cg_group *g;
	int r = get_freezer(c, &held, &g, e);

	if (r < 0)
		return r;
	r = g ? ct_cg_version_of(g->version)->freeze(g, on, timeout_ms) : no_group(e, "freeze it");
	if (g && r == -ETIMEDOUT) {
		/* half frozen is neither */
		ct_cg_version_of(g->version)->freeze(g, !on, 0);
		ct_err_hint(e, "a process that waits for a device or a network file system cannot be frozen; it has been let go again");
		ct_fail(e, r, CT_ERR_TIMEOUT, "cgroup", "not every process could be %s in time", on ? "frozen" : "thawed");
	} else if (g && r < 0) {
		ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write", "the container cannot be %s", on ? "frozen" : "thawed");
	}
	ct_cg_forget(&held);
	return r;
}

void ct_run_thaw(struct ct_container *c)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;

	/* without a look at whether it is frozen: version 1 may be about to be */
	if (ct_groups_of(c, &held, NULL) >= 0)
		ct_cg_thaw(&held);
	ct_cg_forget(&held);
}

int ct_run_frozen(struct ct_container *c)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	const struct ct_cg_group *g;
	int r = get_freezer(c, &held, &g, NULL) >= 0 && g && ct_cg_version_of(g->version)->frozen(g);

	ct_cg_forget(&held);
	return r;
}

/* A reaper would hand the signal on to one that gets it anyway. 0: there is none. */
static int reaper_of(struct ct_container *c, pid_t *pid, struct ct_err *e)
{
	int fd, r = ct_running_reaper(c, e);

	if (r <= 0)
		return r;
	fd = ct_run_init(c, pid, e);
	ct_close(&fd);
	return fd == -ESRCH || fd == -1 ? 0 : fd;
}

int ct_run_kill_all(struct ct_container *c, int sig, struct ct_err *e)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	pid_t reaper = 0;
	int r;

	if (sig < 0 || sig > SIGRTMAX) {
		ct_err_hint(e, "signal(7) lists them");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "kill", "there is no signal %d", sig);
	}
	r = ct_groups_of(c, &held, e);
	if (r >= 0 && !held.n)
		r = sig == SIGKILL ? ct_run_kill(c, sig, e) : no_group(e, "tell all of its processes");
	else if (r >= 0 && sig == SIGKILL)
		r = ct_cg_kill(&held, 30000, e);
	else if (r >= 0)
		r = reaper_of(c, &reaper, e);
	if (r >= 0 && held.n && sig != SIGKILL)
		r = ct_cg_signal(&held, sig, reaper, e);
	ct_cg_forget(&held);
	return r;
}

/* ---- files --------------------------------------------------------------------------------------------------------------------- */

static int bad_name(const char *file, struct ct_err *e)
{
	ct_err_object(e, file);
	ct_err_hint(e, "give a file of a controller, such as memory.max or pids.current");
	return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup", "this is no name of a cgroup file");
}

/* The group that has the file: by its controller, else whichever has it. */
static const struct ct_cg_group *group_with(const struct ct_cg_held *held, const char *file)
{
	const struct ct_cg_group *g = ct_cg_group_of(held, ct_cg_bit(file, strcspn(file, ".")));

	if (g && faccessat(g->fd, file, F_OK, 0) == 0)
		return g;
	for (uint32_t i = 0; i < held->n; i++)
		if (held->v[i].fd >= 0 && faccessat(held->v[i].fd, file, F_OK, 0) == 0)
			return &held->v[i];
	return NULL;
}

static int find_file(struct ct_container *c, const char *file, struct ct_cg_held *held, const struct ct_cg_group **g, struct ct_err *e)
{
	const struct ct_cg_group *other;
	int r;

	if (!file || !*file || strchr(file, '/') || *file == '.' || strlen(file) > 255)
		return bad_name(file ? file : "", e);
	for (const char *p = file; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return bad_name("", e);
	r = ct_groups_of(c, held, e);
	if (r < 0)
		return r;
	*g = group_with(held, file);
	if (*g)
		return 0;
	ct_err_object(e, file);
	other = ct_cg_group_of(held, ct_cg_bit(file, strcspn(file, ".")));
	if (other)
		ct_err_hint(e, "the files of version %d are in %s; limit.* keys mean the same on both versions", other->version, other->path);
	else
		ct_err_hint(e, "ct_protections() (ct-info --protections) tells which controllers the container has");
	return ct_fail(e, -ENOENT, CT_ERR_CGROUP, "cgroup", held->n ? "no group of the container has this file" : "the container has no cgroup");
}

/* What both versions take in the words of version 1, and neither has as a file to be read. */
static bool is_rule(const char *file)
{
	return file && (!strcmp(file, "devices.allow") || !strcmp(file, "devices.deny"));
}

/* Of who is in it the payload's own group tells: the one that carries the limits may have nobody. */
static int dir_of(const struct ct_cg_group *g, const char *file)
{
	static const char *const members[] = { "cgroup.procs", "cgroup.threads", "tasks" };

	for (unsigned i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (g->inner_fd >= 0 && !strcmp(file, members[i]))
			return g->inner_fd;
	return g->fd;
}

ssize_t ct_run_cgroup_get(struct ct_container *c, const char *file, struct ct_buf *out, struct ct_err *e)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	const struct ct_cg_group *g = NULL;
	CT_CLEAN_FD int fd = -1;
	int r;

	if (is_rule(file)) {
		ct_err_object(e, file);
		ct_err_hint(e, "ct_protections() (ct-info --protections) tells what is allowed");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup", "rules are written there, none can be read");
	}
	r = find_file(c, file, &held, &g, e);
	if (r >= 0) {
		fd = openat(dir_of(g, file), file, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : ct_buf_read_fd(out, fd, FILE_MAX);
		if (r < 0) {
			ct_err_object(e, file);
			ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", fd < 0 ? "openat" : "read", "the file cannot be read");
		}
	}
	ct_cg_forget(&held);
	while (r >= 0 && out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return r < 0 ? r : (ssize_t)out->len;
}

int ct_run_cgroup_set(struct ct_container *c, const char *file, const char *value, struct ct_err *e)
{
	struct ct_cg_held held = CT_CG_HELD_INIT;
	const struct ct_cg_group *g = NULL;
	int r;

	if (!value) {
		ct_err_hint(e, "give the text that the file is to have, such as 64M or max");
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup", "no value");
	}
	if (is_rule(file))
		return ct_run_devices_set(c, !strcmp(file, "devices.allow"), value, e);
	/* nothing written is nothing done: an empty line is what takes a value away */
	value = *value ? value : "\n";
	r = find_file(c, file, &held, &g, e);
	if (r >= 0) {
		int dir = dir_of(g, file), failed = dir == g->fd ? ct_cg_write_all(g, file, value) : ct_cg_write(dir, file, value);

		r = failed < 0 ? ct_cg_set_failed(g, file, value, failed, e) : 0;
	}
	ct_cg_forget(&held);
	return r;
}

/* A reaper is none of the payload's: the figures count what limit.pids counts. */
static void without_reaper(ct_usage *u)
{
	if (u->pids != CT_ABSENT && u->pids)
		u->pids--;
	if (u->pids_peak != CT_ABSENT && u->pids_peak > 1)
		u->pids_peak--;
	if (u->pids_limit && u->pids_limit < CT_LIMIT_PIDS_GREATEST)
		u->pids_limit--;
}

int ct_run_stats(struct ct_container *c, ct_usage *out, struct ct_err *e)
{
	struct ct_cg_place places[CT_CG_TREES];
	struct ct_cg_held held = CT_CG_HELD_INIT;
	struct ct_process *init = ct_running_init(c);
	int r;

	if (init) {
		r = ct_process_usage(init, out) ? 0 : no_group(e, "be asked for figures");
		if (r >= 0 && init->reaper)
			without_reaper(out);
		ct_process_put(init);
		return r;
	}
	r = ct_groups_of(c, &held, e);
	if (r >= 0 && !held.n)
		r = no_group(e, "be asked for figures");
	if (r >= 0)
		ct_usage_read(places, ct_cg_places(&held, places), out);
	if (r >= 0 && ct_running_reaper(c, NULL) > 0)
		without_reaper(out);
	ct_cg_forget(&held);
	return r;
}
