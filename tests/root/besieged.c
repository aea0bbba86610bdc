/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every call on a running container whose payload does what it can against it: stops, freezes,
 * floods, forks. No call takes longer than its deadline and a second, none says that the container
 * is gone, and it can always be ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define SHORT_MS 300 /* what a call with a deadline is given */
#define SOME_MS 5000 /* what the header calls "some seconds" */
#define NAME "besieged"

/* ---- the payloads ---------------------------------------------------------------------------- */

/* Their own groups, of whatever version: each is the top of the container's. */
#define EACH_GROUP "for d in $(probe roots); do "

static const struct siege {
	const char *name, *script;
} sieges[] = {
	{ "stops", "while :; do kill -STOP -1; done 2>/dev/null" },
	{ "stops and lets go", "while :; do kill -STOP -1; kill -CONT -1; done 2>/dev/null" },
	{ "kills", "while :; do kill -KILL -1; done 2>/dev/null" },
	{ "freezes who comes",
	  EACH_GROUP "mkdir $d/mine $d/ice 2>/dev/null || continue; (echo 0 >$d/mine/cgroup.procs; "
		     "echo 1 >$d/ice/cgroup.freeze;"
		     " echo FROZEN >$d/ice/freezer.state; while :; do for p in $(cat "
		     "$d/cgroup.procs); do echo $p >$d/ice/cgroup.procs; done;"
		     " done) 2>/dev/null & done; wait; while :; do sleep 100; done" },
	{ "freezes all", EACH_GROUP "mkdir $d/b || continue; (echo 0 >$d/b/cgroup.procs; "
				    "exec probe refreeze $d) & done 2>/dev/null;"
				    " while :; do sleep 100; done" },
	{ "floods", "while :; do echo 0123456789012345678901234567890123456789; done" },
	{ "forks",
	  "for i in 1 2 3 4 5 6 7 8 9; do probe chains 40 & sleep 58; done; exec sleep 1000" },
	{ "bombs", "probe bomb & exec sleep 1000" },
	{ "forks groups", EACH_GROUP "(while :; do mkdir $d/x; (echo 0 >$d/x/cgroup.procs; "
				     "exec sleep 0.01); rmdir $d/x; done) 2>/dev/null & done;"
				     " wait; while :; do sleep 100; done" },
};

/* ---- the calls ------------------------------------------------------------------------------- */

struct side {
	ct_container *c;
	ct_process *p; /* of an in-process start; NULL: detached */
};

static int attach_as(const struct side *s, const char *const argv[], uint64_t flags,
		     ct_process **out)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;

	o.argv = argv;
	o.flags = flags;
	o.timeout_ms = SHORT_MS;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	return ct_attach(s->c, &o, out);
}

static int attach(const struct side *s)
{
	ct_process *a = NULL;
	int r = attach_as(s, ARGV("/bin/true"), 0, &a);

	ct_process_unref(a);
	return r;
}

/* In an event loop, which gives it up at once. */
static int attach_nowait(const struct side *s)
{
	ct_process *a = NULL;
	int r = attach_as(s, ARGV("/bin/true"), CT_ATTACH_NOWAIT, &a);

	if (r == 0)
		ct_process_started(a, 0);
	ct_process_unref(a);
	return r;
}

static int attach_wait(const struct side *s)
{
	ct_process *a = NULL;
	int r = attach_as(s, ARGV("/bin/sleep", "100"), 0, &a);

	if (r == 0) {
		ct_process_kill(a, SIGTERM);
		ct_process_wait(a, NULL, SHORT_MS);
		ct_process_kill(a, SIGKILL);
	}
	ct_process_unref(a);
	return r;
}

static int state(const struct side *s)
{
	int r = ct_state(s->c);

	return r == CT_STATE_STOPPED ? -ESRCH : r;
}

static int stats(const struct side *s)
{
	ct_usage u = CT_USAGE_INIT;

	return ct_stats(s->c, &u);
}

