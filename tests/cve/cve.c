/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
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
	if (mountinfo && strstr(mountinfo, "/decoy"))
		escape("a part of the host's tree is mounted in the container:\n%s", mountinfo);
}

static void run_case(void **state)
{
	const struct cve_case *c = *state;
	struct leak *before = leak_take();

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

static void *flip(void *data)
{
	struct flipper *f = data;
	unsigned flags = f->vanish ? RENAME_NOREPLACE : RENAME_EXCHANGE;

	stay_on(1);
	while (!f->stop) {
		if (renameat2(AT_FDCWD, f->a, AT_FDCWD, f->b, flags) == 0)
			f->flips++;
		if (f->vanish)
			renameat2(AT_FDCWD, f->b, AT_FDCWD, f->a, flags);
	}
	return NULL;
}

void flipper_start(struct flipper *f, const char *a, const char *b)
{
	snprintf(f->a, sizeof(f->a), "%s/%s", box.root.base, a);
	snprintf(f->b, sizeof(f->b), "%s/%s", box.root.base, b);
	f->stop = false;
	f->flips = 0;
	assert_int_equal(pthread_create(&f->thread, NULL, flip, f), 0);
}

void flipper_stop(struct flipper *f)
{
	f->stop = true;
	pthread_join(f->thread, NULL);
	print_message("# %lu flips\n", (unsigned long)f->flips);
	assert_true(f->flips > 0);
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
