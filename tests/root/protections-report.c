/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ct_protections(): says of each protection what was asked and what there is, and says so when the
 * second is less. Its JSON is read by another reader than the one who wrote it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leak.h"
#include "protections-help.h"
#include "run.h"
#include "setup.h"

#define WAITING ARGV("/bin/sleep", "1000")

/* ---- the report as rows ---------------------------------------------------------------------- */

/* One row a line: name, asked, got, how and ok, divided by tabs. Keys and their types are held
 * against what is promised. */
static const char reader[] =
	"import json, sys\n"
	"rows = json.load(sys.stdin)['protections']\n"
	"assert rows\n"
	"for r in rows:\n"
	"    assert sorted(r) == ['asked', 'got', 'how', 'name', 'ok'], r\n"
	"    assert all(isinstance(r[k], str) and r[k] and r[k].isprintable() for k in ('asked', "
	"'got', 'how', 'name')), r\n"
	"    assert isinstance(r['ok'], bool), r\n"
	"    print(r['name'], r['asked'], r['got'], r['how'], r['ok'], sep='\\t')\n";

static char *rows_of(ct_container *c)
{
	struct run_result r;
	char *json = NULL, *rows;

	assert_ok(c, ct_protections(c, CT_FORMAT_JSON, &json));
	assert_int_equal(run_tool(ARGV("python3", "-c", reader), json, 30000, &r), 0);
	if (r.status)
		fail_msg("the JSON is not as promised: %s\n%s", r.err, json);
	ct_free(json);
	rows = strdup(r.out);
	assert_non_null(rows);
	run_free(&r);
	return rows;
}

/* The n-th cell, from 1 on, of the row of that name, in buf; fails when there is no such row. */
static const char *cell(const char *rows, const char *name, int n, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *line = rows; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, name, len) || line[len] != '\t')
			continue;
		for (int i = 0; i < n; i++)
			line += strcspn(line, "\t\n") + 1;
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\t\n"), line);
		return buf;
	}
	fail_msg("no row \"%s\" in\n%s", name, rows);
	return "";
}

/* The row has these cells; of got and how NULL is anything, and how may say more. */
static void expect(const char *rows, const char *name, const char *asked, const char *got,
		   const char *how, bool ok)
{
	const char *const want[3] = { asked, got, how };
	char text[1024];

	for (int i = 0; i < 3; i++) {
		cell(rows, name, i + 1, text, sizeof(text));
		if (want[i] && (i == 2 ? !strstr(text, want[i]) : strcmp(text, want[i])))
			fail_msg("%s: \"%s\", not \"%s\" in\n%s", name, text, want[i], rows);
	}
	if (strcmp(cell(rows, name, 4, text, sizeof(text)), ok ? "True" : "False"))
		fail_msg("%s is %s in\n%s", name, ok ? "not ok" : "ok", rows);
}

static bool has_row(const char *rows, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = rows; (p = strstr(p, name)); p += n)
		if ((p == rows || p[-1] == '\n') && p[n] == '\t')
			return true;
	return false;
}

/* As many lines begin with "! " as there are rows that are not ok, and no line is anything but
 * a row or the head. */
static int complaints(ct_container *c, const char *rows)
{
	int lines = 0, wrong = 0, want = 0, all = 0;
	char *text = NULL;

	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		wrong += !strncmp(line, "! ", 2);
		lines += !strncmp(line, "! ", 2) || !strncmp(line, "  ", 2);
	}
	for (const char *p = rows; *p; p = strchr(p, '\n') + 1, all++)
		want += (strchr(p, '\n') - p) > 6 && !strncmp(strchr(p, '\n') - 6, "\tFalse", 6);
	if (lines != all + 1 || wrong != want)
		fail_msg("%d lines, %d of them with \"! \", for %d rows, %d of them not ok:\n%s",
			 lines, wrong, all, want, text);
	ct_free(text);
	return wrong;
}

/* ---- containers ------------------------------------------------------------------------------ */

