/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A running container's groups: freezing, and the end of who is frozen; killing all of a
 * tree; entering; limits changed all or nothing; files by name; figures. With either version
 * of the freezer where the host has both, in process and detached. The caller stays in its
 * own groups throughout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup-ways.h"
#include "leak.h"

#define TICK_US 10000

static char *own_places;

static struct talk talk;

static int setup(void **state)
{
	return way_setup(state, "live", "live");
}

static int teardown(void **state)
{
	char *now = leak_places(getpid());
	int n = cgroup_case_teardown(state);

	if (!now || strcmp(now, own_places) != 0) {
		print_error("# the caller is in other groups now: %s\n", now ? now : "");
		n++;
	}
	free(now);
	return n;
}

static void start(const char *const argv[])
{
	talk_start(box.c, way_flags(), argv, &talk);
}

static ct_exit end(void)
{
	return talk_end(&talk);
}

/* Skips when the container's groups have no freezer. */
static void freeze(void)
{
	int r = ct_freeze(box.c, PATIENCE_MS);

	if (r == -EOPNOTSUPP)
		elsewhere_because("%s", ct_last_error(box.c)->message);
	assert_ok(box.c, r);
	assert_int_equal(ct_state(box.c), CT_STATE_FROZEN);
}

static uint64_t cpu_us(void)
{
	ct_usage u = CT_USAGE_INIT;

	assert_ok(box.c, ct_stats(box.c, &u));
	return u.cpu_us;
}

/* ---- freezing -------------------------------------------------------------------------------- */

static void frozen(void **state)
{
	uint64_t then, now;
	int round;

	(void)state;
	start(ARGV("/bin/probe", "spinners", "3"));
	for (round = 0; round < 3; round++) {
		freeze();
		assert_ok(box.c, ct_freeze(box.c, PATIENCE_MS));
		then = cpu_us();
		nothing_happens_for(200);
		now = cpu_us();
		/* a kernel without the figure says nothing here; one that counts in ticks may count
		 * the last of them late */
		if (then != CT_ABSENT && now - then > TICK_US)
			fail_msg("it used %llu us while it was frozen",
				 (unsigned long long)(now - then));
		assert_int_equal(ct_wait(box.c, CT_STATE_FROZEN, 0), CT_STATE_FROZEN);
		assert_int_equal(ct_wait(box.c, CT_STATE_RUNNING | CT_STATE_STOPPED, 50),
				 -ETIMEDOUT);
		assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
		assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
		assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
		assert_int_equal(ct_wait(box.c, CT_STATE_FROZEN, 50), -ETIMEDOUT);
		for (int i = 0; then != CT_ABSENT && cpu_us() <= now; i++) {
			if (i > PATIENCE_MS / 10)
				fail_msg("it does not go on");
			sleep_ms(10);
		}
	}
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	end();
	assert_refused(box.c, ct_freeze(box.c, 100), -ESRCH);
	assert_refused(box.c, ct_unfreeze(box.c, 100), -ESRCH);
}

static void *freeze_later(void *data)
{
	ct_container *c = data;

	sleep_ms(200);
	return (void *)(intptr_t)ct_freeze(c, PATIENCE_MS);
}

/* Somebody waits for the state while another handle brings it about. */
static void wait_frozen(void **state)
{
	ct_container *c;
	pthread_t t;
	void *r;

	(void)state;
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	freeze();
	assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
	c = way->detached ? box_handle(&box, "live") : ct_ref(box.c);
	assert_int_equal(pthread_create(&t, NULL, freeze_later, c), 0);
	if (way->detached)
		assert_int_equal(ct_wait(box.c, CT_STATE_FROZEN, PATIENCE_MS), CT_STATE_FROZEN);
	pthread_join(t, &r);
	ct_unref(c);
	assert_int_equal((intptr_t)r, 0);
	assert_int_equal(ct_wait(box.c, CT_STATE_FROZEN, PATIENCE_MS), CT_STATE_FROZEN);
	assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
	end();
}

