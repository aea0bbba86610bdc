/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The payload's list of devices is not meant for the host's hooks that run in the container's
 * namespaces, but these run in its cgroup. So the launcher lifts the list while init is the only
 * process in the cgroup, and restores it before anything of the root file system runs; init waits
 * for that. Processes that a hook has left behind are then under the list, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "stage/step/steps.h"
#include "shared/walk.h"

#define RESTORE 'b'
#define LIST_MAX 65536 /* bytes of a list of version 1 that are read */

/* What the launcher has to restore: of one cgroup of each version at most. */
static struct list {
	int version, dir;
	int program[STAGE_PROGRAMS]; /* version 2: programs that were detached */
	uint32_t n;
	char rule[2][16]; /* version 1: what was allowed in addition, "c *:* rw" */
} lists[2];
static uint32_t n_lists;

/* ---- version 2: programs --------------------------------------------------------------------- */

static int change(const struct list *l, int cmd, int program)
{
	struct k_bpf_attach attr = { .target_fd = (uint32_t)l->dir,
				     .bpf_fd = (uint32_t)program,
				     .type = K_BPF_CGROUP_DEVICE };

	if (cmd == K_BPF_PROG_ATTACH)
		attr.flags = K_BPF_F_ALLOW_MULTI;
	return (int)sys3(SYS_bpf, cmd, &attr, sizeof(attr));
}

static int query_programs(const struct list *l, uint32_t *ids, uint32_t *n)
{
	struct k_bpf_query query = { .target_fd = (uint32_t)l->dir,
				     .type = K_BPF_CGROUP_DEVICE,
				     .prog_ids = (uintptr_t)ids,
				     .prog_cnt = STAGE_PROGRAMS };
	int err = (int)sys3(SYS_bpf, K_BPF_PROG_QUERY, &query, sizeof(query));

	*n = query.prog_cnt;
	return err;
}

/* Opens the cgroup's programs. Their order does not matter: an access needs the permission of each.
 * 0 or a negative errno. */
static int find_programs(struct list *l)
{
	uint32_t ids[STAGE_PROGRAMS], n = 0;
	int err = query_programs(l, ids, &n);

	while (!err && l->n < n) {
		struct k_bpf_id attr = { .id = ids[l->n] };
		int fd = (int)sys3(SYS_bpf, K_BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));

		if (fd < 0)
			return fd;
		l->program[l->n++] = fd;
	}
	return err;
}

static int restore_programs(const struct list *l, uint32_t n)
{
	uint32_t ids[STAGE_PROGRAMS], there = 0;
	int err = query_programs(l, ids, &there);

	/* the list was changed meanwhile: the new program has replaced the detached one */
	if (l->n == 1 && there)
		return err;
	for (uint32_t i = 0; i < n && !err; i++)
		err = change(l, K_BPF_PROG_ATTACH, l->program[i]);
	return err;
}

/* 1: lifted; 0: there are no programs, or they are attached again; or a negative errno. */
static int lift_programs(struct list *l)
{
	int err = find_programs(l);

	for (uint32_t i = 0; !err && i < l->n; i++) {
		err = change(l, K_BPF_PROG_DETACH, l->program[i]);
		if (err)
			return restore_programs(l, i);
	}
	return !err && l->n;
}

/* ---- version 1: exceptions ------------------------------------------------------------------- */