static const struct {
	const char *name, *asked, *got, *how;
} defaults[] = {
	{ "namespace cgroup", "own", "own", NULL },
	{ "namespace user", "the caller's", "the caller's", "-" },
	{ "namespace time", "the caller's", "the caller's", "-" },
	{ "capabilities, inheritable", "none to begin with", "none", NULL },
	{ "no_new_privs", "-", "not set", "-" },
	{ "keyrings of the user", "out of reach", NULL, "SECCOMP_SET_MODE_FILTER" },
	{ "user", "0", "0 on the host", NULL },
	{ "groups", "none", "none", NULL },
	{ "root file system", "writable", "writable", NULL },
	{ "/sys", "read-only", "read-only", "sysfs" },
	{ "/sys/fs/cgroup", "not mounted", "not mounted", "-" },
	{ "/proc/kcore", "hidden", NULL, NULL },
	{ "/proc/keys", "hidden", NULL, NULL },
	{ "/proc/sys", "read-only", "read-only", "mount.readonly" },
	{ "/sys/firmware", "hidden", NULL, NULL },
	{ "devices", "default", NULL, NULL },
};

/* Nothing is set: all is as promised, and no line complains. */
static void default_container(void **state)
{
	static const char *const own[] = { "mnt", "pid", "uts", "ipc", "net" };
	struct leak *before = leak_take();
	ct_container *c = must_open(NULL);
	ct_process *p = must_start(c, 0, WAITING);
	char *rows = rows_of(c), name[64], bounding[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		snprintf(name, sizeof(name), "namespace %s", own[i]);
		expect(rows, name, "own", "own", "clone3", true);
	}
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		expect(rows, defaults[i].name, defaults[i].asked, defaults[i].got, defaults[i].how,
		       true);
	cell(rows, "capabilities, bounding", 1, bounding, sizeof(bounding));
	expect(rows, "capabilities, bounding", bounding, bounding, NULL, true);
	assert_non_null(strstr(bounding, "chown"));
	assert_null(strstr(bounding, "sys_admin"));
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
	assert_untouched(before, LEAK_NO_RSS);
	leak_free(before);
}

/* Each set that is given is asked for as given, and is what runs; one that is not is told by the
 * rule. (pid 1, which they are of, has executed nothing.) */
static void sets_of_capabilities(void **state)
{
	static const struct {
		const char *set, *asked, *got;
	} given[] = {
		{ "capabilities, bounding", "chown kill net_raw", "chown kill net_raw" },
		{ "capabilities, permitted", "chown kill", "chown kill" },
		{ "capabilities, effective", "within the bounding set", "chown kill" },
		{ "capabilities, inheritable", "kill net_raw", "kill net_raw" },
		{ "capabilities, ambient", "kill", "kill" },
	};
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "init.uid", "1000", "no_new_privs", "1", "cap.bounding",
				    "chown kill net_raw", "cap.permitted", "chown kill",
				    "cap.inheritable", "kill net_raw", "cap.ambient", "kill", NULL),
			 0);
	p = must_start(c, 0, WAITING);
	rows = rows_of(c);
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		expect(rows, given[i].set, given[i].asked, given[i].got, NULL, true);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
}

static void needs_a_running_one(void **state)
{
	ct_container *c = must_open(NULL);
	char *text = NULL;
	ct_process *p;

	(void)state;
	assert_refused(c, ct_protections(c, CT_FORMAT_TEXT, &text), -ESRCH);
	p = must_start(c, 0, WAITING);
	assert_refused(c, ct_protections(c, 77, &text), -EINVAL);
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, PATIENCE_MS);
	assert_refused(c, ct_protections(c, CT_FORMAT_TEXT, &text), -ESRCH);
	assert_null(text);
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* Another value is written from outside: asked is still what the config says. */
static void limited_anew(ct_container *c)
{
	char *rows;

	assert_ok(c, ct_cgroup_set(c, "pids.max", "100"));
	rows = rows_of(c);
	expect(rows, "limit.pids", "50", "100", "pids.max of /", false);
	expect(rows, "limit.memory", "64M", "67108864", "memory.", true);
	assert_int_equal(complaints(c, rows), 1);
	free(rows);
	assert_ok(c, ct_cgroup_set(c, "pids.max", "20"));
	assert_ok(c, ct_set_limits(c, (const char *const[]){ "limit.memory" },
				   (const char *const[]){ "96M" }, 1));
	rows = rows_of(c);
	expect(rows, "limit.pids", "50", "20", "pids.max of /", true);
	expect(rows, "limit.memory", "96M", "100663296", "memory.", true);
	free(rows);
}