enum how { ASKED, FORCED, KILLED, KILLED_ALL, PROCESS_KILLED, LET_GO, OTHER_HANDLE, N_HOW };
static const char *const how_names[] = { "asked",
					 "by force",
					 "ct_kill",
					 "ct_kill_all",
					 "ct_process_kill",
					 "the last owner goes",
					 "by another handle" };

/* In a child with a time limit of its own: a hang must not take the whole run with it. 0,
 * or what went wrong. */
static int end_frozen(enum how how)
{
	ct_container *c = box.c;
	ct_exit ex = CT_EXIT_INIT;
	int r = 0;

	switch (how) {
	case ASKED:
		r = ct_stop(c, 0, PATIENCE_MS);
		break;
	case FORCED:
		r = ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
		break;
	case KILLED:
		r = ct_kill(c, SIGKILL);
		break;
	case KILLED_ALL:
		r = ct_kill_all(c, SIGKILL);
		break;
	case PROCESS_KILLED:
		r = ct_process_kill(talk.p, SIGKILL);
		break;
	case LET_GO:
		/* the test's own, the helper's note of it, and the container's */
		talk_note(&talk, false);
		ct_process_unref(talk.p);
		box.c = ct_unref(c);
		return 0;
	case OTHER_HANDLE:
		c = box_handle(&box, "live");
		r = ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
		ct_unref(c);
		break;
	case N_HOW:
		break;
	}
	if (r < 0)
		return 10;
	if (ct_process_wait(talk.p, &ex, PATIENCE_MS))
		return 11;
	if (how == ASKED && (ex.reason != CT_EXIT_STOPPED || ex.code != 9))
		return 12;
	if (how != ASKED && how != KILLED_ALL && ex.reason != CT_EXIT_STOPPED)
		return 13;
	if (how != ASKED && ex.signal != SIGKILL)
		return 14;
	talk_drop_all();
	box.c = ct_unref(box.c);
	return 0;
}

static int child_frozen(enum how how)
{
	int r;

	alarm(50);
	box.c = box_handle(&box, way->detached ? "live" : NULL);
	if (!box.c || box_config(box.c, "cgroup.pattern", box.pattern, NULL) || way_config(box.c) ||
	    box_config(box.c, "signal.halt", "SIGTERM", NULL))
		return 1;
	r = talk_try(box.c, way_flags(),
		     ARGV("/bin/sh", "-c",
			  "trap 'exit 9' TERM; echo ready; "
			  "while :; do sleep 0.02; done"),
		     &talk);
	if (r == -EOPNOTSUPP)
		return 77;
	if (r < 0 || !read_until(talk.out, "ready", PATIENCE_MS, talk.text, sizeof(talk.text)))
		return 2;
	r = ct_freeze(box.c, PATIENCE_MS);
	if (r)
		return r == -EOPNOTSUPP ? 77 : 3;
	return end_frozen(how);
}

static void end_of_frozen(void **state)
{
	char bad[1024] = "";
	int how, status, skipped = 0;

	(void)state;
	box.c = ct_unref(box.c);
	for (how = 0; how < N_HOW; how++) {
		pid_t pid;

		if ((how == LET_GO && way->detached) || (how == OTHER_HANDLE && !way->detached))
			continue;
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			_exit(child_frozen(how));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		skipped += WIFEXITED(status) && WEXITSTATUS(status) == 77;
		if (status && !(WIFEXITED(status) && WEXITSTATUS(status) == 77))
			snprintf(bad + strlen(bad), sizeof(bad) - strlen(bad), "%s: %s %d; ",
				 how_names[how],
				 WIFEXITED(status) ? "it went wrong at" : "it hung, signal",
				 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		if (status && way->detached) {
			ct_container *c = box_handle(&box, "live");

			ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
			ct_unref(c);
		}
	}
	box.c = box_handle(&box, NULL);
	/* what a killed child of ours has left is cleared by the next start */
	if (bad[0]) {
		box_config(box.c, "cgroup.pattern", box.pattern, NULL);
		box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL);
		fail_msg("%s", bad);
	}
	if (skipped)
		elsewhere_because("there is no hierarchy of that version, or no freezer in it");
}

