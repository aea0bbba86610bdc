/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events that the groups tell, in process and detached, with whatever version of
 * cgroups there is. */
#include "events-told.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* A process that takes more than limit.memory has, after which init goes on. */
#define GREEDY "dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; "

static int has_file(const char *name)
{
	char text[64];

	return ct_cgroup_get(box.c, name, text, sizeof(text)) >= 0;
}

static void frozen(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		ct_process *p = start(i, ARGV("/bin/sleep", "1000"));

		ask(i, NULL);
		for (int k = 0; k < 3; k++) {
			assert_ok(box.c, ct_freeze(box.c, PATIENCE_MS));
			wait_told("FROZEN");
			quiet();
			assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
			wait_told("THAWED");
			quiet();
			assert_string_equal(told, "FROZEN THAWED");
			forget();
		}
		/* there and back is nothing to tell */
		assert_ok(box.c, ct_freeze(box.c, PATIENCE_MS));
		assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
		take_all();
		quiet();
		assert_string_equal(told, "");
		assert_ok(box.c, ct_kill(box.c, SIGKILL));
		wait_told("EXITED");
		end(p);
		ask_no_more();
	}
}

/* Version 1 stopped to give notice of it with Linux 6.11; who asks is told. */
static void pids_limit(void **state)
{
	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.pids", "3"));
	for (int i = 0; i < 2; i++) {
		ct_process *p;

		ask(i, NULL);
		/* a shell without a process to spare gives up, but it is not init */
		p = start(i, ARGV("/bin/sh", "-c",
				  "(sleep 0.2; sleep 1000 & sleep 1000 & sleep "
				  "1000) & exec sleep 1000"));
		ask_until("PIDS_LIMIT");
		assert_int_equal(count("STARTED"), 1);
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
		wait_told("EXITED");
		assert_int_equal(count("EXITED"), 1);
		end(p);
		quiet();
		ask_no_more();
	}
}

static int told_of_both(void *unused)
{
	(void)unused;
	take_all();
	return count("OOM_KILL") == 2 || strstr(told, "OOM_KILL=2");
}

/* There is a notice, on either version; and none of the kills is lost or told twice. */
static void oom(void **state)
{
	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.memory", "32M"));
	for (int i = 0; i < 2; i++) {
		ct_process *p;

		ask(i, NULL);
		p = start(i, ARGV("/bin/sh", "-c", "sleep 0.2; " GREEDY GREEDY "sleep 1000"));
		assert_int_equal(wait_until(told_of_both, NULL), 1);
		quiet();
		assert_true(knows("OOM"));
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
		wait_told("EXITED");
		end(p);
		quiet();
		assert_true(told_of_both(NULL));
		ask_no_more();
	}
}

/* The container has ended of it, and its groups are gone before anybody looks: the verdict tells,
 * which stays of a defined one. */
static void oom_at_the_end(void **state)
{
	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.memory", "32M"));
	assert_ok(box.c, ct_create(box.c, NULL));
	for (int i = 0; i < 2; i++) {
		ct_process *p;

		ask(i, NULL);
		p = start(i, ARGV("/bin/sh", "-c", "sleep 0.1; " GREEDY));
		take_all();
		forget();
		end(p);
		wait_told("EXITED");
		if (!knows("OOM_KILL") || strcmp(told + strlen(told) - 13, " EMPTY EXITED"))
			fail_msg("round %d told: %s", i, told);
		quiet();
		ask_no_more();
	}
	assert_ok(box.c, ct_destroy(box.c, 0));
}

static void memory_high(void **state)
{
	ct_process *p;

	(void)state;
	assert_int_equal(box_config(box.c, "limit.memory", "64M", "limit.memory.high", "try:16M",
				    NULL),
			 0);
	p = start(0, ARGV("/bin/sh", "-c",
			  "sleep 0.3; dd if=/dev/zero of=/dev/null bs=24M count=1 "
			  "2>/dev/null; sleep 1000"));
	ask(0, NULL);
	if (has_file("memory.high"))
		wait_told("MEMORY_HIGH");
	else
		print_message("# memory.high is version 2's, which does not have the controller "
			      "here\n");
	ct_process_kill(p, SIGKILL);
	end(p);
}