static int write_rule(int dir, const char *file, const char *rule)
{
	SYS_CLOSEP int fd = -1;

	if (!*rule)
		return 0;
	fd = sys_openat(dir, file, O_WRONLY | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	return write_all(fd, rule, strlen(rule));
}

/* The accesses to all devices of a type ('c', 'b') that the list does not allow, as a rule for
 * devices.allow; "" where there are none. */
static void rest_of(const char *list, char type, char rule[16])
{
	char begin[] = "? *:* ";
	const char *line = list;
	size_t n = 0;

	begin[0] = type;
	while (line && !str_begins(line, begin)) {
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	/* the letters after the beginning */
	if (line) {
		line += sizeof(begin) - 1;
		n = strcspn(line, "\n");
	}
	str_cut(rule, 16, begin);
	for (const char *p = "rwm"; *p; p++) {
		const char letter[2] = { *p, 0 };

		if (!line || !memchr(line, *p, n))
			str_add(rule, 16, letter);
	}
	if (strlen(rule) == sizeof(begin) - 1)
		rule[0] = 0;
}

static int restore_rules(const struct list *l)
{
	int err = 0;

	/* the kernel denies it to the cgroups below, too */
	for (int i = 0; i < 2 && !err; i++)
		err = write_rule(l->dir, "devices.deny", l->rule[i]);
	return err;
}

/* As lift_programs(). A list that allows all but exceptions shows only "a *:* rwm", and stays. */
static int lift_rules(struct list *l, int inner)
{
	static STAGE_LARGE char list[LIST_MAX];
	SYS_CLOSEP int fd = sys_openat(l->dir, "devices.list", O_RDONLY | O_NOCTTY, 0);
	ssize_t n;
	int err = 0;

	if (fd < 0)
		return 0;
	n = read_full(fd, list, sizeof(list) - 1);
	if (n < 0 || n == sizeof(list) - 1 || list[0] == 'a')
		return 0;
	list[n] = 0;
	rest_of(list, 'c', l->rule[0]);
	rest_of(list, 'b', l->rule[1]);
	for (int i = 0; i < 2 && !err; i++) {
		err = write_rule(l->dir, "devices.allow", l->rule[i]);
		if (!err && inner >= 0)
			err = write_rule(inner, "devices.allow", l->rule[i]);
	}
	/* the parent cgroup may lack them */
	if (err)
		return restore_rules(l);
	return 1;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int has_process(int dir, void *arg)
{
	SYS_CLOSEP int fd = sys_openat(dir, "cgroup.procs", O_RDONLY | O_NOCTTY, 0);
	char c;

	(void)arg;
	return fd < 0 || read_full(fd, &c, 1) != 0;
}

static int lift(struct list *l, int inner)
{
	if (l->version == 2)
		return lift_programs(l);
	return lift_rules(l, inner);
}

static int restore(const struct list *l)
{
	if (l->version == 2)
		return restore_programs(l, l->n);
	return restore_rules(l);
}

/* The system call that changes the list. */
static int call_of(const struct list *l)
{
	if (l->version == 2)
		return SYS_bpf;
	return SYS_write;
}

/* Before there is an init. Where a process has outlived the boot before, the list stays, also for
 * the hooks. */
int step_cgroup_lift(struct stage *st, const struct ct_wire_step *s)
{
	struct list *l = &lists[n_lists];
	int err;

	if (n_lists == sizeof(lists) / sizeof(*lists))
		return step_fail(st, -E2BIG, 0, "the lists of devices");
	memset(l, 0, sizeof(*l));
	l->version = (int)s->n[0];
	l->dir = step_fd(st, s->a);
	if (ct_walk(l->dir, has_process, NULL))
		return 0;
	err = lift(l, step_fd(st, s->b));
	if (err < 0)
		return step_fail(st, err, call_of(l), "the list of devices");
	n_lists += (uint32_t)err;
	if (!err || st->hold[0] >= 0)
		return 0;
	err = (int)sys4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, st->hold);
	return step_result(st, err, SYS_socketpair, NULL);
}

/* Init asks the launcher to restore the list, and waits for it. */
int step_cgroup_hold(struct stage *st, const struct ct_wire_step *s)
{
	char c = RESTORE;
	int err;

	(void)s;
	if (st->hold[1] < 0)
		return 0;
	err = write_all(st->hold[1], &c, 1);
	if (!err && read_full(st->hold[1], &c, 1) != 1)
		err = -ECHILD;
	sys_close(st->hold[1]);
	st->hold[1] = -1;
	if (!err)
		return 0;
	return report_error(st, err, SYS_read, "the list of devices",
			    "the launcher has not put it back");
}

void devices_close(struct stage *st)
{
	for (uint32_t i = 0; i < n_lists; i++)
		for (uint32_t k = 0; k < lists[i].n; k++)
			sys_close(lists[i].program[k]);
	n_lists = 0;
	sys_close(st->hold[0]);
	st->hold[0] = -1;
}

int devices_hold(struct stage *st)
{
	char c = 0;
	ssize_t n;
	int err = 0;

	if (st->hold[0] < 0)
		return 0;
	/* 0: init has ended, and has reported why */
	n = read_full(st->hold[0], &c, 1);
	for (const struct list *l = lists; l < lists + n_lists; l++) {
		err = restore(l);
		if (err)
			return report_error(st, err, call_of(l), "the list of devices",
					    "it cannot be put back");
	}
	/* the launcher ends then, which init sees as the end of the socket */
	if (n < 0)
		return report_error(st, (int)n, SYS_read, "the list of devices",
				    "init's word that its hooks have ended cannot be read");
	if (n == 1)
		err = write_all(st->hold[0], &c, 1);
	/* an init that has ended has reported why */
	if (err && err != -EPIPE && err != -ECONNRESET)
		return report_error(st, err, SYS_write, "the list of devices",
				    "init cannot be told that it is back");
	if (err)
		return -1;
	return 0;
}