/* limit.time ends who is frozen, too. */
static void time_of_frozen(void **state)
{
	ct_exit ex = CT_EXIT_INIT;
	int r;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.time", "1s"));
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	freeze();
	r = ct_process_wait(talk.p, &ex, PATIENCE_MS);
	if (r) {
		ct_unfreeze(box.c, 0);
		ct_process_wait(talk.p, &ex, PATIENCE_MS);
		talk_end(&talk);
		fail_msg("limit.time is up, and the frozen container lives");
	}
	assert_int_equal(ex.reason, CT_EXIT_TIME);
	talk_end(&talk);
}

/* ---- all of a tree --------------------------------------------------------------------------- */

/* Another signal than SIGKILL reaches each one, too: the shell and its children. */
static void signal_all(void)
{
	char place[512];
	struct tree t;

	start(ARGV("/bin/sh", "-c", "sleep 1000 & sleep 1000 & echo ready; wait; wait; exit 5"));
	assert_true(place_of(ct_process_pid(talk.p), box.word, &t, place, sizeof(place)));
	assert_true(processes(place, &t) >= 3);
	assert_ok(box.c, ct_kill_all(box.c, SIGTERM));
	assert_int_equal(end().signal, SIGTERM);
	assert_refused(box.c, ct_kill_all(box.c, SIGTERM), -ESRCH);
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	assert_refused(box.c, ct_kill_all(box.c, 4711), -EINVAL);
	assert_refused(box.c, ct_kill_all(box.c, -1), -EINVAL);
	end();
}

static void kill_all(void **state)
{
	char place[512];
	struct tree t;
	int i, n;

	(void)state;
	assert_int_equal(box_config(box.c, "namespace.keep", "pid", "limit.pids", "try:200", NULL),
			 0);
	for (i = 0; i < (quick() ? 3 : 10); i++) {
		ct_exit ex = CT_EXIT_INIT;

		start(ARGV("/bin/probe", "chains", "6"));
		assert_true(place_of(ct_process_pid(talk.p), box.word, &t, place, sizeof(place)));
		if (i % 2 && ct_freeze(box.c, PATIENCE_MS) == -EOPNOTSUPP)
			print_message("# %s\n", ct_last_error(box.c)->message);
		assert_ok(box.c, ct_kill_all(box.c, SIGKILL));
		n = processes(place, &t);
		if (n)
			fail_msg("round %d: %d processes live on", i, n);
		ex = end();
		assert_int_equal(ex.signal, SIGKILL);
	}
	signal_all();
}

/* Without a pid namespace of its own nothing lives on after the end of init either. */
static void end_without_pidns(void **state)
{
	char place[512];
	struct tree t;
	int i;

	(void)state;
	assert_int_equal(box_config(box.c, "namespace.keep", "pid", "limit.pids", "try:200", NULL),
			 0);
	for (i = 0; i < (quick() ? 2 : 6); i++) {
		start(ARGV("/bin/probe", "chains", "4"));
		assert_true(place_of(ct_process_pid(talk.p), box.word, &t, place, sizeof(place)));
		assert_int_equal(ct_process_kill(talk.p, SIGKILL), 0);
		end();
		if (way->detached)
			assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS),
					 CT_STATE_STOPPED);
		assert_int_equal(processes(place, &t), 0);
		assert_no_groups(box.word);
	}
}

/* ---- entering -------------------------------------------------------------------------------- */

static void attach(void **state)
{
	ct_process *p = NULL;
	char *init, *entered;
	int i;

	(void)state;
	assert_int_equal(box_config(box.c, "limit.memory", "try:64M", "limit.pids", "try:100",
				    "limit.cpu", "try:1", NULL),
			 0);
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	init = leak_places(ct_process_pid(talk.p));
	assert_non_null(strstr(init, box.word));
	for (i = 0; i < 5; i++) {
		assert_ok(box.c, box_enter(box.c, ARGV("/bin/sleep", "1000"), &p));
		entered = leak_places(ct_process_pid(p));
		if (!entered || strcmp(init, entered))
			fail_msg("init is in %s, what was attached in %s", init,
				 entered ? entered : "nothing");
		free(entered);
		ct_process_kill(p, SIGKILL);
		assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
		ct_process_unref(p);
	}
	free(init);
	end();
}