/* ---- pressure -------------------------------------------------------------------------------- */

/* More processes than processors. */
static ct_process *start_busy(int is_detached)
{
	return start(is_detached, ARGV("/bin/sh", "-c",
				       "for i in 1 2 3 4 5 6 7 8; do while :; "
				       "do :; done & done; sleep 1000"));
}

static void pressure(void **state)
{
	ct_event_opts o = CT_EVENT_OPTS_INIT;

	(void)state;
	o.window_us = 2000000;
	o.cpu_stall_us = 100000;
	for (int i = 0; i < 2; i++) {
		ct_process *p;

		seer = i ? box_handle(&box, "web") : box.c;
		fd = ct_event_fd(seer, &o);
		if (fd == -EOPNOTSUPP) {
			print_message("# %s\n", ct_last_error(seer)->message);
			return;
		}
		assert_ok(seer, fd);
		p = start_busy(i);
		take_all();
		wait_told("PRESSURE");
		assert_non_null(strstr(told, "PRESSURE:1"));
		/* a second one, then none without a threshold */
		forget();
		wait_told("PRESSURE");
		ct_event_opts none = CT_EVENT_OPTS_INIT;

		assert_int_equal(ct_event_fd(seer, &none), fd);
		take_all();
		forget();
		nothing_happens_for(2500);
		take_all();
		assert_string_equal(told, "");
		/* and again with the container running */
		assert_int_equal(ct_event_fd(seer, &o), fd);
		wait_told("PRESSURE");
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
		wait_told("EXITED");
		end(p);
		quiet();
		ask_no_more();
	}
}

/* The caller polls the descriptor before it asks: that takes nothing away. A window that the kernel
 * refuses is an error with its reason. */
static void pressure_errors(void **state)
{
	ct_event_opts o = CT_EVENT_OPTS_INIT;
	ct_process *p = start(0, ARGV("/bin/sleep", "1000"));
	ct_container *c = box_handle(&box, NULL);
	int r;

	(void)state;
	o.cpu_stall_us = 100000;
	r = ct_event_fd(box.c, &o);
	if (r < 0 && r != -EOPNOTSUPP) {
		assert_int_equal(ct_last_error(box.c)->id, CT_ERR_PRIVILEGE);
		assert_non_null(strstr(ct_last_error(box.c)->hint, "CAP_SYS_RESOURCE"));
	}
	if (r < 0) {
		/* nothing stays of it */
		ct_event e = CT_EVENT_INIT;

		assert_refused(box.c, ct_next_event(box.c, &e), -EINVAL);
	}
	ct_process_kill(p, SIGKILL);
	end(p);
	/* a container without a group cannot have them: said once, the rest is told */
	o.window_us = 2000000;
	r = ct_event_fd(c, &o);
	if (r >= 0) {
		ct_event e = CT_EVENT_INIT;

		assert_ok(c, ct_set_config(c, "cgroup.backend", "none"));
		assert_ok(c, ct_set_config(c, "limit.devices", "all"));
		p = NULL;
		p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
		assert_refused(c, ct_next_event(c, &e), -EOPNOTSUPP);
		assert_int_equal(ct_next_event(c, &e), 1);
		assert_int_equal(e.type, CT_EVENT_STARTED);
		assert_int_equal(ct_next_event(c, &e), 0);
		ct_process_kill(p, SIGKILL);
		end(p);
		assert_int_equal(ct_next_event(c, &e), 1);
		assert_int_equal(e.type, CT_EVENT_EXITED);
		assert_int_equal(ct_next_event(c, &e), 0);
	}
	ct_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frozen),	       CASE(pids_limit),  CASE(oom),
		CASE(oom_at_the_end),  CASE(memory_high), CASE(pressure),
		CASE(pressure_errors),
	};

	return cmocka_run_group_tests_name("events-groups", tests, box_setup_used, box_teardown);
}
