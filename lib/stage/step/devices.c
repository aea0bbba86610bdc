/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hooks of the host that run in the container's namespaces are not meant by the payload's list of
 * devices, but they run where init is. For them the list is lifted from the group, while there is
 * nobody in it but init, and put back before anything of the root file system runs. The launcher
 * does both and stays for it; init waits. Who has been left behind by a hook is under the list
 * then, as everybody in the group.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "stage/step/steps.h"
#include "shared/walk.h"

#define BACK 'b'
#define LIST_MAX 65536 /* bytes of a list of version 1 that are looked at */

/* What the launcher has to put back: of a group of either version at most. */
static struct list {
	int version, dir;
	int program[STAGE_PROGRAMS]; /* of version 2, detached */
	uint32_t n;
	char rule[2][16]; /* of version 1, allowed: "c *:* rw" */
} lists[2];
static uint32_t n_lists;

/* ---- version 2: programs --------------------------------------------------------------------- */

static int change(const struct list *l, int cmd, int program)
{
	struct k_bpf_attach attr = { .target_fd = (uint32_t)l->dir,
				     .bpf_fd = (uint32_t)program,
				     .type = K_BPF_CGROUP_DEVICE };

	attr.flags = cmd == K_BPF_PROG_ATTACH ? K_BPF_F_ALLOW_MULTI : 0;
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

/* Descriptors of the group's programs, whose order does not count: each must allow. 0
 * or a negative errno. */
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

static int put_programs_back(const struct list *l, uint32_t n)
{
	uint32_t ids[STAGE_PROGRAMS], there = 0;
	int err = query_programs(l, ids, &there);

	/* a list that was changed meanwhile is a whole one, in the place of ours */
	if (l->n == 1 && there)
		return err;
	for (uint32_t i = 0; i < n && !err; i++)
		err = change(l, K_BPF_PROG_ATTACH, l->program[i]);
	return err;
}

/* 1: lifted; 0: there is nothing to lift, or it cannot be; or a negative errno: it is neither. */
static int lift_programs(struct list *l)
{
	int err = find_programs(l);

	for (uint32_t i = 0; !err && i < l->n; i++) {
		err = change(l, K_BPF_PROG_DETACH, l->program[i]);
		if (err)
			return put_programs_back(l, i);
	}
	return !err && l->n;
}

/* ---- version 1: exceptions ------------------------------------------------------------------- */

static int write_rule(int dir, const char *file, const char *rule)
{
	SYS_CLOSEP int fd = *rule ? sys_openat(dir, file, O_WRONLY | O_NOCTTY, 0) : -1;

	if (!*rule)
		return 0;
	return fd < 0 ? fd : write_all(fd, rule, strlen(rule));
}

/* What the list does not allow of all devices of a type, as a rule. */
static void rest_of(const char *list, char type, char rule[16])
{
	char begin[] = "? *:* ";
	const char *line = list;

	begin[0] = type;
	while (line && !str_begins(line, begin)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	str_cut(rule, 16, begin);
	for (const char *p = "rwm"; *p; p++) {
		const char letter[2] = { *p, 0 };
		size_t n = line ? strcspn(line, "\n") : 0;

		if (!line || !memchr(line + sizeof(begin) - 1, *p, n - (sizeof(begin) - 1)))
			str_add(rule, 16, letter);
	}
	if (strlen(rule) == sizeof(begin) - 1)
		rule[0] = 0;
}

static int put_rules_back(const struct list *l)
{
	int err = 0;

	/* what is denied to the group the kernel denies to those below it */
	for (int i = 0; i < 2 && !err; i++)
		err = write_rule(l->dir, "devices.deny", l->rule[i]);
	return err;
}

/* As lift_programs(). A list that only denies is not to be seen, and stays. */
static int lift_rules(struct list *l, int inner)
{
	static char list[LIST_MAX];
	SYS_CLOSEP int fd = sys_openat(l->dir, "devices.list", O_RDONLY | O_NOCTTY, 0);
	ssize_t n = fd < 0 ? fd : read_full(fd, list, sizeof(list) - 1);
	int err = 0;

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
	/* the group above may not have them itself */
	return err ? put_rules_back(l) : 1;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int has_process(int dir, void *arg)
{
	SYS_CLOSEP int fd = sys_openat(dir, "cgroup.procs", O_RDONLY | O_NOCTTY, 0);
	char c;

	(void)arg;
	return fd < 0 || read_full(fd, &c, 1) != 0;
}

/* Before there is an init. Who has outlived the boot before keeps the list, and the
 * hooks have it then. */
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
	err = l->version == 2 ? lift_programs(l) : lift_rules(l, step_fd(st, s->b));
	if (err < 0)
		return step_fail(st, err, l->version == 2 ? SYS_bpf : SYS_write,
				 "the list of devices");
	n_lists += (uint32_t)err;
	if (!err || st->hold[0] >= 0)
		return 0;
	err = (int)sys4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, st->hold);
	return err ? step_fail(st, err, SYS_socketpair, NULL) : 0;
}

/* Init asks for it, and does not go on without. */
int step_cgroup_hold(struct stage *st, const struct ct_wire_step *s)
{
	char c = BACK;
	int err;

	(void)s;
	if (st->hold[1] < 0)
		return 0;
	err = write_all(st->hold[1], &c, 1);
	if (!err && read_full(st->hold[1], &c, 1) != 1)
		err = -ECHILD;
	sys_close(st->hold[1]);
	st->hold[1] = -1;
	return err ? report_error(st, err, SYS_read, "the list of devices",
				  "the launcher has not put it back")
		   : 0;
}

void devices_forget(struct stage *st)
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
	int err;

	if (st->hold[0] < 0)
		return 0;
	/* the end of it is init's, which has failed and said so */
	n = read_full(st->hold[0], &c, 1);
	for (const struct list *l = lists; l < lists + n_lists; l++) {
		err = l->version == 2 ? put_programs_back(l, l->n) : put_rules_back(l);
		if (err)
			return report_error(st, err, l->version == 2 ? SYS_bpf : SYS_write,
					    "the list of devices", "it cannot be put back");
	}
	/* init waits for an answer: the end of the launcher is one */
	if (n < 0)
		return report_error(st, (int)n, SYS_read, "the list of devices",
				    "init's word that its hooks have ended cannot be read");
	err = n == 1 ? write_all(st->hold[0], &c, 1) : 0;
	/* an init that has gone has said why */
	if (err && err != -EPIPE && err != -ECONNRESET)
		return report_error(st, err, SYS_write, "the list of devices",
				    "init cannot be told that it is back");
	return err ? -1 : 0;
}
