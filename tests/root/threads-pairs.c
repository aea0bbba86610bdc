/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every pair of calls that the header allows at the same time, in two threads: on one container and
 * its process, and, where the container is detached, on two handles of it. While it runs, and while
 * it ends by itself. Each call's result is one that it may have, and the error record that a thread
 * reads is that of its own call. The sanitizer for threads looks on in the tier of that name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define SOON_MS 5000 /* for a call beside one that hinders it, as a freeze does an attach */

/* What one thread works on. */
struct side {
	ct_container *c;
	ct_process *p;
};

/* ---- the calls ------------------------------------------------------------------------------- */

/* Which handle a call is for; calls for different handles may be made together. */
enum on { NONE, CONTAINER, PROCESS };

#define WAITS 0x1u	/* or starts */
#define BREAKS_IN 0x2u	/* may be called while another thread waits or starts, on the same handle */
#define ENDS 0x4u	/* the container may have ended after it */
#define SUPERVISED 0x8u /* of detached containers only */

struct call {
	const char *name;
	int (*run)(const struct side *s);
	enum on on;
	unsigned is;
	int may[8];	  /* errors that it may have */
	const char *word; /* what its message says when it fails, and no other call's does */
};

static int call_state(const struct side *s)
{
	return ct_state(s->c);
}

static int call_wait_stopped(const struct side *s)
{
	return ct_wait(s->c, CT_STATE_STOPPED, 1);
}

static int call_init_pid(const struct side *s)
{
	return (int)ct_init_pid(s->c);
}

static int call_init_pidfd(const struct side *s)
{
	int fd = ct_init_pidfd(s->c);

	if (fd >= 0)
		close(fd);
	return fd;
}

static int call_stats(const struct side *s)
{
	ct_usage u = CT_USAGE_INIT;

	return ct_stats(s->c, &u);
}

/* What has frozen it lets it go, so that it can end. */
static int call_freeze(const struct side *s)
{
	int r = ct_freeze(s->c, SOON_MS);

	return r < 0 ? r : ct_unfreeze(s->c, SOON_MS);
}

static int call_unfreeze(const struct side *s)
{
	return ct_unfreeze(s->c, SOON_MS);
}

static int call_cgroup_get(const struct side *s)
{
	char text[64];

	return (int)ct_cgroup_get(s->c, "pids.current", text, sizeof(text));
}

static int call_cgroup_set(const struct side *s)
{
	return ct_cgroup_set(s->c, "pids.max", "1000");
}

static int call_set_limits(const struct side *s)
{
	return ct_set_limits(s->c, ARGV("limit.pids"), ARGV("900"), 1);
}

static int call_protections(const struct side *s)
{
	char *text = NULL;
	int r = ct_protections(s->c, CT_FORMAT_TEXT, &text);

	ct_free(text);
	return r;
}

static int call_audit(const struct side *s)
{
	char *text = NULL;
	int r = ct_audit(s->c, NULL, CT_SEVERITY_LOW, CT_FORMAT_TEXT, &text);

	ct_free(text);
	return r;
}

static int call_get_config(const struct side *s)
{
	char text[64];

	return (int)ct_get_config(s->c, "limit.pids", text, sizeof(text));
}

static int call_set_config(const struct side *s)
{
	return ct_set_config(s->c, "log.level", "info");
}

static int call_unknown_key(const struct side *s)
{
	return ct_set_config(s->c, "no.such.key", "1");
}

static int call_check(const struct side *s)
{
	ct_start_opts o = CT_START_OPTS_INIT;

	o.flags = CT_START_DETACH;
	return ct_check(s->c, &o);
}

static int call_attach(const struct side *s)
{
	ct_attach_opts o = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL;
	int r;

	o.argv = ARGV("/bin/true");
	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	o.timeout_ms = SOON_MS;
	r = ct_attach(s->c, &o, &p);
	ct_process_unref(p);
	return r;
}

static int start(const struct side *s, uint64_t flags)
{
	ct_process *p = NULL;
	int r;

	r = box_start(s->c, flags, ARGV("/bin/true"), &p);
	if (r >= 0)
		ct_process_wait(p, NULL, PATIENCE_MS);
	ct_process_unref(p);
	return r;
}

/* Of one that has ended meanwhile it is a start. */
static int call_start(const struct side *s)
{
	return start(s, CT_START_DETACH);
}

static int call_start_in_process(const struct side *s)
{
	return start(s, 0);
}

static int call_open_process(const struct side *s)
{
	ct_process *p = NULL;
	int r = ct_open_process(s->c, &p);

	ct_process_unref(p);
	return r;
}

