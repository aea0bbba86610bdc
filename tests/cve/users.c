/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Users and groups as numbers and as names: out of the config, of calls, of tools, and of a passwd
 * and group that lie; and processes that are taken for a container's, or are not.
 */
#include "help.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- numbers --------------------------------------------------------------------------------- */

/* Those that are none, are none of 32 bits, or mean "no user" to the kernel. */
static const char *const bad_numbers[] = {
	"4294967295",
	"4294967296",
	"4294967297",
	"18446744073709551616",
	"9223372036854775808",
	"-1",
	"-4294967296",
	"+1",
	" 1",
	"1 ",
	"0x0",
	"0x10",
	"1e3",
	"01x",
	"1:",
	":1",
	"1:-1",
	"1:4294967296",
	"1:0:0",
	"1,0",
	"1.0",
	"::",
	"\xd9\xa1",
};
#define N_BAD (sizeof(bad_numbers) / sizeof(bad_numbers[0]))

static bool is_blank_around(const char *s)
{
	return s[0] == ' ' || s[strlen(s) - 1] == ' ';
}

/* Of the user of an attach, and of keys. */
static void overflow(const void *data)
{
	static const char *const keys[] = { "init.uid", "init.gid", "init.groups" };
	ct_container *c = must_open(NULL);
	ct_process *p = waiting(c);
	char *out;

	(void)data;
	for (size_t i = 0; i < N_BAD; i++) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;

		o.user = bad_numbers[i];
		out = NULL;
		if (box_attach(c, &o, ARGV("/bin/id"), &out, NULL) == 0)
			escape("\"%s\" is a user: %s", bad_numbers[i], out);
		free(out);
		for (size_t k = 0; k < 3; k++) {
			ct_container *d = must_open(NULL);

			/* blanks around a value mean nothing, and groups are a list */
			if (!is_blank_around(bad_numbers[i]) &&
			    !(k == 2 && strchr(bad_numbers[i], ',')) &&
			    ct_set_config(d, keys[k], bad_numbers[i]) == 0)
				escape("%s = \"%s\" is taken", keys[k], bad_numbers[i]);
			ct_last_error(d);
			ct_unref(d);
		}
	}
	let_go(c, p);
}

/* What the option structs can say. */
static void overflow_of_calls(const void *data)
{
	const uint32_t none[] = { UINT32_MAX };
	ct_container *c = must_open(NULL);
	ct_process *p = waiting(c);
	char *out;

	(void)data;
	for (int i = 0; i < 3; i++) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;

		o.flags = i == 0 ? CT_ATTACH_SET_UID : CT_ATTACH_SET_GID;
		if (i == 2)
			o.flags = CT_ATTACH_SET_GROUPS;
		o.uid = o.gid = UINT32_MAX;
		o.groups = none;
		o.n_groups = 1;
		out = NULL;
		if (box_attach(c, &o, ARGV("/bin/id"), &out, NULL) == 0)
			escape("the id of nobody is taken (%d): %s", i, out);
		free(out);
	}
	let_go(c, p);
}

static void id_is(char *out, const char *want, const char *who)
{
	if (strncmp(out, want, strlen(want)))
		escape("%s is %s", who, out);
	free(out);
}