static struct entering {
	ct_container *c;
	ct_process *p;
	int r;
	atomic_bool back;
} entering;

static void *enter(void *data)
{

	entering.r = box_enter(entering.c, ARGV("/bin/true"), &entering.p);
	entering.back = true;
	return data;
}

/* Who enters a frozen container is not held for ever: either the process is there, stopped, or the
 * call is refused with a word. */
static void attach_frozen(void **state)
{
	ct_exit ex = CT_EXIT_INIT;
	pthread_t t;
	bool back;

	(void)state;
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	freeze();
	entering = (struct entering){ .r = -1 };
	entering.c = way->detached ? box_handle(&box, "live") : ct_ref(box.c);
	assert_int_equal(pthread_create(&t, NULL, enter, NULL), 0);
	for (int i = 0; i < (quick() ? 3000 : 500) && !entering.back; i++)
		sleep_ms(10);
	back = entering.back;
	if (back && entering.r == 0)
		assert_int_equal(ct_process_wait(entering.p, NULL, 100), -ETIMEDOUT);
	if (!back)
		thaw_by_hand(ct_process_pid(talk.p), box.word);
	pthread_join(t, NULL);
	if (entering.r)
		print_message("# %s\n", ct_last_error(entering.c)->message);
	if (back)
		assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
	if (entering.r == 0) {
		assert_int_equal(ct_process_wait(entering.p, &ex, PATIENCE_MS), 0);
		assert_int_equal(ex.code, 0);
	}
	ct_process_unref(entering.p);
	ct_unref(entering.c);
	end();
	if (!back)
		fail_msg("ct_attach() did not return before the container was thawed");
	if (entering.r && (entering.r != -EBUSY && entering.r != -EAGAIN))
		fail_msg("ct_attach() = %d", entering.r);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static long long memory_max(void)
{
	return group_number(box.c, "memory.max", "memory.limit_in_bytes");
}

static int set2(const char *key, const char *value, const char *key2, const char *value2)
{
	const char *const keys[] = { key, key2 }, *const values[] = { value, value2 };

	return ct_set_limits(box.c, keys, values, key2 ? 2 : 1);
}

/* Memory and swap together, in either order; `both` is version 1's limit of their sum, -1. */
static void set_swap(long long both)
{
	if (both < 0 && group_number(box.c, "memory.swap.max", NULL) < 0)
		return;
	assert_ok(box.c, set2("limit.memory", "200M", "limit.swap", "50M"));
	assert_ok(box.c, set2("limit.swap", "10M", "limit.memory", "50M"));
	assert_ok(box.c, set2("limit.swap", "300M", "limit.memory", "300M"));
	assert_ok(box.c, set2("limit.memory", "64M", "limit.swap", "0"));
	assert_true(memory_max() == 64 * (long long)MIB);
	assert_true(both >= 0 ? group_number(box.c, NULL, "memory.memsw.limit_in_bytes") ==
					64 * (long long)MIB
			      : group_number(box.c, "memory.swap.max", NULL) == 0);
}

static void set_limits(void **state)
{
	long long both;

	(void)state;
	assert_int_equal(box_config(box.c, "limit.memory", "64M", "limit.pids", "100", NULL), 0);
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	both = group_number(box.c, NULL, "memory.memsw.limit_in_bytes");
	assert_true(memory_max() == 64 * (long long)MIB);
	/* up and down: version 1 takes memory, and memory with swap, in one order only */
	for (int i = 0; i < 3; i++) {
		static const char *const sizes[] = { "128M", "32M", "96M" };
		static const long long bytes[] = { 128, 32, 96 };

		assert_ok(box.c, set2("limit.memory", sizes[i], NULL, NULL));
		assert_true(memory_max() == bytes[i] * (long long)MIB);
		if (both >= 0)
			assert_true(group_number(box.c, NULL, "memory.memsw.limit_in_bytes") ==
				    bytes[i] * (long long)MIB);
	}
	set_swap(both);
	/* away and back */
	assert_ok(box.c, set2("limit.pids", "", NULL, NULL));
	assert_true(group_number(box.c, "pids.max", NULL) == INT64_MAX);
	assert_ok(box.c, set2("limit.pids", "50", "limit.memory", "80M"));
	/* the kernel counts a program's pid 1, too */
	assert_true(group_number(box.c, "pids.max", NULL) == (way->detached ? 50 : 51) &&
		    memory_max() == 80 * (long long)MIB);
	end();
}

/* Key, value, error; NULL: any. */
static const char *const refused_limits[][3] = {
	{ "no.such.key", "1", "-ENOENT" },
	{ "limit.pids", "many", "-EINVAL" },
	{ "limit.memory", "5X", "-EINVAL" },
	{ "limit.time", "5s", "-EINVAL" },
	{ "uts.name", "x", "-EINVAL" },
	{ "limit.cpu", "0", NULL },
	{ "limit.memory", "-5", "-EINVAL" },
	{ "limit.memory.high", "1G", NULL },
	{ "limit.io.max", "250:4711 rbps=1M", NULL },
	{ "limit.cpuset.cpus", "65000", NULL },
};

/* False where the kernel takes it. */
static bool is_refused(const char *const keys[], const char *const values[], const char *want)
{
	int r = ct_set_limits(box.c, keys, values, 3);

	/* a processor that is not there is only noted down by version 2 */
	if (!strcmp(keys[2], "limit.cpuset.cpus") && r == 0) {
		assert_ok(box.c, set2("limit.pids", "100", "limit.memory", "64M"));
		return false;
	}
	if (r >= 0 || !ct_last_error(box.c)->message[0])
		fail_msg("%s = %s: %d, %s", keys[2], values[2], r, ct_last_error(box.c)->message);
	if (want && r != (strcmp(want, "-ENOENT") ? -EINVAL : -ENOENT))
		fail_msg("%s = %s: %d, not %s: %s", keys[2], values[2], r, want,
			 ct_last_error(box.c)->message);
	return true;
}

/* What it was started without it does not get. */
static void set_what_was_not_asked(void)
{
	assert_int_equal(box_config(box.c, "limit.memory", "", "limit.pids", "", "limit.io.weight",
				    "", "limit.cpuset.mems", "", NULL),
			 0);
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	if (!way->detached)
		assert_refused(box.c, set2("limit.pids", "5", NULL, NULL), -EOPNOTSUPP);
	end();
}

/* No values, no keys, and neither. */
static void set_nothing(void)
{
	assert_refused(box.c,
		       ct_set_limits(box.c, ARGV("limit.pids"), (const char *const[]){ NULL }, 1),
		       -EINVAL);
	assert_refused(box.c, ct_set_limits(box.c, NULL, NULL, 1), -EINVAL);
	assert_ok(box.c, ct_set_limits(box.c, NULL, NULL, 0));
}

/* The second is refused: the first is as before. */
static void all_or_nothing(void **state)
{
	long long memory, memsw, pids;
	size_t i;

	(void)state;
	assert_int_equal(box_config(box.c, "limit.memory", "64M", "limit.pids", "100",
				    "limit.io.weight", "try:100", "limit.cpuset.mems", "try:0",
				    NULL),
			 0);
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	memory = memory_max();
	pids = group_number(box.c, "pids.max", NULL);
	memsw = group_number(box.c, NULL, "memory.memsw.limit_in_bytes");
	for (i = 0; i < sizeof(refused_limits) / sizeof(refused_limits[0]); i++) {
		const char *const keys[] = { "limit.pids", "limit.memory", refused_limits[i][0] },
				  *const values[] = { "33", "128M", refused_limits[i][1] };

		if (!is_refused(keys, values, refused_limits[i][2]))
			continue;
		print_message("# %s\n", ct_last_error(box.c)->message);
		if (memory_max() != memory || group_number(box.c, "pids.max", NULL) != pids ||
		    group_number(box.c, NULL, "memory.memsw.limit_in_bytes") != memsw)
			fail_msg("%s = %s left memory at %lld, with swap %lld, pids %lld", keys[2],
				 values[2], memory_max(),
				 group_number(box.c, NULL, "memory.memsw.limit_in_bytes"),
				 group_number(box.c, "pids.max", NULL));
	}
	set_nothing();
	end();
	assert_refused(box.c, set2("limit.pids", "5", NULL, NULL), -ESRCH);
	set_what_was_not_asked();
}

/* Memory below what is in use: it is reclaimed, or the call says so; nobody is killed for it. */
static void below_use(void **state)
{
	ct_exit ex;
	int r;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.memory", "64M"));
	start(ARGV("/bin/probe", "hold", "2", "10000000"));
	r = set2("limit.memory", "8M", NULL, NULL);
	print_message("# 20 MB held, limit.memory = 8M: %s\n",
		      r ? ct_last_error(box.c)->message : "taken");
	if (r)
		assert_refused(box.c, r, -EBUSY);
	if (r)
		assert_true(memory_max() == 64 * (long long)MIB);
	ex = end();
	if (r) {
		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		assert_int_equal(ex.oom_kills, 0);
	}
}

/* ---- files by name --------------------------------------------------------------------------- */

/* As snprintf(): the whole length, what fits, an end. */
static void cut_short(void)
{
	char buf[8];

	assert_int_equal(ct_cgroup_get(box.c, "pids.max", NULL, 0), 2);
	memset(buf, '#', sizeof(buf));
	assert_int_equal(ct_cgroup_get(box.c, "pids.max", buf, 2), 2);
	assert_string_equal(buf, "7");
	assert_int_equal(ct_cgroup_get(box.c, "pids.max", buf, sizeof(buf)), 2);
	assert_string_equal(buf, "77");
}

/* Names that are none of a file of the cgroup's own. */
static void bad_names(void)
{
	static char longest[300];
	static const char *const bad[] = {
		"",	      ".",	    "..",	 "/",		"../cgroup.procs",
		"memory/max", "./pids.max", "pids.max/", "/etc/passwd", "pids\n.max",
		"pids.max\n", "\001",	    "pids\177",	 "..pids",	longest,
		NULL
	};
	char buf[8];

	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_refused(box.c, ct_cgroup_get(box.c, bad[i], buf, sizeof(buf)), -EINVAL);
		assert_refused(box.c, ct_cgroup_set(box.c, bad[i], "1"), -EINVAL);
	}
	longest[255] = 0;
	assert_refused(box.c, ct_cgroup_get(box.c, longest, buf, sizeof(buf)), -ENOENT);
}