static int call_last_exit(const struct side *s)
{
	ct_exit x = CT_EXIT_INIT;

	return ct_last_exit(s->c, &x);
}

static int call_console_log(const struct side *s)
{
	char *text = NULL;
	size_t n = 0;
	int r = ct_console_log(s->c, 0, &text, &n);

	ct_free(text);
	return r;
}

static int call_stop(const struct side *s)
{
	return ct_stop(s->c, CT_STOP_KILL, SOON_MS);
}

static int call_stop_asks(const struct side *s)
{
	return ct_stop(s->c, CT_STOP_NO_KILL | CT_STOP_NO_WAIT, 0);
}

static int call_kill(const struct side *s)
{
	return ct_kill(s->c, SIGKILL);
}

static int call_kill_nothing(const struct side *s)
{
	return ct_kill(s->c, SIGURG);
}

static int call_kill_wrong(const struct side *s)
{
	return ct_kill(s->c, 7001);
}

static int call_stop_wrong(const struct side *s)
{
	return ct_stop(s->c, 0x800, 0);
}

static int call_kill_all(const struct side *s)
{
	return ct_kill_all(s->c, SIGURG);
}

static int call_events(const struct side *s)
{
	ct_event ev = CT_EVENT_INIT;
	int r = ct_event_fd(s->c, NULL);

	return r < 0 ? r : ct_next_event(s->c, &ev);
}

static int call_list(const struct side *s)
{
	char *text = NULL;
	int r = ct_list(&box.where, CT_LIST_DEFINED | CT_LIST_RUNNING, &text);

	(void)s;
	ct_free(text);
	return r;
}

static int call_preflight(const struct side *s)
{
	char *text = NULL;
	int r = ct_preflight(CT_FORMAT_TEXT, &text);

	(void)s;
	ct_free(text);
	return r;
}

static int call_process_wait(const struct side *s)
{
	ct_exit x = CT_EXIT_INIT;
	int r = ct_process_wait(s->p, &x, 1);

	return r == 0 && x.reason == CT_EXIT_NONE ? -EPROTO : r;
}

static int call_process_look(const struct side *s)
{
	return ct_process_wait(s->p, NULL, 0);
}

static int call_process_started(const struct side *s)
{
	return ct_process_started(s->p, 0);
}

static int call_process_follow(const struct side *s)
{
	return ct_process_started(s->p, -1);
}

static int call_process_follow_wait(const struct side *s)
{
	return ct_process_wait(s->p, NULL, 20);
}

static int call_process_kill(const struct side *s)
{
	return ct_process_kill(s->p, SIGKILL);
}

static int call_process_kill_nothing(const struct side *s)
{
	return ct_process_kill(s->p, SIGURG);
}

static int call_process_kill_wrong(const struct side *s)
{
	return ct_process_kill(s->p, 7002);
}

static int call_process_fds(const struct side *s)
{
	int end = ct_process_end_fd(s->p), pidfd = ct_process_pidfd(s->p);

	if (end < 0 || pidfd < 0 || fcntl(end, F_GETFD) < 0 || fcntl(pidfd, F_GETFD) < 0)
		return -EPROTO;
	return ct_process_pid(s->p) > 0 && ct_process_start_fd(s->p) == -ESRCH ? 0 : -EPROTO;
}

static int call_process_resize(const struct side *s)
{
	return ct_process_resize(s->p, 20, 70);
}

static int call_process_ref(const struct side *s)
{
	ct_process_unref(ct_process_ref(s->p));
	return 0;
}

#define GONE -ESRCH /* it has ended */