static int protections(const struct side *s)
{
	char *text = NULL;
	int r = ct_protections(s->c, CT_FORMAT_JSON, &text);

	ct_free(text);
	return r;
}

static int list(const struct side *s)
{
	char *text = NULL;
	int r = ct_list(&box.where, CT_LIST_RUNNING, &text);

	(void)s;
	ct_free(text);
	return r;
}

static int set_limits(const struct side *s)
{
	return ct_set_limits(s->c, ARGV("limit.pids"), ARGV("90"), 1);
}

static int cgroup_get(const struct side *s)
{
	char text[64];

	return (int)ct_cgroup_get(s->c, "pids.current", text, sizeof(text));
}

static int open_process(const struct side *s)
{
	ct_process *p = NULL;
	int r = ct_open_process(s->c, &p);

	if (r == 0)
		ct_process_wait(p, NULL, 50);
	ct_process_unref(p);
	return r;
}

static int events(const struct side *s)
{
	ct_event e = CT_EVENT_INIT;
	int r = ct_event_fd(s->c, NULL), n = 1000;

	while (r >= 0 && n-- > 0 && ct_next_event(s->c, &e) == 1)
		;
	return r;
}

static int process_wait(const struct side *s)
{
	return s->p ? ct_process_wait(s->p, NULL, SHORT_MS) : 0;
}

static int process_kill(const struct side *s)
{
	return s->p ? ct_process_kill(s->p, SIGURG) : 0;
}

static int wait_stopped(const struct side *s)
{
	return ct_wait(s->c, CT_STATE_STOPPED, SHORT_MS);
}

static int wait_running(const struct side *s)
{
	return ct_wait(s->c, CT_STATE_RUNNING | CT_STATE_FROZEN, SHORT_MS);
}

static int freeze(const struct side *s)
{
	return ct_freeze(s->c, SHORT_MS);
}

static int unfreeze(const struct side *s)
{
	return ct_unfreeze(s->c, SHORT_MS);
}

static int kill_init(const struct side *s)
{
	return ct_kill(s->c, SIGURG);
}

static int kill_all(const struct side *s)
{
	return ct_kill_all(s->c, SIGURG);
}

static int init_pid(const struct side *s)
{
	return (int)ct_init_pid(s->c);
}

static const struct call {
	const char *name;
	int (*run)(const struct side *s);
	int ms;
} calls[] = {
	{ "attach", attach, SHORT_MS }, /* and what it takes to end one that is held */
	{ "attach, not waited for", attach_nowait, SHORT_MS },
	{ "attach, ended", attach_wait, 2 * SHORT_MS },
	{ "state", state, SOME_MS },
	{ "stats", stats, SOME_MS },
	{ "freeze", freeze, SHORT_MS },
	{ "attach when frozen", attach, SHORT_MS },
	{ "stats when frozen", stats, SOME_MS },
	{ "unfreeze", unfreeze, SHORT_MS },
	{ "protections", protections, SOME_MS },
	{ "list", list, SOME_MS },
	{ "set_limits", set_limits, SOME_MS },
	{ "cgroup_get", cgroup_get, SOME_MS },
	{ "open_process", open_process, SOME_MS },
	{ "events", events, SOME_MS },
	{ "process_wait", process_wait, SHORT_MS },
	{ "process_kill", process_kill, SOME_MS },
	{ "wait for the end", wait_stopped, SHORT_MS },
	{ "wait", wait_running, SHORT_MS },
	{ "kill", kill_init, SOME_MS },
	{ "kill_all", kill_all, SOME_MS },
	{ "init_pid", init_pid, SOME_MS },
};
#define N_CALLS (sizeof(calls) / sizeof(*calls))

static long long worst[N_CALLS]; /* beyond the deadline */
static int failed[N_CALLS];	 /* how often: that the payload does something */

/* ---- a siege --------------------------------------------------------------------------------- */

/* processes that wanted a processor before there was a siege, for each processor */
static double others;

/* A call at its deadline may need a little more, on a machine that is busy with its payload much
 * more. How soon is a matter of the long run, and of who else is busy. */
