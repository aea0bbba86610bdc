/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container that asks for nothing special sees of /proc and /sys: its root, without a user
 * namespace, must not read what is the host's own and must not write what changes the host. The
 * lists are walked, not trusted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define MAX_ARGS 64

static int setup(void **state)
{
	const char *inside = getenv("CT_INSIDE");

	(void)state;
	if (box_open(&box, NULL) < 0 || !inside)
		return -1;
	return rootfs_copy(&box.root, inside, "inside", 0755);
}

/* A handle with one key set (NULL: none); what `what` with `args` says inside, to be freed. */
static char *look(const char *key, const char *value, const char *what, const char *const *args)
{
	const char *argv[MAX_ARGS] = { "/inside", what };
	ct_container *c = must_open(NULL);
	ct_exit ex = CT_EXIT_INIT;
	char *out = NULL;
	int n = 2;

	while (*args && n < MAX_ARGS - 1)
		argv[n++] = *args++;
	if (key)
		assert_ok(c, ct_set_config(c, key, value));
	assert_ok(c, box_run(c, NULL, argv, &out, &ex));
	if (ex.reason != CT_EXIT_EXITED || ex.code != 0)
		fail_msg("inside %s: reason %d, code %d: %s", what, ex.reason, ex.code, out);
	ct_unref(c);
	return out;
}

/* The answer for `path` in a report of "PATH: ANSWER" lines. */
static const char *answer(const char *report, const char *path, char *buf, size_t size)
{
	size_t n = strlen(path);
	const char *line = report, *end;

	for (; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (strncmp(line, path, n) || line[n] != ':')
			continue;
		snprintf(buf, size, "%.*s", (int)(end - line - (ptrdiff_t)n - 2), line + n + 2);
		return buf;
	}
	return "not said";
}

/* Files of the host's own: empty, or not to be had. */
static const char *const unreadable[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/key-users",
	"/proc/kmsg",
	"/proc/latency_stats",
	"/proc/mem",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/firmware",
	"/sys/kernel/debug",
	"/sys/kernel/security",
	"/sys/kernel/tracing",
	"/sys/fs/bpf",
	"/sys/devices/virtual/powercap",
	NULL,
};

/* One of each kind that changes the host. */
static const char *const unwritable[] = {
	"/proc/sysrq-trigger",
	"/proc/sys/kernel/core_pattern",
	"/proc/sys/kernel/modprobe",
	"/proc/sys/kernel/hostname",
	"/proc/sys/vm/drop_caches",
	"/proc/sys/vm/panic_on_oom",
	"/proc/sys/fs/file-max",
	"/proc/sys/net/ipv4/ip_forward",
	"/proc/irq/default_smp_affinity",
	"/proc/bus/pci/00",
	"/proc/fs/ext4",
	"/proc/mtrr",
	"/proc/pressure/memory",
	"/proc/acpi/wakeup",
	"/proc/kcore",
	"/proc/timer_list",
	"/sys/kernel/uevent_helper",
	"/sys/kernel/mm/transparent_hugepage/enabled",
	"/sys/power/state",
	"/sys/module/kernel/parameters/panic",
	"/sys/class/net/lo/mtu",
	NULL,
};

static void host_files_unreadable(void **state)
{
	char *report = look(NULL, NULL, "read", unreadable), buf[64];

	(void)state;
	for (size_t i = 0; unreadable[i]; i++) {
		const char *a = answer(report, unreadable[i], buf, sizeof(buf));

		if (strcmp(a, "empty") && strncmp(a, "errno ", 6))
			fail_msg("%s: %s", unreadable[i], a);
	}
	free(report);
}

static void host_files_unwritable(void **state)
{
	char *report = look(NULL, NULL, "write", unwritable), buf[64];

	(void)state;
	for (size_t i = 0; unwritable[i]; i++) {
		const char *a = answer(report, unwritable[i], buf, sizeof(buf));

		if (strncmp(a, "errno ", 6))
			fail_msg("%s: %s", unwritable[i], a);
	}
	free(report);
}

/* Files with a writer behind them that may be opened for writing outside process
 * directories: none is known. */
static const char *const writable_allowed[] = { NULL };

static bool allowed(const char *path, size_t n, const char *const *list)
{
	char text[4096];

	snprintf(text, sizeof(text), "%.*s", (int)n, path);
	for (; *list; list++)
		if (fnmatch(*list, text, 0) == 0)
			return true;
	return false;
}

/* Fails with the first files that a walk found writable and that are not on the list. Returns how
 * many were looked at. */
static unsigned long check_walk(const char *report, const char *const *list)
{
	unsigned long walked = 0;
	int bad = 0;

	for (const char *line = report, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (sscanf(line, "walked %lu", &walked) == 1)
			continue;
		if (!strncmp(line, "w ", 2) && !allowed(line + 2, (size_t)(end - line - 2), list) &&
		    bad++ < 10)
			print_error("writable: %.*s\n", (int)(end - line - 2), line + 2);
	}
	if (bad)
		fail_msg("%d files are writable", bad);
	return walked;
}

