/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events: that a container was started, rebooted and has ended; when the descriptor says that there
 * is something; and that who waits costs nothing and leaves nothing. In process and detached. */
#include "events-told.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCHERS 100
/* An init that reboots at SIGINT. */
#define INIT "trap 'reboot -f' INT; echo x >>/var/log/boots; while :; do sleep 0.05; done"

/* ---- beginnings and ends --------------------------------------------------------------------- */

static void arguments(void **state)
{
	ct_event_opts o = CT_EVENT_OPTS_INIT;
	ct_event e = CT_EVENT_INIT;

	(void)state;
	assert_refused(box.c, ct_next_event(box.c, &e), -EINVAL);
	o.window_us = 499999;
	assert_refused(box.c, ct_event_fd(box.c, &o), -EINVAL);
	o.window_us = 10000001;
	assert_refused(box.c, ct_event_fd(box.c, &o), -EINVAL);
	assert_int_equal(ct_last_error(box.c)->id, CT_ERR_RANGE);
	o.window_us = 2000000;
	o.io_stall_us = 2000001;
	assert_refused(box.c, ct_event_fd(box.c, &o), -EINVAL);
	assert_int_equal(ct_last_error(box.c)->id, CT_ERR_RANGE);
	o.io_stall_us = 0;
	o.flags = 1;
	assert_refused(box.c, ct_event_fd(box.c, &o), -EINVAL);
	o.flags = 0;
	ask(0, &o);
	e.size = 3;
	assert_refused(box.c, ct_next_event(box.c, &e), -EINVAL);
	quiet();
	assert_string_equal(told, "");
}

/* The start by the handle itself is noticed with the next call; from then on there are notices. */
static void in_process(void **state)
{
	(void)state;
	ask(0, NULL);
	for (int i = 0; i < 3; i++) {
		ct_process *p = start(0, ARGV("/bin/sleep", "1000"));

		assert_string_equal(take_all(), "STARTED");
		quiet();
		assert_ok(box.c, ct_kill(box.c, SIGKILL));
		wait_told("EXITED");
		if (i == 0)
			assert_string_equal(told, "STARTED EMPTY EXITED");
		/* it can be waited for before and after */
		quiet();
		end(p);
		quiet();
		assert_int_equal(count("EXITED"), 1);
		forget();
	}
}

/* Started and gone between two calls, waited for or not. */
static void in_process_short(void **state)
{
	(void)state;
	ask(0, NULL);
	for (int i = 0; i < 3; i++) {
		ct_process *p = start(0, ARGV("/bin/true"));
		struct pollfd gone = { .fd = ct_process_pidfd(p), .events = POLLIN };

		if (i)
			ct_process_wait(p, NULL, PATIENCE_MS);
		assert_int_equal(poll(&gone, 1, 5000), 1);
		take_all();
		assert_int_equal(count("STARTED"), 1);
		assert_int_equal(count("EXITED"), 1);
		assert_string_equal(told + strlen(told) - 6, "EXITED");
		end(p);
		quiet();
		forget();
	}
}

/* One container ends and another one is started without a look in between: first the
 * end, then the start. */
static void one_after_the_other(void **state)
{
	ct_process *p = start(0, ARGV("/bin/sleep", "1000"));

	(void)state;
	ask(0, NULL);
	quiet();
	ct_process_kill(p, SIGKILL);
	end(p);
	p = start(0, ARGV("/bin/sleep", "1000"));
	assert_string_equal(take_all(), "EMPTY EXITED STARTED");
	quiet();
	ct_process_kill(p, SIGKILL);
	wait_told("EXITED");
	end(p);
}

/* Nobody needs to ask whether it was started: another handle, even before there is a state
 * directory; of a defined container the directory stays. */
