/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups below the container's, on version 1, which binds a group to those below it; and the
 * supervisor's own beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup-help.h"

static bool detached;
static struct talk talk;

static int setup(void **state)
{
	detached = *state != NULL;
	return cgroup_case_setup("below", detached ? "below" : NULL);
}

static void start(const char *const argv[])
{
	talk_start(box.c, detached ? CT_START_DETACH : 0, argv, &talk);
}

static int set2(const char *key, const char *value, const char *key2, const char *value2)
{
	return ct_set_limits(box.c, ARGV(key, key2), ARGV(value, value2), 2);
}

/* Where version 1 has it. */
#define CPU "$(ls -d ../cpu ../cpu,cpuacct ../cpuacct,cpu 2>/dev/null | head -n 1)"

/* What the payload's groups have, from within: "ALL/DEEP ONE/TWO ITS-OWN QUOTA". */
static void check_below(const char *want)
{
	char *out = NULL;
	ct_exit ex = CT_EXIT_INIT;

	assert_ok(box.c, box_attach(box.c, NULL,
				    ARGV("/bin/sh", "-c",
					 "cd /sys/fs/cgroup/cpuset; echo $(cat "
					 "all/deep/cpuset.cpus one/two/cpuset.cpus "
					 "cpuset.cpus " CPU "/q/cpu.cfs_quota_us)"),
				    &out, &ex));
	if (ex.code || strcmp(out, want) != 0)
		fail_msg("\"%s\", not \"%s\"", out, want);
	free(out);
}

/* Version 1 binds a group to those below it: they are changed with it, in process and detached, one
 * file and by limits. */
static void groups_below_it(void **state)
{
	static const char *const script =
		"cd /sys/fs/cgroup/cpuset || { echo ready none; exit; }; "
		"mkdir -p all/deep one/two " CPU "/q; "
		"for d in all all/deep; do cat cpuset.cpus >$d/cpuset.cpus; "
		"cat cpuset.mems >$d/cpuset.mems; done; "
		"for d in one one/two; do echo 1 >$d/cpuset.cpus; cat cpuset.mems >$d/cpuset.mems; "
		"done; mkdir empty; echo $$ >one/two/tasks; echo 45000 >" CPU
		"/q/cpu.cfs_quota_us; echo ready; read x";

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip_because("one processor cannot be divided");
	assert_int_equal(box_config(box.c, "mount.auto", "cgroup:rw", "limit.cpuset.cpus", "0-1",
				    "limit.cpu", "0.6", NULL),
			 0);
	start(ARGV("/bin/sh", "-c", script));
	if (strstr(talk.text, "none")) {
		talk_end(&talk);
		elsewhere_because("no version 1 binds groups to those below");
	}
	check_below("0-1 1 0-1 45000\n");
	assert_ok(box.c, ct_cgroup_set(box.c, "cpuset.cpus", "0-1"));
	check_below("0-1 1 0-1 45000\n");
	assert_ok(box.c, ct_cgroup_set(box.c, "cpuset.cpus", "0"));
	check_below("0 0 0 45000\n");
	assert_ok(box.c, ct_cgroup_set(box.c, "cpuset.cpus", "1"));
	check_below("1 1 1 45000\n");
	assert_ok(box.c, set2("limit.cpuset.cpus", "0-1", "limit.cpu", "0.2"));
	check_below("0-1 0-1 0-1 20000\n");
	/* the second is refused: the first is as before, below, too */
	assert_true(set2("limit.cpuset.cpus", "0", "limit.cpuset.mems", "900") < 0);
	check_below("0-1 0-1 0-1 20000\n");
	assert_ok(box.c, set2("limit.cpuset.cpus", "1", "limit.cpu", ""));
	check_below("1 1 1 20000\n");
	/* an empty value is one, and no processors is none that a process could live with */
	assert_true(ct_cgroup_set(box.c, "cpuset.cpus", "") < 0);
	check_below("1 1 1 20000\n");
	talk_end(&talk);
}

static int has_gone(void *pid)
{
	return kill(*(pid_t *)pid, 0) < 0;
}

/* A place for the supervisor, some levels down: it gets into it in every hierarchy. */
static void supervisors_place(void **state)
{
	char container[128], monitor[128], place[512];
	struct trees t;
	pid_t pid;

	(void)state;
	snprintf(container, sizeof(container), "ct.%sc/payload", box.word);
	snprintf(monitor, sizeof(monitor), "ct.%sm/a/b", box.word);
	assert_int_equal(box_config(box.c, "cgroup.pattern", "", "cgroup.dir.container", container,
				    "cgroup.dir.monitor", monitor, NULL),
			 0);
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	pid = parent_of(ct_init_pid(box.c));
	trees_find(&t);
	for (int i = 0; i < t.n; i++)
		if (tree_place(&t.v[i], ct_init_pid(box.c), place, sizeof(place)) &&
		    strstr(place, box.word)) {
			assert_non_null(tree_place(&t.v[i], pid, place, sizeof(place)));
			assert_non_null(strstr(place, monitor));
		}
	talk_end(&talk);
	/* the supervisor goes after it; who comes next takes the place away */
	assert_int_equal(wait_until(has_gone, &pid), 1);
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	assert_no_groups(box.word);
}

int main(void)
{
	static int yes = 1;
	const struct CMUnitTest tests[] = {
		{ "groups below it, in process", groups_below_it, setup, cgroup_case_teardown,
		  NULL },
		{ "groups below it, detached", groups_below_it, setup, cgroup_case_teardown, &yes },
		{ "the supervisor's place", supervisors_place, setup, cgroup_case_teardown, &yes },
	};

	return cmocka_run_group_tests_name("cgroup-below", tests, box_setup_bare, box_teardown);
}
