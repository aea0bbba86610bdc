/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process in a container that asks for nothing special is: its capabilities, ids,
 * environment, descriptors, terminal, keyring and working directory, by start and by attach alike;
 * and what a rootfs can do about it: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "protections-help.h"
#include "run.h"
#include "setup.h"

/* chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot
 * mknod audit_write setfcap */
#define DEFAULT_CAPS "\"00000000a80425fb\""
#define NO_CAPS "\"0000000000000000\""

static int setup(void **state)
{
	const char *inside = getenv("CT_INSIDE"), *probe = getenv("CT_PROBE");

	(void)state;
	if (!inside || !probe || box_open(&box, NULL) < 0)
		return -1;
	return rootfs_copy(&box.root, inside, "inside", 0755) ||
	       rootfs_copy(&box.root, probe, "probe", 0755) ||
	       rootfs_copy(&box.root, probe, "probe-setuid", 04755);
}

/* A fresh handle on the box's rootfs. */
static ct_container *fresh(void)
{
	ct_container *c = must_open(NULL);

	return c;
}

/* Starts a payload that only waits, for attach. */
static ct_process *waiting(ct_container *c)
{
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };

	return must_start(c, 0, argv);
}

static char *started(ct_container *c, const ct_start_opts *o, const char *const argv[])
{
	char *out = NULL;

	assert_ok(c, box_run(c, o, argv, &out, NULL));
	return out;
}

static char *attached(ct_container *c, const ct_attach_opts *o, const char *const argv[])
{
	char *out = NULL;

	assert_ok(c, box_attach(c, o, argv, &out, NULL));
	return out;
}

static const char *const probe_argv[] = { "/probe", NULL };

static void expect(const char *report, const char *key, const char *want)
{
	char got[4096];

	probe_get(report, key, got, sizeof(got));
	if (strcmp(got, want))
		fail_msg("%s: %s, not %s", key, got, want);
}

/* ---- capabilities and ids -------------------------------------------------------------------- */

/* The five sets. `held`: of a root payload. */
static void expect_caps(const char *report, const char *held, const char *bounding)
{
	expect(report, "cap_permitted", held);
	expect(report, "cap_effective", held);
	expect(report, "cap_inheritable", NO_CAPS);
	expect(report, "cap_ambient", NO_CAPS);
	expect(report, "cap_bounding", bounding);
}

