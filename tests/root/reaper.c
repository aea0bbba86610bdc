/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program ends in a container as it ends anywhere: every way to end, with and without rights, in
 * process and detached. Its pid 1 is ours, hands signals on once, reaps, and is nothing that the
 * program could use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup-help.h"

#define SAID 65536
#define WAIT_MS 60000

/* ---- a program, its two pipes ---------------------------------------------------------------- */

struct chat {
	ct_container *c;
	ct_process *p;
	int out;
	size_t n;
	char said[SAID];
};
static struct chat chat;

static void set(ct_container *c, const char *key, const char *value)
{
	assert_ok(c, ct_set_config(c, key, value));
}

static ct_container *handle(const char *name)
{
	ct_container *c = must_open(name);

	set(c, "cgroup.pattern", box.pattern);
	return c;
}

static void begin(ct_container *c, uint64_t flags, const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int pair[2];

	memset(&chat, 0, sizeof(chat));
	chat.c = c;
	chat.out = -1;
	o.argv = argv;
	o.flags = flags;
	o.stdio[0] = -1;
	if (flags & CT_START_PTY) {
		o.stdio[0] = 0;
		assert_ok(c, ct_start(c, &o, &chat.p));
		return;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	chat.out = pair[0];
	o.stdio[1] = o.stdio[2] = pair[1];
	assert_ok(c, ct_start(c, &o, &chat.p));
	close(pair[1]);
}

/* Takes what there is within the time. 0: nothing came, or the end. */
static int hear(int ms)
{
	struct pollfd fd = { .fd = chat.out >= 0 ? chat.out : ct_process_pty(chat.p),
			     .events = POLLIN };
	ssize_t n = poll(&fd, 1, ms) > 0 ? read(fd.fd, chat.said + chat.n, SAID - 1 - chat.n) : 0;

	chat.n += n > 0 ? (size_t)n : 0;
	chat.said[chat.n] = '\0';
	return n > 0;
}

static int times(const char *what)
{
	int n = 0;

	for (const char *p = chat.said; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

static void hears(const char *what, int n)
{
	long long until = now_ms() + WAIT_MS;

	while (times(what) < n && now_ms() < until)
		hear(1000);
	if (times(what) < n)
		fail_msg("\"%s\" was not said %d times: %s", what, n, chat.said);
}

static ct_exit finish(void)
{
	ct_exit ex = CT_EXIT_INIT;

	assert_int_equal(ct_process_wait(chat.p, &ex, WAIT_MS), 0);
	while (chat.out >= 0 && hear(0))
		;
	chat.p = ct_process_unref(chat.p);
	if (chat.out >= 0)
		close(chat.out);
	chat.out = -1;
	return ex;
}

static void drop(void)
{
	if (chat.p)
		ct_process_kill(chat.p, SIGKILL);
	chat.p = ct_process_unref(chat.p);
	if (chat.out >= 0)
		close(chat.out);
	chat.out = -1;
	if (chat.c && ct_name(chat.c)[0])
		ct_stop(chat.c, CT_STOP_KILL, 5000);
	chat.c = ct_unref(chat.c);
}

/* ---- every way to end ------------------------------------------------------------------------ */

struct way {
	const char *how, *arg;
	int reason, code, signal;
};

#define EXITS(n)                                 \
	{                                        \
		"exit", #n, CT_EXIT_EXITED, n, 0 \
	}
#define DIES(how, arg, sig)                                  \
	{                                                    \
		how, arg, CT_EXIT_SIGNALED, 128 + (sig), sig \
	}
static const struct way ways[] = {
	EXITS(0),
	EXITS(1),
	EXITS(77),
	EXITS(126),
	EXITS(127),
	EXITS(129),
	EXITS(137),
	EXITS(143),
	EXITS(255),
	DIES("raise", "1", SIGHUP),
	DIES("raise", "2", SIGINT),
	DIES("raise", "3", SIGQUIT),
	DIES("raise", "4", SIGILL),
	DIES("raise", "5", SIGTRAP),
	DIES("raise", "6", SIGABRT),
	DIES("raise", "7", SIGBUS),
	DIES("raise", "8", SIGFPE),
	DIES("raise", "9", SIGKILL),
	DIES("raise", "10", SIGUSR1),
	DIES("raise", "11", SIGSEGV),
	DIES("raise", "12", SIGUSR2),
	DIES("raise", "13", SIGPIPE),
	DIES("raise", "14", SIGALRM),
	DIES("raise", "15", SIGTERM),
	DIES("raise", "16", SIGSTKFLT),
	DIES("raise", "24", SIGXCPU),
	DIES("raise", "25", SIGXFSZ),
	DIES("raise", "26", SIGVTALRM),
	DIES("raise", "27", SIGPROF),
	DIES("raise", "29", SIGIO),
	DIES("raise", "30", SIGPWR),
	DIES("raise", "31", SIGSYS),
	DIES("raise", "34", 34),
	DIES("raise", "64", 64),
	DIES("kill", "9", SIGKILL),
	DIES("kill", "15", SIGTERM),
	DIES("kill", "1", SIGHUP),
	DIES("tell", "15", SIGTERM),
	DIES("tell", "40", 40),
	DIES("abort", NULL, SIGABRT),
	DIES("alarm", NULL, SIGALRM),
	DIES("pipe", NULL, SIGPIPE),
	DIES("fault", NULL, SIGSEGV),
	DIES("write", "/tmp/much", SIGXFSZ),
	DIES("spin", NULL, SIGXCPU),
	/* what by default does nothing, and what stops: the program goes on */
	{ "raise", "17", CT_EXIT_EXITED, 77, 0 },
	{ "raise", "18", CT_EXIT_EXITED, 77, 0 },
	{ "raise", "23", CT_EXIT_EXITED, 77, 0 },
	{ "raise", "28", CT_EXIT_EXITED, 77, 0 },
	{ "raise", "20", CT_EXIT_EXITED, 77, 0 },
	{ "raise", "21", CT_EXIT_EXITED, 77, 0 },
	{ "raise", "22", CT_EXIT_EXITED, 77, 0 },
};

static void end_in(const char *mode, ct_container *c, uint64_t flags, const struct way *w)
{
	ct_exit ex;

	begin(c, flags, w->arg ? ARGV("/bin/ender", w->how, w->arg) : ARGV("/bin/ender", w->how));
	ex = finish();
	if (ex.reason != w->reason || ex.code != w->code || ex.signal != w->signal)
		fail_msg("%s: %s %s: reason %d, code %d, signal %d, not %d, %d, %d: %s", mode,
			 w->how, w->arg ? w->arg : "", ex.reason, ex.code, ex.signal, w->reason,
			 w->code, w->signal, chat.said);
	if (ex.core)
		fail_msg("%s: %s %s: core although none was asked for", mode, w->how,
			 w->arg ? w->arg : "");
}

struct mode {
	const char *name; /* of the container, NULL: anonymous */
	uint64_t flags;
	const char *config[8];
};

static void all_ways(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	const char *name = "plain";

	for (int i = 0; m->config[i]; i += 2)
		set(c, m->config[i], m->config[i + 1]);
	set(c, "prlimit.core", "0");
	set(c, "prlimit.fsize", "65536");
	set(c, "prlimit.cpu", "1:20");
	set(c, "mount.tmpfs", "tmp mode=1777");
	if (*m->config)
		name = m->config[0];
	if (m->name)
		name = m->name;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		end_in(name, c, m->flags, &ways[i]);
	chat.c = c;
}

#define MAP "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536"
static struct mode plain = { NULL, 0, { NULL } }, mapped = { NULL, 0, { MAP, NULL } },
		   user = { NULL,
			    CT_START_NO_NEW_PRIVS,
			    { "init.uid", "1000", "init.gid", "1000", "cap.keep", "none", NULL } },
		   detached = { "web", CT_START_DETACH | CT_START_EXECUTE, { NULL } },
		   detached_mapped = { "web", CT_START_DETACH | CT_START_REAPER, { MAP, NULL } };

/* A core file is told of. Where the pattern names a path, it lies on a tmpfs of the
 * container's own. */
static void core(void **state)
{
	struct rlimit big = { RLIM_INFINITY, RLIM_INFINITY }, was;
	static const char *const config[][2] = { { "prlimit.core", "unlimited" },
						 { "prlimit.core", "0" } };

	(void)state;
	if (getrlimit(RLIMIT_CORE, &was) || setrlimit(RLIMIT_CORE, &big))
		skip_because("core files are not to be had: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		ct_container *c = handle(NULL);
		ct_exit ex;

		set(c, config[i][0], config[i][1]);
		set(c, "mount.tmpfs", "work size=16m");
		set(c, "init.cwd", "/work");
		begin(c, 0, ARGV("/bin/ender", "abort"));
		ex = finish();
		chat.c = ct_unref(c);
		assert_int_equal(ex.signal, SIGABRT);
		assert_int_equal(ex.core, i == 0);
	}
	assert_int_equal(setrlimit(RLIMIT_CORE, &was), 0);
}

/* ---- what pid 1 does ------------------------------------------------------------------------- */

static void orphans(void **state)
{
	ct_container *c = handle(NULL);

	(void)state;
	begin(c, 0, ARGV("/bin/ender", "orphans", "1000"));
	assert_int_equal(finish().code, 0);
	if (strcmp(chat.said, "left\n"))
		fail_msg("not reaped: %.200s", chat.said);
}

/* Each that is sent comes once, with what was sent along. */
static void handed_on(void **state)
{
	static const int sigs[] = { SIGTERM, SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1, SIGWINCH,
				    SIGCONT, SIGTSTP, SIGPIPE, 39,	63 };
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	union sigval v = { .sival_int = 4711 };
	char line[32];

	begin(c, m->flags, ARGV("/bin/ender", "catch"));
	hears("ready", 1);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		assert_int_equal(ct_process_kill(chat.p, sigs[i]), 0);
		snprintf(line, sizeof(line), "got %d 0 0\n", sigs[i]);
		hears(line, 1);
	}
	assert_int_equal(sigqueue(ct_init_pid(c), 35, v), 0);
	hears("got 35 -1 4711\n", 1);
	/* all of its processes at once: the program once, too */
	if (ct_kill_all(c, 36) != -EOPNOTSUPP) {
		hears("got 36 0 0\n", 1);
		assert_int_equal(ct_process_kill(chat.p, 37), 0);
		hears("got 37 0 0\n", 1);
		assert_int_equal(times("got 36"), 1);
	}
	assert_int_equal(ct_process_kill(chat.p, SIGUSR2), 0);
	assert_int_equal(finish().code, 0);

	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		snprintf(line, sizeof(line), "got %d ", sigs[i]);
		assert_int_equal(times(line), 1);
	}
	chat.c = c;
}

static char status_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f)
		fclose(f);
	return state;
}

