/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Without descriptors to be had a call says so: what runs is never reported as not running. And
 * what a manager learns that comes later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define ENOUGH 64 /* descriptors more than are open */

/* ---- few descriptors ------------------------------------------------------------------------- */

static ct_container *c;

static int call_state(void)
{
	int r = ct_state(c);

	return r == CT_STATE_RUNNING ? 0 : r;
}

static int call_list(void)
{
	char *names = NULL;
	int r = ct_list(&box.where, CT_LIST_RUNNING, &names);

	if (r >= 0 && (r != 1 || strcmp(names, "here\n")))
		r = -EPROTO;
	ct_free(names);
	return r < 0 ? r : 0;
}

/* 0: it is what was to come; another success is none. */
static int expected(int r, int wanted)
{
	if (r == wanted)
		return 0;
	return r >= 0 ? -EPROTO : r;
}

static int call_wait(void)
{
	int r = ct_wait(c, CT_STATE_STOPPED, 0);

	return expected(r, -ETIMEDOUT);
}

static int call_wait_running(void)
{
	int r = ct_wait(c, CT_STATE_RUNNING, 1000);

	return expected(r, CT_STATE_RUNNING);
}

static int call_pid(void)
{
	int r = ct_init_pid(c);

	return r > 0 ? 0 : r;
}

static int call_pidfd(void)
{
	int r = ct_init_pidfd(c);

	if (r >= 0)
		close(r);
	return r < 0 ? r : 0;
}

static int call_kill(void)
{
	return ct_kill(c, 0);
}

static int call_stats(void)
{
	ct_usage u = CT_USAGE_INIT;

	return ct_stats(c, &u);
}

static int call_attach(void)
{
	ct_process *p = NULL;
	int r;

	r = box_enter(c, ARGV("/bin/true"), &p);
	ct_process_unref(p);
	return r;
}

static int call_open_process(void)
{
	ct_process *p = NULL;
	int r = ct_open_process(c, &p);

	ct_process_unref(p);
	return r;
}

static int call_last_exit(void)
{
	ct_exit x = CT_EXIT_INIT;
	int r = ct_last_exit(c, &x);

	return expected(r, -ENODATA);
}

static int call_destroy(void)
{
	int r = ct_destroy(c, 0);

	return expected(r, -EBUSY);
}

static int call_stop(void)
{
	int r = ct_stop(c, CT_STOP_NO_KILL, 50);

	return r == -ETIMEDOUT ? 0 : r;
}

#define CALL(f)              \
	{                    \
#f, call_##f \
	}
static const struct {
	const char *name;
	int (*call)(void);
} calls[] = { CALL(state),     CALL(list),    CALL(wait),  CALL(wait_running), CALL(pid),
	      CALL(pidfd),     CALL(kill),    CALL(stats), CALL(attach),       CALL(open_process),
	      CALL(last_exit), CALL(destroy), CALL(stop) };

/* With each number of free descriptors up to enough: done, or no descriptor, and then
 * with words. */
static void each_open_fails(void **state)
{
	struct rlimit all, few;
	int first = dup(0);

	(void)state;
	close(first);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int good = 0;

		for (int n = 0; n < ENOUGH && good < 3; n++) {
			int r;

			few = all;
			few.rlim_cur = (rlim_t)(first + n);
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
			r = calls[i].call();
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
			if (r && r != -EMFILE)
				fail_msg("%s with %d descriptors: %d (%s)", calls[i].name, n, r,
					 ct_last_error(c)->message);
			if (r && calls[i].call != call_list && !ct_last_error(c)->message[0])
				fail_msg("%s with %d descriptors: no message", calls[i].name, n);
			good += !r;
		}
		if (!good)
			fail_msg("%s never works", calls[i].name);
	}
	assert_int_equal(ct_state(c), CT_STATE_RUNNING);
}

/* ---- for who comes later --------------------------------------------------------------------- */

static void start(ct_container *k, const char *script, ct_process **p)
{

	assert_ok(k, box_start(k, CT_START_DETACH, ARGV("/bin/sh", "-c", script), p));
}

/* The lock that a call of another process holds while it looks at the container, or begins a
 * start. To be closed. */
