/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many containers with limits, one after the other and at once; callers and supervisors killed at
 * random moments, also while the container is frozen: afterwards there is no group, descriptor,
 * watch, device program, process, mount or state of theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <ftw.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup-help.h"

#define WINDOW 100 /* starts whose median is looked at */
#define OTHERS 40  /* groups and programs of others that may come meanwhile */

static char files_before[4096];
static unsigned seed;

static int times(int many)
{
	return rounds(many * 2 / 5, many);
}

/* ---- what must be as before ------------------------------------------------------------------ */

/* Cgroups of the host by the kernel's own count, over all controllers; it may lag. */
static long count_groups(void)
{
	char line[256];
	long n = 0, one;
	FILE *f = fopen("/proc/cgroups", "re");

	while (f && fgets(line, sizeof(line), f))
		n += sscanf(line, "%*s %*s %ld", &one) == 1 ? one : 0;
	if (f)
		fclose(f);
	return n;
}

/* Device programs of ours; -1: this may not be asked. */
static long count_programs(void)
{
	union bpf_attr at;
	struct bpf_prog_info info;
	uint32_t id = 0;
	long n = 0;

	for (;;) {
		int fd;

		memset(&at, 0, sizeof(at));
		at.start_id = id;
		if (syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &at, sizeof(at)) < 0)
			return errno == ENOENT ? n : -1;
		id = at.next_id;
		memset(&at, 0, sizeof(at));
		at.prog_id = id;
		fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &at, sizeof(at));
		if (fd < 0)
			continue;
		memset(&at, 0, sizeof(at));
		memset(&info, 0, sizeof(info));
		at.info.bpf_fd = (uint32_t)fd;
		at.info.info_len = sizeof(info);
		at.info.info = (uintptr_t)&info;
		if (!syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &at, sizeof(at)) &&
		    !strncmp(info.name, "ct_devices", 10))
			n++;
		close(fd);
	}
}

/* Inotify watches of this process. */
static int count_watches(void)
{
	char path[320], line[256];
	struct dirent *e;
	DIR *d = opendir("/proc/self/fdinfo");
	int n = 0;

	while (d && (e = readdir(d))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			n += !strncmp(line, "inotify ", 8);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

struct host {
	long groups, programs;
	int watches;
};

static struct host look(void)
{
	return (struct host){ count_groups(), count_programs(), count_watches() };
}

static void assert_as_before(const struct host *was)
{
	struct host is = look();

	assert_no_groups(box.word);
	for (int i = 0;
	     i < 100 && (is.groups > was->groups + OTHERS || is.programs > was->programs + OTHERS);
	     i++) {
		sleep_ms(100);
		is = look();
	}
	print_message("# groups %ld, then %ld; device programs %ld, then %ld\n", was->groups,
		      is.groups, was->programs, is.programs);
	assert_true(is.groups <= was->groups + OTHERS);
	assert_true(is.programs <= was->programs + OTHERS);
	assert_int_equal(is.watches, was->watches);
}

static struct {
	char *out;
	size_t size;
} listing;

static int list_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)where;
	if (type != FTW_D && type != FTW_DP &&
	    strlen(listing.out) + strlen(path) + 2 < listing.size)
		strcat(strcat(listing.out, path), " ");
	return 0;
}

