/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill -9 of the caller, of the stage, of the keeper and of the supervisor, at every moment of a
 * start, an attach and a stop: what they leave goes by itself, or the next call clears it; then the
 * same container starts as if nothing had been. The moments are swept by time; killed-steps.py
 * sweeps by system call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

static char listing_before[4096];

#define ROUNDS 40
#define LONG_ROUNDS 80

static int kills(void)
{
	return rounds(ROUNDS, LONG_ROUNDS);
}

/* ---- what must be so afterwards -------------------------------------------------------------- */

static struct {
	char *out;
	size_t size, len;
} listing;

static int list_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)where;
	if (type != FTW_D && type != FTW_DP && listing.len < listing.size)
		listing.len += (size_t)snprintf(listing.out + listing.len,
						listing.size - listing.len, "%s ", path);
	return 0;
}

/* The files below a directory. Empty directories are nobody's loss: the next start uses them. */
static void list_dir(const char *path, char *out, size_t size)
{
	out[0] = 0;
	listing.out = out;
	listing.size = size;
	listing.len = 0;
	nftw(path, list_one, 8, FTW_PHYS);
}

static int settled(void *data)
{
	int *state = data;
	char who[256];

	/* an orphan of a pid namespace comes to us, and its init does not die before
	 * it is reaped */
	no_orphans(who);
	*state = ct_state(box.c);
	/* a stop whose asker is gone goes on for as long as a stop without waiting does */
	return *state == CT_STATE_STOPPED || *state == CT_STATE_RUNNING ||
	       *state == CT_STATE_STOPPING;
}

/* All is gone, or one call away from it; the container can be started. */
static void check_clean(const char *what, int round, bool start_again)
{
	char text[4096] = "", *names = NULL;
	int state = 0, r;

	/* who clears up after it may have to wait for what was killed, on an emulated
	 * machine for long */
	if (!wait_until(settled, &state))
		fail_msg("%s, round %d: state %s", what, round,
			 state < 0 ? ct_last_error(box.c)->message : ct_state_name(state));
	/* a stop that goes on may have come to its end meanwhile */
	r = state != CT_STATE_STOPPED ? ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS) : 0;
	if (r != -ESRCH)
		assert_ok(box.c, r);
	if (!wait_until(no_orphans, text))
		fail_msg("%s, round %d: processes left: %s", what, round, text);
	assert_int_equal(ct_list(&box.where, CT_LIST_RUNNING, &names), 0);
	ct_free(names);
	list_dir(box.state, text, sizeof(text));
	if (text[0] && strcmp(text, listing_before) != 0)
		fail_msg("%s, round %d: in the state directory: %s", what, round, text);
	if (!start_again)
		return;
	assert_ok(box.c, box_detach(box.c, ARGV("/bin/sleep", "1000")));
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	wait_until(no_orphans, text);
}

/* ---- the caller is killed -------------------------------------------------------------------- */

enum action { START, START_DETACHED, ATTACH, STOP };
static const char *const action_names[] = { "start", "detached start", "attach", "stop" };

/* In the child: the action, over and over handles of its own. */
static void act(enum action a)
{
	ct_container *c = box_handle(&box, a == START ? NULL : "web");
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_attach_opts at = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL;

	o.argv = ARGV("/bin/sleep", "1000");
	at.argv = ARGV("/bin/sleep", "1000");
	o.stdio[0] = o.stdio[1] = o.stdio[2] = at.stdio[0] = at.stdio[1] = at.stdio[2] = -1;
	o.flags = a == START_DETACHED ? CT_START_DETACH : 0;
	if (a == START || a == START_DETACHED)
		ct_start(c, &o, &p);
	if (a == ATTACH)
		ct_attach(c, &at, &p);
	if (a == STOP)
		/* init may not have set its trap yet: then the time is waited out */
		ct_stop(c, 0, 1000);
	pause();
}

static void run_web(void)
{

	if (ct_state(box.c) == CT_STATE_RUNNING)
		return;
	assert_ok(box.c, ct_set_config(box.c, "signal.halt", "SIGTERM"));
	assert_ok(box.c,
		  box_detach(box.c, ARGV("/bin/sh", "-c",
					 "trap 'exit 0' TERM; while :; do sleep 0.01; done")));
}

