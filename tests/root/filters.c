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
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>

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
	assert_ok(c, ct_set_config(c, "seccomp.profile", filter ? filter : "none"));
	/* else there is one for the calls for keys */
	if (!filter)
		assert_ok(c, ct_set_config(c, "keyring.user", "1"));
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

/* ---- by default ------------------------------------------------------------------------------ */

/* Of whoever asks, and of process 1. */
#define MODES                                                                   \
	"for p in self 1; do sed -n 's/^Seccomp:.//p; s/^CapPrm:.*0000000//p' " \
	"/proc/$p/status; done"

static const struct {
	const char *name, *execute, *profile, *no_new_privs, *said;
} usual[] = {
	/* a small init, with fewer calls still, and no more capabilities */
	{ NULL, NULL, NULL, "0", "a80425fb\n2\na80425fb\n2\n" },
	{ NULL, NULL, NULL, "1", "a80425fb\n2\na80425fb\n2\n" },
	/* one for the calls for keys alone */
	{ NULL, NULL, "none", "0", "a80425fb\n2\na80425fb\n2\n" },
	{ "asked", "x", NULL, "0", "a80425fb\n2\na80425fb\n2\n" },
	{ "asked", "x", "none", "0", "a80425fb\n2\na80425fb\n2\n" },
	{ "lxc", NULL, NULL, "0", "a80425fb\n0\na80425fb\n0\n" },
	{ "lxc", NULL, "default", "0", "a80425fb\n2\na80425fb\n2\n" },
};

static void by_default(void **state)
{
	const char *const modes[] = { "/bin/sh", "-c", MODES, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		ct_container *c = box_handle(&box, usual[i].name);
		ct_start_opts o = CT_START_OPTS_INIT;
		ct_process *p;
		char *out = NULL;

		assert_int_equal(box_config(c, "no_new_privs", usual[i].no_new_privs, NULL), 0);
		if (usual[i].profile)
			assert_ok(c, ct_set_config(c, "seccomp.profile", usual[i].profile));
		o.argv = (const char *const[]){ "/bin/sleep", "1000", NULL };
		if (usual[i].execute)
			o.flags = CT_START_EXECUTE;
		assert_ok(c, ct_start(c, &o, &p));
		assert_ok(c, box_attach(c, NULL, modes, &out, NULL));
		if (strcmp(out, usual[i].said) != 0)
			fail_msg("%zu: %s", i, out);
		free(out);
		assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
		ct_process_unref(p);
		ct_unref(c);
	}
}

/* ---- reports --------------------------------------------------------------------------------- */

/* The row of the filter, and whether it is marked as not what is asked for. */
static bool row(ct_container *c, char *out, size_t size)
{
	char *text = NULL, *at;
	bool marked;

	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
	at = strstr(text, "filter of calls");
	assert_non_null(at);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
	marked = at[-2] == '!';
	ct_free(text);
	return marked;
}

/* The row has these numbers of rules; whether its digests are one. */
static bool is_one(const char *row, unsigned asked, unsigned running)
{
	unsigned n[2] = { 0, 0 };
	char digest[2][32];

	assert_int_equal(sscanf(strstr(row, ", "), ", %u rules, digest %31s %u rules, digest %31s",
				&n[0], digest[0], &n[1], digest[1]),
			 4);
	assert_int_equal(n[0], asked);
	assert_int_equal(n[1], running);
	assert_int_equal(strlen(digest[0]), 16);
	return strcmp(digest[0], digest[1]) == 0;
}

