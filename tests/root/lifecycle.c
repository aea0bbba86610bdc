/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In-process containers: start, wait, kill, stop, start again, verdicts and limits, two
 * threads on one object. */
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
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

/* Starts with no stdio. */
static ct_process *start(const char *const argv[])
{
	return must_start(box.c, 0, argv);
}

#define TRAPPED(trap) ARGV("/bin/sh", "-c", trap "; echo trapped; while :; do sleep 0.05; done")

/* Starts one that says "trapped", and waits until it has. */
static ct_process *start_said(const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;
	char text[64] = "";
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	o.argv = argv;
	o.stdio[0] = o.stdio[2] = -1;
	o.stdio[1] = fd[1];
	assert_ok(box.c, ct_start(box.c, &o, &p));
	close(fd[1]);
	assert_true(read_until(fd[0], "trapped", PATIENCE_MS, text, sizeof(text)));
	close(fd[0]);
	return p;
}

static ct_exit wait_end(ct_process *p)
{
	ct_exit ex = CT_EXIT_INIT;

	assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
	return ex;
}

static void exit_code(void **state)
{
	const int codes[] = { 0, 1, 2, 77, 125, 126, 127, 128, 255 };
	char number[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(number, sizeof(number), "%d", codes[i]);
		ct_process *p = start(ARGV("/bin/probe", "exit", number));
		ct_exit ex = wait_end(p);

		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		assert_int_equal(ex.code, codes[i]);
		assert_int_equal(ex.signal, 0);
		assert_true(ex.wall_us > 0 && ex.wall_us < PATIENCE_MS * 1000ull);
		ct_process_unref(p);
	}
}

static void usage(void **state)
{
	ct_process *p =
		start(ARGV("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=33554432", "count=4"));
	ct_exit ex = wait_end(p);

	(void)state;
	assert_int_equal(ex.code, 0);
	/* the kernel counts in steps of some pages for each processor */
	assert_in_range(ex.max_rss, 31 << 20, 64 << 20);
	assert_true(ex.user_us + ex.system_us > 0);
	ct_process_unref(p);
}

/* Init of a pid namespace dies of a signal of its own only when the kernel forces it; SIGSEGV
 * by a fault is one. */
static void signalled(void **state)
{
	ct_process *p;
	ct_exit ex;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "namespace.keep", "pid"));
	p = start(ARGV("/bin/probe", "signal", "15"));
	ex = wait_end(p);
	assert_int_equal(ex.reason, CT_EXIT_SIGNALED);
	assert_int_equal(ex.signal, SIGTERM);
	assert_int_equal(ex.code, 128 + SIGTERM);
	ct_process_unref(p);
}

static void killed(void **state)
{
	ct_process *p = start(ARGV("/bin/sleep", "1000"));
	ct_exit ex = CT_EXIT_INIT;

	(void)state;
	assert_int_equal(ct_process_wait(p, &ex, 0), -ETIMEDOUT);
	assert_int_equal(ct_process_wait(p, &ex, 50), -ETIMEDOUT);
	assert_int_equal(ct_process_kill(p, SIGKILL), 0);
	ex = wait_end(p);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ex.signal, SIGKILL);
	/* can be asked again, and killing the dead says so */
	ex = wait_end(p);
	assert_int_equal(ex.signal, SIGKILL);
	assert_int_equal(ct_process_kill(p, SIGKILL), -ESRCH);
	assert_true(ct_process_last_error(p)->message[0]);
	ct_process_unref(p);
}

static void killed_by_container(void **state)
{
	ct_process *p = start(ARGV("/bin/sleep", "1000"));
	ct_exit ex;

	(void)state;
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_int_equal(ct_init_pid(box.c), ct_process_pid(p));
	assert_refused(box.c, ct_kill(box.c, 4711), -EINVAL);
	assert_ok(box.c, ct_kill(box.c, SIGKILL));
	ex = wait_end(p);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	assert_refused(box.c, ct_kill(box.c, SIGKILL), -ESRCH);
	ct_process_unref(p);
}