static void names(void **state)
{
	char buf[8];

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.pids", "100"));
	start(ARGV("/bin/sh", "-c", "echo ready; read x"));
	bad_names();
	assert_refused(box.c, ct_cgroup_get(box.c, "no.such.file", buf, sizeof(buf)), -ENOENT);
	assert_refused(box.c, ct_cgroup_set(box.c, "no.such.file", "1"), -ENOENT);
	assert_refused(box.c, ct_cgroup_set(box.c, "pids.max", NULL), -EINVAL);
	assert_refused(box.c, ct_cgroup_set(box.c, "pids.max", "few"), -EINVAL);
	assert_ok(box.c, ct_cgroup_set(box.c, "pids.max", "77"));
	cut_short();
	end();
	assert_refused(box.c, ct_cgroup_get(box.c, "pids.max", buf, sizeof(buf)), -ESRCH);
	assert_refused(box.c, ct_cgroup_set(box.c, "pids.max", "5"), -ESRCH);
}

/* ---- several threads ------------------------------------------------------------------------- */

static atomic_bool over;

static void *watch_places(void *data)
{
	intptr_t bad = 0;

	(void)data;
	while (!over) {
		char *now = leak_places(getpid());

		bad += !now || strcmp(now, own_places) != 0;
		free(now);
		sleep_ms(1);
	}
	return (void *)bad;
}

