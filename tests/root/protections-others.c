/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ct_protections() of a container that is not, or not any more, what was asked for: by a program
 * that was attached with more, by a set-user-ID program, by what the payload gives up, gains or
 * mounts, by filters that were there before, by a config that has changed. Each row tells it, and
 * no row tells what is not so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "protections-help.h"
#include "run.h"
#include "setup.h"

#define WAITING ARGV("/bin/sleep", "1000")
#define N(a) (sizeof(a) / sizeof(*(a)))

static int setup(void **state)
{
	if (box_setup(state) < 0)
		return -1;
	return rootfs_copy(&box.root, getenv("CT_PROBE"), "probe", 0755) ||
	       rootfs_copy(&box.root, getenv("CT_PROBE"), "rises", 06755);
}

static ct_process *must_attach(ct_container *c, ct_attach_opts *o)
{
	ct_process *p = NULL;

	o->argv = WAITING;
	o->stdio[0] = o->stdio[1] = o->stdio[2] = -1;
	assert_ok(c, ct_attach(c, o, &p));
	return p;
}

/* The row tells of the process. */
static void expect_not_so(const char *rows, const char *name, ct_process *p)
{
	char got[1024], ok[16], want[64];

	snprintf(want, sizeof(want), "; NOT SO process %d", (int)ct_process_pid(p));
	row_cell(rows, name, 2, got, sizeof(got));
	row_cell(rows, name, 4, ok, sizeof(ok));
	if (!strstr(got, want) || strcmp(ok, "False"))
		fail_msg("%s: \"%s\" (%s), and not \"%s\" in\n%s", name, got, ok, want, rows);
}

static void stop(ct_process *p)
{
	ct_process_kill(p, SIGKILL);
	ct_process_wait(p, NULL, PATIENCE_MS);
	ct_process_unref(p);
}

/* 0 or an errno. */
static int write_number(const char *path, int n)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return errno;
	fprintf(f, "%d", n);
	return fclose(f) ? errno : 0;
}

/* ---- programs that were attached ------------------------------------------------------------- */

static void attached_as_it_runs(void **state)
{
	ct_container *c = must_open(NULL);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p, *q;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", "init.groups", "7",
				    "no_new_privs", "1", "cap.ambient", "kill", NULL),
			 0);
	p = must_start(c, 0, WAITING);
	q = must_attach(c, &o);
	rows = rows_of(c);
	/* a reaper, its program, and the attached one */
	expect_row(rows, "processes", "all", "init and 2 others", NULL, true);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	stop(q);
	end(c, p);
}

/* Capabilities of all five sets, filter and no_new_privs: what CT_ATTACH_ELEVATED lifts. */
static void attached_with_more(void **state)
{
	static const char *const told[] = { "capabilities, bounding",
					    "capabilities, permitted",
					    "capabilities, effective",
					    "no_new_privs",
					    "seccomp",
					    "user",
					    "group" };
	ct_container *c = must_open(NULL);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p, *q;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", "no_new_privs", "1",
				    "cap.keep", "chown", "seccomp.profile", "default",
				    "prlimit.nofile", "50", NULL),
			 0);
	p = must_start(c, 0, WAITING);
	o.flags = CT_ATTACH_ELEVATED | CT_ATTACH_SET_UID | CT_ATTACH_SET_GID;
	q = must_attach(c, &o);
	rows = rows_of(c);
	for (size_t i = 0; i < N(told); i++)
		expect_not_so(rows, told[i], q);
	expect_row(rows, "capabilities, ambient", "none to begin with", "none", NULL, true);
	assert_int_equal(complaints(c, rows), N(told));
	free(rows);
	stop(q);
	rows = rows_of(c);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
}

static void attached_with_groups(void **state)
{
	static const gid_t groups[] = { 4242 };
	ct_container *c = must_open(NULL);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p, *q;
	char *rows;

	(void)state;
	p = must_start(c, 0, WAITING);
	o.flags = CT_ATTACH_SET_GROUPS;
	o.groups = groups;
	o.n_groups = 1;
	q = must_attach(c, &o);
	rows = rows_of(c);
	expect_not_so(rows, "groups", q);
	assert_int_equal(complaints(c, rows), 1);
	free(rows);
	stop(q);
	end(c, p);
}

/* In the container's pid namespace, where the payload finds it, with the host's other ones. */
static void attached_to_less(void **state)
{
	static const char *const told[] = { "namespace mnt", "namespace uts", "namespace ipc",
					    "namespace net" };
	ct_container *c = must_open(NULL);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p = must_start(c, 0, WAITING), *q;
	char *rows;

	(void)state;
	o.namespaces = CT_NS_PID | CT_NS_CGROUP;
	q = must_attach(c, &o);
	rows = rows_of(c);
	for (size_t i = 0; i < N(told); i++)
		expect_not_so(rows, told[i], q);
	expect_row(rows, "namespace pid", "own", "own", NULL, true);
	assert_int_equal(complaints(c, rows), N(told));
	free(rows);
	stop(q);
	end(c, p);
}