static void capability_sets(void **state)
{
	static const struct {
		const char *key, *value, *uid, *held, *bounding;
	} rows[] = {
		{ NULL, NULL, "0", DEFAULT_CAPS, DEFAULT_CAPS },
		{ NULL, NULL, "1000", NO_CAPS, DEFAULT_CAPS },
		{ "cap.keep", "chown kill", "0", "\"0000000000000021\"", "\"0000000000000021\"" },
		{ "cap.keep", "chown kill", "1000", NO_CAPS, "\"0000000000000021\"" },
		{ "cap.keep", "none", "0", NO_CAPS, NO_CAPS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ct_container *c = fresh();
		ct_process *p;
		char *report;

		if (rows[i].key)
			assert_ok(c, ct_set_config(c, rows[i].key, rows[i].value));
		assert_ok(c, ct_set_config(c, "init.uid", rows[i].uid));
		report = started(c, NULL, probe_argv);
		expect_caps(report, rows[i].held, rows[i].bounding);
		free(report);
		p = waiting(c);
		report = attached(c, NULL, probe_argv);
		expect_caps(report, rows[i].held, rows[i].bounding);
		free(report);
		end(c, p);
	}
}

/* cap.drop alone drops from what the caller has, as LXC does. */
static void cap_drop_drops_from_all(void **state)
{
	ct_container *c = fresh();
	char *report, got[64];
	unsigned long long set;

	(void)state;
	assert_ok(c, ct_set_config(c, "cap.drop", "sys_module sys_rawio"));
	report = started(c, NULL, probe_argv);
	set = strtoull(probe_get(report, "cap_bounding", got, sizeof(got)) + 1, NULL, 16);
	assert_true(set & 1ull << 21);	/* sys_admin */
	assert_false(set & 1ull << 16); /* sys_module */
	assert_false(set & 1ull << 17); /* sys_rawio */
	expect(report, "cap_inheritable", NO_CAPS);
	expect(report, "cap_ambient", NO_CAPS);
	free(report);
	ct_unref(c);
}

static void no_new_privs_key(void **state)
{
	ct_start_opts flag = CT_START_OPTS_INIT;
	ct_container *c = fresh();
	ct_process *p;
	char *report;

	(void)state;
	report = started(c, NULL, probe_argv);
	expect(report, "no_new_privs", "0");
	free(report);
	flag.flags = CT_START_NO_NEW_PRIVS;
	report = started(c, &flag, probe_argv);
	expect(report, "no_new_privs", "1");
	free(report);
	assert_ok(c, ct_set_config(c, "no_new_privs", "1"));
	report = started(c, NULL, probe_argv);
	expect(report, "no_new_privs", "1");
	free(report);
	p = waiting(c);
	report = attached(c, NULL, probe_argv);
	expect(report, "no_new_privs", "1");
	free(report);
	end(c, p);
}

/* With it, a setuid program of the rootfs gains nothing. */
static void setuid_program_gains_nothing(void **state)
{
	static const char *const argv[] = { "/probe-setuid", NULL };
	ct_container *c = fresh();
	char *report;

	(void)state;
	assert_int_equal(box_config(c, "init.uid", "1000", "init.gid", "1000", "no_new_privs", "1",
				    NULL),
			 0);
	report = started(c, NULL, argv);
	expect(report, "uid", "[1000, 1000, 1000]");
	expect(report, "cap_effective", NO_CAPS);
	free(report);
	ct_unref(c);
}

static void callers_groups_not_inherited(void **state)
{
	const gid_t mine[] = { 4242, 4243 };
	gid_t before[256];
	int n = getgroups(256, before);
	ct_container *c = fresh();
	ct_process *p;
	char *report;

	(void)state;
	assert_int_equal(setgroups(2, mine), 0);
	report = started(c, NULL, probe_argv);
	expect(report, "groups", "[]");
	free(report);
	p = waiting(c);
	report = attached(c, NULL, probe_argv);
	expect(report, "groups", "[]");
	free(report);
	end(c, p);
	c = fresh();
	assert_ok(c, ct_set_config(c, "init.groups", "7 8"));
	report = started(c, NULL, probe_argv);
	expect(report, "groups", "[7, 8]");
	free(report);
	ct_unref(c);
	assert_int_equal(setgroups((size_t)n, before), 0);
}

static const struct {
	const char *user, *uid, *gid; /* uid NULL: refused */
} numbers[] = {
	{ "1000", "[1000, 1000, 1000]", NULL },
	{ "1000:1000", "[1000, 1000, 1000]", "[1000, 1000, 1000]" },
	{ "1", "[1, 1, 1]", NULL },
	{ "4294967294", "[4294967294, 4294967294, 4294967294]", NULL },
	{ "4294967295", NULL, NULL },
	{ "4294967296", NULL, NULL },
	{ "18446744073709551616", NULL, NULL },
	{ "-1", NULL, NULL },
	{ "+1", NULL, NULL },
	{ " 1", NULL, NULL },
	{ "0x0", NULL, NULL },
	{ "1e3", NULL, NULL },
	{ "1:4294967296", NULL, NULL },
	{ "1:-1", NULL, NULL },
	{ "1:0:0", NULL, NULL },
	{ "1:", NULL, NULL },
	{ ":1", NULL, NULL },
	{ "nobody-here", NULL, NULL },
};

/* A passwd that lies: numbers are numbers, never names. */
static void numbers_are_not_names(void **state)
{
	ct_container *c = fresh();
	ct_process *p;

	(void)state;
	assert_int_equal(rootfs_file(&box.root, "etc/passwd",
				     "root:x:0:0:root:/:/bin/sh\n1000:x:0:0::/:/bin/sh\n"
				     "1:x:0:0::/:/bin/sh\n"
				     "4294967295:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n",
				     0644),
			 0);
	assert_int_equal(rootfs_file(&box.root, "etc/group", "root:x:0:\n1000:x:0:\n", 0644), 0);
	p = waiting(c);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		ct_attach_opts o = CT_ATTACH_OPTS_INIT;
		char *report = NULL;
		int r;

		o.user = numbers[i].user;
		r = box_attach(c, &o, probe_argv, &report, NULL);
		if (!numbers[i].uid && r >= 0)
			fail_msg("user \"%s\" was accepted: %s", numbers[i].user, report);
		if (numbers[i].uid) {
			assert_ok(c, r);
			expect(report, "uid", numbers[i].uid);
		}
		if (numbers[i].gid)
			expect(report, "gid", numbers[i].gid);
		free(report);
	}
	end(c, p);
}