/* A payload that goes when asked, one that does not, and one that is only asked. */
static void stopped(void **state)
{
	ct_process *p;
	ct_exit ex;
	long long began;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "signal.halt", "SIGTERM"));
	p = start_said(TRAPPED("trap 'exit 7' TERM"));
	assert_ok(box.c, ct_stop(box.c, 0, PATIENCE_MS));
	ex = wait_end(p);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ex.code, 7);
	ct_process_unref(p);

	p = start_said(TRAPPED("trap '' TERM"));
	began = now_ms();
	assert_refused(box.c, ct_stop(box.c, CT_STOP_NO_KILL, 300), -ETIMEDOUT);
	assert_true(now_ms() - began >= 280);
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_ok(box.c, ct_stop(box.c, 0, 300));
	ex = wait_end(p);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ex.signal, SIGKILL);
	ct_process_unref(p);

	p = start(ARGV("/bin/sleep", "1000"));
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	ex = wait_end(p);
	assert_int_equal(ex.signal, SIGKILL);
	assert_refused(box.c, ct_stop(box.c, 0, 100), -ESRCH);
	assert_refused(box.c, ct_stop(box.c, 0x8000, 100), -EINVAL);
	ct_process_unref(p);
}

static void again(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		ct_process *p = start(ARGV("/bin/sleep", "1000")), *second = NULL;
		ct_start_opts o = CT_START_OPTS_INIT;

		assert_refused(box.c, ct_start(box.c, &o, &second), -EBUSY);
		assert_null(second);
		ct_process_kill(p, SIGKILL);
		wait_end(p);
		ct_process_unref(p);
	}
}

/* The handle is an owner of what it started, too: the last one who lets go ends it. What entered
 * has one owner only. */
static void let_go(void **state)
{
	ct_process *p = start(ARGV("/bin/sleep", "1000")), *q = NULL;
	pid_t pid = ct_process_pid(p), entered;

	(void)state;
	assert_ok(box.c, box_enter(box.c, ARGV("/bin/sleep", "1000"), &q));
	entered = ct_process_pid(q);
	ct_process_ref(q);
	ct_process_unref(q);
	assert_int_equal(kill(entered, 0), 0);
	ct_process_unref(q);
	assert_true(kill(entered, 0) < 0 && errno == ESRCH);
	ct_process_unref(p);
	assert_int_equal(kill(pid, 0), 0);
	box.c = ct_unref(box.c);
	assert_true(kill(pid, 0) < 0 && errno == ESRCH);
}

static void pidfd_polls(void **state)
{
	ct_process *p = start(ARGV("/bin/sleep", "1000"));
	struct pollfd fd = { .fd = ct_process_pidfd(p), .events = POLLIN };

	(void)state;
	assert_true(fd.fd > 2);
	assert_true(fcntl(fd.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(poll(&fd, 1, 20), 0);
	assert_ok(box.c, ct_process_kill(p, SIGKILL));
	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	assert_int_equal(wait_end(p).signal, SIGKILL);
	ct_process_unref(p);
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void time_limit(void **state)
{
	/* on a busy machine the program may not have run at all in the first of them */
	static const char *const limits[] = { "300ms", "3s", "20s" };
	ct_exit ex = CT_EXIT_INIT;
	ct_process *p;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits) && !(ex.user_us + ex.system_us);
	     i++) {
		assert_ok(box.c, ct_set_config(box.c, "limit.time", limits[i]));
		p = start(ARGV("/bin/probe", "spin"));
		ex = wait_end(p);
		assert_int_equal(ex.reason, CT_EXIT_TIME);
		assert_int_equal(ex.signal, SIGKILL);
		assert_true(ex.wall_us >= 290000 && ex.wall_us < PATIENCE_MS * 1000ull);
		ct_process_unref(p);
	}
	assert_true(ex.user_us + ex.system_us > 0);
	assert_ok(box.c, ct_set_config(box.c, "limit.time", "20s"));
	p = start(ARGV("/bin/true"));
	assert_int_equal(wait_end(p).reason, CT_EXIT_EXITED);
	ct_process_unref(p);
}

/* Who waits passes the output on and counts it. */
static ct_exit output_of(const char *bytes, off_t *got)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int fd = memfd_create("out", MFD_CLOEXEC);
	ct_process *p = NULL;
	ct_exit ex;

	o.argv = ARGV("/bin/probe", "output", bytes);
	o.stdio[0] = -1;
	o.stdio[1] = o.stdio[2] = fd;
	assert_ok(box.c, ct_start(box.c, &o, &p));
	ex = wait_end(p);
	ct_process_unref(p);
	*got = lseek(fd, 0, SEEK_END);
	close(fd);
	return ex;
}

