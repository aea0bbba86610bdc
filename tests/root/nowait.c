/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts and attaches that are not waited for, that are called off, and that something holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define SOON_MS 20000 /* what must happen; how fast is no business of a test */
#define NAME "nowait"

static ct_process *begin(ct_container *c, uint64_t flags, const char *const argv[])
{
	return must_start(c, CT_START_NOWAIT | flags, argv);
}

/* As an event loop does: polls the descriptor, asks, never waits in the call. */
static int follow(ct_process *p)
{
	long long until = now_ms() + SOON_MS;

	while (now_ms() < until) {
		int r = ct_process_started(p, 0);
		struct pollfd fd = { .fd = ct_process_start_fd(p), .events = POLLIN };

		if (r != -EINPROGRESS)
			return r;
		assert_true(fd.fd >= 0);
		poll(&fd, 1, 1000);
	}
	return -EINPROGRESS;
}

static const char *const exits_3[] = { "/bin/sh", "-c", "exit 3", NULL };
static const char *const missing[] = { "/bin/is-not-there", NULL };
static const char *const sleeps[] = { "/bin/sleep", "1000", NULL };

static void a_start_is_followed_by_its_descriptor(void **state)
{
	static const uint64_t kinds[] = { 0, CT_START_DETACH };

	(void)state;
	for (int i = 0; i < 2; i++) {
		ct_container *c = must_open(NAME);
		ct_process *p = begin(c, kinds[i], exits_3);
		ct_exit x = CT_EXIT_INIT;

		assert_int_equal(follow(p), 0);
		assert_int_equal(ct_process_started(p, 0), 0);
		assert_int_equal(ct_process_start_fd(p), -ESRCH);
		assert_int_equal(ct_process_wait(p, &x, SOON_MS), 0);
		assert_int_equal(x.reason, CT_EXIT_EXITED);
		assert_int_equal(x.code, 3);
		ct_process_unref(p);
		ct_unref(c);
	}
}

static void a_wait_goes_through_the_start(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p = begin(c, 0, exits_3);
	ct_exit x = CT_EXIT_INIT;

	(void)state;
	assert_int_equal(ct_process_wait(p, &x, SOON_MS), 0);
	assert_int_equal(x.code, 3);
	ct_process_unref(p);
	ct_unref(c);
}

/* The same words as from a start that waits, as often as they are asked for. */
static void a_failure_is_told_in_full(void **state)
{
	static const uint64_t kinds[] = { 0, CT_START_DETACH };

	(void)state;
	for (int i = 0; i < 2; i++) {
		ct_container *c = must_open(NAME);
		ct_process *p, *none = NULL;
		char message[1024];

		assert_refused(c, box_start(c, kinds[i], missing, &none), -ENOENT);
		assert_null(none);
		snprintf(message, sizeof(message), "%s", ct_last_error(c)->message);
		p = begin(c, kinds[i], missing);
		assert_int_equal(follow(p), -ENOENT);
		assert_string_equal(ct_process_last_error(p)->message, message);
		assert_int_equal(ct_process_wait(p, NULL, 0), -ENOENT);
		assert_int_equal(ct_process_kill(p, SIGKILL), -ESRCH);
		assert_int_equal(ct_state(c), CT_STATE_STOPPED);
		ct_process_unref(p);
		ct_unref(c);
	}
}

/* ---- called off ------------------------------------------------------------------------------ */

static ct_container *held_by_a_hook(const char *name)
{
	ct_container *c = must_open(name);

	assert_int_equal(box_config(c, "hook.pre-start", "/bin/sh -c \"exec sleep 50\"", NULL), 0);
	return c;
}

struct starter {
	pthread_t thread;
	ct_container *c;
	uint64_t flags;
	int r, id;
	char message[1024];
};

static void *start_and_wait(void *data)
{
	struct starter *s = data;
	ct_process *p = NULL;

	s->r = box_start(s->c, s->flags, sleeps, &p);
	/* the thread's own record */
	s->id = ct_last_error(s->c)->id;
	snprintf(s->message, sizeof(s->message), "%s", ct_last_error(s->c)->message);
	ct_process_unref(p);
	return NULL;
}

static int is_starting(void *c)
{
	return ct_state(c) == CT_STATE_STARTING;
}