/* A life with everything in it, on a handle of its own. NULL, or what went wrong. */
static void *one_life(void *data)
{
	static const char *const halves[] = { "limit.pids", "limit.memory" };
	static const char *const values[] = { "60", "96M" };
	static char why[8][600];
	int nr = (int)(intptr_t)data, i;
	char name[16];

	snprintf(name, sizeof(name), "thread%d", nr);
	for (i = 0; i < (quick() ? 2 : 8); i++) {
		ct_container *c = box_handle(&box, nr % 2 ? name : NULL);
		ct_usage u = CT_USAGE_INIT;
		ct_exit ex = CT_EXIT_INIT;
		const char *at = "start";
		int r = box_config(c, "cgroup.pattern", box.pattern, "limit.memory", "try:64M",
				   "limit.pids", "try:50", NULL),
		    frozen_too;
		ct_process *p = NULL;

		r = r ? r
		      : box_start(c, nr % 2 ? CT_START_DETACH : 0, ARGV("/bin/sleep", "1000"), &p);
		if (!r && (at = "stats"))
			r = ct_stats(c, &u);
		if (!r && (at = "freeze"))
			r = ct_freeze(c, PATIENCE_MS);
		frozen_too = r == 0;
		r = r == -EOPNOTSUPP ? 0 : r;
		if (!r && frozen_too && (at = "unfreeze"))
			r = ct_unfreeze(c, PATIENCE_MS);
		if (!r && u.pids != CT_ABSENT && u.memory != CT_ABSENT && (at = "limits"))
			r = ct_set_limits(c, halves, values, 2);
		if (!r && (at = "attach"))
			r = box_attach(c, NULL, ARGV("/bin/true"), NULL, &ex);
		if (!r && (at = "stop"))
			r = ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
		if (r)
			snprintf(why[nr], sizeof(why[nr]), "thread %d, round %d, %s: %s", nr, i, at,
				 ct_last_error(c)->message);
		ct_process_unref(p);
		if (r && nr % 2)
			ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
		ct_unref(c);
		if (r)
			return why[nr];
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t watcher, life[6];
	char all[2048] = "";
	void *bad;

	(void)state;
	over = false;
	assert_int_equal(pthread_create(&watcher, NULL, watch_places, NULL), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&life[i], NULL, one_life, (void *)(intptr_t)i), 0);
	for (int i = 0; i < 6; i++) {
		pthread_join(life[i], &bad);
		if (bad)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n", (char *)bad);
	}
	over = true;
	pthread_join(watcher, &bad);
	if (all[0])
		fail_msg("%s", all);
	assert_int_equal((intptr_t)bad, 0);
}