/* The program's pid: pid 1's first child. */
static pid_t program(pid_t init)
{
	char path[64];
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)init, (int)init);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d", &pid) != 1)
		pid = -1;
	if (f)
		fclose(f);
	return pid;
}

static int is_stopped(void *pid)
{
	return status_of(*(pid_t *)pid) == 'T';
}

static int is_going(void *pid)
{
	return status_of(*(pid_t *)pid) == 'S';
}

/* SIGSTOP stops the program, and is not its end. */
static void stopped(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	pid_t pid;

	begin(c, m->flags, ARGV("/bin/ender", "loop"));
	hears("ready", 1);
	pid = program(ct_init_pid(c));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(i ? ct_kill(c, SIGSTOP) : ct_process_kill(chat.p, SIGSTOP), 0);
		assert_true(wait_for(is_stopped, &pid, WAIT_MS));
		assert_int_equal(ct_process_wait(chat.p, NULL, 0), -ETIMEDOUT);
		assert_int_equal(ct_process_kill(chat.p, SIGCONT), 0);
		assert_true(wait_for(is_going, &pid, WAIT_MS));
	}
	assert_int_equal(ct_process_kill(chat.p, SIGTERM), 0);
	assert_int_equal(finish().signal, SIGTERM);
	chat.c = c;
}

