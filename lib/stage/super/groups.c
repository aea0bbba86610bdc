/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's cgroups: counters for the verdict, the CPU time, thawing, killing, removing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "stage/step/steps.h"
#include "shared/prune.h"
#include "shared/walk.h"

#define REMOVE_MS 2000 /* for a cgroup to become empty when its last process has ended */
#define CPU_POLL_MS 2  /* the least time between two checks of limit.cputime */

/* The cgroup number i, its directory in *fd. */
static const struct ct_wire_group *cgroup_at(const struct super *s, uint32_t i, int *fd)
{
	*fd = s->st->slot[s->w->group[i].dir];
	return &s->w->group[i];
}

/* The container's cgroups, without the supervisor's own. Their number. */
static uint32_t places(const struct super *s, struct ct_cg_place *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		const struct ct_wire_group *g = cgroup_at(s, i, &v[n].fd);

		if (g->monitor)
			continue;
		v[n].version = g->version;
		v[n++].controllers = g->controllers;
	}
	return n;
}

/* Moves this process into the cgroup. 0 or a negative errno. */
static int enter(int dir)
{
	SYS_CLOSEP int fd = sys_openat(dir, "cgroup.procs", O_WRONLY | O_NOCTTY, 0);
	long n;

	if (fd < 0)
		return fd;
	n = sys3(SYS_write, fd, "0", 1);
	if (n < 0)
		return (int)n;
	return 0;
}

int sup_groups_enter(const struct super *s)
{
	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		int dir, err = 0;

		if (cgroup_at(s, i, &dir)->monitor)
			err = enter(dir);
		if (err)
			return err;
	}
	return 0;
}

void sup_groups_usage(const struct super *s, struct ct_counters *c)
{
	struct ct_cg_place v[CT_WIRE_GROUPS];

	ct_counters_read(v, places(s, v), c);
}

/* 1: limit.cputime is used up; else s->cpu_at is when to check again: when all of the host's
 * processors together could have used the rest. */
int sup_cputime_up(struct super *s)
{
	struct ct_cg_place v[CT_WIRE_GROUPS];
	uint64_t limit = s->w->limit_cputime_us, used, left;

	if (!limit)
		return 0;
	used = ct_counters_cpu_us(v, places(s, v));
	/* without the counter the limit cannot be enforced */
	if (used == CT_ABSENT)
		return 1;
	used = ct_since(used, s->cpu_before);
	if (used >= limit)
		return 1;
	left = (limit - used) / 1000 / u64_max(s->w->cpus, 1);
	s->cpu_at = s->now + u64_max(left, CPU_POLL_MS);
	return 0;
}

static void write_file(int dir, const char *file, const char *value)
{
	SYS_CLOSEP int fd = sys_openat(dir, file, O_WRONLY | O_NOCTTY, 0);

	if (fd >= 0)
		sys3(SYS_write, fd, value, strlen(value));
}

/* ---- walking --------------------------------------------------------------------------------- */

static int thaw(int dir, void *arg)
{
	(void)arg;
	write_file(dir, "freezer.state", "THAWED");
	return 0;
}

/* Kills the processes of a cgroup. They are frozen, or were just forked by one that is listed, so
 * that their numbers are not reused meanwhile. */
static int kill_all(int dir, void *arg)
{
	SYS_CLOSEP int fd = sys_openat(dir, "cgroup.procs", O_RDONLY | O_NOCTTY, 0);

	(void)arg;
	if (fd >= 0)
		sup_kill_listed(fd);
	return 0;
}

void sup_groups_thaw(const struct super *s)
{
	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		int fd;
		const struct ct_wire_group *g = cgroup_at(s, i, &fd);

		if (g->version == 1 && (g->controllers & CT_CG_FREEZER))
			ct_walk(fd, thaw, NULL);
		else if (g->version == 2 && !g->monitor)
			write_file(fd, "cgroup.freeze", "0");
	}
}

/* Kills all processes of the cgroups. In version 1 the freezer's cgroup is frozen first; without a
 * freezer any of the cgroups lists the processes. */
void sup_groups_kill(const struct super *s)
{
	int fd = -1, freezer = -1, all = -1;

	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		const struct ct_wire_group *g = cgroup_at(s, i, &fd);

		if (g->monitor)
			continue;
		all = fd;
		if (g->controllers & CT_CG_FREEZER)
			freezer = fd;
		if (g->version == 2) {
			write_file(fd, "cgroup.kill", "1");
			sup_groups_thaw(s);
			return;
		}
	}
	if (freezer >= 0) {
		write_file(freezer, "freezer.state", "FROZEN");
		all = freezer;
	}
	if (all < 0)
		return;
	ct_walk(all, kill_all, NULL);
	sup_groups_thaw(s);
}

/* ---- between two boots ----------------------------------------------------------------------- */

/* Disables all controllers for the cgroups below: a cgroup of version 2 with enabled controllers
 * takes no process. */
static void disable_controllers(int dir)
{
	SYS_CLOSEP int fd = sys_openat(dir, "cgroup.subtree_control", O_RDWR | O_NOCTTY, 0);
	char on[512], off[2 * sizeof(on)], *p = off;
	long n;

	if (fd < 0)
		return;
	n = sys3(SYS_read, fd, on, sizeof(on));
	/* "cpu memory" becomes "-cpu -memory" */
	for (long i = 0; i < n; i++) {
		if (on[i] > ' ' && (i == 0 || on[i - 1] <= ' '))
			*p++ = '-';
		*p++ = on[i];
	}
	if (p > off)
		sys3(SYS_write, fd, off, p - off);
}

void sup_groups_renew(const struct super *s)
{
	uint64_t until = sup_now_ms() + REMOVE_MS;

	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		int fd;
		const struct ct_wire_group *g = cgroup_at(s, i, &fd);

		if (g->monitor)
			continue;
		if (g->inner != CT_SLOT_NONE)
			fd = s->st->slot[g->inner];
		while (ct_prune(fd, NULL) == -EBUSY && sup_now_ms() < until)
			poll(NULL, 0, 2);
		if (g->version == 2)
			disable_controllers(fd);
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

void sup_groups_end(const struct super *s)
{
	sup_groups_thaw(s);
	/* with a pid namespace of its own init takes all with it */
	if (!s->w->n_groups || s->pid_ns)
		return;
	for (int round = 0; round < 20; round++) {
		sup_groups_kill(s);
		poll(NULL, 0, 2);
	}
}

/* Removes a cgroup with all that the payload has made in it, and those above it that were made for
 * it. */
int end_cgroup_remove(const struct super *s, const struct ct_wire_step *step)
{
	int fd = step_fd(s->st, step->a);
	struct stat st;
	int err = sys_fstat(fd, &st);

	if (err)
		return err;
	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		const struct ct_wire_group *g = &s->w->group[i];

		if (g->dir == step->a)
			return ct_prune_path(fd, st.st_ino, pool_str(s->st, g->path), g->keep,
					     NULL);
	}
	return -ENOENT;
}
