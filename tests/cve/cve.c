/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CASES_MAX 64

struct decoy decoy;

/* ---- the oracles ----------------------------------------------------------------------------- */

void cve_check_decoy(const char *what)
{
	char text[4096];

	if (decoy_touched(&decoy, text, sizeof(text)))
		escape("%s: the host's tree was touched: %s", what, text);
	assert_int_equal(decoy_arm(&decoy), 0);
}

void cve_check_mounts(const char *mountinfo)
{
	char root[PATH_MAX];

	for (const char *p = mountinfo; p && *p; p = strchrnul(p, '\n'), p += *p == '\n')
		if (sscanf(p, "%*s %*s %*s %4095s", root) == 1 && strstr(root, "/decoy"))
			escape("%s of the host is mounted in the container", root);
}

static void run_case(void **state)
{
	const struct cve_case *c = *state;
	struct leak *before;

	decoy_close(&decoy);
	before = leak_take();
	assert_int_equal(decoy_arm(&decoy), 0);
	c->body(c->data);
	cve_check_decoy(c->name);
	decoy_close(&decoy);
	if (leak_end(before, LEAK_NO_RSS))
		escape("%s: the caller was touched", c->name);
}

/* ---- the flipper ----------------------------------------------------------------------------- */

static void stay_on(int core)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(core, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu); /* where there is one */
}

static struct {
	char a[2 * PATH_MAX], b[2 * PATH_MAX];
	bool vanish, running;
	pthread_t thread;
	atomic_bool stop, hold, held;
	atomic_ulong flips;
} flipper;

static void *flip(void *data)
{
	unsigned flags = flipper.vanish ? RENAME_NOREPLACE : RENAME_EXCHANGE;

	stay_on(1);
	while (!flipper.stop) {
		while (flipper.hold && !flipper.stop) {
			flipper.held = true;
			sched_yield();
		}
		flipper.held = false;
		if (renameat2(AT_FDCWD, flipper.a, AT_FDCWD, flipper.b, flags) == 0)
			flipper.flips++;
		if (flipper.vanish)
			renameat2(AT_FDCWD, flipper.b, AT_FDCWD, flipper.a, flags);
	}
	return data;
}

static void flipper_end(void)
{
	flipper.stop = true;
	if (flipper.running)
		pthread_join(flipper.thread, NULL);
	flipper.running = false;
}

void flipper_start(const char *a, const char *b, bool vanish)
{
	flipper_end();
	snprintf(flipper.a, sizeof(flipper.a), "%s/%s", box.root.base, a);
	snprintf(flipper.b, sizeof(flipper.b), "%s/%s", box.root.base, b);
	flipper.vanish = vanish;
	flipper.stop = flipper.hold = false;
	flipper.flips = 0;
	assert_int_equal(pthread_create(&flipper.thread, NULL, flip, NULL), 0);
	flipper.running = true;
}

void flipper_hold(void)
{
	flipper.held = false;
	flipper.hold = true;
	while (!flipper.held)
		sched_yield();
}

void flipper_go_on(void)
{
	flipper.hold = false;
}

void flipper_stop(void)
{
	flipper_end();
	print_message("# %lu flips\n", (unsigned long)flipper.flips);
	assert_true(flipper.flips > 0);
}

static const char *named[16];

ct_container *cve_named(const char *name)
{
	size_t i = 0;

	while (i < sizeof(named) / sizeof(*named) - 1 && named[i] && strcmp(named[i], name) != 0)
		i++;
	named[i] = name;
	return must_open(name);
}

ct_container *cve_quick(void)
{
	ct_container *c = must_open(NULL);

	assert_int_equal(box_config(c, "namespace.keep", "net ipc uts cgroup", "cgroup.backend",
				    "none", "limit.devices", "all", "seccomp.profile", "none",
				    NULL),
			 0);
	return c;
}

/* ---- the program ----------------------------------------------------------------------------- */

static int setup(void **state)
{
	char path[2 * PATH_MAX];

	if (box_setup_used(state) || decoy_make(&decoy, box.root.base))
		return -1;
	snprintf(path, sizeof(path), "%s/data", box.root.base);
	if (mkdir(path, 0755))
		return -1;
	snprintf(path, sizeof(path), "%s/data/file", box.root.base);
	if (mknod(path, S_IFREG | 0644, 0))
		return -1;
	if (rootfs_copy(&box.root, getenv("CT_INTRUDER"), "bin/intruder", 0755) ||
	    rootfs_copy(&box.root, getenv("CT_ATTEMPT"), "bin/attempt", 0755) ||
	    rootfs_copy(&box.root, getenv("CT_CHANNEL"), "bin/channel", 0755))
		return -1;
	/* the stage's descriptor stays for as long as a handle is open: it is there before and
	 * after each case */
	box.c = box_handle(&box, NULL);
	return box.c ? box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL) : -1;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(*named) && named[i]; i++) {
		ct_container *c = box_handle(&box, named[i]);

		if (c && ct_state(c) != CT_STATE_STOPPED)
			ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
		ct_unref(c);
	}
	flipper_end();
	decoy_close(&decoy);
	return box_teardown(state);
}

int cve_main(const char *program, const struct cve_case *cases, size_t n)
{
	static struct CMUnitTest tests[CASES_MAX];

	if (n > CASES_MAX)
		return 2;
	for (size_t i = 0; i < n; i++) {
		tests[i].name = cases[i].name;
		tests[i].test_func = run_case;
		tests[i].initial_state = (void *)(uintptr_t)&cases[i];
	}
	if (getenv("CT_CVE_ONLY"))
		cmocka_set_test_filter(getenv("CT_CVE_ONLY"));
	return _cmocka_run_group_tests(program, tests, n, setup, teardown);
}