/* One that was taken out of the container's groups is under none of its limits. */
static void moved_out(void **state)
{
	ct_container *c = must_open(NULL);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p, *q;
	char *rows, path[4096], *slash;
	int moved;

	(void)state;
	assert_int_equal(box_config(c, "limit.pids", "50", NULL), 0);
	p = must_start(c, 0, WAITING);
	q = must_attach(c, &o);
	rows = rows_of(c);
	expect_row(rows, "in its cgroups", "all processes", "all of them", NULL, true);
	row_cell(rows, "limit.pids", 3, path, sizeof(path));
	free(rows);
	/* "pids.max of PATH": to the group above it */
	slash = strchr(path, '/');
	assert_non_null(slash);
	memmove(path, slash, strlen(slash) + 1);
	path[strcspn(path, " ,;")] = '\0';
	slash = strrchr(path, '/');
	assert_non_null(slash);
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/cgroup.procs");
	moved = write_number(path, ct_process_pid(q));
	if (!moved) {
		rows = rows_of(c);
		expect_not_so(rows, "in its cgroups", q);
		assert_int_equal(complaints(c, rows), 1);
		free(rows);
	}
	stop(q);
	end(c, p);
	if (moved)
		fail_msg("%s: %s", path, strerror(moved));
}

static int stop_attaching;

static void *attaches(void *arg)
{
	while (!__atomic_load_n(&stop_attaching, __ATOMIC_RELAXED)) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;
		ct_process *p = NULL;

		o.argv = ARGV("/bin/true");
		o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
		if (ct_attach(arg, &o, &p) < 0)
			return arg;
		ct_process_wait(p, NULL, PATIENCE_MS);
		ct_process_unref(p);
	}
	return NULL;
}

/* A program that is being attached has the caller's rights for a moment, which it is given. */
static void no_false_alarm(void **state)
{
	ct_container *c = must_open("calm"), *other;
	pthread_t t;
	void *failed;

	(void)state;
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", "no_new_privs", "1",
				    "cap.keep", "none", NULL),
			 0);
	assert_ok(c, box_detach(c, WAITING));
	other = must_open("calm");
	stop_attaching = 0;
	assert_int_equal(pthread_create(&t, NULL, attaches, other), 0);
	for (int i = 0; i < 30; i++) {
		char *text = NULL;

		assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
		if (strstr(text, "\n! "))
			fail_msg("in round %d:\n%s", i, text);
		ct_free(text);
	}
	__atomic_store_n(&stop_attaching, 1, __ATOMIC_RELAXED);
	pthread_join(t, &failed);
	assert_null(failed);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_unref(other);
	ct_unref(c);
}

/* ---- what a payload does to itself ----------------------------------------------------------- */

static int has_risen(void *data)
{
	char *rows = rows_of(data), got[256];
	int risen = !!strstr(row_cell(rows, "user", 2, got, sizeof(got)), "NOT SO");

	free(rows);
	return risen;
}

/* A set-user-ID program makes root of a user: the ids tell it, and the capabilities, which stay
 * within the bounding set, do not. */
static void risen_by_a_file(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", NULL), 0);
	p = must_start(c, 0, ARGV("/rises", "sleep", "1000"));
	assert_true(wait_until(has_risen, c));
	rows = rows_of(c);
	expect_row(rows, "capabilities, effective", "within the bounding set", "none", NULL, true);
	assert_int_equal(complaints(c, rows), 2); /* user and group */
	free(rows);
	end(c, p);
	/* with no_new_privs it makes none */
	c = must_open(NULL);
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", "no_new_privs", "1",
				    NULL),
			 0);
	p = must_start(c, 0, ARGV("/rises", "sleep", "1000"));
	rows = rows_of(c);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
}

static int has_no_new_privs(void *data)
{
	char *rows = rows_of(data), got[256];
	int set = !strcmp(row_cell(rows, "no_new_privs", 2, got, sizeof(got)), "set");

	free(rows);
	return set;
}

/* What it gives up by itself is told as what it has, and is no complaint. */
static void given_up(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "cap.keep", "chown kill setpcap", NULL), 0);
	p = must_start(c, CT_START_NO_REAPER,
		       ARGV("/bin/busybox", "setpriv", "--nnp", "/bin/sleep", "1000"));
	assert_true(wait_until(has_no_new_privs, c));
	rows = rows_of(c);
	expect_row(rows, "no_new_privs", "-", "set", NULL, true);
	expect_row(rows, "capabilities, bounding", "chown kill setpcap", "chown kill setpcap", NULL,
		   true);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
}

static int is_nested(void *data)
{
	char *rows = rows_of(data), got[256];
	int nested = !strcmp(row_cell(rows, "namespace user", 2, got, sizeof(got)), "own");

	free(rows);
	return nested;
}

/* Rights in a user namespace that the payload has made are none over what was asked for. */
static void nested_by_itself(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "cap.keep", "setfcap", "seccomp.profile", "none", NULL), 0);
	p = must_start(c, CT_START_NO_REAPER,
		       ARGV("/bin/busybox", "unshare", "-U", "-r", "/bin/sleep", "1000"));
	assert_true(wait_until(is_nested, c));
	rows = rows_of(c);
	expect_row(rows, "capabilities, bounding", "setfcap",
		   "all, in a user namespace of its own making", NULL, true);
	expect_row(rows, "namespace user", "the caller's", "own", NULL, true);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
}

