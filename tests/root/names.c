/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of containers up to what a directory's may have, 255 bytes, wherever one is
 * made from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup-help.h"
#include "leak.h"
#include "run.h"

#define WAIT_MS 60000
/* Ends with 5 at SIGTERM and reboots at SIGINT. */
#define INIT                                                                           \
	"trap 'exit 5' TERM; trap 'reboot -f' INT; echo x >>/var/log/boots; while :; " \
	"do sleep 0.02; done"

/* A name of this run with `n` bytes that ends in `last`. */
static const char *name_of(size_t n, char last, char *name)
{
	int begin = snprintf(name, 300, "%s", box.word);

	memset(name + begin, 'x', n - (size_t)begin);
	name[n - 1] = last;
	name[n] = '\0';
	return name;
}

static ct_container *handle(const char *name)
{
	ct_container *c = must_open(name);

	assert_int_equal(box_config(c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT",
				    "cap.drop", "sys_module", NULL),
			 0);
	return c;
}

static ct_process *start(ct_container *c, uint64_t flags, const char *script)
{
	return must_start(c, flags, ARGV("/bin/sh", "-c", script));
}

static int lists(unsigned which, const char *name)
{
	char *names = NULL, line[512];
	int found;

	assert_true(ct_list(&box.where, which, &names) >= 0);
	snprintf(line, sizeof(line), "%s\n", name);
	found = strstr(names, line) != NULL;
	ct_free(names);
	return found;
}

static int no_groups(void *data)
{
	(void)data;
	return groups_named(box.word, NULL, 0) == 0;
}

static void host_name_is(ct_container *c, const char *want)
{
	char *out = NULL;

	assert_int_equal(box_attach(c, NULL, ARGV("/bin/hostname"), &out, NULL), 0);
	out[strcspn(out, "\n")] = '\0';
	assert_string_equal(out, want);
	free(out);
}

/* The whole life of one. */
static void whole_life(size_t n)
{
	char name[300], host[65];
	ct_container *c = handle(name_of(n, 'z', name)), *other;
	ct_exit x = CT_EXIT_INIT;
	ct_process *p;
	pid_t before;

	assert_ok(c, ct_create(c, NULL));
	assert_true(lists(CT_LIST_DEFINED, name));
	rootfs_drop(&box.root, "var/log/boots");
	p = start(c, CT_START_DETACH, INIT);
	assert_int_equal(wait_until(has_booted, (void *)1), 1);
	other = handle(name);
	assert_int_equal(ct_state(other), CT_STATE_RUNNING);
	assert_true(lists(CT_LIST_RUNNING, name));
	snprintf(host, sizeof(host), "%.64s", name);
	host_name_is(other, host);
	before = ct_init_pid(other);
	assert_ok(other, ct_reboot(other, WAIT_MS));
	assert_int_not_equal(ct_init_pid(other), before);
	assert_int_equal(wait_until(has_booted, (void *)2), 1);
	host_name_is(other, host);
	assert_ok(other, ct_stop(other, 0, WAIT_MS));
	assert_int_equal(ct_process_wait(p, &x, WAIT_MS), 0);
	assert_int_equal(x.code, 5);
	assert_int_equal(ct_last_exit(other, &x), 0);
	assert_int_equal(ct_state(c), CT_STATE_STOPPED);
	assert_ok(c, ct_destroy(c, 0));
	assert_false(lists(CT_LIST_DEFINED | CT_LIST_RUNNING, name));
	assert_int_equal(wait_until(no_groups, NULL), 1);
	ct_process_unref(p);
	ct_unref(other);
	ct_unref(c);
}

static void a_life_with_a_long_name(void **state)
{
	(void)state;
	/* an engine's id; what a cgroup has room for, and no more; the longest */
	for (size_t i = 0; i < 4; i++)
		whole_life((const size_t[]){ 64, 240, 241, 255 }[i]);
}

/* Two that differ in the last byte only have groups of their own, which say whose they are. */
static void groups_are_told_apart(void **state)
{
	char name[2][300];
	char *places[2];
	ct_container *c[2];
	ct_process *p[2];

	(void)state;
	for (int detached = 0; detached < 2; detached++) {
		for (int i = 0; i < 2; i++) {
			c[i] = handle(name_of(255, (char)('a' + i), name[i]));
			assert_ok(c[i], ct_set_config(c[i], "limit.pids", "try:20"));
			p[i] = start(c[i], detached ? CT_START_DETACH : 0, INIT);
			places[i] = leak_places(ct_process_pid(p[i]));
			assert_non_null(places[i]);
		}
		if (strstr(places[0], box.word))
			assert_string_not_equal(places[0], places[1]);
		for (int i = 0; i < 2; i++) {
			assert_ok(c[i], ct_stop(c[i], CT_STOP_KILL, WAIT_MS));
			assert_int_equal(ct_process_wait(p[i], NULL, WAIT_MS), 0);
			free(places[i]);
			ct_process_unref(p[i]);
			ct_unref(c[i]);
		}
		assert_int_equal(wait_until(no_groups, NULL), 1);
	}
}

