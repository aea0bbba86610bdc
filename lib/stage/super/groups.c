/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's cgroups: figures for the verdict, the CPU time, thawing, and the end of
 * them. What cannot be removed here stays in the file "undo", and the next call of the
 * library sees to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "stage/super/supervisor.h"
#include "shared/prune.h"
#include "shared/walk.h"

#define REMOVE_MS 2000 /* for a group to let itself be removed when its last process has gone */
#define LOOK_MS 2      /* how closely limit.cputime is kept */

static const struct ct_wire_group *group(const struct super *s, uint32_t i, int *fd)
{
	*fd = s->st->slot[s->w->group[i].dir];
	return &s->w->group[i];
}

static uint32_t places(const struct super *s, struct ct_cg_place *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		const struct ct_wire_group *g = group(s, i, &v[n].fd);

		if (g->monitor)
			continue;
		v[n].version = g->version;
		v[n++].controllers = g->controllers;
	}
	return n;
}

int sup_groups_enter(const struct super *s)
{
	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		int dir, err;
		const struct ct_wire_group *g = group(s, i, &dir);
		SYS_CLOSEP int fd =
			g->monitor ? sys_openat(dir, "cgroup.procs", O_WRONLY | O_NOCTTY, 0) : -1;

		if (!g->monitor)
			continue;
		err = fd < 0 ? fd : (int)sys3(SYS_write, fd, "0", 1);
		if (err < 0)
			return err;
	}
	return 0;
}

void sup_groups_usage(const struct super *s, struct ct_counters *c)
{
	struct ct_cg_place v[CT_WIRE_GROUPS];

	ct_counters_read(v, places(s, v), c);
}

/* How many processors this process may use. */
static uint64_t processors(void)
{
	unsigned char mask[CPU_SETSIZE / 8];
	long n = sys3(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	uint64_t sum = 0;

	for (long i = 0; i < n; i++) {
		for (unsigned bits = mask[i]; bits; bits &= bits - 1)
			sum++;
	}
	return sum;
}

int sup_cputime_up(struct super *s)
{
	struct ct_cg_place v[CT_WIRE_GROUPS];
	uint64_t limit = s->w->limit_cputime_us, used, cpus = processors(), left;

	if (!limit)
		return 0;
	used = ct_counters_cpu_us(v, places(s, v));
	/* a limit that cannot be watched is one that cannot be kept */
	if (used == CT_ABSENT)
		return 1;
	used = ct_since(used, s->cpu_before);
	if (used >= limit)
		return 1;
	left = (limit - used) / 1000 / (cpus ? cpus : 1);
	s->cpu_at = s->now + (left < LOOK_MS ? LOOK_MS : left);
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

/* Whoever lives in this group. They are held where they are, or forked by who is: the numbers are
 * not used again meanwhile. */
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
		const struct ct_wire_group *g = group(s, i, &fd);

		if (g->version == 1 && (g->controllers & CT_CG_FREEZER))
			ct_walk(fd, thaw, NULL);
		else if (g->version == 2 && !g->monitor)
			write_file(fd, "cgroup.freeze", "0");
	}
}

void sup_groups_kill(const struct super *s)
{
	int freezer = -1, fd = -1, whole = -1;

	for (uint32_t i = 0; i < s->w->n_groups; i++) {
		const struct ct_wire_group *g = group(s, i, &fd);

		if (g->monitor)
			continue;
		whole = fd;
		if (g->controllers & CT_CG_FREEZER)
			freezer = fd;
		if (g->version == 2) {
			write_file(fd, "cgroup.kill", "1");
			sup_groups_thaw(s);
			return;
		}
	}
	if (whole < 0)
		return;
	if (freezer >= 0)
		write_file(freezer, "freezer.state", "FROZEN");
	ct_walk(freezer >= 0 ? freezer : whole, kill_all, NULL);
	sup_groups_thaw(s);
}

/* ---- between two boots ----------------------------------------------------------------------- */

/* A group of version 2 that gives controllers on takes no process: none is given on any more. */
static void give_nothing_on(int dir)
{
	SYS_CLOSEP int fd = sys_openat(dir, "cgroup.subtree_control", O_RDWR | O_NOCTTY, 0);
	char on[512], off[2 * sizeof(on)], *p = off;
	long n = fd < 0 ? fd : sys3(SYS_read, fd, on, sizeof(on));

	/* "cpu memory" is taken back by "-cpu -memory" */
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
		const struct ct_wire_group *g = group(s, i, &fd);

		if (g->monitor)
			continue;
		if (g->inner != CT_SLOT_NONE)
			fd = s->st->slot[g->inner];
		while (ct_prune(fd, NULL) == -EBUSY && sup_now_ms() < until)
			poll(NULL, 0, 2);
		if (g->version == 2)
			give_nothing_on(fd);
	}
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Who is still there when init has gone: only without a pid namespace of its own can anybody be. */
static void end_processes(const struct super *s)
{
	if (!s->w->n_groups || s->pid_ns)
		return;
	for (int round = 0; round < 20; round++) {
		sup_groups_kill(s);
		poll(NULL, 0, 2);
	}
}

void sup_groups_remove(struct super *s)
{
	uint64_t until = sup_now_ms() + REMOVE_MS;
	uint32_t left = s->w->n_groups;
	uint8_t gone[CT_WIRE_GROUPS] = { 0 };

	if (!left || s->groups_gone)
		return;
	sup_groups_thaw(s);
	end_processes(s);
	for (int pause = 1; left; pause = pause < 20 ? pause * 2 : pause) {
		for (uint32_t i = 0; i < s->w->n_groups; i++) {
			int fd;
			const struct ct_wire_group *g = group(s, i, &fd);
			struct stat st;

			if (gone[i])
				continue;
			if (!g->monitor &&
			    (sys_fstat(fd, &st) ||
			     ct_prune_path(fd, st.st_ino, pool_str(s->st, g->path), g->keep, NULL)))
				continue;
			gone[i] = 1;
			left--;
		}
		if (left && sup_now_ms() >= until)
			return;
		if (left)
			poll(NULL, 0, pause);
	}
	s->groups_gone = 1;
	for (uint32_t i = 0; i < s->w->n_groups; i++)
		if (s->w->group[i].monitor)
			return;
	if (!(s->w->flags & CT_SUPER_KEEP_UNDO))
		unlinkat(s->state_dir, "undo", 0);
}
