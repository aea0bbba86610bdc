/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version 1: a hierarchy for each controller, or a few (Documentation/admin-guide/cgroup-v1/). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "base/fd.h"
#include "base/sys.h"
#include "shared/walk.h"

/* A group that was made for another reason takes no process either while these are empty. */
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

/* Every group of a hierarchy has its controllers; but those below one of cpuset can only have what
 * it has, which is nothing in a group that was just made. */
static int enable(int dirfd, const char *path, const struct ct_cg_give *give, struct ct_err *e)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	(void)give;
	for (int i = 0; i < 2; i++) {
		char value[4096];
		CT_CLEAN_FD int parent = -1;
		int r = (int)ct_cg_read(dirfd, files[i], value, sizeof(value));

		/* most hierarchies have neither of them */
		if (r == -ENOENT)
			return 0;
		if (r > 0)
			continue;
		if (r == 0) {
			parent = openat(dirfd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
			r = parent < 0 ? -errno
				       : (int)ct_cg_read(parent, files[i], value, sizeof(value));
		}
		r = r < 0 ? r : ct_cg_write(dirfd, files[i], value);
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

/* A payload may have frozen groups below its own. */
static int thaw(const struct ct_cg_group *g)
{
	int r = ct_cg_write(g->fd, "freezer.state", "THAWED");

	return r < 0 ? r : ct_walk(g->fd, thaw_one, NULL);
}

/* The kernel may need more than one turn to stop who is just being born or sleeps in the kernel. */
static int freeze(const struct ct_cg_group *g, bool on, int timeout_ms)
{
	int64_t until = ct_now_ms() + timeout_ms;
	int r = on ? ct_cg_write(g->fd, "freezer.state", "FROZEN") : thaw(g), pause = 1;

	while (r == 0 && on && !frozen(g)) {
		if (timeout_ms >= 0 && ct_now_ms() >= until)
			return -ETIMEDOUT;
		poll(NULL, 0, pause);
		pause = pause < 20 ? pause * 2 : pause;
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

/* Nothing tells of it in version 1 but a release agent, which belongs to the whole host. */
static int wait_empty(const struct ct_cg_group *g, int timeout_ms)
{
	int64_t until = ct_now_ms() + timeout_ms;

	for (int pause = 1; populated(g); pause = pause < 20 ? pause * 2 : pause) {
		if (timeout_ms >= 0 && ct_now_ms() >= until)
			return -ETIMEDOUT;
		poll(NULL, 0, pause);
	}
	return 0;
}

const struct ct_cg_version ct_cg_version1 = { "cgroup1", 1,	 plan,	    enable,
					      freeze,	 frozen, populated, wait_empty };