static void limited(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "limit.memory", "64M", "limit.pids", "50", "limit.cpu",
				    "0.5", "limit.time", "1h", "limit.cputime", "100s",
				    "prlimit.nofile", "100:200", "no_new_privs", "1",
				    "rootfs.readonly", "1", "cap.keep", "none", NULL),
			 0);
	p = must_start(c, 0, WAITING);
	rows = rows_of(c);
	expect(rows, "limit.memory", "64M", "67108864", "memory.", true);
	expect(rows, "limit.pids", "50", "51", "pids.max of /", true);
	expect(rows, "limit.cpu", "0.5", NULL, "cpu.", true);
	expect(rows, "limit.time", "1h", "kept", "keeper", true);
	expect(rows, "limit.cputime", "100s", "kept", "keeper, by cpu", true);
	expect(rows, "prlimit.nofile", "100:200", "100:200", "prlimit64", true);
	expect(rows, "no_new_privs", "set", "set", "prctl", true);
	expect(rows, "root file system", "read-only", "read-only", NULL, true);
	expect(rows, "capabilities, bounding", "none", "none", NULL, true);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	limited_anew(c);
	end(c, p);
}

/* What was only tried, and could not be, is told. */
static void tried_in_vain(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows, how[1024];

	(void)state;
	assert_int_equal(box_config(c, "limit.rdma", "try:nodevice0 hca_handle=2",
				    "cgroup2.memory.swap.max", "try:max", "cgroup.nothing.max",
				    "try:1", "limit.pids", "try:40", "limit.hugetlb.2MB", "max",
				    NULL),
			 0);
	p = must_start(c, 0, WAITING);
	rows = rows_of(c);
	expect(rows, "limit.rdma", "try:nodevice0 hca_handle=2", NULL, "rdma", false);
	expect(rows, "cgroup.nothing.max", "try:1", "not applied",
	       "there is no such cgroup controller", false);
	expect(rows, "limit.pids", "try:40", "41", "pids.max", true);
	expect(rows, "limit.hugetlb.2MB", "max", NULL, NULL, true);
	if (ct_cgroup_get(c, "rdma.max", NULL, 0) < 0) {
		cell(rows, "limit.rdma", 3, how, sizeof(how));
		if (!strstr(how, "no hierarchy has the rdma controller here (layout "))
			fail_msg("limit.rdma: %s", how);
	}
	assert_true(complaints(c, rows) >= 2);
	free(rows);
	end(c, p);
}

/* ---- ids and namespaces ---------------------------------------------------------------------- */

static void mapped(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap", "g 0 200000 65536",
				    "init.gid", "7", NULL),
			 0);
	p = must_start(c, 0, WAITING);
	rows = rows_of(c);
	expect(rows, "namespace user", "own", "own", "clone3", true);
	expect(rows, "user", "0, on the host 100000", "100000 on the host", "setresuid", true);
	expect(rows, "group", "7, on the host 200007", "200007 on the host", "setresgid", true);
	expect(rows, "idmap, users", "0 100000 65536", "0 100000 65536", "uid_map", true);
	expect(rows, "idmap, groups", "0 200000 65536", "0 200000 65536", "gid_map", true);
	expect(rows, "devices", "default", "not restricted", "user namespace", true);
	assert_int_equal(complaints(c, rows), 0);
	free(rows);
	end(c, p);
}

static void shared_namespace(void **state)
{
	ct_container *first = must_open(NULL), *c = must_open(NULL);
	ct_process *p = must_start(first, 0, WAITING), *q;
	char pid[16], with[64], *rows;

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)ct_process_pid(p));
	snprintf(with, sizeof(with), "shared with %s", pid);
	assert_int_equal(box_config(c, "namespace.share.net", pid, "namespace.keep", "ipc", NULL),
			 0);
	q = must_start(c, 0, WAITING);
	rows = rows_of(c);
	expect(rows, "namespace net", with, with, "setns", true);
	expect(rows, "namespace ipc", "the caller's", "the caller's", "-", true);
	free(rows);
	end(first, p);
	/* who it was shared with has gone */
	rows = rows_of(c);
	expect(rows, "namespace net", with, NULL, "setns", true);
	free(rows);
	end(c, q);
}

/* ---- what a payload does to itself ----------------------------------------------------------- */