/* ---- environment, descriptors, sockets, keys ------------------------------------------------- */

static void callers_environment_stays_outside(void **state)
{
	static const char *const environs[] = { "/bin/sh", "-c",
						"cat /proc/1/environ /proc/self/environ; env",
						NULL };
	ct_container *c = fresh();
	ct_process *p;
	char *text;

	(void)state;
	assert_int_equal(setenv("CT_TEST_SECRET", "canary-8f1d", 1), 0);
	text = started(c, NULL, probe_argv);
	assert_null(strstr(text, "canary-8f1d"));
	free(text);
	p = waiting(c);
	/* environ has NULs: the text ends early, so ask for each by a filter */
	text = attached(c, NULL, environs);
	assert_null(strstr(text, "canary-8f1d"));
	free(text);
	text = attached(c, NULL,
			(const char *const[]){ "/bin/sh", "-c",
					       "cat /proc/[0-9]*/environ | tr '\\0' '\\n'", NULL });
	assert_null(strstr(text, "canary-8f1d"));
	assert_non_null(strstr(text, "container="));
	free(text);
	end(c, p);
	assert_int_equal(unsetenv("CT_TEST_SECRET"), 0);
}

/* Only 0, 1 and 2, whatever the caller has open without close-on-exec; and pid 1 the socket
 * of its keeper alone. */
static void only_three_descriptors(void **state)
{
	static const char *const argv[] = { "/probe", "fds", NULL };
	ct_container *c = fresh();
	int fds[60];
	ct_process *p;
	char *report;

	(void)state;
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fds[i] = open(i % 2 ? "/" : "/etc/hostname", O_RDONLY);
	report = started(c, NULL, argv);
	expect(report, "fds", "[0, 1, 2]");
	free(report);
	p = waiting(c);
	report = attached(c, NULL, argv);
	expect(report, "fds", "[0, 1, 2]");
	free(report);
	report = attached(c, NULL,
			  (const char *const[]){ "/bin/sh", "-c", "echo /proc/1/fd/*", NULL });
	if (strncmp(report, "/proc/1/fd/", 11) || strchr(report, ' '))
		fail_msg("pid 1 has open: %s", report);
	free(report);
	end(c, p);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
}

/* No abstract socket of ours anywhere, and none of the host's inside. */
static void no_abstract_sockets(void **state)
{
	static const char *const pause_argv[] = { "/bin/sleep", "1000", NULL };
	ct_container *c = must_open("abstract-test");
	char line[512], *text;
	FILE *f;

	(void)state;
	assert_ok(c, box_detach(c, pause_argv));
	f = fopen("/proc/net/unix", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strchr(line, '@') && (strstr(line, "abstract-test") || strstr(line, "contain")))
			fail_msg("an abstract socket: %s", line);
	fclose(f);
	text = attached(c, NULL, (const char *const[]){ "/bin/cat", "/proc/net/unix", NULL });
	assert_null(strchr(text, '@'));
	free(text);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	ct_unref(c);
}

#define KEYCTL_JOIN_SESSION_KEYRING 1

/* In a forked child cmocka's macros would go on with the other tests: say it and end. */
#define child_needs(condition, ...) \
	((condition) ? (void)0 : (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), _exit(1)))

/* In a child with a session keyring of its own and a key in it: the payload has another, and
 * does not find the key. */
static void own_keyring_in_child(void)
{
	static const char *const argv[] = { "/inside", "key", "ct-test-key", NULL };
	long mine = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), theirs = -1;
	ct_container *c;
	char *text = NULL;
	int r;

	if (mine < 0 || syscall(SYS_add_key, "user", "ct-test-key", "canary", 6L, -3L) < 0)
		_exit(77);
	c = box_handle(&box, NULL);
	r = c ? box_run(c, NULL, argv, &text, NULL) : -EINVAL;
	child_needs(r >= 0, "start: %s", ct_last_error(c)->message);
	child_needs(sscanf(text, "session %ld", &theirs) == 1 && theirs != mine &&
			    !strstr(text, "key found"),
		    "keyring %ld: %s", mine, text);
	_exit(0);
}

static void own_keyring(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		own_keyring_in_child();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_because("this kernel or place has no keyrings");
	assert_int_equal(status, 0);
}

/* ---- terminals ------------------------------------------------------------------------------- */