static void detached(void **state)
{
	(void)state;
	ask(1, NULL);
	for (int i = 0; i < 6; i++) {
		if (i == 3)
			assert_ok(box.c, ct_create(box.c, NULL));
		quiet();
		ct_process_unref(start(1, ARGV("/bin/sleep", "1000")));
		wait_told("STARTED");
		quiet();
		assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
		wait_told("EXITED");
		assert_string_equal(told, "STARTED EMPTY EXITED");
		quiet();
		forget();
	}
	/* started and gone without a look in between: it must have gone entirely, though */
	end(start(1, ARGV("/bin/true")));
	ask_until("EXITED");
	assert_int_equal(count("STARTED"), 1);
	assert_int_equal(count("EXITED"), 1);
	quiet();
	forget();
	assert_ok(box.c, ct_destroy(box.c, 0));
	quiet();
	assert_string_equal(told, "");
}

/* With the word of its end the next one can be started. Defined: of others nothing is left
 * for who looks late. */
static void detached_again_at_once(void **state)
{
	(void)state;
	assert_ok(box.c, ct_create(box.c, NULL));
	ask(1, NULL);
	for (int i = 0; i < 20; i++) {
		ct_process_unref(start(1, ARGV("/bin/sleep", i % 2 ? "0" : "0.05")));
		wait_told("EXITED");
		assert_int_equal(count("STARTED"), 1);
		assert_int_equal(count("EXITED"), 1);
		forget();
	}
	quiet();
	assert_ok(box.c, ct_destroy(box.c, 0));
}

static void rebooted(void **state)
{
	intptr_t n = 1;

	(void)state;
	assert_int_equal(box_config(box.c, "signal.reboot", "SIGINT", "cap.drop", "sys_module",
				    NULL),
			 0);
	rootfs_drop(&box.root, "var/log/boots");
	ct_process_unref(start(1, ARGV("/bin/sh", "-c", INIT)));
	assert_int_equal(wait_until(has_booted, (void *)n++), 1);
	ask(1, NULL);
	quiet();
	for (int i = 0; i < 3; i++) {
		assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
		wait_told("STARTED");
		quiet();
		assert_string_equal(told, "STARTED");
		forget();
		assert_int_equal(wait_until(has_booted, (void *)n++), 1);
	}
	/* twice without a look */
	assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	assert_int_equal(wait_until(has_booted, (void *)n++), 1);
	assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	assert_string_equal(take_all(), "STARTED=2");
	quiet();
	forget();
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	wait_told("EXITED");
	assert_string_equal(told, "EMPTY EXITED");
	quiet();
}

/* Only what comes after is told. */
static void base_line(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		ct_process *p = start(i, ARGV("/bin/sleep", "1000"));

		ask(i, NULL);
		quiet();
		assert_string_equal(told, "");
		assert_ok(box.c, ct_kill(box.c, SIGKILL));
		wait_told("EXITED");
		assert_string_equal(told, "EMPTY EXITED");
		quiet();
		end(p);
		ask_no_more();
		/* nor what has ended before */
		ask(1, NULL);
		quiet();
		assert_string_equal(told, "");
		ask_no_more();
	}
}

static pid_t supervisor(void)
{
	char path[64], text[512] = "", *p;
	int f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)ct_init_pid(box.c));
	f = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(f >= 0 && read(f, text, sizeof(text) - 1) > 0);
	close(f);
	p = strrchr(text, ')');
	return p ? (pid_t)strtol(p + 4, NULL, 10) : -1;
}

static void killed_supervisor(void **state)
{
	(void)state;
	ct_process_unref(start(1, ARGV("/bin/sleep", "1000")));
	ask(1, NULL);
	kill(supervisor(), SIGKILL);
	wait_told("EXITED");
	assert_string_equal(told, "EMPTY EXITED");
	quiet();
	assert_int_equal(ct_state(seer), CT_STATE_STOPPED);
	quiet();
	forget();
	/* an init that survives it is still the container */
	assert_ok(box.c, ct_set_config(box.c, "monitor.signal.pdeath", "0"));
	ct_process_unref(start(1, ARGV("/bin/sleep", "1000")));
	wait_told("STARTED");
	kill(supervisor(), SIGKILL);
	nothing_happens_for(100);
	quiet();
	assert_string_equal(told, "STARTED");
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	wait_told("EXITED");
	quiet();
}

/* ---- who waits ------------------------------------------------------------------------------- */