/* ---- after a kill ---------------------------------------------------------------------------- */

static void a_killed_supervisor_is_cleared_up_after(void **state)
{
	char name[300], path[64], line[256];
	ct_container *c = handle(name_of(255, 's', name));
	ct_process *p = start(c, CT_START_DETACH, INIT);
	pid_t parent = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)ct_process_pid(p));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "PPid:", 5))
			parent = atoi(line + 5);
	fclose(f);
	assert_true(parent > 1);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, NULL, WAIT_MS), 0);
	/* its sockets and locks go one after the other */
	assert_int_equal(wait_for(is_at_rest, c, WAIT_MS), 1);
	assert_int_equal(wait_until(no_groups, NULL), 1);
	assert_false(lists(CT_LIST_RUNNING, name));
	ct_process_unref(p);
	ct_unref(c);
}

/* The groups of one in process, whose caller was killed: the next start clears them by the
 * mark in their name. */
static void a_killed_caller_is_cleared_up_after(void **state)
{
	char name[300], said = 0;
	int end[2];
	ct_container *c;
	ct_process *p;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(end), 0);
	child = fork();
	if (child == 0) {
		c = box_handle(&box, name_of(255, 'k', name));
		if (c &&
		    box_config(c, "rootfs.path", box.root.path, "limit.pids", "try:20", NULL) ==
			    0 &&
		    (p = start(c, 0, INIT)) && write(end[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(end[1]);
	assert_int_equal(read(end[0], &said, 1), 1);
	close(end[0]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	c = handle(NULL);
	assert_ok(c, ct_set_config(c, "limit.pids", "try:20"));
	p = start(c, 0, "exit 0");
	assert_int_equal(ct_process_wait(p, NULL, WAIT_MS), 0);
	assert_int_equal(wait_until(no_groups, NULL), 1);
	ct_process_unref(p);
	ct_unref(c);
}

/* A directory of the same beginning, that a killed removal has left, is the other's. */
static void hidden_names_are_told_apart(void **state)
{
	char name[2][300], command[2 * PATH_MAX];
	ct_container *c[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		c[i] = handle(name_of(255, (char)('a' + i), name[i]));
		assert_ok(c[i], ct_create(c[i], NULL));
	}
	for (int i = 0; i < 2; i++) {
		assert_ok(c[i], ct_destroy(c[i], 0));
		assert_int_equal(lists(CT_LIST_DEFINED, name[1]), i == 0);
		ct_unref(c[i]);
	}
	snprintf(command, sizeof(command), "test -z \"$(ls -A %s)\"", box.dir);
	assert_int_equal(system(command), 0);
}

/* ---- tools and mistakes ---------------------------------------------------------------------- */

static void tool(const char *tool_name, const char *name, const char *more, const char *want)
{
	char path[PATH_MAX];
	struct run_result r;

	assert_int_equal(run_tool(ARGV(built(tool_name, path, sizeof(path)), "-P", box.dir,
				       "--state-dir", box.state, name, more),
				  NULL, WAIT_MS, &r),
			 0);
	if (r.status || (want && !strstr(r.out, want)))
		fail_msg("%s: %d: %s%s", tool_name, r.status, r.out, r.err);
	run_free(&r);
}

static void tools_take_them(void **state)
{
	char name[300], more[2 * PATH_MAX];

	(void)state;
	name_of(255, 't', name);
	tool("tools/ct-create", name, "-tbusybox", NULL);
	snprintf(more, sizeof(more), "--define=signal.halt=SIGTERM");
	tool("tools/ct-start", name, more, NULL);
	tool("tools/ct-ls", "-f", "--running", name);
	tool("tools/ct-info", name, "--state", "RUNNING");
	tool("tools/ct-stop", name, "-k", NULL);
	tool("tools/ct-destroy", name, "-f", NULL);
	assert_int_equal(wait_until(no_groups, NULL), 1);
}

static void one_byte_more(void **state)
{
	char name[300];
	ct_container *c = NULL;
	const ct_error *e = NULL;
	ct_new_opts where = box.where;

	(void)state;
	where.error = &e;
	assert_int_equal(ct_new(&c, name_of(256, 'z', name), &where), -ENAMETOOLONG);
	assert_null(c);
	assert_non_null(strstr(e->message, "255 bytes"));
	assert_int_equal(ct_new(&c, name_of(255, 'z', name), &where), 0);
	assert_string_equal(ct_name(c), name);
	ct_unref(c);
}

static int open_box(void **state)
{
	int r = box_setup_bare(state);

	box_word(&box, "long");
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_with_a_long_name),
		cmocka_unit_test(groups_are_told_apart),
		cmocka_unit_test(a_killed_supervisor_is_cleared_up_after),
		cmocka_unit_test(a_killed_caller_is_cleared_up_after),
		cmocka_unit_test(hidden_names_are_told_apart),
		cmocka_unit_test(tools_take_them),
		cmocka_unit_test(one_byte_more),
	};

	return cmocka_run_group_tests(tests, open_box, box_teardown);
}