/* Files in the state directory; empty directories are nobody's loss. */
static void list_state(char *out, size_t size)
{
	out[0] = 0;
	listing.out = out;
	listing.size = size;
	nftw(box.state, list_one, 8, FTW_PHYS);
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int configure(ct_container *c)
{
	return box_config(c, "cgroup.pattern", box.pattern, "limit.memory", "try:64M", "limit.pids",
			  "try:50", "limit.cpu", "try:1.5", NULL);
}

static int setup(void **state)
{
	(void)state;
	box_word(&box, "cyc");
	case_mark();
	return 0;
}

static int teardown(void **state)
{
	char orphans[256];

	box.c = ct_unref(box.c);
	wait_until(no_orphans, orphans);
	return cgroup_case_teardown(state);
}

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

static long long median(const long long *v, int n)
{
	long long copy[WINDOW];

	n = n < WINDOW ? n : WINDOW;
	memcpy(copy, v, (size_t)n * sizeof(*v));
	qsort(copy, (size_t)n, sizeof(*copy), by_size);
	return copy[n / 2];
}

/* ---- one after the other --------------------------------------------------------------------- */

static void cycles(void **state)
{
	int n = times(1000), i;
	struct host was;
	long long *took;

	(void)state;
	took = calloc((size_t)n, sizeof(*took));
	assert_non_null(took);
	box.c = box_handle(&box, NULL);
	assert_int_equal(configure(box.c), 0);
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL));
	box.c = ct_unref(box.c);
	was = look();
	for (i = 0; i < n; i++) {
		ct_exit ex = CT_EXIT_INIT;
		ct_process *p = NULL;
		long long began;

		/* ten lives of each handle */
		if (i % 10 == 0) {
			ct_unref(box.c);
			box.c = box_handle(&box, NULL);
			assert_int_equal(configure(box.c), 0);
		}
		began = now_us();
		p = must_start(box.c, 0, ARGV("/bin/true"));
		took[i] = now_us() - began;
		assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
		if (ex.reason != CT_EXIT_EXITED || ex.code)
			fail_msg("round %d: reason %d, code %d", i, ex.reason, ex.code);
		ct_process_unref(p);
	}
	print_message("# %d cycles: median start %lld us of the first %d, %lld us of the last\n", n,
		      median(took, n), n < WINDOW ? n : WINDOW,
		      median(took + (n > WINDOW ? n - WINDOW : 0), n));
	free(took);
	box.c = ct_unref(box.c);
	assert_as_before(&was);
}

static void cycles_detached(void **state)
{
	int n = times(200), i;
	struct host was = look();
	char text[4096];

	(void)state;
	for (i = 0; i < n; i++) {
		box.c = box_handle(&box, "cycle");
		assert_int_equal(configure(box.c), 0);
		assert_ok(box.c, box_detach(box.c, ARGV("/bin/sleep", "1000")));
		assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
		box.c = ct_unref(box.c);
	}
	assert_true(wait_until(no_orphans, text));
	assert_as_before(&was);
	list_state(text, sizeof(text));
	assert_string_equal(text, files_before);
}

/* ---- at once --------------------------------------------------------------------------------- */

/* Every other one detached. */
static void start_many(ct_container **c, int n)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	char name[32];

	o.argv = ARGV("/bin/sleep", "1000");
	for (int i = 0; i < n; i++) {
		ct_process *p = NULL;

		snprintf(name, sizeof(name), "many%d", i);
		c[i] = box_handle(&box, i % 2 ? name : NULL);
		assert_int_equal(configure(c[i]), 0);
		o.flags = i % 2 ? CT_START_DETACH : 0;
		o.stdio[0] = o.stdio[1] = o.stdio[2] = i % 2 ? 0 : -1;
		assert_ok(c[i], ct_start(c[i], &o, &p));
		ct_process_unref(p);
	}
}

static void at_once(void **state)
{
	int n = times(200), i;
	struct rlimit was_limit, more;
	ct_container **c = calloc((size_t)n, sizeof(struct ct_container *));
	struct host was = look();
	char text[4096], *names = NULL;

	(void)state;
	assert_non_null(c);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was_limit), 0);
	more = was_limit;
	more.rlim_cur = more.rlim_max;
	setrlimit(RLIMIT_NOFILE, &more);
	start_many(c, n);
	assert_true(groups_named(box.word, NULL, 0) >= n);
	assert_int_equal(ct_list(&box.where, CT_LIST_RUNNING, &names), n / 2);
	ct_free(names);
	for (i = 0; i < n; i++) {
		ct_usage u = CT_USAGE_INIT;

		assert_ok(c[i], ct_stats(c[i], &u));
		if (u.pids != CT_ABSENT)
			assert_int_equal(u.pids, 1);
		assert_int_equal(ct_state(c[i]), CT_STATE_RUNNING);
	}
	for (i = 0; i < n; i++) {
		if (i % 4)
			assert_ok(c[i], ct_stop(c[i], CT_STOP_KILL, PATIENCE_MS));
		c[i] = ct_unref(c[i]);
	}
	free(c);
	setrlimit(RLIMIT_NOFILE, &was_limit);
	assert_true(wait_until(no_orphans, text));
	assert_as_before(&was);
	list_state(text, sizeof(text));
	assert_string_equal(text, files_before);
}

