/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller's terminal in the hands of a payload: nothing is pushed into its input, it is not
 * taken away, and floods of output and of new sizes cost the library nothing that grows.
 */
#include "help.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define MIB (1024l * 1024)

/* ---- pushing --------------------------------------------------------------------------------- */

struct pusher {
	const char *config[6];
	const char *names[6];
	bool attach;
	const char *name; /* NULL: a program; a system has no filter */
};

/* In a session of its own, whose terminal it is. 0: nothing was pushed; 1: something was. */
static int push_body(void *data)
{
	const struct pusher *p = data;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, queued = -1;
	ct_container *c = box_handle(&box, p->name);
	ct_process *init = NULL;
	struct termios t;
	char *report;

	if (master < 0 || grantpt(master) || unlockpt(master) || setsid() < 0)
		return 2;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (!c || slave < 0 || ioctl(slave, TIOCSCTTY, 0) || tcgetattr(slave, &t))
		return 2;
	cfmakeraw(&t); /* what is pushed can be counted at once */
	tcsetattr(slave, TCSANOW, &t);
	for (size_t i = 0; p->config[i]; i += 2)
		if (ct_set_config(c, p->config[i], p->config[i + 1]))
			return 2;
	if (p->attach) {
		init = waiting(c);
		report = attempted_attached(c, p->names, slave);
	} else {
		report = attempted(c, p->names, slave);
	}
	for (int i = 0; p->names[i]; i++)
		if (outcome(report, p->names[i]) == 0)
			return printf("# escape: %s\n", report), 1;
	if (ioctl(slave, FIONREAD, &queued) || queued)
		return printf("# escape: %d bytes are in the terminal's input\n", queued), 1;
	/* still ours */
	if (tcgetpgrp(slave) != getpgrp() || tcgetsid(slave) != getsid(0))
		return printf("# escape: the terminal is another session's\n"), 1;
	let_go(c, init);
	return 0;
}

static void push(const void *data)
{
	int r = in_process_of_its_own(push_body, (void *)(uintptr_t)data);

	if (r == 1)
		escape("the caller's terminal was reached");
	assert_int_equal(r, 0);
}

/* The payload is no member of the caller's session, whatever terminal it was given, be it pid 1 or
 * not. */
static void own_session(const void *data)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	ct_start_opts o = CT_START_OPTS_INIT;

	(void)data;
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	o.stdio[0] = slave;
	for (int i = 0; i < 2; i++) {
		ct_container *c = must_open(NULL);
		char *report, sid[32];

		assert_ok(c, ct_set_config(c, "init.reaper", i ? "1" : "0"));
		report = said(c, &o, ARGV("/bin/probe"));
		/* the leader is a process of the container, or the number would be 0 */
		probe_get(report, "session", sid, sizeof(sid));
		if (!strcmp(sid, "0") || !sid[0])
			escape("the payload is in a session from outside: %s", sid);
		free(report);
		ct_unref(c);
	}
	close(slave);
	close(master);
}

/* ---- floods ---------------------------------------------------------------------------------- */

/* Memory of a process of its own, KiB; -1. */
static long rss_of(pid_t pid)
{
	char path[64], line[256];
	long rss = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "RssAnon: %ld kB", &rss);
	if (f)
		fclose(f);
	return rss;
}

static int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* New sizes of a process' terminal and of a console without end: no thread, no descriptor, no
 * memory more; and the last one holds. */