/* Rules and digest of what is asked for, and of what runs. */
static void reports(void **state)
{
	static const struct who root = { "0", "0", NULL, "0", false };
	ct_container *c = handle(&root, NULL, profile);
	ct_start_opts o = CT_START_OPTS_INIT;
	char before[512], after[512], *plan = NULL;
	ct_process *p;

	(void)state;
	o.argv = (const char *const[]){ "/bin/sleep", "1000", NULL };
	assert_ok(c, ct_dump_plan(c, &o, CT_FORMAT_TEXT, &plan));
	assert_non_null(strstr(plan, "seccomp.keep profile=\""));
	assert_non_null(strstr(plan, " rules=2 digest=\""));
	ct_free(plan);
	assert_ok(c, ct_start(c, &o, &p));
	assert_false(row(c, before, sizeof(before)));
	put_profile("2\ndenylist\n[all]\nchmod errno 1\n");
	assert_true(row(c, after, sizeof(after)));
	put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
	assert_true(is_one(before, 2, 2));
	assert_false(is_one(after, 1, 2));
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static const struct {
	const char *profile, *reaper, *command;
	int reason;
	bool detached;
} ends[] = {
	{ "kill", "0", "mkdir /x", CT_EXIT_FILTER, false },
	{ "kill", "1", "mkdir /x", CT_EXIT_FILTER, false },
	{ "kill", "0", "mkdir /x", CT_EXIT_FILTER, true },
	{ "kill", "1", "mkdir /x", CT_EXIT_FILTER, true },
	{ "trap", "1", "mkdir /x", CT_EXIT_FILTER, false },
	/* another signal; an exit; no filter, or one that only refuses */
	{ "kill", "1", "kill -KILL $$", CT_EXIT_SIGNALED, false },
	{ "kill", "1", "mkdir /x & wait; exit 3", CT_EXIT_EXITED, false },
	{ NULL, "1", "kill -SYS $$", CT_EXIT_SIGNALED, false },
};

/* Whether the verdict may tell of this call: the kernel's log is there for who is in the first pid
 * namespace, which a test run has left, and leaves records out when there are many. */
static bool may_be_called(const char *call, int reason, bool detached)
{
	struct stat st;

	if (!*call)
		return true;
	return reason == CT_EXIT_FILTER && !detached && !strcmp(call, "mkdir") &&
	       stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == 0xEFFFFFFC;
}

static void verdicts(void **state)
{
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct who who = { "0", "0", NULL, ends[i].reaper, false };
		ct_container *c = handle(&who, ends[i].detached ? "ends" : NULL,
					 ends[i].profile ? profile : NULL);
		ct_start_opts o = CT_START_OPTS_INIT;
		const char *const shell[] = { "/bin/sh", "-c", ends[i].command, NULL };
		const char *const mkdir[] = { "/bin/mkdir", "/x", NULL };
		ct_exit ex = CT_EXIT_INIT;
		ct_process *p;

		if (ends[i].profile) {
			snprintf(text, sizeof(text), "2\ndenylist\n[all]\nmkdir %s\nmkdirat %s\n",
				 ends[i].profile, ends[i].profile);
			put_profile(text);
		}
		o.argv = shell;
		if (!strcmp(ends[i].command, "mkdir /x"))
			o.argv = mkdir;
		if (ends[i].detached)
			o.flags = CT_START_DETACH;
		assert_ok(c, ct_start(c, &o, &p));
		assert_ok(c, ct_process_wait(p, &ex, PATIENCE_MS));
		if (ex.reason != ends[i].reason)
			fail_msg("row %zu: reason %d, signal %d, code %d", i, ex.reason, ex.signal,
				 ex.code);
		if (ex.reason == CT_EXIT_FILTER)
			assert_int_equal(ex.signal, SIGSYS);
		assert_true(may_be_called(ex.filter_call, ex.reason, ends[i].detached));
		ct_process_unref(p);
		ct_unref(c);
	}
	put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
}

/* ---- flags ---------------------------------------------------------------------------------- */

/* What the kernel says of the newest filter of a process that is stopped for it. */
static uint64_t flags_of(pid_t pid)
{
	struct {
		uint64_t filter, flags;
	} it = { 0, 0 };

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	assert_int_equal(ptrace(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(it), &it), sizeof(it));
	assert_int_equal(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	return it.flags;
}

/* A profile's flags are those of its filter, for start and attach. */
static void flags(void **state)
{
	static const struct who root = { "0", "1", NULL, "0", false };
	ct_container *c = handle(&root, NULL, profile);
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p, *q;

	(void)state;
	put_profile("{ \"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": "
		    "[\"SECCOMP_FILTER_FLAG_LOG\", \"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"] }");
	assert_ok(c, box_start(c, 0, ARGV("/bin/sleep", "1000"), &p));
	assert_int_equal(flags_of(ct_process_pid(p)), SECCOMP_FILTER_FLAG_LOG);
	o.argv = ARGV("/bin/sleep", "1000");
	assert_ok(c, ct_attach(c, &o, &q));
	assert_int_equal(flags_of(ct_process_pid(q)), SECCOMP_FILTER_FLAG_LOG);
	ct_process_unref(q);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_process_unref(p);
	ct_unref(c);
	put_profile("2\ndenylist\n[all]\nmkdir errno 1\nmkdirat errno 1\n");
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
		cmocka_unit_test(by_default),
		cmocka_unit_test(reports),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(flags),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