static const struct call calls[] = {
	{ "ct_state", call_state, CONTAINER, 0, { 0 }, NULL },
	{ "ct_wait", call_wait_stopped, CONTAINER, WAITS, { -ETIMEDOUT }, NULL },
	{ "ct_init_pid", call_init_pid, CONTAINER, 0, { GONE }, NULL },
	{ "ct_init_pidfd", call_init_pidfd, CONTAINER, 0, { GONE }, NULL },
	{ "ct_stats", call_stats, CONTAINER, 0, { GONE }, NULL },
	{ "ct_freeze", call_freeze, CONTAINER, 0, { GONE, -ETIMEDOUT }, NULL },
	{ "ct_unfreeze", call_unfreeze, CONTAINER, 0, { GONE, -ETIMEDOUT }, NULL },
	{ "ct_cgroup_get", call_cgroup_get, CONTAINER, 0, { GONE }, NULL },
	{ "ct_cgroup_set", call_cgroup_set, CONTAINER, 0, { GONE }, NULL },
	{ "ct_set_limits", call_set_limits, CONTAINER, 0, { GONE }, NULL },
	{ "ct_protections", call_protections, CONTAINER, 0, { GONE }, NULL },
	{ "ct_audit", call_audit, CONTAINER, 0, { 0 }, NULL },
	{ "ct_get_config", call_get_config, CONTAINER, 0, { 0 }, NULL },
	{ "ct_set_config", call_set_config, CONTAINER, 0, { 0 }, NULL },
	{ "an unknown key", call_unknown_key, CONTAINER, 0, { -ENOENT }, "no.such.key" },
	{ "ct_check", call_check, CONTAINER, 0, { 0 }, NULL },
	{ "ct_attach", call_attach, CONTAINER, WAITS, { GONE, -EBUSY, -ECHILD, -ETIMEDOUT }, NULL },
	{ "ct_start",
	  call_start,
	  CONTAINER,
	  WAITS | ENDS | SUPERVISED,
	  { -EBUSY, -ECANCELED },
	  NULL },
	{ "ct_open_process", call_open_process, CONTAINER, 0, { GONE, -EAGAIN }, NULL },
	{ "ct_last_exit", call_last_exit, CONTAINER, 0, { -ENODATA }, NULL },
	{ "ct_console_log", call_console_log, CONTAINER, SUPERVISED, { GONE, -ENODATA }, NULL },
	{ "ct_stop", call_stop, CONTAINER, BREAKS_IN | ENDS | WAITS, { GONE }, NULL },
	{ "ct_stop, asks", call_stop_asks, CONTAINER, BREAKS_IN | ENDS, { GONE }, NULL },
	{ "ct_kill", call_kill, CONTAINER, BREAKS_IN | ENDS, { GONE }, NULL },
	{ "ct_kill, no end", call_kill_nothing, CONTAINER, BREAKS_IN, { GONE }, NULL },
	{ "ct_kill, no signal", call_kill_wrong, CONTAINER, BREAKS_IN, { GONE, -EINVAL }, NULL },
	{ "ct_stop, wrong flag",
	  call_stop_wrong,
	  CONTAINER,
	  BREAKS_IN,
	  { -EINVAL },
	  "unknown flag" },
	{ "ct_kill_all", call_kill_all, CONTAINER, 0, { GONE }, NULL },
	{ "events", call_events, CONTAINER, 0, { 0 }, NULL },
	{ "ct_list", call_list, NONE, 0, { 0 }, NULL },
	{ "ct_preflight", call_preflight, NONE, 0, { 0 }, NULL },
	{ "ct_process_wait", call_process_wait, PROCESS, WAITS, { -ETIMEDOUT }, NULL },
	{ "ct_process_wait, looks", call_process_look, PROCESS, WAITS, { -ETIMEDOUT }, NULL },
	{ "ct_process_started", call_process_started, PROCESS, WAITS, { 0 }, NULL },
	{ "ct_process_kill", call_process_kill, PROCESS, BREAKS_IN | ENDS, { GONE }, NULL },
	{ "ct_process_kill, no end",
	  call_process_kill_nothing,
	  PROCESS,
	  BREAKS_IN,
	  { GONE },
	  NULL },
	{ "ct_process_kill, no signal",
	  call_process_kill_wrong,
	  PROCESS,
	  BREAKS_IN,
	  { -EINVAL },
	  "7002" },
	{ "ct_process_*fd", call_process_fds, PROCESS, 0, { 0 }, NULL },
	{ "ct_process_resize", call_process_resize, PROCESS, 0, { -ENOTTY }, "terminal" },
	{ "ct_process_ref", call_process_ref, PROCESS, 0, { 0 }, NULL },
};
#define CALLS (sizeof(calls) / sizeof(*calls))

/* Those that go on while another thread calls the start off. */
static const struct call starts[] = {
	{ "ct_start in process", call_start_in_process, CONTAINER, WAITS, { -ECANCELED }, NULL },
	{ "ct_start detached", call_start, CONTAINER, WAITS, { -EBUSY, -ECANCELED }, NULL },
};
static const struct call follows[] = {
	{ "ct_process_started for ever",
	  call_process_follow,
	  PROCESS,
	  WAITS,
	  { -ECANCELED },
	  NULL },
	{ "ct_process_wait through a start",
	  call_process_follow_wait,
	  PROCESS,
	  WAITS,
	  { -ECANCELED, -ETIMEDOUT },
	  NULL },
};

/* What the header says of one handle. */
static int allowed(const struct call *a, const struct call *b)
{
	if (a->on == NONE || b->on == NONE || a->on != b->on)
		return 1;
	return (a->is & BREAKS_IN && b->is & (WAITS | BREAKS_IN)) ||
	       (b->is & BREAKS_IN && a->is & (WAITS | BREAKS_IN));
}