/* ---- the caller is killed -------------------------------------------------------------------- */

enum { IN_PROCESS, DETACHED, FROZEN, FROZEN_V1, N_ACTS };
static const char *const act_names[] = { "in process", "detached", "frozen",
					 "frozen by version 1" };

static bool act_is_possible(int act)
{
	struct trees t;

	trees_find(&t);
	for (int i = 0; i < t.n && act == FROZEN_V1; i++)
		if (strstr(t.v[i].words, ",freezer,"))
			return true;
	return act != FROZEN_V1;
}

/* In the child, until it is killed. */
static void act(int what)
{

	for (;;) {
		ct_container *c = box_handle(&box, what == DETACHED ? "killed" : NULL);
		ct_process *p = NULL;

		if (!c || configure(c) ||
		    (what == FROZEN_V1 && box_config(c, "cgroup.backend", "cgroup1", NULL)))
			_exit(1);
		if (box_start(c, what == DETACHED ? CT_START_DETACH : 0, ARGV("/bin/sleep", "1000"),
			      &p) &&
		    what != DETACHED)
			_exit(2);
		if (what >= FROZEN) {
			ct_freeze(c, PATIENCE_MS);
			pause();
		}
		if (what == DETACHED)
			ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
		ct_process_unref(p);
		ct_unref(c);
	}
}

/* Stops what a killed caller has left, once a start that was under way has come to its end. */
static void end_it(const char *what, int round)
{
	ct_container *c;
	long long end;
	int r;

	c = box_handle(&box, "killed");
	assert_int_equal(configure(c), 0);
	for (end = now_ms() + 20000; (r = ct_state(c)) == CT_STATE_STARTING && now_ms() < end;)
		sleep_ms(5);
	if (r == CT_STATE_RUNNING || r == CT_STATE_FROZEN || r == CT_STATE_STOPPING)
		r = ct_stop(c, CT_STOP_KILL, PATIENCE_MS);
	if (r < 0 && r != -ESRCH)
		fail_msg("%s, round %d: %d %s", what, round, r, ct_last_error(c)->message);
	ct_unref(c);
}

/* One call that looks, and one start in the same hierarchies: then all is gone. */
static void check_cleared(const char *what, int round, const struct host *was)
{
	char text[4096] = "", *names = NULL;
	ct_container *c;
	long long end;
	int n, r;

	end_it(what, round);
	r = ct_list(&box.where, CT_LIST_RUNNING, &names);
	if (r)
		fail_msg("%s, round %d: ct_list() = %d: %s", what, round, r, names ? names : "");
	ct_free(names);
	c = box_handle(&box, NULL);
	assert_int_equal(configure(c), 0);
	if (!strcmp(what, act_names[FROZEN_V1]))
		assert_int_equal(box_config(c, "cgroup.backend", "cgroup1", NULL), 0);
	r = box_run(c, NULL, ARGV("/bin/true"), NULL, NULL);
	if (r)
		fail_msg("%s, round %d: the next start: %d %s", what, round, r,
			 ct_last_error(c)->message);
	ct_unref(c);
	if (!wait_until(no_orphans, text))
		fail_msg("%s, round %d: processes left: %s", what, round, text);
	for (end = now_ms() + 10000;
	     (n = groups_named(box.word, text, sizeof(text))) && now_ms() < end;)
		sleep_ms(10);
	if (n)
		fail_msg("%s, round %d: groups left: %.1000s", what, round, text);
	list_state(text, sizeof(text));
	if (text[0] && strcmp(text, files_before))
		fail_msg("%s, round %d: in the state directory: %.1000s", what, round, text);
	if (round % 10 == 0)
		assert_as_before(was);
}