/* A pid namespace ends only when the last process in it is reaped; those whose caller is gone come
 * to us, the subreaper. */
static void *reap_orphans(void *data)
{
	atomic_bool *stop = data;

	while (!*stop) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		sleep_ms(1);
	}
	return NULL;
}

static void kill_caller(void **state)
{
	enum action a = (enum action)(uintptr_t)*state;
	atomic_bool stop = false;
	pthread_t reaper;
	int i, n = kills();
	pid_t pid;

	assert_int_equal(pthread_create(&reaper, NULL, reap_orphans, &stop), 0);
	for (i = 0; i < n; i++) {
		if (a == ATTACH || a == STOP)
			run_web();
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			act(a);
		/* most of it happens early */
		sleep_us(200 + (long)i * i * 12000 / (n * n));
		kill(pid, SIGKILL);
		check_clean(action_names[a], i, i % 10 == 0);
	}
	stop = true;
	pthread_join(reaper, NULL);
}

/* ---- those below the caller are killed ------------------------------------------------------- */

struct hunter {
	pthread_t thread;
	pid_t tid; /* of the thread that calls the library */
	int depth; /* 1: the keeper; 2: what it started */
	long delay_us;
	atomic_bool stop;
	pid_t shot;
};

/* First child of a task, 0 for none. */
static pid_t child_of(pid_t process, pid_t task)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)process, (int)task);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

/* Waits for a process below the calling thread, then a while, then kills it or what has
 * come in its place. */
static void *hunt(void *data)
{
	struct hunter *h = data;
	pid_t pid = 0;

	while (!h->stop && !pid) {
		pid = child_of(getpid(), h->tid);
		if (pid && h->depth == 2)
			pid = child_of(pid, pid);
	}
	sleep_us(h->delay_us);
	if (pid && h->depth == 2) {
		pid_t now = child_of(child_of(getpid(), h->tid), child_of(getpid(), h->tid));

		pid = now ? now : pid;
	}
	if (pid && kill(pid, SIGKILL) == 0)
		h->shot = pid;
	return NULL;
}

/* It has failed with a reason, or there is a process, which ends. */
static void check_start(ct_container *c, int err, ct_process *p, int i, const struct hunter *h,
			int *failed, int *lost)
{
	ct_exit ex = CT_EXIT_INIT;

	if (err) {
		(*failed)++;
		if (!ct_last_error(c)->message[0] || ct_last_error(c)->err != err)
			fail_msg("round %d: failed without a reason", i);
		return;
	}
	if (ct_process_pid(p) <= 0)
		fail_msg("round %d: ct_start() succeeded without a process (%d was shot)", i,
			 (int)h->shot);
	if (ct_process_wait(p, &ex, PATIENCE_MS))
		fail_msg("round %d: %s (%d was shot)", i, ct_process_last_error(p)->message,
			 (int)h->shot);
	*lost += ex.reason != CT_EXIT_EXITED;
}

/* In-process starts while the keeper, or the stage, is shot: the call comes back, with a
 * reason; nothing hangs. */
static void kill_below(void **state)
{
	int depth = (int)(intptr_t)*state, i, n = kills(), failed = 0, lost = 0;
	char text[256];

	for (i = 0; i < n; i++) {
		struct hunter h = { .tid = gettid(),
				    .depth = depth,
				    .delay_us = (long)i * i * 6000 / (n * n) };
		ct_container *c = box_handle(&box, NULL);
		ct_process *p = NULL;
		long long began = now_ms();
		int err;

		assert_int_equal(pthread_create(&h.thread, NULL, hunt, &h), 0);
		err = box_start(c, 0, ARGV("/bin/sleep", "0.05"), &p);
		check_start(c, err, p, i, &h, &failed, &lost);
		h.stop = true;
		pthread_join(h.thread, NULL);
		ct_process_unref(p);
		if (now_ms() - began > 6000)
			fail_msg("round %d took %lld ms", i, now_ms() - began);
		/* the handle is as good as new */
		if (i % 10 == 0)
			assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
		ct_unref(c);
		if (!wait_until(no_orphans, text))
			fail_msg("round %d: processes left: %s", i, text);
	}
	print_message("# depth %d: %d starts failed, %d ended early, of %d\n", depth, failed, lost,
		      n);
	assert_true(failed + lost > 0);
}