static long long cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void idle(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		ct_process *p = start(i, ARGV("/bin/sleep", "1000"));
		long long began;

		ask(i, NULL);
		quiet();
		began = cpu_us();
		assert_int_equal(readable(1000), 0);
		assert_true(cpu_us() - began < 20000 * slowness());
		assert_int_equal(watches("clockid:"), 0);
		/* others that look make no notice */
		for (int k = 0; k < 10; k++)
			ct_state(box.c);
		assert_int_equal(readable(50), 0);
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
		end(p);
		ask_no_more();
	}
}

/* One event for each call, and readable until the last was taken. */
static void readable_to_the_last(void **state)
{
	ct_process *p;

	(void)state;
	ask(0, NULL);
	p = start(0, ARGV("/bin/true"));
	end(p);
	assert_int_equal(take(), 1);
	while (strcmp(told + strlen(told) - 6, "EXITED")) {
		assert_int_equal(readable(0), 1);
		assert_int_equal(take(), 1);
	}
	assert_int_equal(readable(0), 0);
	assert_int_equal(take(), 0);
}

/* After the end only what tells of the next start is left. */
static void released(void **state)
{
	int files, notes;

	(void)state;
	assert_int_equal(box_config(box.c, "limit.memory", "64M", "limit.pids", "100", NULL), 0);
	ask(1, NULL);
	take_all();
	files = watches("tfd:");
	notes = watches("inotify wd:");
	for (int i = 0; i < 3; i++) {
		ct_process *p = start(1, ARGV("/bin/sleep", "1000"));

		wait_told("STARTED");
		assert_true(watches("tfd:") > files);
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
		end(p);
		wait_told("EXITED");
		forget();
		assert_int_equal(watches("tfd:"), files);
		assert_int_equal(watches("inotify wd:"), notes);
	}
	ct_unref(seer);
	seer = box.c;
	assert_int_equal(watches("tfd:"), 0);
	assert_int_equal(watches("inotify wd:"), 0);
}

static void many(void **state)
{
	static ct_container *c[WATCHERS];
	int fds[WATCHERS], n = 0;
	struct rlimit was, more;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	more = (struct rlimit){ was.rlim_max, was.rlim_max };
	setrlimit(RLIMIT_NOFILE, &more);
	assert_int_equal(box_config(box.c, "limit.memory", "64M", "limit.pids", "100", NULL), 0);
	for (n = 0; n < WATCHERS; n++) {
		c[n] = box_handle(&box, "web");
		fds[n] = ct_event_fd(c[n], NULL);
		assert_ok(c[n], fds[n]);
	}
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			ct_process_unref(start(1, ARGV("/bin/sleep", "1000")));
		else
			assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
		for (int i = 0; i < n; i++) {
			seer = c[i];
			fd = fds[i];
			forget();
			wait_told(round ? "EXITED" : "STARTED");
			take_all();
			assert_int_equal(count(round ? "EXITED" : "STARTED"), 1);
		}
	}
	for (int i = 0; i < n; i++)
		ct_unref(c[i]);
	setrlimit(RLIMIT_NOFILE, &was);
	seer = box.c;
}

/* In a forked child the handle is refused and can be let go of: the parent's watches stay. */
static void forked(void **state)
{
	ct_process *p = start(1, ARGV("/bin/sleep", "1000"));
	int status = -1;
	pid_t pid;

	(void)state;
	ask(1, NULL);
	pid = fork();
	if (pid == 0) {
		ct_event e = CT_EVENT_INIT;
		int bad = ct_next_event(seer, &e) != -ECHILD || ct_event_fd(seer, NULL) != -ECHILD;

		ct_unref(seer);
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	quiet();
	ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
	wait_told("EXITED");
	assert_string_equal(told, "EMPTY EXITED");
	quiet();
	end(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(arguments),
		CASE(in_process),
		CASE(in_process_short),
		CASE(one_after_the_other),
		CASE(detached),
		CASE(detached_again_at_once),
		CASE(rebooted),
		CASE(base_line),
		CASE(killed_supervisor),
		CASE(idle),
		CASE(readable_to_the_last),
		CASE(released),
		CASE(many),
		CASE(forked),
	};

	return cmocka_run_group_tests_name("events", tests, box_setup_used, box_teardown);
}
