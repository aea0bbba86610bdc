/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups from systemd: a delegated scope of the system's manager for root, of the user's own for
 * root of a user namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup-help.h"

static struct talk talk;
static char unit[160];
static bool of_user;

/* ---- systemd's view -------------------------------------------------------------------------- */

static bool booted_by_systemd(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* A property of the unit, in buf. */
static const char *property(const char *name, char *buf, size_t size)
{
	const char *argv[] = {
		"systemctl", of_user ? "--user" : "--system", "show", "-P", name, unit, NULL
	};
	struct run_result r;

	assert_int_equal(run_tool(argv, NULL, 30000, &r), 0);
	snprintf(buf, size, "%.*s", (int)strcspn(r.out, "\n"), r.out);
	run_free(&r);
	return buf;
}

/* Waits until the manager has forgotten the unit. */
static void assert_scope_gone(void)
{
	long long end = now_ms() + 20000;
	char state[64];

	while (strcmp(property("ActiveState", state, sizeof(state)), "inactive") && now_ms() < end)
		sleep_ms(50);
	if (strcmp(state, "inactive"))
		fail_msg("%s is still %s", unit, state);
	assert_no_groups(box.word);
}

/* The scope that the process is in: "ct-....scope". */
static void find_unit(pid_t pid)
{
	char place[512];
	struct tree t;

	if (!place_of(pid, box.word, &t, place, sizeof(place)))
		fail_msg("the payload has no group of ours");
	unit[0] = 0;
	for (char *save = NULL, *part = strtok_r(place, "/", &save); part;
	     part = strtok_r(NULL, "/", &save))
		if (strstr(part, ".scope"))
			snprintf(unit, sizeof(unit), "%s", part);
	if (strncmp(unit, "ct-", 3))
		fail_msg("it is in %s, no scope of ours", place);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static int set_limits(void)
{
	return box_config(box.c, "limit.memory", "64M", "limit.pids", "30", NULL);
}

/* box.c is another one, anonymous. */
static int make_another(void)
{
	box.c = box_handle(&box, NULL);
	return !box.c || set_limits() ||
	       box_config(box.c, "cgroup.pattern", box.pattern, "cgroup.backend", "systemd", NULL);
}

/* Nothing says who is to make the groups. */
static int setup_automatic(void **state)
{
	return cgroup_case_setup("sysd", *state) || set_limits();
}

static int setup(void **state)
{
	return setup_automatic(state) || box_config(box.c, "cgroup.backend", "systemd", NULL);
}

/* What the manager and the kernel have of it. */
static void check_scope(ct_container *c, pid_t pid, int64_t pids)
{
	char text[256];

	find_unit(pid);
	assert_string_equal(property("ActiveState", text, sizeof(text)), "active");
	assert_string_equal(property("Delegate", text, sizeof(text)), "yes");
	assert_string_equal(property("Slice", text, sizeof(text)),
			    of_user ? "app.slice" : "machine.slice");
	assert_int_equal(group_number(c, "memory.max", NULL), 64 * MIB);
	assert_int_equal(group_number(c, "pids.max", NULL), pids);
}

static void in_process(void **state)
{
	ct_exit ex;

	(void)state;
	talk_start(box.c, 0,
		   ARGV("/bin/sh", "-c", "echo ready; read x; exec probe hold 0 100000000"), &talk);
	/* the small init takes none of the program's */
	check_scope(box.c, ct_process_pid(talk.p), 31);
	assert_ok(box.c, ct_freeze(box.c, PATIENCE_MS));
	assert_int_equal(ct_state(box.c), CT_STATE_FROZEN);
	assert_ok(box.c, ct_unfreeze(box.c, PATIENCE_MS));
	ex = talk_end(&talk);
	assert_int_equal(ex.reason, CT_EXIT_MEMORY);
	assert_scope_gone();
}

static void detached(void **state)
{
	ct_event e = CT_EVENT_INIT;
	int fd;

	(void)state;
	talk_start(box.c, CT_START_DETACH, ARGV("/bin/sh", "-c", "echo ready; read x"), &talk);
	check_scope(box.c, ct_process_pid(talk.p), 30);
	assert_string_equal(unit, "ct-sysd.scope");
	fd = ct_event_fd(box.c, NULL);
	assert_ok(box.c, fd);
	while (ct_next_event(box.c, &e) > 0)
		;
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	assert_scope_gone();
	/* the name is free again */
	talk_drop_all();
	talk_start(box.c, CT_START_DETACH,
		   ARGV("/bin/sh", "-c", "echo ready; read x; exec probe hold 0 100000000"), &talk);
	check_scope(box.c, ct_process_pid(talk.p), 30);
	assert_int_equal(talk_end(&talk).reason, CT_EXIT_MEMORY);
	assert_scope_gone();
}

/* Root in a service that systemd has given no groups to make has one made. A user namespace's root
 * has groups of its own, or none. */
static void automatic(void **state)
{
	(void)state;
	if (of_user)
		elsewhere_because("root's own systemd is asked");
	talk_start(box.c, 0, ARGV("/bin/sh", "-c", "echo ready; read x"), &talk);
	check_scope(box.c, ct_process_pid(talk.p), 31);
	talk_end(&talk);
	assert_scope_gone();
}

/* Two of one process at a time have a scope each. */
static void two(void **state)
{
	ct_container *first = box.c;
	struct talk other;
	char one[160];

	(void)state;
	talk_start(first, 0, ARGV("/bin/sh", "-c", "echo ready; read x"), &talk);
	find_unit(ct_process_pid(talk.p));
	snprintf(one, sizeof(one), "%s", unit);
	assert_int_equal(make_another(), 0);
	talk_start(box.c, 0, ARGV("/bin/sh", "-c", "echo ready; read x"), &other);
	find_unit(ct_process_pid(other.p));
	assert_string_not_equal(one, unit);
	talk_end(&other);
	talk_end(&talk);
	ct_unref(first);
	assert_scope_gone();
}

/* A caller that is killed takes its container along, and the manager takes the scope away. */
static void killed_caller(void **state)
{
	int status, fd[2] = { -1, -1 };
	char line[160] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe_above(fd), 0);
	pid = fork();
	if (pid == 0) {
		struct talk t;

		if (make_another())
			_exit(1);
		talk_start(box.c, 0, ARGV("/bin/sh", "-c", "echo ready; read x"), &t);
		find_unit(ct_process_pid(t.p));
		dprintf(fd[1], "%s\n", unit);
		raise(SIGKILL);
	}
	close(fd[1]);
	if (!read_until(fd[0], "\n", PATIENCE_MS, line, sizeof(line)))
		fail_msg("the caller has not come so far: %s", line);
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	snprintf(unit, sizeof(unit), "%.*s", (int)strcspn(line, "\n"), line);
	assert_scope_gone();
}

/* Where no systemd has booted there is one clear sentence, and the direct way works. */
static void without_systemd(void **state)
{
	(void)state;
	assert_refused(box.c, talk_try(box.c, 0, ARGV("/bin/true"), &talk), -EOPNOTSUPP);
	print_message("# %s\n", ct_last_error(box.c)->message);
	assert_non_null(strstr(ct_last_error(box.c)->message, "not booted by systemd"));
	assert_non_null(strstr(ct_last_error(box.c)->hint, "cgroup.backend to auto"));
	assert_int_equal(box_config(box.c, "cgroup.backend", "auto", NULL), 0);
	talk_start(box.c, 0, ARGV("/bin/sh", "-c", "echo ready; read x"), &talk);
	assert_int_equal(talk_end(&talk).reason, CT_EXIT_EXITED);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		perror(path);
		exit(1);
	}
	close(fd);
}

/* An ordinary user becomes root of a user namespace, as with unshare(1) -r. */
static void become_root(void)
{
	char uids[64], gids[64];

	snprintf(uids, sizeof(uids), "0 %u 1\n", (unsigned)geteuid());
	snprintf(gids, sizeof(gids), "0 %u 1\n", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
		perror("unshare");
		exit(1);
	}
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uids);
	put("/proc/self/gid_map", gids);
	of_user = true;
}

#define CASE(f, name)                                                         \
	{                                                                     \
#f, f, setup, cgroup_case_teardown, (void *)(uintptr_t)(name) \
	}

int main(void)
{
	const struct CMUnitTest with[] = { CASE(in_process, NULL),
					   CASE(detached, "sysd"),
					   CASE(two, NULL),
					   CASE(killed_caller, NULL),
					   { "automatic", automatic, setup_automatic,
					     cgroup_case_teardown, NULL } };
	const struct CMUnitTest without[] = { CASE(without_systemd, NULL) };

	if (geteuid() != 0)
		become_root();
	if (booted_by_systemd())
		return cmocka_run_group_tests_name("systemd", with, box_setup_bare, box_teardown);
	return cmocka_run_group_tests_name("systemd", without, box_setup_bare, box_teardown);
}
