/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process inside, with all capabilities and no user namespace, looks at every process that shows
 * up in its pid namespace while we start and attach: it never gets to see the caller's executable,
 * libraries or memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define ROUNDS 300
#define LONG_ROUNDS 1000

struct watcher {
	ct_container *c;
	ct_process *p;
	int in, out;
};

/* Starts the watcher and waits until it looks. */
static void watcher_start(struct watcher *w)
{
	static const char *const argv[] = { "/bin/probe", "watch", NULL };
	ct_start_opts o = CT_START_OPTS_INIT;
	int in[2], out[2];
	char ready[16];

	w->c = must_open(NULL);
	/* cap.drop alone drops from the full set */
	assert_ok(w->c, ct_set_config(w->c, "cap.drop", "wake_alarm"));
	assert_ok(w->c, ct_set_config(w->c, "mount.auto", "proc:rw"));
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	o.argv = argv;
	o.stdio[0] = in[0];
	o.stdio[1] = o.stdio[2] = out[1];
	assert_ok(w->c, ct_start(w->c, &o, &w->p));
	close(in[0]);
	close(out[1]);
	w->in = in[1];
	w->out = out[0];
	assert_int_equal(read(w->out, ready, 6), 6);
}

/* Ends it; its report, to be freed. */
static char *watcher_end(struct watcher *w)
{
	char *report;

	close(w->in);
	report = read_all(w->out, PATIENCE_MS);
	close(w->out);
	ct_process_unref(w->p);
	ct_unref(w->c);
	assert_non_null(report);
	return report;
}

/* None of the files that this process runs from or has mapped is in the report. */
static void check_report(const char *report)
{
	char line[1024], want[128], path[512];
	unsigned major, minor;
	unsigned long long ino;
	unsigned long looks = 0;
	FILE *f = fopen("/proc/self/maps", "re");
	const char *tail = strstr(report, "looks ");

	assert_non_null(f);
	assert_non_null(tail);
	assert_int_equal(sscanf(tail, "looks %lu", &looks), 1);
	print_message("# %lu looks\n", looks);
	assert_true(looks > 100);
	while (fgets(line, sizeof(line), f)) {
		path[0] = 0;
		if (sscanf(line, "%*s %*s %*s %x:%x %llu %511s", &major, &minor, &ino, path) < 3 ||
		    !ino)
			continue;
		snprintf(want, sizeof(want), " %u:%u:%llu\n", major, minor, ino);
		if (strstr(report, want))
			fail_msg("the watcher got hold of %s (%s)", path, want);
	}
	fclose(f);
}

/* Attaches, while a process of the container looks. */
static void attaches(void **state)
{
	static const char *const argv[] = { "/bin/true", NULL };
	int i, n = rounds(ROUNDS, LONG_ROUNDS);
	struct watcher w;
	char *report;

	(void)state;
	watcher_start(&w);
	for (i = 0; i < n; i++) {
		ct_process *p = NULL;
		ct_exit ex = CT_EXIT_INIT;

		assert_ok(w.c, box_enter(w.c, argv, &p));
		assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		ct_process_unref(p);
	}
	report = watcher_end(&w);
	check_report(report);
	free(report);
}

/* Starts of another container that shares the watcher's pid namespace. */
static void starts(void **state)
{
	static const char *const argv[] = { "/bin/true", NULL };
	int i, n = rounds(ROUNDS, LONG_ROUNDS);
	struct watcher w;
	ct_container *c;
	char pid[32], *report;

	(void)state;
	watcher_start(&w);
	c = box_handle(&box, NULL);
	snprintf(pid, sizeof(pid), "%d", (int)ct_process_pid(w.p));
	assert_ok(c, ct_set_config(c, "namespace.share.pid", pid));
	for (i = 0; i < n; i++) {
		ct_process *p = NULL;
		ct_exit ex = CT_EXIT_INIT;

		p = must_start(c, 0, argv);
		assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		ct_process_unref(p);
	}
	ct_unref(c);
	report = watcher_end(&w);
	check_report(report);
	free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attaches),
		cmocka_unit_test(starts),
	};

	return cmocka_run_group_tests_name("watcher", tests, box_setup, box_teardown);
}
