/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library beside the container: what it installs, its sockets and state, its messages, and whom
 * it takes for its own.
 */
#include "help.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- what is installed ----------------------------------------------------------------------- */

static int installed, privileged;

static int look_at(const char *path, const struct stat *st, int type, struct FTW *f)
{
	char caps[64];

	(void)f;
	if (type != FTW_F)
		return 0;
	installed++;
	if (st->st_mode & 06000 || st->st_mode & 0002 ||
	    getxattr(path, "security.capability", caps, sizeof(caps)) >= 0) {
		print_message("# %s: mode %o\n", path, st->st_mode);
		privileged++;
	}
	return 0;
}

/* No setuid or setgid file, none with capabilities, none that all may write. */
static void nothing_privileged(const void *data)
{
	char root[PATH_MAX + 16];
	struct run_result r;

	(void)data;
	snprintf(root, sizeof(root), "%s/installed", box.root.base);
	assert_int_equal(run_tool(ARGV("meson", "install", "-C", getenv("CT_BUILD"), "--no-rebuild",
				       "--destdir", root),
				  NULL, PATIENCE_MS, &r),
			 0);
	if (r.status)
		fail_msg("meson install: %s%s", r.out, r.err);
	run_free(&r);
	installed = privileged = 0;
	assert_int_equal(nftw(root, look_at, 32, FTW_PHYS), 0);
	tree_remove(root);
	assert_true(installed > 20);
	if (privileged)
		escape("%d installed files have rights of their own", privileged);
}

/* ---- sockets --------------------------------------------------------------------------------- */

/* In the host's network a payload sees all abstract sockets and the paths of the others: none is
 * the library's, and a path leads it nowhere. */
static void sockets_seen(const void *data)
{
	static const char *const list[] = { "/bin/cat", "/proc/net/unix", NULL };
	char line[512], *out;
	ct_container *c = must_open("socketed"), *d;
	ct_process *p;
	FILE *f;

	(void)data;
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	d = must_open(NULL);
	assert_int_equal(box_config(d, "namespace.keep", "net", NULL), 0);
	out = said(d, NULL, list);
	f = fopen("/proc/net/unix", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strchr(line, '@') && (strstr(line, "socketed") || strstr(line, "contain")))
			escape("an abstract socket: %s", line);
	fclose(f);
	for (char *save = NULL, *l = strtok_r(out, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		char *path = strstr(l, box.state), *seen = NULL;

		if (!path)
			continue;
		assert_int_equal(box_run(d, NULL, ARGV("/bin/ls", path), &seen, NULL), 0);
		if (seen && !strstr(seen, "No such file"))
			escape("the socket %s is seen inside: %s", path, seen);
		free(seen);
	}
	free(out);
	ct_unref(d);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	let_go(c, p);
}

static char control[PATH_MAX];

static int find_control(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)type;
	(void)f;
	if (S_ISSOCK(st->st_mode) && strstr(path, "/control"))
		snprintf(control, sizeof(control), "%s", path);
	return 0;
}

/* As another user, with a right to look everywhere: 1 when it was served. */
static int as_stranger(void *data)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ct_container *c;

	(void)data;
	memcpy(un.sun_path, control, strlen(control) + 1);
	if (setgroups(0, NULL) || setresgid(12345, 12345, 12345) || setresuid(12345, 12345, 12345))
		return 3;
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return 1;
	c = box_handle(&box, "guarded");
	if (ct_stop(c, CT_STOP_KILL, 1000) == 0 || ct_console_open(c, 0) >= 0)
		return 1;
	return 0;
}

static void stranger(const void *data)
{
	ct_container *c = must_open("guarded");
	ct_process *p;
	struct stat st;
	int r;

	(void)data;
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	control[0] = '\0';
	assert_int_equal(nftw(box.state, find_control, 32, FTW_PHYS), 0);
	assert_true(control[0] && !lstat(control, &st));
	r = in_process_of_its_own(as_stranger, NULL);
	if (r == 1)
		escape("another user is served");
	assert_int_equal(r, 0);
	assert_int_equal(ct_state(c), CT_STATE_RUNNING);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	let_go(c, p);
}

/* ---- who is taken for whom ------------------------------------------------------------------- */

/* Processes of the host, and of a container, that are called as a supervisor is: none is taken for
 * one, and none is ended by a stop. */
