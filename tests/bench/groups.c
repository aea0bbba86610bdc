/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done with the groups of a container that runs, over the library's public header.
 *
 *   groups stats|freeze|change PROFILE ROOTFS PROGRAM ct_stats; ct_freeze and
 *   ct_unfreeze; ct_set_limits
 *   groups detached PROFILE ROOTFS PROGRAM             ct_stats of one with a supervisor
 *   groups watch PROFILE ROOTFS PROGRAM                "watch SECONDS": one poll over the event
 *                                                      descriptors of 100 containers that do
 *                                                      nothing; CPU time in microseconds,
 *                                                      and how often it woke
 * PROGRAM is one that stays.
 */
#include <poll.h>

#include "job.h"

#define WATCHED 100

struct groups {
	struct job job;
	ct_container *c[WATCHED];
	ct_process *p[WATCHED];
	int n;
	unsigned round;
};

static uint64_t stats_once(void *data)
{
	struct groups *g = data;
	ct_usage u = CT_USAGE_INIT;
	uint64_t begin = now_ns(), end;

	ok(g->c[0], ct_stats(g->c[0], &u));
	end = now_ns();
	if (u.memory_limit != 64 << 20 || u.pids != 1 || u.pids_limit != 20 ||
	    u.cpu_us == CT_ABSENT)
		die("groups: the figures are not those of one process below the limits");
	return end - begin;
}

static uint64_t freeze_once(void *data)
{
	struct groups *g = data;
	uint64_t begin = now_ns();

	ok(g->c[0], ct_freeze(g->c[0], 5000));
	ok(g->c[0], ct_unfreeze(g->c[0], 5000));
	return now_ns() - begin;
}

/* Three limits at once, to and fro, so that each of the writes changes something. */
static uint64_t change_once(void *data)
{
	static const char *const keys[] = { "limit.memory", "limit.pids", "limit.cpu" };
	static const char *const values[2][3] = { { "64M", "20", "0.5" }, { "65M", "21", "0.6" } };
	struct groups *g = data;
	uint64_t begin = now_ns();

	ok(g->c[0], ct_set_limits(g->c[0], keys, values[++g->round % 2], 3));
	return now_ns() - begin;
}

/* Takes what there is to tell. */
static void drain(struct groups *g)
{
	ct_event ev = CT_EVENT_INIT;

	for (int i = 0; i < g->n; i++)
		while (ct_next_event(g->c[i], &ev) > 0)
			;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(void *data, const char *word, long seconds)
{
	struct pollfd fds[WATCHED];
	struct groups *g = data;
	uint64_t until, used, now;
	int woke = 0;

	if (strcmp(word, "watch") || seconds <= 0)
		die("groups: no such command: %s %ld", word, seconds);
	for (int i = 0; i < g->n; i++) {
		ok(g->c[i], ct_event_fd(g->c[i], NULL));
		fds[i] = (struct pollfd){ .fd = ct_event_fd(g->c[i], NULL), .events = POLLIN };
	}
	drain(g);
	used = cpu_ns();
	until = now_ns() + (uint64_t)seconds * 1000000000u;
	while ((now = now_ns()) < until)
		if (poll(fds, (nfds_t)g->n, (int)((until - now + 999999) / 1000000)) > 0) {
			woke++;
			drain(g);
		}
	used = cpu_ns() - used;
	for (int i = 0; i < g->n; i++)
		if (ct_state(g->c[i]) != CT_STATE_RUNNING)
			die("groups: a watched container does not run");
	printf("%llu %d", (unsigned long long)used / 1000, woke);
}

int main(int argc, char **argv)
{
	static struct groups g;
	struct bench b = { NULL, watch, &g };
	const char *mode = argc == 5 ? argv[1] : "";
	bool detached = !strcmp(mode, "detached");
	int n = 1;

	if (!strcmp(mode, "stats") || detached)
		b.once = stats_once;
	else if (!strcmp(mode, "freeze"))
		b.once = freeze_once;
	else if (!strcmp(mode, "change"))
		b.once = change_once;
	else if (!strcmp(mode, "watch"))
		n = WATCHED;
	else
		die("usage: groups stats|freeze|change|detached|watch PROFILE ROOTFS PROGRAM");
	job_begin(&g.job, argv[2], argv[3], argv[4]);
	for (; g.n < n; g.n++) {
		g.c[g.n] = job_make(&g.job, detached ? "bench" : NULL);
		job_run(g.c[g.n], g.job.program, detached ? CT_START_DETACH : 0, &g.p[g.n]);
	}
	bench_serve(&b);
	for (; g.n > 0; g.n--)
		job_kill(g.c[g.n - 1], g.p[g.n - 1]);
	job_end(&g.job);
	return 0;
}