static void kill_caller(void **state)
{
	int what = (int)(intptr_t)*state, n = times(what < FROZEN ? 50 : 20), i;
	struct host was = look();
	pid_t pid;

	if (!act_is_possible(what))
		elsewhere_because("there is no version 1 freezer here");
	for (i = 0; i < n; i++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			act(what);
		assert_true(pid > 0);
		sleep_us(what < FROZEN ? rand_r(&seed) % 40000 : 2000 + rand_r(&seed) % 60000);
		assert_int_equal(kill(pid, SIGKILL), 0);
		/* as long as nobody has reaped it, it may as well live */
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		check_cleared(act_names[what], i, &was);
	}
}

/* ---- the supervisor is killed ---------------------------------------------------------------- */

static void kill_supervisor(void **state)
{
	int what = (int)(intptr_t)*state, n = times(what == DETACHED ? 50 : 20), i, r;
	struct host was = look();

	if (!act_is_possible(what))
		elsewhere_because("there is no version 1 freezer here");
	for (i = 0; i < n; i++) {
		pid_t init, super;

		box.c = box_handle(&box, "killed");
		assert_int_equal(configure(box.c), 0);
		if (what == FROZEN_V1)
			assert_int_equal(box_config(box.c, "cgroup.backend", "cgroup1", NULL), 0);
		assert_ok(box.c,
			  box_detach(box.c, ARGV("/bin/sh", "-c", "sleep 1000 & sleep 1000")));
		init = ct_init_pid(box.c);
		assert_true(init > 0);
		super = parent_of(init);
		assert_true(super > 1 && super != getpid());
		if (what >= FROZEN) {
			r = ct_freeze(box.c, PATIENCE_MS);
			if (r == -EOPNOTSUPP) {
				ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
				elsewhere_because("%s", ct_last_error(box.c)->message);
			}
			assert_ok(box.c, r);
		}
		/* sometimes in the midst of a stop */
		if (i % 3 == 2)
			ct_stop(box.c, CT_STOP_NO_WAIT, 0);
		sleep_us(rand_r(&seed) % 20000);
		kill(super, SIGKILL);
		box.c = ct_unref(box.c);
		check_cleared(act_names[what], i, &was);
		if (kill(init, 0) == 0 && parent_of(init) == getpid())
			fail_msg("round %d: init lives", i);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static int group_setup(void **state)
{
	(void)state;
	seed = (unsigned)time(NULL);
	print_message("# seed %u\n", seed);
	if (box_setup_lived("first"))
		return -1;
	list_state(files_before, sizeof(files_before));
	return 0;
}

#define CASE(name, f, data)                                         \
	{                                                           \
		name, f, setup, teardown, (void *)(uintptr_t)(data) \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("one after the other", cycles, 0),
		CASE("one after the other, detached", cycles_detached, 0),
		CASE("at once", at_once, 0),
		CASE("caller killed, in process", kill_caller, IN_PROCESS),
		CASE("caller killed, detached", kill_caller, DETACHED),
		CASE("caller killed, frozen", kill_caller, FROZEN),
		CASE("caller killed, frozen by version 1", kill_caller, FROZEN_V1),
		CASE("supervisor killed", kill_supervisor, DETACHED),
		CASE("supervisor killed, frozen", kill_supervisor, FROZEN),
		CASE("supervisor killed, frozen by version 1", kill_supervisor, FROZEN_V1),
	};

	return cmocka_run_group_tests_name("cgroup-cycles", tests, group_setup, box_teardown);
}