/* ^C reaches the foreground once, ^Z stops nobody whom nobody could let go on; the program sits at
 * its terminal as its owner. */
static void terminal(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	int fd;

	begin(c, m->flags | CT_START_PTY, ARGV("/bin/ender", "group"));
	hears("ready", 1);
	fd = ct_process_pty(chat.p);
	assert_int_equal(write(fd, "\3", 1), 1);
	hears("got 2 128", 1);
	hears("child 2 128", 1);
	assert_int_equal(write(fd, "\32", 1), 1);
	hears("got 20 128", 1);
	assert_int_equal(ct_process_kill(chat.p, SIGTERM), 0);
	hears("got 15 0", 1);
	assert_int_equal(times("got 2 "), 1);
	assert_int_equal(times("child 2 "), 1);
	assert_int_equal(times("child 15 "), 0);
	assert_int_equal(ct_process_kill(chat.p, SIGUSR2), 0);
	assert_int_equal(finish().code, 0);
	begin(c, m->flags | CT_START_PTY, ARGV("/bin/ender", "loop"));
	hears("ready", 1);
	fd = ct_process_pty(chat.p);
	assert_int_equal(write(fd, "\32\3", 2), 2);
	assert_int_equal(finish().signal, SIGINT);
	begin(c, m->flags | CT_START_PTY, ARGV("/bin/ender", "who"));
	hears("2 1 2 2 2", 1);
	assert_int_equal(finish().code, 0);
	chat.c = c;
}