/* "1" is user 1 and, without an entry, no group of root's; by the call and by the tool. */
static void short_number(const void *data)
{
	static const struct {
		const char *user, *id;
	} rows[] = {
		{ "1", "uid=1 " },
		{ "1:2", "uid=1 gid=2" },
		{ "0001", "uid=1 " },
		{ "4294967294", "uid=4294967294 " },
		{ "2147483648:2147483648", "uid=2147483648 gid=2147483648" },
	};
	char tool[PATH_MAX];
	ct_container *c = must_open("short");

	(void)data;
	assert_ok(c, box_detach(c, ARGV("/bin/sleep", "1000")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;
		struct run_result r;

		o.user = rows[i].user;
		id_is(said_attached(c, &o, ARGV("/bin/id")), rows[i].id, rows[i].user);
		assert_int_equal(run_tool(ARGV(built("tools/ct-attach", tool, sizeof(tool)), "-P",
					       box.dir, "--state-dir", box.state, "short", "-u",
					       rows[i].user, "--", "/bin/id"),
					  NULL, PATIENCE_MS, &r),
				 0);
		if (r.status == 0 && strncmp(r.out, rows[i].id, strlen(rows[i].id)))
			escape("ct-attach -u %s is %s", rows[i].user, r.out);
		/* the tool may take numbers of users alone */
		if (r.status && !strchr(rows[i].user, ':'))
			fail_msg("ct-attach -u %s: %s", rows[i].user, r.err);
		run_free(&r);
	}
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_unref(c);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The tables as these; `user` must not become root, nor anybody else than `id` says (NULL: is not
 * taken at all). */
static const struct lie {
	const char *passwd, *group, *user, *id;
} lies[] = {
	/* numbers as names */
	{ "0:x:1000:1000::/:/bin/sh\n", "", "0", "uid=0" },
	{ "1000:x:0:0::/:/bin/sh\n", "1000:x:0:\n", "1000", "uid=1000" },
	{ "+1:x:0:0::/:/bin/sh\n", "", "+1", NULL },
	{ "-1:x:0:0::/:/bin/sh\n", "", "-1", NULL },
	{ " 1:x:0:0::/:/bin/sh\n", "", " 1", NULL },
	{ "1:0:x:0:0::/:/bin/sh\n", "", "1:0", "uid=1 gid=0" },
	/* fields that are no numbers, or are too great for one */
	{ "eve:x:4294967296:4294967296::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x:4294967295:1::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x:18446744073709551616:1::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x:-0:1::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x::1::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x:0x0:1::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x: 0:0::/:/bin/sh\n", "", "eve", NULL },
	{ "eve:x:1000\n", "", "eve", NULL },
	{ "eve\n", "", "eve", NULL },
	{ "eve:x:7:4294967296::/:/bin/sh\n", "", "eve", NULL },
	/* the first line that is one counts */
	{ "eve:x:4294967296:0::/:/bin/sh\neve:x:7:8::/:/bin/sh\n", "", "eve", "uid=7" },
	/* groups that wrap */
	{ "eve:x:7:8::/:/bin/sh\n", "wheel:x:4294967296:eve\n", "eve", "uid=7" },
};

static void lying_tables(const void *data)
{
	ct_container *c = must_open(NULL);
	ct_process *p = waiting(c);

	(void)data;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;
		char *out = NULL;
		int r;

		rootfs_drop(&box.root, "etc/passwd");
		rootfs_drop(&box.root, "etc/group");
		rootfs_file(&box.root, "etc/passwd", lies[i].passwd, 0644);
		rootfs_file(&box.root, "etc/group", lies[i].group, 0644);
		o.user = lies[i].user;
		r = box_attach(c, &o, ARGV("/bin/id"), &out, NULL);
		if (r == 0 && (!lies[i].id || !strstr(out, lies[i].id) ||
			       (strstr(out, "groups=0") && !strcmp(lies[i].user, "eve"))))
			escape("with %s user \"%s\" is %s", lies[i].passwd, lies[i].user, out);
		if (r && lies[i].id)
			fail_msg("with %s user \"%s\": %s", lies[i].passwd, lies[i].user,
				 ct_last_error(c)->message);
		free(out);
	}
	let_go(c, p);
	rootfs_drop(&box.root, "etc/passwd");
	rootfs_drop(&box.root, "etc/group");
}

/* ---- joining --------------------------------------------------------------------------------- */

static void dead(const void *data)
{
	ct_container *c = must_open("dead"), *d = must_open(NULL);
	ct_process *p = NULL, *q = NULL;

	(void)data;
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	assert_int_equal(kill(ct_process_pid(p), SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	if (box_enter(c, ARGV("/bin/true"), &q) != -ESRCH)
		escape("a container that has ended is entered: %s", ct_last_error(c)->message);
	let_go(c, p);
	p = waiting(d);
	assert_int_equal(ct_process_kill(p, SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	assert_int_equal(box_enter(d, ARGV("/bin/true"), &q), -ESRCH);
	let_go(d, p);
}

/* In the record of that container another process is init. */
static void forge(const char *name, pid_t victim)
{
	char path[PATH_MAX], text[4096], *save = NULL;
	struct run_result r;
	size_t n;
	FILE *f;

	assert_int_equal(run_tool(ARGV("find", box.state, "-path", name, "-name", "state"), NULL,
				  PATIENCE_MS, &r),
			 0);
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(r.out, "\n"), r.out);
	run_free(&r);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	f = fopen(path, "we");
	assert_non_null(f);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(l, "init ", 5))
			fprintf(f, "init %d%s\n", (int)victim, strrchr(l, ' '));
		else
			fprintf(f, "%s\n", l);
	}
	fclose(f);
}

/* A record that names another process as init: it is of another start time, or no child of the
 * supervisor's; nobody enters it or kills it. */
static void forged(const void *data)
{
	ct_container *c = must_open("forged"), *d = must_open("forged");
	ct_process *p = NULL;
	char *out = NULL;
	pid_t victim;

	(void)data;
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	victim = fork();
	if (victim == 0)
		for (;;)
			pause();
	forge("*/forged/*", victim);
	/* who is entered, if anybody, is the container's own */
	if (box_attach(d, NULL, ARGV("/bin/ls", box.root.base), &out, NULL) == 0 &&
	    strstr(out, "rootfs"))
		escape("a process of a forged record was entered");
	free(out);
	ct_kill(d, SIGKILL);
	ct_stop(d, CT_STOP_KILL, PATIENCE_MS);
	if (waitpid(victim, NULL, WNOHANG))
		escape("a process of a forged record was killed");
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	ct_unref(d);
	let_go(c, p);
}

/* Namespaces of somebody who has gone, or of a name that is not there: no start at all. */
static void shared_with_nobody(const void *data)
{
	static const char *const kinds[] = { "net", "pid", "ipc", "uts", "mnt", "user", "cgroup" };
	char number[32], key[64];
	pid_t pid = fork();

	(void)data;
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	snprintf(number, sizeof(number), "%d", (int)pid);
	for (size_t i = 0; i < 3 * sizeof(kinds) / sizeof(kinds[0]); i++) {
		static const char *const whom[] = { NULL, "0", "no-such-container" };
		const char *value = whom[i % 3] ? whom[i % 3] : number;
		ct_container *c = must_open(NULL);

		snprintf(key, sizeof(key), "namespace.share.%s", kinds[i / 3]);
		if (ct_set_config(c, key, value) == 0 &&
		    box_run(c, NULL, ARGV("/bin/true"), NULL, NULL) == 0)
			escape("%s = %s starts", key, value);
		ct_unref(c);
	}
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2024-40635-numbers", overflow, NULL },
		{ "cve-2024-40635-numbers-of-calls", overflow_of_calls, NULL },
		{ "cve-2026-30892-short-number", short_number, NULL },
		{ "cve-2016-3697-lying-tables", lying_tables, NULL },
		{ "join-ended-container", dead, NULL },
		{ "cve-2022-31214-forged-record", forged, NULL },
		{ "share-with-nobody", shared_with_nobody, NULL },
	};

	return cve_main("users", cases, sizeof(cases) / sizeof(*cases));
}