static int call_off(ct_container *c, ct_process *p, int way)
{
	if (way == 0)
		return ct_stop(c, 0, SOON_MS);
	if (way == 1)
		return ct_stop(c, CT_STOP_KILL | CT_STOP_NO_WAIT, 0);
	if (way == 2)
		return ct_kill(c, SIGTERM);
	return p ? ct_process_kill(p, SIGINT) : ct_kill(c, SIGKILL);
}

static void a_start_is_called_off(void **state)
{
	static const uint64_t kinds[] = { 0, CT_START_DETACH };

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct starter s = { .c = held_by_a_hook(NAME), .flags = kinds[i / 4] };
		long long before = now_ms();

		assert_int_equal(pthread_create(&s.thread, NULL, start_and_wait, &s), 0);
		assert_true(wait_for(is_starting, s.c, SOON_MS));
		assert_int_equal(call_off(s.c, NULL, i % 4), 0);
		pthread_join(s.thread, NULL);
		if (s.r != -ECANCELED || s.id != CT_ERR_CANCELED)
			fail_msg("kind %d, way %d: %d (%s)", i / 4, i % 4, s.r, s.message);
		assert_true(now_ms() - before < 45000);
		assert_int_equal(ct_state(s.c), CT_STATE_STOPPED);
		ct_unref(s.c);
	}
}

static void a_start_that_is_not_waited_for_is_called_off(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		ct_container *c = held_by_a_hook(NULL);
		ct_process *p = begin(c, 0, sleeps);

		assert_int_equal(ct_process_started(p, 0), -EINPROGRESS);
		assert_int_equal(call_off(c, p, way), 0);
		assert_int_equal(follow(p), -ECANCELED);
		assert_int_equal(ct_process_last_error(p)->id, CT_ERR_CANCELED);
		ct_process_unref(p);
		ct_unref(c);
	}
}

static void a_start_goes_with_its_handle(void **state)
{
	static const uint64_t kinds[] = { 0, CT_START_DETACH };

	(void)state;
	for (int i = 0; i < 2; i++) {
		ct_container *c = held_by_a_hook(NAME);
		ct_process *p = begin(c, kinds[i], sleeps);

		ct_process_unref(p);
		ct_unref(c);
	}
}

/* ---- held by the payload --------------------------------------------------------------------- */

/* It stops whoever comes, again and again. */
static const char *const hostile[] = { "/bin/sh", "-c",
				       "while :; do kill -STOP -1; done 2>/dev/null", NULL };

static void a_payload_cannot_hold_an_attach(void **state)
{
	const int rounds = getenv("CT_LONG") ? 500 : 10;
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	static const char *const argv[] = { "/bin/true", NULL };
	ct_container *c = must_open(NULL);
	ct_process *p = begin(c, 0, hostile);
	int held = 0;

	(void)state;
	assert_int_equal(follow(p), 0);
	o.argv = argv;
	o.timeout_ms = 300;
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	for (int i = 0; i < rounds; i++) {
		ct_process *a = NULL;
		int r = ct_attach(c, &o, &a);

		if (r && r != -ETIMEDOUT)
			fail_msg("%d: %s", r, ct_last_error(c)->message);
		held += r == -ETIMEDOUT;
		ct_process_unref(a);
	}
	print_message("# %d of %d were held\n", held, rounds);
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void mistakes(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = must_open(NAME);
	ct_process *p;

	(void)state;
	o.flags = CT_START_NOWAIT | CT_START_DETACH;
	assert_refused(c, ct_start(c, &o, NULL), -EINVAL);
	p = begin(c, 0, sleeps);
	assert_refused(c, ct_start(c, NULL, NULL), -EBUSY);
	ct_process_unref(p);
	ct_unref(c);
	assert_int_equal(ct_process_start_fd(NULL), -EINVAL);
	assert_int_equal(ct_process_started(NULL, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_is_followed_by_its_descriptor),
		cmocka_unit_test(a_wait_goes_through_the_start),
		cmocka_unit_test(a_failure_is_told_in_full),
		cmocka_unit_test(a_start_is_called_off),
		cmocka_unit_test(a_start_that_is_not_waited_for_is_called_off),
		cmocka_unit_test(a_start_goes_with_its_handle),
		cmocka_unit_test(a_payload_cannot_hold_an_attach),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, box_setup_bare, box_teardown);
}