/* What it leaves behind ends with it, and its code is the program's. */
static void background(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	ct_exit ex;

	begin(c, m->flags, ARGV("/bin/ender", "background", "3"));
	ex = finish();
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(ex.code, 3);
	chat.c = c;
}

/* Who reads what the program prints sees its end when the program closes it. */
static void closed(void **state)
{
	char byte;

	(void)state;
	begin(handle(NULL), 0, ARGV("/bin/ender", "close"));
	hears("ready", 1);
	assert_int_equal(recv(chat.out, &byte, 1, 0), 0);
	assert_int_equal(ct_process_wait(chat.p, NULL, 0), -ETIMEDOUT);
	assert_int_equal(ct_process_kill(chat.p, SIGTERM), 0);
	assert_int_equal(finish().signal, SIGTERM);
}

/* ---- what pid 1 is --------------------------------------------------------------------------- */

/* One descriptor, no memory of the set-up, the program's own rights. */
static void nothing_to_gain(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	const char *p;

	for (int i = 0; m->config[i]; i += 2)
		set(c, m->config[i], m->config[i + 1]);
	begin(c, m->flags, ARGV("/bin/ender", "who"));
	assert_int_equal(finish().code, 0);
	chat.c = c;
	if (!strstr(chat.said, "2 1 2 2 -1\n") || !strstr(chat.said, "/proc/1/comm: ct-init\n"))
		fail_msg("not as it should be: %s", chat.said);
	/* who may not look at it (another user in a user namespace) sees none */
	if (times("/proc/1/fd/") > 1 || times(" -> socket:") != times("/proc/1/fd/"))
		fail_msg("descriptors: %s", chat.said);
	assert_int_equal(times("/proc/1/environ: "), 0);
	assert_int_equal(times("memfd:ct-stage"), 2);
	for (p = chat.said; (p = strstr(p, "/proc/1/maps: ")); p++)
		if (!memmem(p, strcspn(p, "\n"), "memfd:ct-stage", 14) &&
		    !memmem(p, strcspn(p, "\n"), "[stack]", 7) &&
		    !memmem(p, strcspn(p, "\n"), "[v", 2) &&
		    !memmem(p, strcspn(p, "\n"), "00:00 0 \n", 8))
			fail_msg("mapped: %s", chat.said);
	if (*m->config && !strcmp(*m->config, "init.uid")) {
		assert_non_null(
			strstr(chat.said, "/proc/1/status: Uid:\t1000\t1000\t1000\t1000\n"));
		assert_non_null(strstr(chat.said, "/proc/1/status: CapPrm:\t0000000000000000\n"));
		assert_non_null(strstr(chat.said, "/proc/1/status: CapBnd:\t0000000000000000\n"));
		assert_non_null(strstr(chat.said, "/proc/1/status: NoNewPrivs:\t1\n"));
	}
}