static long long grace(void)
{
	return getenv("CT_LONG") ? (long long)(1000 * (1 + others)) : PATIENCE_MS / 4;
}

static void one_round(const struct side *s)
{
	for (size_t i = 0; i < N_CALLS; i++) {
		long long began = now_ms(), late;
		int r = calls[i].run(s);

		late = now_ms() - began - calls[i].ms;
		worst[i] = late > worst[i] ? late : worst[i];
		failed[i] += r < 0;
		if (late > grace())
			fail_msg("%s took %lld ms more than its %d", calls[i].name, late,
				 calls[i].ms);
		if (r == -ESRCH)
			fail_msg("%s: it is told as gone: %s", calls[i].name,
				 ct_last_error(s->c)->message);
	}
}

static struct side side; /* the case's */

static void begin(struct side *s, const struct siege *siege, bool detached)
{
	ct_start_opts o = CT_START_OPTS_INIT;

	s->c = must_open(detached ? NAME : NULL);
	s->p = NULL;
	assert_int_equal(box_config(s->c, "limit.pids", "try:100", "limit.memory", "try:256M",
				    "mount.auto", "proc sys cgroup:rw", NULL),
			 0);
	o.argv = ARGV("/bin/sh", "-c", siege->script);
	o.flags = detached ? CT_START_DETACH : 0;
	/* detached: the console, which nobody reads */
	o.stdio[0] = o.stdio[1] = o.stdio[2] = detached ? 0 : -1;
	assert_ok(s->c, ct_start(s->c, &o, detached ? NULL : &s->p));
}

static void end(struct side *s)
{
	long long began = now_ms();

	assert_ok(s->c, ct_stop(s->c, CT_STOP_KILL, PATIENCE_MS));
	if (s->p)
		assert_int_equal(ct_process_wait(s->p, NULL, PATIENCE_MS), 0);
	assert_int_equal(ct_state(s->c), CT_STATE_STOPPED);
	print_message("# its end took %lld ms\n", now_ms() - began);
}

static void besieged(const struct siege *siege, bool detached)
{
	struct side *s = &side;
	int n = rounds(3, 35);

	memset(worst, 0, sizeof(worst));
	memset(failed, 0, sizeof(failed));
	begin(s, siege, detached);
	for (int i = 0; i < n; i++)
		one_round(s);
	for (size_t i = 0; i < N_CALLS; i++)
		if (worst[i] > 200)
			print_message("# %s: %s: up to %lld ms more\n", siege->name, calls[i].name,
				      worst[i]);
	print_message("# %s: of %d attaches %d failed, of %d freezes %d\n", siege->name, n,
		      failed[0], n, failed[5]);
	end(s);
}

static void in_process(void **data)
{
	besieged(*data, false);
}

static void detached(void **data)
{
	besieged(*data, true);
}

/* Also of one that has failed. */
static int let_go(void **data)
{
	(void)data;
	if (side.c && ct_state(side.c) != CT_STATE_STOPPED)
		ct_stop(side.c, CT_STOP_KILL, PATIENCE_MS);
	side.p = ct_process_unref(side.p);
	side.c = ct_unref(side.c);
	return 0;
}

int main(void)
{
	enum { N = sizeof(sieges) / sizeof(*sieges) };
	struct CMUnitTest tests[2 * N];
	static char names[2 * N][64];

	if (getloadavg(&others, 1) == 1)
		others /= (double)sysconf(_SC_NPROCESSORS_ONLN);
	for (int i = 0; i < 2 * N; i++) {
		snprintf(names[i], sizeof(names[i]), "%s, %s", sieges[i / 2].name,
			 i % 2 ? "detached" : "in process");
		tests[i] =
			(struct CMUnitTest){ .name = names[i],
					     .test_func = i % 2 ? detached : in_process,
					     .teardown_func = let_go,
					     .initial_state = (void *)(uintptr_t)&sieges[i / 2] };
	}
	return cmocka_run_group_tests(tests, box_setup_bare, box_teardown);
}
