/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version 1: each hierarchy has one or a few controllers (Documentation/admin-guide/cgroup-v1/). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "base/fd.h"
#include "base/sys.h"
#include "shared/walk.h"

/* No process can enter a cgroup while these are empty, also where the config sets no cpuset. */
static int fill_cpuset(struct ct_arena *a, struct ct_cg_dir *dir, struct ct_err *e)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	static const struct ct_origin by_default = { .key = "" };
	struct ct_cg_write *v;

	for (uint32_t i = 0; i < dir->writes.n; i++)
		if (!strncmp(dir->writes.v[i].file, "cpuset.", 7))
			return 0;
	v = ct_arena_grow(a, dir->writes.v, dir->writes.n, dir->writes.n + 2, sizeof(*v));
	if (!v)
		return ct_oom(e);
	for (int i = 0; i < 2; i++)
		v[dir->writes.n++] = (struct ct_cg_write){ .at = &by_default, .file = files[i] };
	dir->writes.v = v;
	return 0;
}

static int plan(const struct ct_spec *s, uint32_t bits, struct ct_arena *a, struct ct_cg_dir *dir,
		struct ct_err *e)
{
	int r = ct_limit_writes(s, 1, bits, a, &dir->writes, e);

	if (r == 0 && (dir->controllers & CT_CG_CPUSET))
		r = fill_cpuset(a, dir, e);
	return r;
}

/* The value of the same file in the parent. */
static int read_parents(int dirfd, const char *file, char *value, size_t size)
{
	CT_CLEAN_FD int parent = openat(dirfd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return -errno;
	return (int)ct_cg_read(parent, file, value, size);
}

/* Fills a file that is empty with the parent's value. -ENOENT: the hierarchy has no such file. */
static int fill_from_parent(int dirfd, const char *file)
{
	char value[4096];
	int r = (int)ct_cg_read(dirfd, file, value, sizeof(value));

	if (r != 0)
		return r;
	r = read_parents(dirfd, file, value, sizeof(value));
	if (r < 0)
		return r;
	return ct_cg_write(dirfd, file, value);
}

/* A hierarchy's controllers are in all of its cgroups. But a new cgroup of cpuset has no processors
 * and no memory nodes, and those below it can have no more than it has. */
static int enable(int dirfd, const char *path, const struct ct_cg_controllers *controllers,
		  struct ct_err *e)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	(void)controllers;
	for (int i = 0; i < 2; i++) {
		int r = fill_from_parent(dirfd, files[i]);

		if (r == -ENOENT)
			return 0;
		if (r < 0) {
			ct_err_object(e, path);
			return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "write",
					   "%s cannot be filled", files[i]);
		}
	}
	return 0;
}

static int frozen(const struct ct_cg_group *g)
{
	char state[32];

	return ct_cg_read(g->fd, "freezer.state", state, sizeof(state)) > 0 &&
	       !strcmp(state, "FROZEN");
}

static int thaw_one(int dirfd, void *arg)
{
	(void)arg;
	ct_cg_write(dirfd, "freezer.state", "THAWED");
	return 0;
}

/* Thaws also the cgroups below, which the payload may have frozen. */
static int thaw(const struct ct_cg_group *g)
{
	int r = ct_cg_write(g->fd, "freezer.state", "THAWED");

	if (r < 0)
		return r;
	return ct_walk(g->fd, thaw_one, NULL);
}

/* The write is repeated: one may not be enough for a process that is being forked, or that sleeps
 * in the kernel. */
static int freeze(const struct ct_cg_group *g, bool on, int timeout_ms)
{
	int64_t until = ct_now_ms() + timeout_ms;
	int r, pause = 1;

	if (!on)
		return thaw(g);
	r = ct_cg_write(g->fd, "freezer.state", "FROZEN");
	while (r == 0 && !frozen(g)) {
		if (timeout_ms >= 0 && ct_now_ms() >= until)
			return -ETIMEDOUT;
		pause = ct_back_off(pause);
		r = ct_cg_write(g->fd, "freezer.state", "FROZEN");
	}
	return r;
}

static int has_process(int dirfd, void *arg)
{
	char c[2];

	(void)arg;
	return ct_cg_read(dirfd, "cgroup.procs", c, sizeof(c)) > 0;
}

static int populated(const struct ct_cg_group *g)
{
	return ct_walk(g->fd, has_process, NULL) == 1;
}

/* Version 1 reports it only to the release agent, which is one for the whole host: polls. */
static int wait_empty(const struct ct_cg_group *g, int timeout_ms)
{
	int64_t until = ct_now_ms() + timeout_ms;
	int pause = 1;

	while (populated(g)) {
		if (timeout_ms >= 0 && ct_now_ms() >= until)
			return -ETIMEDOUT;
		pause = ct_back_off(pause);
	}
	return 0;
}

const struct ct_cg_version ct_cg_version1 = { "cgroup1", 1,	 plan,	    enable,
					      freeze,	 frozen, populated, wait_empty };