/* Whoever enters gets the program's rights, and sees it beside pid 1. */
static void attached(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	char *out = NULL;
	ct_exit ex = CT_EXIT_INIT;

	for (int i = 0; m->config[i]; i += 2)
		set(c, m->config[i], m->config[i + 1]);
	set(c, "prlimit.nofile", "77");
	begin(c, m->flags, ARGV("/bin/ender", "loop"));
	hears("ready", 1);
	assert_ok(c, box_attach(c, NULL, ARGV("/bin/probe"), &out, &ex));
	assert_non_null(strstr(out, "{\"nofile\": [77, 77]}"));
	if (*m->config && !strcmp(*m->config, "init.uid"))
		assert_non_null(strstr(out, "{\"uid\": [1000, 1000, 1000]}"));
	free(out);
	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &out));
	if (!strstr(out, "prlimit.nofile") || strstr(out, "cannot be told"))
		fail_msg("%s", out);
	ct_free(out);
	assert_int_equal(ct_process_kill(chat.p, SIGTERM), 0);
	assert_int_equal(finish().signal, SIGTERM);
	chat.c = c;
}

/* ---- counting -------------------------------------------------------------------------------- */

/* limit.pids counts the program and what it makes, at the start and live. */
static void counted(void **state)
{
	static const int limits[] = { 1, 2, 7 };
	const struct mode *m = *state;

	for (int i = 0; i < 3; i++) {
		ct_container *c = handle(m->name);
		char text[16];
		ct_exit ex;
		int r;

		snprintf(text, sizeof(text), "%d", limits[i]);
		set(c, "limit.pids", text);
		r = box_run(c, &(ct_start_opts){ .size = sizeof(ct_start_opts), .flags = m->flags },
			    ARGV("/bin/ender", "forks", "20"), NULL, &ex);
		if (r == -EOPNOTSUPP)
			elsewhere_because("%s", ct_last_error(c)->message);
		assert_ok(c, r);
		chat.c = c;
		assert_int_equal(ex.code, limits[i] - 1);
		assert_int_equal(ex.reason, CT_EXIT_PIDS);
		assert_true(ex.pids_refused >= 1 && ex.pids_refused != CT_ABSENT);
		if (ex.pids_peak != CT_ABSENT)
			assert_int_equal(ex.pids_peak, limits[i]);
		/* none is refused that is within it */
		if (i)
			assert_ok(c, box_run(c,
					     &(ct_start_opts){ .size = sizeof(ct_start_opts),
							       .flags = m->flags },
					     ARGV("/bin/ender", "forks", "1"), NULL, &ex));
		assert_int_equal(ex.reason, i ? CT_EXIT_EXITED : CT_EXIT_PIDS);
		assert_int_equal(!!ex.pids_refused, i == 0);
		drop();
	}
}