/* ---- one thread ------------------------------------------------------------------------------ */

struct worker {
	pthread_t thread;
	const struct call *call;
	struct side side;
	pthread_barrier_t *begin;
	atomic_bool *enough;
	int least;
	char why[512];
};

static const ct_error *record_of(const struct worker *w)
{
	return w->call->on == PROCESS ? ct_process_last_error(w->side.p) : ct_last_error(w->side.c);
}

/* The thread's record is that of this call, now and when it has been copied. */
static void check_record(struct worker *w, int r)
{
	const struct call *call = w->call;
	ct_error *copy = NULL;

	if (call->on == NONE)
		return;
	if (record_of(w)->err != r || !record_of(w)->message[0])
		snprintf(w->why, sizeof(w->why), "%s = %d, but the record is of %d: %s", call->name,
			 r, record_of(w)->err, record_of(w)->message);
	else if (call->word && !strstr(record_of(w)->message, call->word))
		snprintf(w->why, sizeof(w->why), "%s has another call's record: %s", call->name,
			 record_of(w)->message);
	else if (ct_error_copy(record_of(w), &copy) || copy->err != r ||
		 strcmp(copy->message, record_of(w)->message) != 0)
		snprintf(w->why, sizeof(w->why), "%s: the copy says %s", call->name,
			 copy ? copy->message : "nothing");
	ct_free(copy);
}

static void check_result(struct worker *w, int r)
{
	const int *may = w->call->may;

	if (r >= 0)
		return;
	for (size_t i = 0; i < sizeof(w->call->may) / sizeof(*may); i++) {
		if (may[i] && may[i] == r) {
			check_record(w, r);
			return;
		}
	}
	snprintf(w->why, sizeof(w->why), "%s = %d (%s)", w->call->name, r,
		 w->call->on == NONE ? "" : record_of(w)->message);
}

static void *work(void *data)
{
	struct worker *w = data;

	pthread_barrier_wait(w->begin);
	for (int n = 0; !w->why[0] && (n < w->least || !atomic_load(w->enough)); n++)
		check_result(w, w->call->run(&w->side));
	return NULL;
}

/* ---- a pair of them -------------------------------------------------------------------------- */

/* How a container runs, and by which handles it is looked at. */
struct kind {
	const char *name;
	uint64_t flags;
	int handles;
};

struct scene {
	const struct kind *kind;
	struct side side[2];
	/* of init, -1 while it is started; the end of a pipe that it reads until we leave */
	int pidfd, leave;
};

static void close_scene(struct scene *s)
{
	if (s->side[0].c && s->kind->flags)
		ct_stop(s->side[0].c, CT_STOP_KILL, PATIENCE_MS);
	for (int i = 0; i < s->kind->handles; i++) {
		ct_process_unref(s->side[i].p);
		ct_unref(s->side[i].c);
	}
	if (s->leave >= 0)
		close(s->leave);
	if (s->pidfd >= 0)
		close(s->pidfd);
	*s = (struct scene){ .kind = s->kind, .pidfd = -1, .leave = -1 };
}

/* A program that reads until the pipe is closed. */
static void open_scene(struct scene *s)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	for (int i = 0; i < s->kind->handles; i++) {
		s->side[i].c = box_handle(&box, box.word);
		assert_non_null(s->side[i].c);
		assert_int_equal(box_config(s->side[i].c, "limit.pids", "100",
					    s->kind->flags & CT_START_DETACH ? "console.buffer.size"
									     : NULL,
					    "64K", NULL),
				 0);
	}
	o.argv = ARGV("/bin/cat");
	o.flags = s->kind->flags | CT_START_REAPER;
	o.stdio[0] = fd[0];
	o.stdio[1] = o.stdio[2] = -1;
	assert_ok(s->side[0].c, ct_start(s->side[0].c, &o, &s->side[0].p));
	if (s->kind->handles > 1)
		assert_ok(s->side[1].c, ct_open_process(s->side[1].c, &s->side[1].p));
	else
		s->side[1] = s->side[0];
	close(fd[0]);
	s->leave = fd[1];
	if (s->kind->flags & CT_START_NOWAIT)
		return;
	s->pidfd = fcntl(ct_process_pidfd(s->side[0].p), F_DUPFD_CLOEXEC, 3);
	assert_true(s->pidfd >= 0);
}