/* What keeps a payload from the caller's terminal, which it has as stdio: its filter, and that it
 * is not in the terminal's session. With CAP_SYS_ADMIN, and without any filter, nothing would. */
static const struct push_row {
	const char *name;
	const char *keys[7];
} push_rows[] = {
	{ "nothing pushed: nothing said", { NULL } },
	{ "nothing pushed: no filter of the config's", { "seccomp.profile", "none" } },
	{ "nothing pushed: no filter at all", { "seccomp.profile", "none", "keyring.user", "1" } },
	{ "nothing pushed: no filter, root of a user namespace",
	  { "seccomp.profile", "none", "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536" } },
	{ "nothing pushed: all capabilities", { "cap.drop", "none" } },
	{ "nothing pushed: all capabilities, no filter of the config's",
	  { "cap.drop", "none", "seccomp.profile", "none" } },
};

/* A session of its own whose terminal is handed to the payload as stdio: nothing may
 * be pushed into it. */
static void push_in_child(int slave, const struct push_row *row)
{
	static const char *const argv[] = { "/inside", "push", NULL };
	ct_container *c = box_handle(&box, NULL);
	ct_start_opts o = CT_START_OPTS_INIT;
	int pipefd[2], queued = -1;
	ct_process *p;
	char *text;

	setsid();
	if (!c || ioctl(slave, TIOCSCTTY, 0) < 0 || pipe(pipefd) < 0)
		_exit(3);
	for (int i = 0; row->keys[i]; i += 2)
		child_needs(ct_set_config(c, row->keys[i], row->keys[i + 1]) >= 0, "%s: %s",
			    row->name, ct_last_error(c)->message);
	o.argv = argv;
	o.stdio[0] = slave;
	o.stdio[1] = pipefd[1];
	o.stdio[2] = slave;
	child_needs(ct_start(c, &o, &p) >= 0, "start: %s", ct_last_error(c)->message);
	close(pipefd[1]);
	text = read_all(pipefd[0], PATIENCE_MS);
	child_needs(text && strstr(text, "bit 63 of fd 2: sti"), "the payload said: %s", text);
	child_needs(!strstr(text, "sti 0") && !strstr(text, "linux 0"),
		    "%s: the payload pushed into the caller's terminal: %s", row->name, text);
	child_needs(ioctl(slave, FIONREAD, &queued) == 0 && queued == 0,
		    "%d bytes are in the terminal's input", queued);
	_exit(0);
}

static void nothing_pushed_into_callers_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, status;
	const struct push_row *row = *state;
	struct termios t;
	pid_t pid;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	tcgetattr(slave, &t);
	cfmakeraw(&t); /* what is pushed can be counted at once */
	tcsetattr(slave, TCSANOW, &t);
	pid = fork();
	if (pid == 0)
		push_in_child(slave, row);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(slave);
	close(master);
}

/* ---- working directory ----------------------------------------------------------------------- */

/* The directory is refused, or the payload stands within its own root. */
static void cwd_row(ct_container *c, const char *cwd, bool attach, bool must_refuse)
{
	static const char *const argv[] = { "/bin/sh", "-c", "pwd -P; ls -a .; ls -a ./../../..",
					    NULL };
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	char *text = NULL;
	int r;

	o.cwd = cwd;
	if (!attach)
		assert_ok(c, ct_set_config(c, "init.cwd", cwd));
	r = attach ? box_attach(c, &o, argv, &text, NULL) : box_run(c, NULL, argv, &text, NULL);
	if (r >= 0 && must_refuse)
		fail_msg("cwd %s was accepted: %s", cwd, text);
	if (r >= 0 && (strstr(text, "ct-decoy") || text[0] != '/'))
		fail_msg("cwd %s stands outside: %s", cwd, text);
	if (r < 0 && !ct_last_error(c)->message[0])
		fail_msg("cwd %s: no reason", cwd);
	free(text);
}