static void counted_live(void **state)
{
	static const char *const key = "limit.pids", *const two = "2";
	ct_container *c = handle(NULL);
	ct_exit ex;
	char buf[32];

	(void)state;
	set(c, "limit.pids", "9");
	begin(c, 0,
	      ARGV("/bin/sh", "-c",
		   "trap 'ender forks 5; exit $?' USR1; echo ready; "
		   "while :; do sleep 0.05; done"));
	hears("ready", 1);
	assert_ok(c, ct_set_limits(c, &key, &two, 1));
	assert_true(ct_cgroup_get(c, "pids.max", buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "3");
	drop();
	c = handle(NULL);
	set(c, "limit.pids", "2");
	begin(c, CT_START_NO_REAPER, ARGV("/bin/ender", "loop"));
	hears("ready", 1);
	assert_true(ct_cgroup_get(c, "pids.max", buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "2");
	assert_int_equal(ct_process_kill(chat.p, SIGKILL), 0);
	ex = finish();
	assert_int_equal(ex.signal, SIGKILL);
}

/* The resource limits are the program's, down to where pid 1 could not do its work. */
static void resources(void **state)
{
	static const char *const rows[][2] = {
		{ "prlimit.nproc", "1" },      { "prlimit.nofile", "3" },
		{ "prlimit.sigpending", "0" }, { "prlimit.data", "16777216" },
		{ "prlimit.stack", "131072" }, { "prlimit.fsize", "0" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ct_container *c = handle(NULL);
		ct_exit ex;

		set(c, "init.uid", "1000");
		set(c, rows[i][0], rows[i][1]);
		begin(c, 0, ARGV("/bin/ender", "forks", "1"));
		ex = finish();
		if (ex.reason != CT_EXIT_EXITED || ex.code != (i > 0))
			fail_msg("%s: reason %d, code %d: %s", rows[i][0], ex.reason, ex.code,
				 chat.said);
		drop();
	}
}

/* CPU time begins with the exec: what the set-up takes is not the program's. */
static void cpu_time(void **state)
{
	const struct mode *m = *state;
	ct_container *c = handle(m->name);
	uint64_t setup_us;
	char buf[64];
	ct_exit ex;

	/* mounts make the set-up long: much longer than the exec of a small program,
	 * which is the program's */
	for (int i = 0; i < 150; i++) {
		snprintf(buf, sizeof(buf), "mnt/%d size=4k", i);
		set(c, "mount.tmpfs", buf);
	}
	setup_us = (uint64_t)now_ms() * 1000;
	begin(c, m->flags, ARGV("/bin/ender", "exit", "0"));
	setup_us = (uint64_t)now_ms() * 1000 - setup_us;
	ex = finish();
	chat.c = c;
	if (ex.user_us + ex.system_us > 20000 && ex.user_us + ex.system_us > setup_us / 2)
		fail_msg("%llu and %llu us", (unsigned long long)ex.user_us,
			 (unsigned long long)ex.system_us);
	if (ex.cpu_us != CT_ABSENT && ex.cpu_us > 30000 && ex.cpu_us > setup_us / 2)
		fail_msg("%llu us", (unsigned long long)ex.cpu_us);
	begin(c, m->flags, ARGV("/bin/ender", "burn", "200"));
	ex = finish();
	if (ex.user_us + ex.system_us < 190000 ||
	    ex.user_us + ex.system_us > 300000u * (unsigned)slowness())
		fail_msg("%llu and %llu us", (unsigned long long)ex.user_us,
			 (unsigned long long)ex.system_us);
	if (ex.cpu_us != CT_ABSENT &&
	    (ex.cpu_us < 190000 || ex.cpu_us > 300000u * (unsigned)slowness()))
		fail_msg("%llu us", (unsigned long long)ex.cpu_us);
}

/* ---- who has one ----------------------------------------------------------------------------- */

static void expect_pid(const char *name, uint64_t flags, const char *key, const char *value,
		       int pid)
{
	ct_container *c = handle(name);
	char *out = NULL, got[16];
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_exit ex;

	if (key)
		set(c, key, value);
	o.flags = flags;
	assert_ok(c, box_run(c, &o, ARGV("/bin/probe"), &out, &ex));
	if (atoi(probe_get(out, "pid", got, sizeof(got))) != pid)
		fail_msg("%s, flags %llx, %s = %s: pid %s", name ? name : "anonymous",
			 (unsigned long long)flags, key ? key : "-", key ? value : "-", got);
	free(out);
	chat.c = c;
	drop();
}

/* Without a pid namespace of its own there is none, and none can be asked for. */
static void nobody_without_a_namespace(void)
{
	ct_container *c = handle(NULL);

	set(c, "namespace.keep", "pid");
	assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
	assert_refused(c,
		       ct_check(c, &(ct_start_opts){ .size = sizeof(ct_start_opts),
						     .flags = CT_START_REAPER,
						     .argv = ARGV("/bin/true") }),
		       -EINVAL);
	set(c, "init.reaper", "1");
	assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), -EINVAL);
	assert_string_equal(ct_last_error(c)->key, "init.reaper");
	assert_refused(c,
		       ct_start(c,
				&(ct_start_opts){ .size = sizeof(ct_start_opts),
						  .flags = CT_START_REAPER | CT_START_NO_REAPER },
				NULL),
		       -EINVAL);
	ct_unref(c);
}

static void who_has_one(void **state)
{
	(void)state;
	memset(&chat, 0, sizeof(chat));
	chat.out = -1;
	expect_pid(NULL, 0, NULL, NULL, 2);
	expect_pid(NULL, CT_START_NO_REAPER, NULL, NULL, 1);
	expect_pid(NULL, 0, "init.reaper", "0", 1);
	expect_pid(NULL, CT_START_REAPER, "init.reaper", "0", 2);
	expect_pid(NULL, CT_START_NO_REAPER, "init.reaper", "1", 1);
	expect_pid("web", 0, NULL, NULL, 1);
	expect_pid("web", CT_START_DETACH, NULL, NULL, 1);
	expect_pid("web", CT_START_DETACH, "init.reaper", "1", 2);
	expect_pid("web", CT_START_DETACH | CT_START_REAPER, NULL, NULL, 2);
	expect_pid("web", CT_START_DETACH | CT_START_EXECUTE, NULL, NULL, 2);
	expect_pid("web", CT_START_DETACH | CT_START_EXECUTE, "init.reaper", "no", 1);
	expect_pid("web", CT_START_EXECUTE, NULL, NULL, 2);
	nobody_without_a_namespace();
}

/* What cannot be executed is told as before, with its step. */
static void failures(void **state)
{
	static const struct {
		const char *path;
		int err;
	} rows[] = { { "/bin/none", -ENOENT }, { "none", -ENOENT },
		     { "/etc", -EACCES },      { "/bin/no-loader", -ENOENT },
		     { "/bin/text", -EACCES }, { "/bin/nothing", -ENOEXEC } };
	static const uint64_t flags[] = { CT_START_REAPER, CT_START_NO_REAPER };
	char message[2][512];

	(void)state;
	rootfs_file(&box.root, "bin/no-loader", "#!/no/interpreter\n", 0755);
	rootfs_file(&box.root, "bin/text", "echo\n", 0644);
	rootfs_file(&box.root, "bin/nothing", "x", 0755);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int k = 0; k < 2; k++) {
			ct_container *c = handle(NULL);
			ct_start_opts o = CT_START_OPTS_INIT;

			o.flags = flags[k];
			assert_refused(c, box_run(c, &o, ARGV(rows[i].path), NULL, NULL),
				       rows[i].err);
			assert_string_equal(ct_last_error(c)->step_name, "run.exec");
			snprintf(message[k], sizeof(message[k]), "%s", ct_last_error(c)->message);
			ct_unref(c);
		}
		assert_string_equal(message[0], message[1]);
	}
}