/* ---- the supervisor is killed ---------------------------------------------------------------- */

/* The supervisor of web: the parent of its init. */
static pid_t supervisor(void)
{
	char path[64], line[256];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)ct_init_pid(box.c));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "PPid: %d", &pid) == 1)
			break;
	}
	if (f)
		fclose(f);
	return pid;
}

static void kill_supervisor(void **state)
{
	pid_t pid, init;
	int i;

	(void)state;
	for (i = 0; i < kills() / 4 + 2; i++) {
		run_web();
		init = ct_init_pid(box.c);
		pid = supervisor();
		assert_true(pid > 1 && pid != getpid());
		assert_int_equal(kill(pid, SIGKILL), 0);
		sleep_us(i * 300);
		assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
		check_clean("supervisor", i, true);
		assert_true(kill(init, 0) < 0);
	}
}

/* ... while someone waits, attaches or stops. */
static void *kill_soon(void *data)
{
	sleep_us(1500);
	kill((pid_t)(intptr_t)data, SIGKILL);
	return NULL;
}

static void kill_supervisor_meanwhile(void **state)
{
	pthread_t t;
	int i, what, err;

	(void)state;
	for (i = 0; i < kills() / 4 + 3; i++) {
		what = i % 3;
		run_web();
		assert_int_equal(pthread_create(&t, NULL, kill_soon,
						(void *)(intptr_t)supervisor()),
				 0);
		if (what == 0) {
			assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS),
					 CT_STATE_STOPPED);
		} else if (what == 1) {
			err = box_attach(box.c, NULL, ARGV("/bin/sleep", "5"), NULL, NULL);
			if (err && !ct_last_error(box.c)->message[0])
				fail_msg("no reason");
		} else {
			err = ct_stop(box.c, CT_STOP_NO_KILL, PATIENCE_MS);
			if (err && !ct_last_error(box.c)->message[0])
				fail_msg("no reason");
		}
		pthread_join(t, NULL);
		check_clean("supervisor meanwhile", i, i % 5 == 0);
	}
}

/* With monitor.signal.pdeath = 0 init lives on; the next stop ends it all the same. */
static void supervisor_without_pdeath(void **state)
{
	pid_t pid, init;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "monitor.signal.pdeath", "0"));
	run_web();
	init = ct_init_pid(box.c);
	pid = supervisor();
	assert_int_equal(kill(pid, SIGKILL), 0);
	nothing_happens_for(200);
	assert_int_equal(kill(init, 0), 0);
	/* it is known, and can be ended, without a supervisor */
	assert_ok(box.c, ct_clear_config(box.c, "monitor.signal.pdeath"));
	check_clean("no pdeath", 0, false);
	if (kill(init, 0) == 0) {
		kill(init, SIGKILL);
		fail_msg("init lives and nobody knows of it");
	}
}

static int each_setup(void **state)
{
	(void)state;
	box.c = box_handle(&box, "web");
	return box.c ? 0 : -1;
}

static int each_teardown(void **state)
{
	char text[256];

	(void)state;
	case_stop();
	box.c = ct_unref(box.c);
	wait_until(no_orphans, text);
	return 0;
}

static int group_setup(void **state)
{
	(void)state;
	if (box_setup_lived("web"))
		return -1;
	list_dir(box.state, listing_before, sizeof(listing_before));
	return 0;
}

#define CASE(name, f, data)                                                   \
	{                                                                     \
		name, f, each_setup, each_teardown, (void *)(uintptr_t)(data) \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("caller, during a start", kill_caller, START),
		CASE("caller, during a detached start", kill_caller, START_DETACHED),
		CASE("caller, during an attach", kill_caller, ATTACH),
		CASE("caller, during a stop", kill_caller, STOP),
		CASE("keeper, during a start", kill_below, 1),
		CASE("stage, during a start", kill_below, 2),
		CASE("supervisor", kill_supervisor, 0),
		CASE("supervisor, while someone waits", kill_supervisor_meanwhile, 0),
		CASE("supervisor, without pdeath", supervisor_without_pdeath, 0),
	};

	return cmocka_run_group_tests_name("killed", tests, group_setup, box_teardown);
}