static void cwd_never_outside(void **state)
{
	static const char *const links[] = { "/proc/1/cwd", "/proc/self/cwd/../..", "/link-fd",
					     "/link-root",  "/proc/1/root/..",	    "/link-loop",
					     "/etc/passwd", "/not-there",	    "/../../..",
					     "/dev/fd/5" };
	char path[PATH_MAX + 64], cwd[64];
	ct_container *c = fresh();
	int fds[40], n = 0;
	ct_process *p;

	(void)state;
	snprintf(path, sizeof(path), "%s/ct-decoy-dir", box.root.base);
	mkdir(path, 0755);
	for (; n < 40; n++)
		/* meant to be inherited */
		fds[n] = open(n % 2 ? path : box.root.base, O_RDONLY | O_DIRECTORY);
	rootfs_link(&box.root, "/proc/self/fd/7", "link-fd");
	rootfs_link(&box.root, "/proc/1/root/../..", "link-root");
	rootfs_link(&box.root, "/link-loop", "link-loop");
	p = waiting(c);
	for (int i = 3; i < 48; i += 4) {
		ct_container *own = fresh();

		snprintf(cwd, sizeof(cwd), "/proc/self/fd/%d", i);
		cwd_row(own, cwd, false, true);
		cwd_row(c, cwd, true, true);
		ct_unref(own);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		ct_container *own = fresh();

		cwd_row(own, links[i], false, false);
		cwd_row(c, links[i], true, false);
		ct_unref(own);
	}
	end(c, p);
	while (n)
		close(fds[--n]);
}

/* ---- hooks ----------------------------------------------------------------------------------- */

/* A hook that adds its environment and its descriptors to a file. */
static void write_hook(const char *script, const char *out)
{
	FILE *f = fopen(script, "we");

	assert_non_null(f);
	fprintf(f,
		"#!/bin/sh\n/usr/bin/env >> %s\nls -l /proc/$$/fd | sed -n 's/.*-> /fd: /p' >> "
		"%s\n",
		out, out);
	fclose(f);
	assert_int_equal(chmod(script, 0755), 0);
}

/* What is in a file when all of the hooks have written, or after a few seconds. */
static void read_hooks(const char *out, char *text, size_t size)
{
	for (long long end = now_ms() + PATIENCE_MS; now_ms() < end;) {
		FILE *f = fopen(out, "re");
		size_t n = f ? fread(text, 1, size - 1, f) : 0;

		if (f)
			fclose(f);
		text[n] = '\0';
		if (strstr(text, "=post-stop") && strstr(strstr(text, "=post-stop"), "fd: "))
			return;
		sleep_ms(50);
	}
}

static void check_hooks(const char *text)
{
	static const char *const types[] = { "pre-start", "start-host", "stop", "post-stop" };
	char want[64];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(want, sizeof(want), "LXC_HOOK_TYPE=%s\n", types[i]);
		if (!strstr(text, want))
			fail_msg("hook.%s did not run: %s", types[i], text);
	}
	assert_null(strstr(text, "canary"));
	assert_null(strstr(text, "LD_"));
	assert_null(strstr(text, "evil"));
	/* standard descriptors, and what the shell itself opens: the script, its redirections */
	for (const char *p = strstr(text, "fd: "); p; p = strstr(p + 1, "fd: "))
		if (strncmp(p, "fd: pipe:", 9) && strncmp(p, "fd: /dev/null\n", 14) &&
		    strncmp(p + 4, box.root.base, strlen(box.root.base)))
			fail_msg("a hook has another descriptor: %.60s", p);
}

/* Hooks get a fixed environment: nothing of the caller's, nothing of the container's. */
static void hooks_environment_is_fixed(void **state)
{
	static const char *const argv[] = { "/bin/sleep", "1000", NULL };
	char script[PATH_MAX + 64], out[PATH_MAX + 64], text[16384];
	ct_container *c = must_open("hooks");

	(void)state;
	snprintf(script, sizeof(script), "%s/hook.sh", box.root.base);
	snprintf(out, sizeof(out), "%s/hook.env", box.root.base);
	write_hook(script, out);
	assert_int_equal(setenv("CT_TEST_SECRET", "canary-8f1d", 1), 0);
	assert_int_equal(box_config(c, "environment", "LD_PRELOAD=/evil.so", "environment",
				    "LD_LIBRARY_PATH=/evil", "environment", "BASH_ENV=/evil",
				    "hook.version", "1", "hook.pre-start", script,
				    "hook.start-host", script, "hook.stop", script,
				    "hook.post-stop", script, NULL),
			 0);
	assert_ok(c, box_detach(c, argv));
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	read_hooks(out, text, sizeof(text));
	ct_unref(c);
	assert_int_equal(unsetenv("CT_TEST_SECRET"), 0);
	check_hooks(text);
}

/* ---- the rootfs says nothing ----------------------------------------------------------------- */