static void scripts(void **state)
{
	ct_container *c = handle(NULL);
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_exit ex;
	char path[PATH_MAX + 64];

	(void)state;
	rootfs_file(&box.root, "bin/script", "#!/bin/sh\nkill -9 $$\n", 0755);
	assert_ok(c, box_run(c, NULL, ARGV("script"), NULL, &ex));
	assert_int_equal(ex.signal, SIGKILL);
	snprintf(path, sizeof(path), "%s/bin/ender", box.root.path);
	o.exec_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(o.exec_fd > 0);
	assert_ok(c, box_run(c, &o, ARGV("ender", "abort"), NULL, &ex));
	close(o.exec_fd);
	assert_int_equal(ex.signal, SIGABRT);
	ct_unref(c);
}

/* reboot(2) ends pid 1, and is told as ever; so is who is killed from outside. */
static void killed(void **state)
{
	ct_container *c = handle(NULL);
	ct_exit ex;

	(void)state;
	set(c, "cap.keep", "sys_boot");
	assert_ok(c, box_run(c, NULL, ARGV("/bin/reboot", "-f"), NULL, &ex));
	assert_int_equal(ex.reason, CT_EXIT_REBOOT);
	assert_ok(c, box_run(c, NULL, ARGV("/bin/halt", "-f"), NULL, &ex));
	assert_int_equal(ex.reason, CT_EXIT_HALT);
	begin(c, 0, ARGV("/bin/ender", "loop"));
	hears("ready", 1);
	assert_int_equal(ct_stop(c, CT_STOP_KILL, 5000), 0);
	ex = finish();
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ex.signal, SIGKILL);
	/* asked to go, it goes by SIGTERM */
	begin(c, 0, ARGV("/bin/ender", "loop"));
	hears("ready", 1);
	assert_int_equal(ct_stop(c, 0, WAIT_MS), 0);
	ex = finish();
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ex.signal, SIGTERM);
	set(c, "limit.time", "100ms");
	begin(c, 0, ARGV("/bin/ender", "loop"));
	ex = finish();
	assert_int_equal(ex.reason, CT_EXIT_TIME);
	assert_int_equal(ex.signal, SIGKILL);
	chat.c = c;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	box_word(&box, "reap");
	case_mark();
	return 0;
}

