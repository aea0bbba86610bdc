/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a container is asked to end, the same in process and detached; and calls beside a
 * supervisor that is stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

/* ---- the signal ------------------------------------------------------------------------------ */

/* Starts an init that exits with 7 at this signal, once it has said so; the process. */
static ct_process *trapping(ct_container *c, const char *sig, unsigned flags)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;
	char script[256], byte = 0;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	if (sig && !strncmp(sig, "read ", 5))
		snprintf(script, sizeof(script), "exec /bin/probe reads-signal %s", sig + 5);
	else if (sig)
		snprintf(script, sizeof(script),
			 "trap 'exit 7' %s; echo; while :; do sleep 0.02; done", sig);
	else
		snprintf(script, sizeof(script), "echo; while :; do sleep 0.02; done");
	/* a system is pid 1 itself */
	o.flags = flags | (flags & CT_START_EXECUTE ? 0 : CT_START_NO_REAPER);
	o.argv = ARGV("/bin/sh", "-c", script);
	o.stdio[0] = -1;
	o.stdio[1] = o.stdio[2] = fd[1];
	assert_ok(c, ct_start(c, &o, &p));
	close(fd[1]);
	assert_int_equal(read(fd[0], &byte, 1), 1);
	close(fd[0]);
	return p;
}

static const char *with_groups; /* init.groups */

/* Its exit code after a stop that would wait for long. */
static int code_of_stop(const char *sig, unsigned flags, int timeout_ms)
{
	ct_container *c = box_handle(&box, flags & CT_START_DETACH ? "asked" : NULL);
	ct_exit x = CT_EXIT_INIT;
	ct_process *p;

	if (with_groups)
		assert_ok(c, ct_set_config(c, "init.groups", with_groups));
	p = trapping(c, sig, flags);
	assert_ok(c, ct_stop(c, 0, timeout_ms));
	assert_ok(c, ct_process_wait(p, &x, 30000));
	assert_int_equal(x.reason, CT_EXIT_STOPPED);
	ct_process_unref(p);
	ct_unref(c);
	return x.code;
}

static void asked_by_what_it_catches(void **state)
{
	/* 37 is SIGRTMIN+3 */
	static const char *const sigs[] = { "TERM", "PWR", "37", "read 37", "read 30", "read 15" };

	(void)state;
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		assert_int_equal(code_of_stop(sigs[i], 0, 20000), 7);
		assert_int_equal(code_of_stop(sigs[i], CT_START_DETACH, 20000), 7);
	}
	/* a program is asked by SIGTERM, whatever it catches */
	assert_int_equal(code_of_stop("TERM", CT_START_EXECUTE, 20000), 7);
	assert_int_equal(code_of_stop("TERM", CT_START_EXECUTE | CT_START_DETACH, 20000), 7);
	/* who catches nothing is killed */
	assert_int_equal(code_of_stop(NULL, 0, 100), 128 + SIGKILL);
	assert_int_equal(code_of_stop(NULL, CT_START_DETACH, 100), 128 + SIGKILL);
}

/* Its status file is longer than a page: what it catches stands behind 600 groups of ten digits. */
static void behind_many_groups(void **state)
{
	static char groups[600 * 12];
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		n += (size_t)snprintf(groups + n, sizeof(groups) - n, "%s%u", i ? "," : "",
				      4000000000u + i);
	with_groups = groups;
	assert_int_equal(code_of_stop("TERM", 0, 20000), 7);
	assert_int_equal(code_of_stop("TERM", CT_START_DETACH, 20000), 7);
	with_groups = NULL;
}

/* ---- a supervisor that is stopped ------------------------------------------------------------ */

struct sleeper {
	ct_container *c;
	ct_process *p;
	pid_t init, super;
};

static int is_stopped(void *data)
{
	char path[64], text[512], *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)*(pid_t *)data);
	f = fopen(path, "re");
	if (!f || !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	p = strrchr(text, ')');
	return p && p[2] == 'T';
}

static struct sleeper stopped(const char *name)
{
	struct sleeper s = { .c = box_handle(&box, name) };

	s.p = trapping(s.c, "TERM", CT_START_DETACH);
	s.init = ct_init_pid(s.c);
	assert_true(s.init > 0);
	s.super = parent_of(s.init);
	assert_true(s.super > 1);
	assert_int_equal(kill(s.super, SIGSTOP), 0);
	assert_int_equal(wait_for(is_stopped, &s.super, 10000), 1);
	return s;
}

static void go_on(struct sleeper *s)
{
	kill(s->super, SIGCONT);
	if (s->p)
		ct_stop(s->c, CT_STOP_KILL, 5000);
	ct_process_unref(s->p);
	ct_unref(s->c);
}

#define SLACK_MS (1000 * slowness())

/* The call comes back in time, with what is expected (a negative errno, or not). */
#define IN_TIME(call, deadline_ms, good)                                           \
	do {                                                                       \
		long long began_ = now_ms(), r_ = (long long)(call), took_;        \
		took_ = now_ms() - began_;                                         \
		if (took_ > (deadline_ms) + SLACK_MS || !(good))                   \
			fail_msg("%s = %lld after %lld ms (%s)", #call, r_, took_, \
				 ct_last_error(s.c)->message);                     \
	} while (0)