static int has_unmounted(void *data)
{
	char *rows = rows_of(data), got[256];
	int gone = !strcmp(cell(rows, "/proc/keys", 2, got, sizeof(got)), "NOT THERE");

	free(rows);
	return gone;
}

/* With the right to mount it can uncover what was hidden, or cover it: the table is
 * the container's own. */
static void uncovered(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "cap.drop", "sys_module", NULL), 0);
	p = must_start(c, 0,
		       ARGV("/bin/sh", "-c", "umount /proc/sys; umount /proc/keys; sleep 1000"));
	assert_true(wait_until(has_unmounted, c));
	rows = rows_of(c);
	expect(rows, "/proc/sys", "read-only", "NOT THERE", NULL, false);
	expect(rows, "/proc/keys", "hidden", "NOT THERE", NULL, false);
	assert_int_equal(complaints(c, rows), 2);
	free(rows);
	end(c, p);
	/* covered as a whole by another one, none of what was hidden below the first is any more */
	c = must_open(NULL);
	assert_int_equal(box_config(c, "cap.drop", "sys_module", NULL), 0);
	p = must_start(c, 0, ARGV("/bin/sh", "-c", "mount -t proc again /proc; sleep 1000"));
	assert_true(wait_until(has_unmounted, c));
	end(c, p);
}

/* Names that would be rows of their own, or fields of another file, if they were taken
 * as they are. */
static void hostile_names(void **state)
{
	ct_container *c = must_open(NULL);
	ct_process *p;
	char *rows;

	(void)state;
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_PROBE"), "probe", 0755), 0);
	assert_int_equal(box_config(c, "cap.drop", "sys_module", NULL), 0);
	p = must_start(c, 0,
		       ARGV("/bin/sh", "-c",
			    "umount /proc/keys; d=\"/var/a\n"
			    "b / /proc/keys ro - tmpfs x ro\n"
			    "c\"; mkdir -p \"$d\"; mount -t tmpfs \" - x\" \"$d\"; "
			    "cp /bin/busybox \"/var/x\nCapBnd: 0\"; "
			    "exec -a sleep \"/var/x\nCapBnd: 0\" 1000 || exec sleep "
			    "1000"));
	assert_true(wait_until(has_unmounted, c));
	rows = rows_of(c);
	assert_false(has_row(rows, "c"));
	expect(rows, "/proc/keys", "hidden", "NOT THERE", NULL, false);
	complaints(c, rows);
	free(rows);
	end(c, p);
}

/* ---- detached -------------------------------------------------------------------------------- */

static void detached(void **state)
{
	ct_container *c = must_open("web"), *other;
	char *rows;

	(void)state;
	assert_int_equal(box_config(c, "limit.time", "1h", "limit.output", "1M", "limit.memory",
				    "64M", "init.uid", "1000", "mount.auto",
				    "proc:mixed sys:ro cgroup:ro", NULL),
			 0);
	assert_ok(c, box_detach(c, WAITING));
	/* a handle that has not started it, and whose own config says something else */
	other = must_open("web");
	assert_ok(other, ct_set_config(other, "limit.memory", "1G"));
	rows = rows_of(other);
	expect(rows, "limit.memory", "64M", "67108864", "ct.payload.web", true);
	expect(rows, "limit.time", "1h", "kept", "supervisor", true);
	expect(rows, "limit.output", "1M", "kept", "supervisor", true);
	expect(rows, "user", "1000", "1000 on the host", NULL, true);
	expect(rows, "capabilities, effective", "within the bounding set", "none", NULL, true);
	expect(rows, "/sys/fs/cgroup", "read-only", "read-only", "mount.auto", true);
	assert_int_equal(complaints(other, rows), 0);
	free(rows);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_unref(other);
	ct_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_container),   cmocka_unit_test(sets_of_capabilities),
		cmocka_unit_test(needs_a_running_one), cmocka_unit_test(limited),
		cmocka_unit_test(tried_in_vain),       cmocka_unit_test(mapped),
		cmocka_unit_test(shared_namespace),    cmocka_unit_test(uncovered),
		cmocka_unit_test(hostile_names),       cmocka_unit_test(detached),
	};

	return cmocka_run_group_tests_name("protections-report", tests, box_setup, box_teardown);
}