static void wait_for_the_end(struct scene *s, const struct worker w[2])
{
	struct pollfd fd = { .fd = s->pidfd, .events = POLLIN };

	close(s->leave);
	s->leave = -1;
	if (poll(&fd, 1, PATIENCE_MS) != 1)
		fail_msg("%s beside %s, %s: the payload does not end", w[0].call->name,
			 w[1].call->name, s->kind->name);
}

/* Both calls at once, a few times, or until the payload has ended by itself. */
static void together(struct scene *s, const struct call *a, const struct call *b, int ending)
{
	pthread_barrier_t begin;
	atomic_bool enough = !ending;
	struct worker w[2] = {
		{ .call = a, .side = s->side[0], .begin = &begin, .enough = &enough, .least = 3 },
		{ .call = b, .side = s->side[1], .begin = &begin, .enough = &enough, .least = 3 },
	};

	pthread_barrier_init(&begin, NULL, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	pthread_barrier_wait(&begin);
	if (ending)
		wait_for_the_end(s, w);
	atomic_store(&enough, true);
	for (int i = 0; i < 2; i++)
		pthread_join(w[i].thread, NULL);
	pthread_barrier_destroy(&begin);
	for (int i = 0; i < 2; i++)
		if (w[i].why[0])
			fail_msg("%s beside %s, %s, %s: %s", a->name, b->name, s->kind->name,
				 ending ? "ending" : "running", w[i].why);
}

static int belongs(const struct kind *k, const struct call *a, const struct call *b)
{
	if (!k->flags && ((a->is | b->is) & SUPERVISED))
		return 0;
	return k->handles > 1 || allowed(a, b);
}

/* One container lasts until a call ends it; of those that end by themselves each pair has its own,
 * and usually only every so many of the pairs is tried, where no memory is shared fewer. */
static void all_pairs(const struct kind *k, int ending)
{
	const size_t usually = k->flags ? 9 : 3, every = getenv("CT_LONG") || !ending ? 1 : usually;
	struct scene s = { .kind = k, .pidfd = -1, .leave = -1 };

	for (size_t i = 0; i < CALLS; i++) {
		for (size_t j = i; j < CALLS; j++) {
			if (!belongs(k, &calls[i], &calls[j]) || (2 * i + j) % every)
				continue;
			if (!s.side[0].c)
				open_scene(&s);
			together(&s, &calls[i], &calls[j], ending);
			if (ending || ((calls[i].is | calls[j].is) & ENDS))
				close_scene(&s);
		}
	}
	close_scene(&s);
}

/* ---- while it is started --------------------------------------------------------------------- */

/* Starts that the thread waits for, and others that it follows. */
static void while_it_starts(void **state)
{
	static const struct kind waited = { "starting", CT_START_DETACH, 1 };
	static const struct kind followed[] = {
		{ "followed, in process", CT_START_NOWAIT, 1 },
		{ "followed, detached", CT_START_NOWAIT | CT_START_DETACH, 1 },
	};
	struct scene s = { .pidfd = -1, .leave = -1 };

	(void)state;
	for (int n = rounds(5, 100); n; n--) {
		for (size_t i = 0; i < 2 * CALLS; i++) {
			const struct call *call = &calls[i / 2];

			if (!(call->is & BREAKS_IN))
				continue;
			s.kind = &waited;
			s.side[0].c = s.side[1].c = box_handle(&box, box.word);
			if (call->on == CONTAINER)
				together(&s, &starts[i % 2], call, 0);
			close_scene(&s);
			for (size_t k = 0; k < 2; k++) {
				s.kind = &followed[k];
				open_scene(&s);
				together(&s, &follows[i % 2], call, 0);
				close_scene(&s);
			}
		}
	}
}

/* ---- while it runs, and while it ends -------------------------------------------------------- */

static const struct kind kinds[] = {
	{ "in process", 0, 1 },
	{ "detached", CT_START_DETACH, 1 },
	{ "detached, two handles", CT_START_DETACH, 2 },
};

static void pairs(int ending)
{
	for (int n = rounds(1, 10); n; n--)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			long long began = now_ms();

			all_pairs(&kinds[k], ending);
			print_message("# %s: %lld ms\n", kinds[k].name, now_ms() - began);
		}
}

static void while_it_runs(void **state)
{
	(void)state;
	pairs(0);
}

static void while_it_ends(void **state)
{
	(void)state;
	pairs(1);
}

static int open_box(void **state)
{
	int r = box_setup_bare(state);

	box_word(&box, "pairs");
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_it_starts),
		cmocka_unit_test(while_it_runs),
		cmocka_unit_test(while_it_ends),
	};

	return cmocka_run_group_tests(tests, open_box, box_teardown);
}