static void walk_finds_nothing_writable(void **state)
{
	static const char *const dirs[] = { "/proc", "/sys", NULL };
	char *report = look(NULL, NULL, "walk", dirs);

	(void)state;
	assert_true(check_walk(report, writable_allowed) > 500);
	free(report);
}

/* The same with every capability but those that reach the kernel itself, as LXC's
 * cap.drop habit gives. */
static void walk_with_many_rights(void **state)
{
	static const char *const dirs[] = { "/proc", "/sys", NULL };
	char *report = look("cap.drop", "sys_module sys_rawio mac_admin mac_override sys_time",
			    "walk", dirs);

	(void)state;
	assert_true(check_walk(report, writable_allowed) > 500);
	free(report);
}

struct mode_row {
	const char *mode; /* of mount.auto */
	const char *path;
	bool opens; /* for writing */
};

static void modes_of_proc_and_sys(void **state)
{
	/* opened only: nothing is written */
	static const struct mode_row rows[] = {
		{ "proc:mixed sys:ro", "/proc/sys/kernel/domainname", false },
		{ "proc:mixed sys:ro", "/proc/sys/net/ipv4/ip_default_ttl", true },
		{ "sys:ro", "/proc/sys/net/ipv4/ip_default_ttl", false },
		{ "proc:mixed sys:ro", "/proc/self/oom_score_adj", true },
		{ "proc:mixed sys:ro", "/sys/class/net/lo/ifalias", false },
		{ "proc:rw sys:rw", "/proc/sys/kernel/domainname", true },
		{ "proc:rw sys:rw", "/sys/class/net/lo/ifalias", true },
		{ "proc:mixed sys:mixed", "/sys/devices/virtual/net/lo/ifalias", true },
		{ "proc:mixed sys:mixed", "/sys/kernel/mm/transparent_hugepage/enabled", false },
		{ "proc:mixed sys:mixed", "/sys/power/state", false },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const args[] = { rows[i].path, NULL };
		char *report = look("mount.auto", rows[i].mode, "write", args);
		const char *a = answer(report, rows[i].path, buf, sizeof(buf));

		if (strcmp(a, "errno 2") && (strcmp(a, "opens") == 0) != rows[i].opens)
			fail_msg("%s: %s: %s", rows[i].mode, rows[i].path, a);
		free(report);
	}
}

/* proc:rw hides nothing: who asks for it gets it. */
static void proc_rw_masks_nothing(void **state)
{
	static const char *const args[] = { "/proc/timer_list", "/proc/interrupts", "/proc/keys",
					    NULL };
	char *report = look("mount.auto", "proc:rw", "read", args), buf[64];

	(void)state;
	assert_string_equal(answer(report, "/proc/interrupts", buf, sizeof(buf)), "data");
	free(report);
}

/* The walk in each safe mode. */
static void walk_in_each_mode(void **state)
{
	/* of the container's own network */
	static const char *const net[] = { "/sys/devices/virtual/net/*", "/proc/sys/net/*", NULL };
	static const char *const dirs[] = { "/proc", "/sys", NULL };
	char *report;

	(void)state;
	report = look("mount.auto", "proc:mixed sys:mixed", "walk", dirs);
	check_walk(report, net);
	free(report);
	report = look("rootfs.readonly", "1", "walk", dirs);
	check_walk(report, writable_allowed);
	free(report);
}

/* What hides a file cannot itself be changed, nor be taken away by the container's root. */
static void masks_stay(void **state)
{
	static const char *const script[] = {
		"/bin/sh", "-c",
		"umount /proc/kcore /proc/keys /proc/timer_list /sys/firmware "
		"2>/dev/null;mount -o remount,rw /proc/sys 2>/dev/null; "
		"mount -t proc none /tmp 2>/dev/null;"
		"mount -t sysfs none /tmp 2>/dev/null; mount -o remount,rw /sys "
		"2>/dev/null;test -s /proc/keys && echo keys; "
		"test -s /proc/timer_list && echo timers; ls /sys/firmware;"
		"ls /tmp; (echo x > /proc/keys) 2>/dev/null && echo wrote; "
		"(: > /sys/firmware/x) 2>/dev/null && echo made;"
		"(: > /proc/sys/kernel/core_pattern) 2>/dev/null && echo core; "
		"exit 0",
		NULL
	};
	ct_exit ex = CT_EXIT_INIT;
	char *out;

	(void)state;
	assert_int_equal(rootfs_mkdir(&box.root, "tmp", 0777), 0);
	assert_ok(box.c, box_run(box.c, NULL, script, &out, &ex));
	assert_string_equal(out, "");
	assert_int_equal(ex.code, 0);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_files_unreadable),
		cmocka_unit_test(host_files_unwritable),
		cmocka_unit_test(walk_finds_nothing_writable),
		cmocka_unit_test(walk_with_many_rights),
		cmocka_unit_test(modes_of_proc_and_sys),
		cmocka_unit_test(proc_rw_masks_nothing),
		cmocka_unit_test(walk_in_each_mode),
		cmocka_unit_test(masks_stay),
	};

	if (geteuid() != 0) {
		printf("# skip: needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("protections", tests, setup, box_teardown);
}
