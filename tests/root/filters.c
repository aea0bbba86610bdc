/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filters of system calls: what a start has, attach, start hooks and later boots have, too,
 * whatever the identity of the payload; and nothing else of it changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"
#include "run.h"

static struct box box;
static char profile[PATH_MAX + 32];

/* What the payload tells: its filters, its capabilities, and whether mkdir(2) is let through. */
#define TELL                                                                                    \
	"mkdir /tmp/made 2>/dev/null && rmdir /tmp/made && echo mkdir: allowed || echo mkdir: " \
	"refused; grep -E '^(Seccomp|Cap...|NoNewPrivs):' /proc/self/status"

static void put_profile(const char *text)
{
	int fd = open(profile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	if (box_open(&box, NULL))
		return -1;
	snprintf(profile, sizeof(profile), "%s/filter", box.root.base);
	put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(profile);
	box_close(&box);
	return 0;
}

/* Who the payload is. */
static const struct who {
	const char *uid, *nnp, *caps, *reaper;
	bool mapped;
} whos[] = {
	{ "0", "0", NULL, "0", false },	   { "0", "1", NULL, "0", false },
	{ "0", "0", "none", "1", false },  { "1000", "0", NULL, "1", false },
	{ "1000", "1", NULL, "0", false }, { "0", "0", NULL, "1", true },
	{ "1000", "0", NULL, "0", true },  { "1000", "1", "none", "1", true },
};

static ct_container *handle(const struct who *w, const char *name, const char *filter)
{
	ct_container *c = box_handle(&box, name);

	assert_non_null(c);
	if (box_config(c, "init.uid", w->uid, "init.gid", w->uid, "no_new_privs", w->nnp,
		       "init.reaper", w->reaper, "mount.entry", "none tmp tmpfs mode=1777 0 0",
		       NULL))
		fail();
	if (w->caps)
		assert_ok(c, ct_set_config(c, "cap.keep", w->caps));
	if (w->mapped &&
	    box_config(c, "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536", NULL))
		fail();
	if (filter)
		assert_ok(c, ct_set_config(c, "seccomp.profile", filter));
	return c;
}

/* The report with the filter is that without one, but for the filter. */
static void expect(const char *what, size_t i, const char *without, const char *with)
{
	char want[1024], *at;

	snprintf(want, sizeof(want), "%s", without);
	at = strstr(want, "mkdir: allowed");
	if (!at)
		fail_msg("%s, %zu: without a filter: %s", what, i, without);
	memcpy(at + 7, "refused", 7);
	at = strstr(want, "Seccomp:\t0");
	assert_non_null(at);
	at[9] = '2';
	if (strcmp(want, with) != 0)
		fail_msg("%s, %zu:\n%s\nand not:\n%s", what, i, with, want);
}

static void start_and_attach(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(whos) / sizeof(whos[0]); i++) {
		const char *const tell[] = { "/bin/sh", "-c", TELL, NULL };
		const char *const wait[] = { "/bin/sleep", "1000", NULL };
		char *out[2] = { NULL, NULL }, *in[2] = { NULL, NULL };

		for (int k = 0; k < 2; k++) {
			ct_container *c = handle(&whos[i], NULL, k ? profile : NULL);
			ct_start_opts o = CT_START_OPTS_INIT;
			ct_process *p;

			assert_ok(c, box_run(c, NULL, tell, &out[k], NULL));
			o.argv = wait;
			assert_ok(c, ct_start(c, &o, &p));
			/* what runs decides, not what the file says by now */
			put_profile("2\ndenylist\n[all]\nchmod errno 1\n");
			assert_ok(c, box_attach(c, NULL, tell, &in[k], NULL));
			put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
			assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
			ct_process_unref(p);
			ct_unref(c);
		}
		expect("start", i, out[0], out[1]);
		expect("attach", i, in[0], in[1]);
		for (int k = 0; k < 2; k++) {
			free(out[k]);
			free(in[k]);
		}
	}
}

/* ---- detached: hooks and boots --------------------------------------------------------------- */

static char told[PATH_MAX + 32];

static int lines(void *n)
{
	char text[8192];
	int fd = open(told, O_RDONLY | O_CLOEXEC), found = 0;
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	for (const char *p = text; (p = strstr(p, ": refused")); p++)
		found++;
	if (strstr(text, ": allowed"))
		return -1;
	return found >= (int)(intptr_t)n ? found : 0;
}