/* Two reports but for what differs from run to run. */
static void same_report(const char *a, const char *b)
{
	static const char *const keys[] = {
		"cap_permitted", "cap_bounding", "no_new_privs", "uid",	     "gid",	"groups",
		"fds",		 "cwd",		 "hostname",	 "nofile",   "env",	"argv",
		"umask",	 "session",	 "securebits",	 "dumpable", "blocked", "ignored"
	};
	char x[8192];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		expect(b, keys[i], probe_get(a, keys[i], x, sizeof(x)));
}

static void settings_in_rootfs_have_no_effect(void **state)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ ".nspawn", "[Exec]\nPrivateUsers=no\nCapability=all\nWorkingDirectory=/etc\n" },
		{ "rootfs.nspawn", "[Exec]\nCapability=all\n" },
		{ "config.json", "{\"process\": {\"user\": {\"uid\": 7}, \"cwd\": \"/etc\"}}\n" },
		{ "lxc.conf", "lxc.cap.keep = sys_admin\nlxc.init.uid = 7\n" },
		{ "config", "lxc.cap.keep = sys_admin\nlxc.init.uid = 7\nlxc.uts.name = evil\n" },
		{ "etc/lxc/default.conf", "lxc.init.uid = 7\n" },
		{ "etc/libcontain/config", "init.uid = 7\n" },
		{ ".containerenv", "engine=\"evil\"\n" },
		{ "etc/ld.so.preload", "/evil.so\n" },
		{ "etc/nsswitch.conf", "passwd: evil\n" },
		{ "etc/environment", "EVIL=1\n" },
		{ "etc/hostname", "evil\n" },
	};
	ct_container *c = fresh();
	char *before, *after;

	(void)state;
	before = started(c, NULL, probe_argv);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_int_equal(rootfs_file(&box.root, files[i].path, files[i].text, 0644), 0);
	after = started(c, NULL, probe_argv);
	same_report(before, after);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		rootfs_drop(&box.root, files[i].path);
	free(before);
	free(after);
	ct_unref(c);
}

/* A start changes nothing in the rootfs but what was asked for. */
static void rootfs_is_unchanged(void **state)
{
	ct_container *c = fresh();
	unsigned long long before;
	char path[PATH_MAX + 64];
	ct_process *p;

	(void)state;
	/* directories that were missing are made now */
	free(started(c, NULL, (const char *const[]){ "/bin/true", NULL }));
	before = tree_digest(box.root.path);
	for (int i = 0; i < 3; i++)
		free(started(c, NULL, probe_argv));
	p = waiting(c);
	free(attached(c, NULL, probe_argv));
	end(c, p);
	assert_true(tree_digest(box.root.path) == before);
	c = fresh();
	assert_ok(c, ct_set_config(c, "mount.entry", "tmpfs made/here tmpfs create=dir 0 0"));
	free(started(c, NULL, (const char *const[]){ "/bin/true", NULL }));
	assert_false(tree_digest(box.root.path) == before);
	snprintf(path, sizeof(path), "%s/made/here", box.root.path);
	assert_int_equal(access(path, F_OK), 0);
	rootfs_drop(&box.root, "made");
	ct_unref(c);
}

#define PUSH(i)                                                                      \
	{                                                                            \
		push_rows[i].name, nothing_pushed_into_callers_terminal, NULL, NULL, \
			(void *)(uintptr_t)&push_rows[i]                             \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capability_sets),
		cmocka_unit_test(cap_drop_drops_from_all),
		cmocka_unit_test(no_new_privs_key),
		cmocka_unit_test(setuid_program_gains_nothing),
		cmocka_unit_test(callers_groups_not_inherited),
		cmocka_unit_test(numbers_are_not_names),
		cmocka_unit_test(callers_environment_stays_outside),
		cmocka_unit_test(only_three_descriptors),
		cmocka_unit_test(no_abstract_sockets),
		cmocka_unit_test(own_keyring),
		PUSH(0),
		PUSH(1),
		PUSH(2),
		PUSH(3),
		PUSH(4),
		PUSH(5),
		cmocka_unit_test(cwd_never_outside),
		cmocka_unit_test(hooks_environment_is_fixed),
		cmocka_unit_test(settings_in_rootfs_have_no_effect),
		cmocka_unit_test(rootfs_is_unchanged),
	};

	if (geteuid() != 0) {
		printf("# skip: needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("protections-process", tests, setup, box_teardown);
}