static int hold_lock(const char *name)
{
	char pattern[2 * PATH_MAX];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	glob_t found;
	int fd;

	snprintf(pattern, sizeof(pattern), "%s/*/%s/lock", box.state, name);
	if (glob(pattern, 0, NULL, &found))
		fail_msg("%s: no such file", pattern);
	fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
	globfree(&found);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

/* The verdict is there again and again, as the process itself had it. */
static void check_last(ct_container *k, ct_container *other, const ct_exit *direct)
{
	ct_exit x = CT_EXIT_INIT;

	for (int again = 0; again < 2; again++) {
		assert_ok(other, ct_last_exit(other, &x));
		assert_int_equal(x.reason, CT_EXIT_EXITED);
		assert_int_equal(x.code, 9);
		assert_memory_equal(&x, direct, sizeof(x));
		assert_int_equal(ct_state(k), CT_STATE_STOPPED);
	}
}

static void last_exit(void **state)
{
	ct_container *k = box_handle(&box, "last"), *other = box_handle(&box, "last");
	ct_exit x = CT_EXIT_INIT, direct = CT_EXIT_INIT;
	ct_process *p = NULL;
	int lock;

	(void)state;
	assert_ok(k, ct_create(k, NULL));
	assert_refused(other, ct_last_exit(other, &x), -ENODATA);
	start(k, "exit 9", &p);
	assert_ok(k, ct_process_wait(p, &direct, 30000));
	ct_process_unref(p);
	check_last(k, other, &direct);
	lock = hold_lock("last");
	assert_ok(other, ct_last_exit(other, &x));
	assert_memory_equal(&x, &direct, sizeof(x));
	close(lock);
	start(k, "sleep 1000", NULL);
	assert_refused(other, ct_last_exit(other, &x), -ENODATA);
	assert_ok(k, ct_stop(k, CT_STOP_KILL, 5000));
	assert_ok(other, ct_last_exit(other, &x));
	assert_int_equal(x.reason, CT_EXIT_STOPPED);
	assert_int_equal(x.signal, SIGKILL);
	x.size = 0;
	assert_refused(other, ct_last_exit(other, &x), -EINVAL);
	x.size = sizeof(x);
	assert_ok(k, ct_destroy(k, 0));
	assert_refused(other, ct_last_exit(other, &x), -ENODATA);
	ct_unref(other);
	ct_unref(k);
}

static void open_process(void **state)
{
	ct_container *k = box_handle(&box, "opened"), *other = box_handle(&box, "opened");
	ct_exit x = CT_EXIT_INIT, direct = CT_EXIT_INIT;
	ct_process *p = NULL, *q = NULL;

	(void)state;
	assert_refused(other, ct_open_process(other, &q), -ESRCH);
	start(k, "trap 'exit 4' USR1; while :; do sleep 0.02; done", &p);
	assert_ok(other, ct_open_process(other, &q));
	assert_int_equal(ct_process_pid(q), ct_process_pid(p));
	assert_int_equal(ct_process_wait(q, NULL, 0), -ETIMEDOUT);
	/* letting go of it ends nothing */
	ct_process_unref(q);
	assert_int_equal(ct_state(k), CT_STATE_RUNNING);
	q = NULL;
	assert_ok(other, ct_open_process(other, &q));
	sleep_ms(100);
	assert_int_equal(ct_process_kill(q, SIGUSR1), 0);
	assert_int_equal(ct_process_wait(q, &x, 30000), 0);
	assert_int_equal(ct_process_wait(p, &direct, 30000), 0);
	assert_int_equal(x.reason, direct.reason);
	assert_int_equal(x.wall_us, direct.wall_us);
	assert_refused(other, ct_open_process(other, &q), -ESRCH);
	ct_process_unref(q);
	ct_process_unref(p);
	ct_unref(other);
	ct_unref(k);
}

static int setup(void **state)
{
	if (box_setup_bare(state))
		return -1;
	c = box_handle(&box, "here");
	if (!c || ct_create(c, NULL))
		return -1;
	start(c, "sleep 1000", NULL);
	return 0;
}

static int teardown(void **state)
{
	ct_destroy(c, CT_DESTROY_FORCE);
	ct_unref(c);
	return box_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_open_fails),
					    cmocka_unit_test(last_exit),
					    cmocka_unit_test(open_process) };

	return cmocka_run_group_tests_name("few-descriptors", tests, setup, teardown);
}
