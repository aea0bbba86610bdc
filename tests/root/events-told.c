/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events-told.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE PATIENCE_MS

ct_container *seer;
int fd;
char told[4096];

int events_setup(void **state)
{
	static char web[] = "web";
	int r;

	(void)state;
	r = case_setup(&(void *){ web });
	seer = box.c;
	fd = -1;
	told[0] = 0;
	return r;
}

int events_teardown(void **state)
{
	char children[256];

	case_stop();
	if (seer != box.c)
		ct_unref(seer);
	box.c = ct_unref(box.c);
	wait_until(no_orphans, children);
	return case_teardown(state);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const char *const names[] = { "?",	 "STARTED",	"EXITED",     "OOM",
				     "OOM_KILL", "MEMORY_HIGH", "PIDS_LIMIT", "FROZEN",
				     "THAWED",	 "EMPTY",	"PRESSURE" };

/* Asks for events, by another handle than the one that starts when `other`. */
void ask(int other, const ct_event_opts *opts)
{
	if (other) {
		seer = must_open("web");
	}
	fd = ct_event_fd(seer, opts);
	assert_ok(seer, fd);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ct_event_fd(seer, opts), fd);
}

int readable(int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* Takes one event and writes it down. 1 or 0. */
int take(void)
{
	ct_event e = CT_EVENT_INIT;
	size_t len = strlen(told);
	int r = ct_next_event(seer, &e);

	assert_ok(seer, r);
	if (!r)
		return 0;
	assert_true(e.type >= CT_EVENT_STARTED && e.type <= CT_EVENT_PRESSURE && e.count);
	assert_true((e.type == CT_EVENT_PRESSURE) == (e.resource != CT_RESOURCE_NONE));
	len += (size_t)snprintf(told + len, sizeof(told) - len, "%s%s", len ? " " : "",
				names[e.type]);
	if (e.resource)
		len += (size_t)snprintf(told + len, sizeof(told) - len, ":%d", e.resource);
	if (e.count > 1)
		snprintf(told + len, sizeof(told) - len, "=%llu", (unsigned long long)e.count);
	return 1;
}

/* Takes what there is now. */
const char *take_all(void)
{
	while (take())
		;
	return told;
}

int knows(const char *word)
{
	size_t n = strlen(word);

	for (const char *p = told; (p = strstr(p, word)); p += n)
		if ((p == told || p[-1] == ' ') && (!p[n] || strchr(" =:", p[n])))
			return 1;
	return 0;
}

/* Waits for notices, as a caller does, until the word was told. */
void wait_told(const char *word)
{
	long long end = now_ms() + PATIENCE;

	while (!knows(word)) {
		if (now_ms() > end || !readable((int)(end - now_ms())))
			fail_msg("no notice of %s; told: %s", word, told);
		take_all();
	}
}

/* The same where the kernel gives no notice: by asking. */
void ask_until(const char *word)
{
	long long end = now_ms() + PATIENCE;

	while (!knows(word) && now_ms() < end) {
		take_all();
		sleep_ms(10);
	}
	if (!knows(word))
		fail_msg("not told of %s; told: %s", word, told);
}

int count(const char *word)
{
	int n = 0;
	char *copy = strdup(told), *p = copy, *one;

	while ((one = strsep(&p, " "))) {
		one[strcspn(one, "=:")] = 0;
		n += !strcmp(one, word);
	}
	free(copy);
	return n;
}

/* Nothing more to say, and the descriptor agrees; notices that are under way are given a moment. */
void quiet(void)
{
	size_t len = strlen(told);

	while (readable(100))
		if (!take_all()[len])
			continue;
		else
			fail_msg("told without a reason:%s", told + len);
	take_all();
	if (told[len])
		fail_msg("told without notice:%s", told + len);
	assert_int_equal(readable(0), 0);
}

void forget(void)
{
	told[0] = 0;
}

/* See events-told.h. */
void ask_no_more(void)
{
	if (seer != box.c)
		ct_unref(seer);
	seer = box.c;
	forget();
}

/* ---- starting -------------------------------------------------------------------------------- */

ct_process *start(int detached, const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	o.flags = detached ? CT_START_DETACH : 0;
	o.argv = argv;
	if (!detached)
		o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	assert_ok(box.c, ct_start(box.c, &o, &p));
	return p;
}

void end(ct_process *p)
{
	must_end(p);
}

/* Sum of the lines that begin with `line` in the descriptions of this process' descriptors. */
int watches(const char *line)
{
	DIR *d = opendir("/proc/self/fdinfo");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d))) {
		char path[64], text[512];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%.20s", e->d_name);
		f = fopen(path, "re");
		while (f && fgets(text, sizeof(text), f))
			n += !strncmp(text, line, strlen(line));
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}