static void called_alike(const void *data)
{
	ct_container *c = must_open("named"), *other = must_open("namesake"), *d = must_open(NULL);
	char *names = NULL;
	ct_process *p, *q;
	pid_t alike;

	(void)data;
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &p));
	alike = fork();
	if (alike == 0) {
		prctl(PR_SET_NAME, "ct-namesake");
		execl("/bin/sleep", "libcontain namesake", "1000", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(rootfs_copy(&box.root, getenv("CT_PROBE"), "bin/ct-supervisor", 0755), 0);
	q = must_start(d, 0, ARGV("/bin/ct-supervisor", "sleep", "1000"));
	assert_int_equal(ct_state(other), CT_STATE_STOPPED);
	assert_int_equal(ct_stop(other, CT_STOP_KILL, 1000), -ESRCH);
	assert_true(ct_list(&box.where, CT_LIST_RUNNING, &names) >= 0);
	if (strcmp(names, "named\n"))
		escape("these run: %s", names);
	ct_free(names);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	if (waitpid(alike, NULL, WNOHANG) || ct_process_wait(q, NULL, 0) != -ETIMEDOUT)
		escape("a process of that name was ended, too");
	kill(alike, SIGKILL);
	waitpid(alike, NULL, 0);
	let_go(c, p);
	let_go(d, q);
	ct_unref(other);
}

/* ---- the end --------------------------------------------------------------------------------- */

struct ender {
	ct_process *p;
	pthread_t thread;
};

static void *kill_soon(void *data)
{
	struct ender *e = data;

	sleep_us(rand() % 10000);
	ct_process_kill(e->p, SIGKILL);
	return NULL;
}

/* Attaches while the container ends: it fails, or the program was inside: its root, its processes
 * and its host name are the container's. */
static void join_while_it_ends(const void *data)
{
	static const char inside[] = "hostname; ls -d /proc/1/root/bin/intruder; exec >&-";
	int n = rounds(150, 10000), joined = 0;
	struct leak *before = NULL;

	(void)data;
	for (int i = 0; i < n; i++) {
		ct_container *c = must_open(NULL);
		struct ender e = { .p = NULL };
		char *out = NULL;
		int r;

		assert_int_equal(box_config(c, "uts.name", "ending", NULL), 0);
		e.p = waiting(c);
		assert_int_equal(pthread_create(&e.thread, NULL, kill_soon, &e), 0);
		r = box_attach(c, NULL, ARGV("/bin/sh", "-c", inside), &out, NULL);
		pthread_join(e.thread, NULL);
		/* what was killed has not said all */
		if (r == 0 && *out && strncmp(out, "ending\n", 7))
			escape("round %d: it was elsewhere: %s", i, out);
		if (r < 0 && !ct_last_error(c)->message[0])
			fail_msg("round %d: %d without a word", i, r);
		joined += r == 0 && out && *out;
		free(out);
		let_go(c, e.p);
		if (i == 0)
			before = leak_take();
	}
	print_message("# %d of %d were inside\n", joined, n);
	assert_int_equal(leak_end(before, LEAK_NO_RSS), 0);
}

/* ---- lengths --------------------------------------------------------------------------------- */

/* Values that need more than 16 bits for their length, and all together more than a message had:
 * they arrive whole, or there is no start. */
static void long_values(const void *data)
{
	static const char *const keys[] = {
		"environment",		 "uts.name",	"rootfs.path", "init.cwd",
		"hook.pre-start",	 "net.0.name",	"log.file",    "mount.entry",
		"seccomp.notify.cookie", "console.path"
	};
	static char value[70001];

	(void)data;
	memset(value, 'a', sizeof(value) - 1);
	memcpy(value, "/a=", 3);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ct_container *c = must_open(NULL);
		char *out = NULL;

		if (ct_set_config(c, keys[i], value) == 0 &&
		    box_run(c, NULL, ARGV("/bin/sh", "-c", "env | wc -c"), &out, NULL) == 0 &&
		    (strcmp(keys[i], "environment") || atoi(out) < (int)sizeof(value) - 1))
			escape("%s of 70,000 bytes was cut: %s", keys[i], out);
		free(out);
		ct_unref(c);
	}
}

/* Many words: the program has all of them, or is not executed. */
static void long_words(const void *data)
{
	enum { WORDS = 3000 };
	static const char *argv[WORDS + 3];
	static char word[2 * WORDS];
	ct_container *c = must_open(NULL);
	char *out = NULL;

	(void)data;
	memset(word, 'w', 40);
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = "echo $#";
	for (int i = 3; i < WORDS + 2; i++)
		argv[i] = word;
	if (box_run(c, NULL, argv, &out, NULL) == 0 && atoi(out) != WORDS - 2)
		escape("of %d words %s arrived", WORDS - 2, out);
	free(out);
	ct_unref(c);
}

int main(void)
{
	static const struct cve_case cases[] = {
		{ "cve-2017-5985-nothing-setuid", nothing_privileged, NULL },
		{ "cve-2020-15257-sockets-seen", sockets_seen, NULL },
		{ "cve-2020-15257-another-user", stranger, NULL },
		{ "cve-2025-54288-called-alike", called_alike, NULL },
		{ "join-while-it-ends", join_while_it_ends, NULL },
		{ "cve-2021-43784-long-values", long_values, NULL },
		{ "cve-2021-43784-many-words", long_words, NULL },
	};

	return cve_main("library", cases, sizeof(cases) / sizeof(*cases));
}