/* What only the supervisor can do. */
static void needs_a_supervisor(struct sleeper s)
{
	char *text = NULL;
	size_t len;

	IN_TIME(ct_console_open(s.c, 0), 1000, r_ == -ETIMEDOUT);
	IN_TIME(ct_console_log(s.c, 0, &text, &len), 1000, r_ == -ETIMEDOUT);
	IN_TIME(ct_console_resize(s.c, 0, 20, 20), 1000, r_ == -ETIMEDOUT);
	IN_TIME(ct_reboot(s.c, 0), 1000, r_ == -ETIMEDOUT);
	IN_TIME(ct_reboot(s.c, 300), 1000, r_ == -ETIMEDOUT);
}

/* What goes by the container's cgroups and its init. */
static void needs_the_payload(struct sleeper s)
{
	ct_process *p = NULL;
	ct_usage u = CT_USAGE_INIT;
	ct_attach_opts ao = CT_ATTACH_OPTS_INIT;

	ao.argv = ARGV("/bin/true");
	IN_TIME(ct_stats(s.c, &u), 1000, r_ != -ESRCH);
	IN_TIME(ct_freeze(s.c, 1000), 2000, r_ != -ESRCH);
	IN_TIME(ct_unfreeze(s.c, 1000), 2000, r_ != -ESRCH);
	IN_TIME(ct_attach(s.c, &ao, &p), 3000, r_ == 0);
	ct_process_unref(p);
}

static void calls_come_back(void **state)
{
	struct sleeper s = stopped("mute"), other = { .c = box_handle(&box, "other") };
	char *text = NULL, pid[32];

	(void)state;
	other.p = trapping(other.c, "TERM", CT_START_DETACH);
	snprintf(pid, sizeof(pid), "process %d", (int)s.super);
	IN_TIME(ct_state(s.c), 1000, r_ == -ETIMEDOUT);
	assert_non_null(strstr(ct_last_error(s.c)->message, pid));
	IN_TIME(ct_list(&box.where, CT_LIST_RUNNING, &text), 100, r_ == 2);
	ct_free(text);
	IN_TIME(ct_state(other.c), 1000, r_ == CT_STATE_RUNNING);
	IN_TIME(ct_init_pid(s.c), 1000, r_ == s.init);
	IN_TIME(ct_wait(s.c, CT_STATE_STOPPED, 0), 1000, r_ == -ETIMEDOUT);
	IN_TIME(ct_wait(s.c, CT_STATE_STOPPED, 700), 1200, r_ == -ETIMEDOUT);
	IN_TIME(ct_wait(s.c, CT_STATE_RUNNING, 300), 1000, r_ == -ETIMEDOUT);
	needs_a_supervisor(s);
	needs_the_payload(s);
	IN_TIME(ct_kill(s.c, 0), 1000, r_ == 0);
	IN_TIME(ct_destroy(s.c, 0), 1000, r_ < 0);
	IN_TIME(ct_stop(s.c, CT_STOP_NO_WAIT | CT_STOP_NO_KILL, 0), 1000, r_ == 0);
	assert_ok(other.c, ct_stop(other.c, CT_STOP_KILL, 5000));
	ct_process_unref(other.p);
	ct_unref(other.c);
	go_on(&s);
}

static int has_ended(void *data)
{
	pid_t pid = *(pid_t *)data;
	char path[64], text[512] = "", *p;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	p = strrchr(text, ')');
	return !p || p[2] == 'Z' || p[2] == 'X';
}

static void stops_go_round_it(void **state)
{
	struct sleeper s = stopped("polite");

	(void)state;
	/* it goes when it is asked, and so it is not killed */
	IN_TIME(ct_stop(s.c, 0, 20000), 21000, r_ == 0);
	assert_int_equal(has_ended(&s.init), 1);
	go_on(&s);
	s = stopped("killed");
	IN_TIME(ct_stop(s.c, CT_STOP_KILL, 0), 2000, r_ == 0);
	assert_int_equal(has_ended(&s.init), 1);
	IN_TIME(ct_state(s.c), 1000, r_ == CT_STATE_STOPPING);
	go_on(&s);
	s = stopped("signalled");
	IN_TIME(ct_kill(s.c, SIGKILL), 1000, r_ == 0);
	assert_int_equal(wait_for(has_ended, &s.init, 10000), 1);
	go_on(&s);
	s = stopped("deaf");
	kill(s.init, SIGSTOP);
	IN_TIME(ct_stop(s.c, 0, 500), 1500 + 1000, r_ == 0);
	assert_int_equal(has_ended(&s.init), 1);
	go_on(&s);
}

static void destroyed_by_force(void **state)
{
	struct sleeper s = { .c = box_handle(&box, "doomed") };

	(void)state;
	assert_ok(s.c, ct_create(s.c, NULL));
	ct_unref(s.c);
	s = stopped("doomed");
	IN_TIME(ct_destroy(s.c, CT_DESTROY_FORCE), 10000, r_ == 0);
	assert_int_equal(ct_state(s.c), CT_STATE_STOPPED);
	assert_int_equal(wait_for(has_ended, &s.super, 10000), 1);
	ct_process_unref(s.p);
	ct_unref(s.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_by_what_it_catches), cmocka_unit_test(behind_many_groups),
		cmocka_unit_test(calls_come_back),	    cmocka_unit_test(stops_go_round_it),
		cmocka_unit_test(destroyed_by_force),
	};

	return cmocka_run_group_tests_name("stop", tests, box_setup_bare, box_teardown);
}