static int teardown(void **state)
{
	drop();
	return cgroup_case_teardown(state);
}

static int group_setup(void **state)
{
	const char *ender = getenv("CT_ENDER");

	memset(&chat, 0, sizeof(chat));
	chat.out = -1;
	return !ender || box_setup_used(state) || rootfs_copy(&box.root, ender, "bin/ender", 0755);
}

#define CASE(f, m)                                 \
	{                                          \
#f ", " #m, f, setup, teardown, &m \
	}
#define ONE(f)                               \
	{                                    \
#f, f, setup, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_ways, plain),
		CASE(all_ways, mapped),
		CASE(all_ways, user),
		CASE(all_ways, detached),
		CASE(all_ways, detached_mapped),
		ONE(core),
		ONE(orphans),
		CASE(handed_on, plain),
		CASE(handed_on, detached),
		CASE(stopped, plain),
		CASE(stopped, detached),
		CASE(terminal, plain),
		CASE(terminal, detached),
		CASE(background, plain),
		CASE(background, detached),
		ONE(closed),
		CASE(nothing_to_gain, plain),
		CASE(nothing_to_gain, mapped),
		CASE(nothing_to_gain, user),
		CASE(nothing_to_gain, detached),
		CASE(attached, plain),
		CASE(attached, mapped),
		CASE(attached, user),
		CASE(attached, detached),
		CASE(counted, plain),
		CASE(counted, detached),
		ONE(counted_live),
		ONE(resources),
		CASE(cpu_time, plain),
		CASE(cpu_time, detached),
		ONE(who_has_one),
		ONE(failures),
		ONE(scripts),
		ONE(killed),
	};

	return cmocka_run_group_tests(tests, group_setup, box_teardown);
}