static void resize_flood(const void *data)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = must_open("resized"), *own = must_open(NULL);
	int n = rounds(20000, 100000), threads, files;
	ct_process *p = NULL, *q;
	char *size;
	long rss, super;
	pid_t supervisor;

	(void)data;
	o.argv = ARGV("/bin/sleep", "1000");
	o.flags = CT_START_PTY;
	assert_ok(own, ct_start(own, &o, &p));
	assert_ok(c, box_start(c, CT_START_DETACH, ARGV("/bin/sleep", "1000"), &q));
	supervisor = parent_of(ct_process_pid(q));
	super = rss_of(supervisor);
	threads = count_entries("/proc/self/task");
	files = count_entries("/proc/self/fd");
	rss = rss_of(getpid());
	for (int i = 0; i < n; i++)
		assert_int_equal(ct_process_resize(p, 10 + (unsigned)i % 90, 20), 0);
	for (int i = 0; i < n / 100; i++)
		assert_int_equal(ct_console_resize(c, 0, 10 + (unsigned)i % 90, 20), 0);
	assert_ok(own, ct_process_resize(p, 33, 44));
	size = said_attached(own, NULL, ARGV("/bin/sh", "-c", "stty size </dev/pts/0"));
	assert_string_equal(size, "33 44\n");
	free(size);
	assert_int_equal(count_entries("/proc/self/task"), threads);
	assert_int_equal(count_entries("/proc/self/fd"), files);
	if (rss_of(getpid()) - rss > 1024 || rss_of(supervisor) - super > 256)
		escape("%d sizes cost %ld and %ld KiB", n, rss_of(getpid()) - rss,
		       rss_of(supervisor) - super);
	let_go(own, p);
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	let_go(c, q);
}

/* A console that nobody reads: what is printed is held up or let go, the supervisor answers, and
 * does not grow. */
static void console_flood(const void *data)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_container *c = must_open("flooded");
	long long begin, mib = rounds(64, 1024);
	ct_exit ex = CT_EXIT_INIT;
	ct_process *p = NULL;
	char bytes[32];
	long before, rss = 0;

	(void)data;
	assert_ok(c, ct_set_config(c, "console.buffer.size", "64K"));
	snprintf(bytes, sizeof(bytes), "%lld", mib * MIB);
	o.flags = CT_START_DETACH;
	o.argv = ARGV("/bin/probe", "output", bytes);
	assert_ok(c, ct_start(c, &o, &p));
	before = rss_of(parent_of(ct_process_pid(p)));
	begin = now_ms();
	while (ct_process_wait(p, &ex, 20) == -ETIMEDOUT) {
		long now = rss_of(parent_of(ct_process_pid(p)));

		if (now > rss)
			rss = now;
		/* it answers */
		assert_true(ct_state(c) > 0);
		if (now_ms() - begin > PATIENCE_MS)
			fail_msg("the flood does not end");
	}
	assert_int_equal(ex.code, 0);
	assert_true(rss > 0);
	print_message("# %lld MiB, supervisor from %ld to %ld KiB\n", mib, before, rss);
	if (rss - before > 1024)
		escape("the supervisor grew by %ld KiB", rss - before);
	let_go(c, p);
}

#define ADMIN "cap.keep", "sys_admin sys_tty_config"

int main(void)
{
	static const struct pusher plain = { { NULL }, { "tiocsti", NULL }, false, NULL };
	static const struct pusher admin = { { ADMIN, NULL }, { "tiocsti", NULL }, false, NULL };
	static const struct pusher attach = {
		{ ADMIN, NULL }, { "tiocsti", "tioclinux", NULL }, true, NULL
	};
	static const struct pusher high = {
		{ ADMIN, NULL }, { "tiocsti-high-bits", "tiocsti-highest-bits", NULL }, false, NULL
	};
	static const struct pusher linux_paste = {
		{ ADMIN, NULL }, { "tioclinux", "tioclinux-high-bits", NULL }, false, NULL
	};
	static const struct pusher steal = {
		{ NULL }, { "steal-terminal", "steal-and-push", "tioccons", NULL }, false, NULL
	};
	static const struct pusher unfiltered = {
		{ "init.reaper", "0", NULL },
		{ "tiocsti", "tiocsti-high-bits", "steal-terminal", NULL },
		false,
		"unfiltered",
	};
	static const struct cve_case cases[] = {
		{ "cve-2017-5226-tiocsti", push, &plain },
		{ "cve-2017-5226-tiocsti-sys-admin", push, &admin },
		{ "cve-2017-5226-tiocsti-unfiltered", push, &unfiltered },
		{ "cve-2016-10124-tiocsti-attach", push, &attach },
		{ "cve-2019-10063-tiocsti-high-bits", push, &high },
		{ "cve-2023-28100-tioclinux", push, &linux_paste },
		{ "steal-terminal", push, &steal },
		{ "own-session", own_session, NULL },
		{ "cve-2022-23471-resize-flood", resize_flood, NULL },
		{ "console-flood", console_flood, NULL },
	};

	return cve_main("terminals", cases, sizeof(cases) / sizeof(*cases));
}