static void output_limit(void **state)
{
	off_t got;
	ct_exit ex;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.output", "64KB"));
	ex = output_of("1000", &got);
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(got, 1000);
	ex = output_of("65536", &got);
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(got, 65536);
	ex = output_of("100000000", &got);
	assert_int_equal(ex.reason, CT_EXIT_OUTPUT);
	assert_int_equal(got, 65536);
}

/* Output and process limits of the kernel hold inside and do not touch the caller. */
static void resource_limits(void **state)
{
	char nofile[64], *out = NULL;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "prlimit.nofile", "100:200"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/probe"), &out, NULL));
	assert_string_equal(probe_get(out, "nofile", nofile, sizeof(nofile)), "[100, 200]");
	free(out);
}

/* ---- two threads ----------------------------------------------------------------------------- */

static void *kill_later(void *data)
{
	(void)data;
	/* the other thread waits by now, or not yet: either must do */
	sleep_ms(200);
	return (void *)(intptr_t)ct_kill(box.c, SIGKILL);
}

static void *stop_later(void *data)
{
	(void)data;
	/* the other thread waits by now, or not yet: either must do */
	sleep_ms(200);
	return (void *)(intptr_t)ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
}

static void *process_kill_later(void *data)
{
	/* the other thread waits by now, or not yet: either must do */
	sleep_ms(200);
	return (void *)(intptr_t)ct_process_kill(data, SIGKILL);
}

static void wait_and_kill(void **state)
{
	void *(*const how[])(void *) = { kill_later, stop_later, process_kill_later };
	pthread_t t;
	void *result;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		ct_process *p = start(ARGV("/bin/sleep", "1000"));
		ct_exit ex = CT_EXIT_INIT;

		assert_int_equal(pthread_create(&t, NULL, how[i], p), 0);
		assert_int_equal(ct_process_wait(p, &ex, -1), 0);
		pthread_join(t, &result);
		assert_int_equal((intptr_t)result, 0);
		assert_int_equal(ex.reason, CT_EXIT_STOPPED);
		ct_process_unref(p);
	}
	/* ct_wait() on the handle, too */
	ct_process *p = start(ARGV("/bin/sleep", "1000"));

	assert_int_equal(pthread_create(&t, NULL, kill_later, NULL), 0);
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	pthread_join(t, &result);
	ct_process_unref(p);
}

/* ---- attach ---------------------------------------------------------------------------------- */

/* Its namespaces are those of the container's program, and none is the caller's. */
static void check_namespaces(pid_t pid, const char *out)
{
	const char *const ns[] = { "ns_mnt", "ns_pid", "ns_uts", "ns_ipc", "ns_net" };
	char a[64], b[64], host[64], link[64];
	ssize_t n;

	for (size_t i = 0; i < 5; i++) {
		snprintf(link, sizeof(link), "/proc/%d/ns/%s", (int)pid, ns[i] + 3);
		n = readlink(link, a, sizeof(a) - 1);
		assert_true(n > 0);
		a[n] = 0;
		probe_get(out, ns[i], b, sizeof(b));
		if (!strstr(b, a))
			fail_msg("%s: attached to %s, the container has %s", ns[i], b, a);
		snprintf(link, sizeof(link), "/proc/self/ns/%s", ns[i] + 3);
		n = readlink(link, host, sizeof(host) - 1);
		host[n < 0 ? 0 : n] = 0;
		assert_string_not_equal(a, host);
	}
}

