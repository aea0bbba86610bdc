/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How late a timer of 2 ms is in a thread that starts programs beside it, in one loop over poll(2).
 *
 *   timer contain PROFILE ROOTFS PROGRAM       starts it in a container, without
 *                                              waiting (CT_START_NOWAIT)
 *   timer spawn PROGRAM                        by posix_spawn(3)
 * "loop N": N starts; answers with one figure for each, the lateness of the latest tick
 * since the start before.
 */
#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job.h"

#define TICK_NS 2000000u
#define START_NS 5300000u /* so that a start comes at every moment between two ticks */
#define MAX_RUNNING 256

extern char **environ;

/* One that was begun and has not been reaped. */
struct begun {
	ct_container *c; /* NULL: posix_spawn */
	ct_process *p;
	pid_t pid;
	int fd;
	bool started;
};

struct loop {
	struct job job;
	uint64_t next; /* when the next tick is due */
	struct pollfd fds[MAX_RUNNING + 2];
	struct begun v[MAX_RUNNING];
	unsigned n;
};

static struct pollfd every(uint64_t ns, uint64_t first)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec t = { .it_interval = { 0, (long)ns },
				.it_value = { (time_t)(first / 1000000000u),
					      (long)(first % 1000000000u) } };

	if (fd < 0 || timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL) < 0)
		die("timer: %s", strerror(errno));
	return (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void begin(struct loop *l)
{
	struct begun *b = &l->v[l->n];
	char *argv[] = { (char *)l->job.program, NULL };
	int r;

	if (l->n == MAX_RUNNING)
		die("timer: %u programs run at once", l->n);
	*b = (struct begun){ .started = !l->job.profile };
	if (l->job.profile) {
		b->c = job_make(&l->job, NULL);
		job_run(b->c, l->job.program, CT_START_NOWAIT, &b->p);
		b->fd = ct_process_start_fd(b->p);
	} else {
		r = posix_spawn(&b->pid, argv[0], NULL, NULL, argv, environ);
		if (r)
			die("timer: %s: %s", argv[0], strerror(r));
		b->fd = (int)syscall(SYS_pidfd_open, b->pid, 0);
	}
	if (b->fd < 0)
		die("timer: no descriptor for the program");
	l->n++;
}

/* True when it has ended. */
static bool go_on(struct begun *b)
{
	int r;

	if (!b->c) {
		waitpid(b->pid, NULL, 0);
		close(b->fd);
		return true;
	}
	if (!b->started) {
		r = ct_process_started(b->p, 0);
		if (r == -EINPROGRESS)
			return false;
		if (r < 0)
			die("timer: %s", ct_process_last_error(b->p)->message);
		b->started = true;
		b->fd = ct_process_pidfd(b->p);
		return false;
	}
	job_reap(b->p);
	ct_unref(b->c);
	return true;
}

static uint64_t tick(struct loop *l)
{
	uint64_t n = 0, late;

	if (read(l->fds[0].fd, &n, sizeof(n)) != sizeof(n))
		return 0;
	late = now_ns() - l->next;
	l->next += n * TICK_NS;
	return late;
}

/* One turn of the loop: how late a tick was, 0: there was none. */
static uint64_t turn(struct loop *l)
{
	uint64_t late;

	for (unsigned i = 0; i < l->n; i++)
		l->fds[i + 2] = (struct pollfd){ .fd = l->v[i].fd, .events = POLLIN };
	if (poll(l->fds, l->n + 2, -1) < 0)
		die("timer: poll: %s", strerror(errno));
	late = l->fds[0].revents ? tick(l) : 0;
	for (unsigned i = l->n; i-- > 0;)
		if (l->fds[i + 2].revents && go_on(&l->v[i]))
			l->v[i] = l->v[--l->n];
	return late;
}

static uint64_t start_one(struct loop *l)
{
	uint64_t n, late, worst = 0;

	do {
		late = turn(l);
		worst = late > worst ? late : worst;
	} while (!l->fds[1].revents || read(l->fds[1].fd, &n, sizeof(n)) != sizeof(n));
	begin(l);
	return worst;
}

static void command(void *data, const char *word, long n)
{
	uint64_t now = now_ns();
	struct loop *l = data;

	if (strcmp(word, "loop"))
		die("timer: no such command: %s", word);
	l->next = now + TICK_NS;
	l->fds[0] = every(TICK_NS, l->next);
	l->fds[1] = every(START_NS, now + START_NS);
	while (n-- > 0)
		printf("%llu ", (unsigned long long)start_one(l));
	while (l->n)
		turn(l);
	close(l->fds[0].fd);
	close(l->fds[1].fd);
}

int main(int argc, char **argv)
{
	static struct loop l;
	struct bench b = { NULL, command, &l };

	if (argc == 5 && !strcmp(argv[1], "contain")) {
		job_begin(&l.job, argv[2], argv[3], argv[4]);
	} else if (argc == 3 && !strcmp(argv[1], "spawn")) {
		l.job.program = argv[2];
	} else {
		die("usage: timer contain PROFILE ROOTFS PROGRAM | timer spawn PROGRAM");
	}
	bench_serve(&b);
	if (l.job.profile)
		job_end(&l.job);
	return 0;
}