static void hooks_and_boots(void **state)
{
	static const struct who system = { "0", "0", NULL, "0", false };
	ct_container *c = handle(&system, "filtered", profile);
	ct_start_opts o = CT_START_OPTS_INIT;
	const char *const init[] = {
		"/bin/sh", "-c",
		"say() { mkdir /var/made && echo $1: allowed >>/var/told || echo $1: refused "
		">>/var/told; }; trap 'exit 0' TERM; trap 'reboot -f' INT; say init; while :; do "
		"sleep 0.05; done",
		NULL
	};
	char *out = NULL;

	(void)state;
	snprintf(told, sizeof(told), "%s/var/told", box.root.path);
	unlink(told);
	assert_ok(c, ct_set_config(c, "mount.entry", ""));
	assert_int_equal(box_config(c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT",
				    "cap.drop", "sys_module", NULL),
			 0);
	assert_ok(c, ct_set_config(c, "hook.start",
				   "/bin/sh -c \"mkdir /var/by-hook && echo hook: allowed "
				   ">>/var/told || echo hook: refused >>/var/told\""));
	o.flags = CT_START_DETACH;
	o.argv = init;
	assert_ok(c, ct_start(c, &o, NULL));
	assert_int_equal(wait_until(lines, (void *)2), 2);
	unlink(profile);
	assert_ok(c, box_attach(c, NULL, (const char *const[]){ "/bin/sh", "-c", TELL, NULL }, &out,
				NULL));
	assert_non_null(strstr(out, "mkdir: refused"));
	free(out);
	assert_ok(c, ct_reboot(c, PATIENCE_MS));
	assert_int_equal(wait_until(lines, (void *)4), 4);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
	ct_unref(c);
}

/* The journal, in which the filter is the only record, goes with the container. */
static void nothing_stays(void **state)
{
	static const struct who root = { "0", "0", NULL, "0", false };
	ct_container *c = handle(&root, "gone", profile);
	struct run_result found;
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p;

	(void)state;
	assert_int_equal(box_config(c, "cgroup.backend", "none", "limit.devices", "all", NULL), 0);
	o.flags = CT_START_DETACH;
	o.argv = ARGV("/bin/true");
	assert_ok(c, ct_start(c, &o, &p));
	assert_ok(c, ct_process_wait(p, NULL, PATIENCE_MS));
	ct_process_unref(p);
	ct_unref(c);
	assert_int_equal(run_tool(ARGV("find", box.state, "-path", "*gone*"), NULL, PATIENCE_MS,
				  &found),
			 0);
	assert_string_equal(found.out, "");
	run_free(&found);
}

/* ---- what cannot be ------------------------------------------------------------------------- */

static void refusals(void **state)
{
	static const struct who root = { "0", "0", NULL, "0", false };
	static const struct {
		const char *text, *say;
	} rows[] = {
		{ "2\ndenylist\n[all]\nmkdri errno 1\n", "mkdri" },
		{ "3\ndenylist\n", "3" },
		{ "", "" },
		{ "{ \"defaultAction\": \"SCMP_ACT_MAYBE\" }", "SCMP_ACT_MAYBE" },
		{ "{ \"defaultAction\": ", "ends too early" },
	};
	ct_container *c = handle(&root, NULL, profile);
	const ct_error *e;

	(void)state;
	/* an empty file is not the empty text of our own, whose program is kept now */
	assert_ok(c, ct_set_config(c, "seccomp.profile", "default"));
	assert_ok(c, box_run(c, NULL, (const char *const[]){ "/bin/true", NULL }, NULL, NULL));
	assert_ok(c, ct_set_config(c, "seccomp.profile", profile));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_profile(rows[i].text);
		assert_true(box_run(c, NULL, (const char *const[]){ "/bin/true", NULL }, NULL,
				    NULL) < 0);
		e = ct_last_error(c);
		assert_string_equal(e->key, "seccomp.profile");
		assert_string_equal(e->backend, "seccomp");
		if (!strstr(e->message, rows[i].say))
			fail_msg("row %zu: %s", i, e->message);
	}
	assert_ok(c, ct_set_config(c, "seccomp.profile", "/no/such/file"));
	assert_int_equal(box_run(c, NULL, (const char *const[]){ "/bin/true", NULL }, NULL, NULL),
			 -ENOENT);
	assert_ok(c, ct_set_config(c, "seccomp.profile", "none"));
	assert_ok(c, box_run(c, NULL, (const char *const[]){ "/bin/true", NULL }, NULL, NULL));
	put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
	ct_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_and_attach),
		cmocka_unit_test(hooks_and_boots),
		cmocka_unit_test(nothing_stays),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