static void attach(void **state)
{
	ct_process *p = start(ARGV("/bin/sleep", "1000"));
	char *out = NULL, a[64];
	ct_exit ex = CT_EXIT_INIT;

	(void)state;
	assert_ok(box.c, box_attach(box.c, NULL, ARGV("/bin/probe"), &out, &ex));
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	check_namespaces(ct_process_pid(p), out);
	assert_string_equal(probe_get(out, "fds", a, sizeof(a)), "[0, 1, 2]");
	free(out);
	/* exit codes, and what cannot be executed */
	assert_ok(box.c, box_attach(box.c, NULL, ARGV("/bin/probe", "exit", "9"), NULL, &ex));
	assert_int_equal(ex.code, 9);
	assert_refused(box.c, box_attach(box.c, NULL, ARGV("/bin/nothing"), NULL, NULL), -ENOENT);
	assert_int_equal(ct_last_error(box.c)->id, CT_ERR_EXEC);
	assert_refused(box.c, box_attach(box.c, NULL, ARGV("/etc/passwd"), NULL, NULL), -EACCES);
	/* the container's end is the end of those who entered */
	ct_process *q = NULL;

	assert_ok(box.c, box_enter(box.c, ARGV("/bin/sleep", "1000"), &q));
	ct_process_kill(p, SIGKILL);
	wait_end(p);
	ex = wait_end(q);
	assert_int_equal(ex.signal, SIGKILL);
	ct_process_unref(q);
	ct_process_unref(p);
	assert_refused(box.c, box_attach(box.c, NULL, ARGV("/bin/true"), NULL, NULL), -ESRCH);
}

/* ---- a handle in a forked child -------------------------------------------------------------- */

static void forked(void **state)
{
	ct_process *p = start(ARGV("/bin/sleep", "1000"));
	int status = 0;
	pid_t pid;

	(void)state;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		ct_start_opts o = CT_START_OPTS_INIT;
		int bad = ct_start(box.c, &o, NULL) != -ECHILD;

		bad |= ct_kill(box.c, SIGKILL) != -ECHILD;
		ct_unref(box.c); /* must not end the parent's container */
		_exit(bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(kill(ct_process_pid(p), 0), 0);
	ct_process_unref(p);
}

/* A start that fails, at any point, leaves the handle usable and nothing behind:
 * case_teardown() compares. */
static void failed_then_fine(void **state)
{
	ct_process *p;

	(void)state;
	assert_refused(box.c, box_run(box.c, NULL, ARGV("/no/such/program"), NULL, NULL), -ENOENT);
	assert_int_equal(ct_last_error(box.c)->id, CT_ERR_EXEC);
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	assert_ok(box.c, ct_set_config(box.c, "mount.entry", "/no/such/source mnt none bind 0 0"));
	assert_true(box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL) < 0);
	assert_string_equal(ct_last_error(box.c)->key, "mount.entry");
	assert_ok(box.c, ct_clear_config(box.c, "mount.entry"));
	p = start(ARGV("/bin/true"));
	assert_int_equal(wait_end(p).code, 0);
	ct_process_unref(p);
}

/* ct_check and ct_dump_plan change nothing, and agree with what a start then does. */
static void dry(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	char *text = NULL, *json = NULL;

	(void)state;
	o.argv = ARGV("/bin/true");
	assert_ok(box.c, ct_check(box.c, &o));
	assert_ok(box.c, ct_dump_plan(box.c, &o, CT_FORMAT_TEXT, &text));
	assert_ok(box.c, ct_dump_plan(box.c, &o, CT_FORMAT_JSON, &json));
	assert_non_null(strstr(text, "run.exec"));
	assert_non_null(strstr(text, "mount.pivot"));
	assert_true(json[0] == '{' || json[0] == '[');
	ct_free(text);
	ct_free(json);
	assert_ok(box.c, ct_set_config(box.c, "selinux.context", "a:b:c"));
	assert_refused(box.c, ct_check(box.c, &o), -EOPNOTSUPP);
	assert_string_equal(ct_last_error(box.c)->key, "selinux.context");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, case_setup, case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(exit_code),
		CASE(usage),
		CASE(signalled),
		CASE(killed),
		CASE(killed_by_container),
		CASE(stopped),
		CASE(again),
		CASE(let_go),
		CASE(pidfd_polls),
		CASE(time_limit),
		CASE(output_limit),
		CASE(resource_limits),
		CASE(wait_and_kill),
		CASE(attach),
		CASE(forked),
		CASE(failed_then_fine),
		CASE(dry),
	};

	return cmocka_run_group_tests_name("lifecycle", tests, box_setup_used, box_teardown);
}