/* ---- all ------------------------------------------------------------------------------------- */

static int group_setup(void **state)
{
	own_places = leak_places(getpid());
	return own_places ? box_setup_used(state) : -1;
}

static int group_teardown(void **state)
{
	free(own_places);
	return box_teardown(state);
}

static const struct {
	const char *name;
	CMUnitTestFunction run;
	bool each; /* with either version of the freezer */
} cases[] = {
	{ "freeze and thaw", frozen, true },
	{ "wait for a frozen one", wait_frozen, true },
	{ "the end of a frozen one", end_of_frozen, true },
	{ "limit.time of a frozen one", time_of_frozen, true },
	{ "kill all, no pid namespace", kill_all, true },
	{ "end, no pid namespace", end_without_pidns, true },
	{ "attach", attach, true },
	{ "attach to a frozen one", attach_frozen, true },
	{ "set limits", set_limits, false },
	{ "set limits: all or nothing", all_or_nothing, false },
	{ "set limits: below use", below_use, false },
	{ "names of files", names, false },
	{ "several threads", threads, false },
};

int main(void)
{
	static struct CMUnitTest tests[128];
	static char names_of[128][96];
	const char *only = getenv("CT_ONLY");
	size_t n = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t w = 0; w < (cases[i].each ? 6 : 2); w++) {
			snprintf(names_of[n], sizeof(names_of[n]), "%s, %s, %s", cases[i].name,
				 ways[w].backend, ways[w].detached ? "detached" : "in process");
			if ((only && !strstr(names_of[n], only)) || (cases[i].run == threads && w))
				continue;
			tests[n] = (struct CMUnitTest){ names_of[n], cases[i].run, setup, teardown,
							(void *)(uintptr_t)&ways[w] };
			n++;
		}
	}
	return _cmocka_run_group_tests("cgroup-live", tests, n, group_setup, group_teardown);
}