static int is_writable(void *data)
{
	char *rows = rows_of(data), got[256];
	int open = !strcmp(row_cell(rows, "/sys", 2, got, sizeof(got)), "writable");

	free(rows);
	return open;
}

static void mounted_anew(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "cap.drop", "sys_module", "rootfs.readonly", "1", NULL), 0);
	p = must_start(c, 0,
		       ARGV("/bin/sh", "-c",
			    "mount -o remount,bind,rw / /; mount -o remount,bind,rw /sys /sys; "
			    "sleep 1000"));
	assert_true(wait_until(is_writable, c));
	rows = rows_of(c);
	expect_row(rows, "/sys", "read-only", "writable", "sysfs on /sys", false);
	expect_row(rows, "root file system", "read-only", "writable", NULL, false);
	assert_int_equal(complaints(c, rows), 2);
	free(rows);
	end(c, p);
}

/* ---- before and after the start -------------------------------------------------------------- */

/* What was asked for is what it was started with. */
static void changed_config(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p = must_start(c, 0, WAITING);
	char *before = rows_of(c), *after;

	(void)state;
	assert_int_equal(box_config(c, "cap.keep", "none", "no_new_privs", "1", "init.uid", "1000",
				    "init.groups", "9", "namespace.keep", "net", "limit.memory",
				    "64M", "rootfs.readonly", "1", "seccomp.profile", "none", NULL),
			 0);
	after = rows_of(c);
	assert_string_equal(before, after);
	assert_int_equal(complaints(c, after), 0);
	free(before);
	free(after);
	end(c, p);
}

/* One more filter for this thread, which allows everything. */
static int filter_myself(void)
{
	static struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, allow };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0;
}

/* Whether the JSON has the row. */
static int says(ct_container *c, const char *row)
{
	char *json = NULL;
	int found;

	if (ct_protections(c, CT_FORMAT_JSON, &json) < 0)
		return 0;
	found = !!strstr(json, row);
	if (!found)
		fprintf(stderr, "no %s in\n%s\n", row, json);
	ct_free(json);
	return found;
}

#define ROW(asked, got, ok)                                                                   \
	"{\"name\": \"seccomp\", \"asked\": \"" asked "\", \"got\": \"" got "\", \"how\": \"" \
	"seccomp SECCOMP_SET_MODE_FILTER\", \"ok\": " ok "}"
#define ROW_NONE(got)                                                                  \
	"{\"name\": \"seccomp\", \"asked\": \"none\", \"got\": \"" got "\", \"how\": " \
	"\"inherited, or set by the payload\", \"ok\": true}"

/* Filters that the caller had before are no filter of the container's. */
static int filtered_before(void *data)
{
	ct_container *c = box_handle(&box, NULL);
	ct_process *p = NULL;
	int bad = filter_myself() || filter_myself();

	(void)data;
	if (bad || ct_set_config(c, "seccomp.profile", "none") < 0 ||
	    ct_set_config(c, "keyring.user", "1") < 0 || box_start(c, 0, WAITING, &p) < 0)
		return 1;
	if (!says(c, ROW_NONE("filter, 2 of them, 2 inherited")))
		return 2;
	end(c, p);
	c = box_handle(&box, NULL);
	if (ct_set_config(c, "seccomp.profile", "none") < 0 || box_start(c, 0, WAITING, &p) < 0)
		return 7;
	if (!says(c, ROW("none, but for keys (keyring.user)", "filter, 3 of them, 2 inherited",
			 "true")))
		return 8;
	end(c, p);
	c = box_handle(&box, NULL);
	if (box_start(c, 0, WAITING, &p) < 0)
		return 3;
	if (!says(c, ROW("default", "filter, 3 of them, 2 inherited", "true")))
		return 4;
	/* those that come later are not among them */
	if (filter_myself() || filter_myself())
		return 5;
	if (!says(c, ROW("default", "filter, 3 of them, 2 inherited", "true")))
		return 6;
	end(c, p);
	return 0;
}

static void filters_of_the_caller(void **state)
{
	(void)state;
	assert_int_equal(in_process_of_its_own(filtered_before, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attached_as_it_runs),
		cmocka_unit_test(attached_with_more),
		cmocka_unit_test(attached_with_groups),
		cmocka_unit_test(attached_to_less),
		cmocka_unit_test(moved_out),
		cmocka_unit_test(no_false_alarm),
		cmocka_unit_test(risen_by_a_file),
		cmocka_unit_test(given_up),
		cmocka_unit_test(nested_by_itself),
		cmocka_unit_test(mounted_anew),
		cmocka_unit_test(changed_config),
		cmocka_unit_test(filters_of_the_caller),
	};

	return cmocka_run_group_tests_name("protections-others", tests, setup, box_teardown);
}
