/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.output: what the payload prints arrives, to the last byte, or it is told why not; whoever
 * reads, or does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "output-sinks.h"
#include "run.h"
#include "setup.h"

#define LONG_MS 60000 /* for what happens at once */

static int setup(void **state)
{
	return case_setup(state) || box_config(box.c, "limit.output", "1G", NULL);
}

/* The whole of it is done when an issue ends: see tests/run --long. */
static unsigned long many(unsigned long few, unsigned long all)
{
	const char *s = getenv("CT_LONG");

	return s && *s == '1' ? all : few;
}

/* Starts argv, with nothing to read. */
static ct_process *start(int out, int err, const char *const argv[])
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	o.argv = argv;
	o.stdio[0] = -1;
	o.stdio[1] = out;
	o.stdio[2] = err;
	assert_ok(box.c, ct_start(box.c, &o, &p));
	return p;
}

static ct_exit end_of(ct_process *p, int timeout_ms)
{
	ct_exit ex = CT_EXIT_INIT;
	int r = ct_process_wait(p, &ex, timeout_ms);

	if (r)
		fail_msg("ct_process_wait() = %d: %s", r, ct_process_last_error(p)->message);
	return ex;
}

/* ---- every byte ------------------------------------------------------------------------------ */

static void one_sink(enum sink kind, unsigned long lines, unsigned pause_us)
{
	struct ends out = make_sink(kind), err = make_sink(kind);
	struct reader a = { 0 }, b = { 0 };
	int flags = fcntl(out.theirs, F_GETFL);
	char cmd[96];
	ct_process *p;
	ct_exit ex;

	snprintf(cmd, sizeof(cmd), "seq %lu & seq %lu >&2; wait", lines, lines / 10);
	p = start(out.theirs, err.theirs, ARGV("/bin/sh", "-c", cmd));
	assert_int_equal(fcntl(out.theirs, F_GETFL), flags);
	close(out.theirs);
	close(err.theirs);
	out.theirs = err.theirs = -1;
	if (kind != REGULAR) {
		begin_reading(&a, out.mine, pause_us);
		begin_reading(&b, err.mine, pause_us);
	}
	ex = end_of(p, -1);
	if (kind == REGULAR) {
		lseek(out.mine, 0, SEEK_SET);
		lseek(err.mine, 0, SEEK_SET);
		begin_reading(&a, out.mine, 0);
		begin_reading(&b, err.mine, 0);
	}
	assert_int_equal(end_reading(&a), seq_bytes(lines));
	assert_int_equal(end_reading(&b), seq_bytes(lines / 10));
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(ex.code, 0);
	assert_int_equal(ex.output_error, 0);
	assert_int_equal(ex.output_lost, 0);
	ct_process_unref(p);
	close_both(&out);
	close_both(&err);
}

static void every_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < N_SINKS; kind++) {
		one_sink((enum sink)kind, kind == PTY ? 30000 : 200000, 0);
		one_sink((enum sink)kind, 20000, 3000);
	}
	/* 200 MB */
	one_sink(PIPE, many(300000, 23000000), 20000);
	one_sink(REGULAR, many(300000, 23000000), 0);
}

/* Of one file for both, the order of what is written to them is kept. */
static void order(void **state)
{
	(void)state;
	for (int kind = 0; kind < N_SINKS; kind++) {
		struct ends e = make_sink((enum sink)kind);
		/* another open file of the same pipe, and the same twice */
		int twice = kind == PIPE ? high(open("/dev/null", O_RDONLY | O_CLOEXEC)) : e.theirs;
		struct reader r;
		char path[40];
		ct_process *p;
		ct_exit ex;

		if (kind == PIPE) {
			close(twice);
			snprintf(path, sizeof(path), "/proc/self/fd/%d", e.theirs);
			twice = high(open(path, O_WRONLY | O_CLOEXEC));
		}
		p = start(e.theirs, twice,
			  ARGV("/bin/sh", "-c",
			       "i=0; while [ $i -lt 3000 ]; do echo $((i+1)); "
			       "echo $((i+2)) >&2; i=$((i+2)); done"));
		if (twice != e.theirs)
			close(twice);
		close(e.theirs);
		e.theirs = -1;
		if (kind != REGULAR)
			begin_reading(&r, e.mine, 0);
		ex = end_of(p, LONG_MS);
		if (kind == REGULAR) {
			lseek(e.mine, 0, SEEK_SET);
			begin_reading(&r, e.mine, 0);
		}
		assert_int_equal(end_reading(&r), seq_bytes(3000));
		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		ct_process_unref(p);
		close_both(&e);
	}
}

/* Over the limit: exactly so much arrives, and the verdict says it. */
static void over(void **state)
{
	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.output", "100KB"));
	for (int kind = 0; kind < N_SINKS; kind++) {
		for (int both = 0; both < 2; both++) {
			struct ends e = make_sink((enum sink)kind);
			ct_process *p = start(e.theirs, both ? e.theirs : -1,
					      ARGV("/bin/seq", "10000000"));
			struct reader r;
			ct_exit ex;

			close(e.theirs);
			e.theirs = -1;
			if (kind != REGULAR)
				begin_reading(&r, e.mine, 0);
			ex = end_of(p, LONG_MS);
			if (kind == REGULAR) {
				lseek(e.mine, 0, SEEK_SET);
				begin_reading(&r, e.mine, 0);
			}
			assert_int_equal(end_reading(&r), 102400);
			assert_int_equal(ex.reason, CT_EXIT_OUTPUT);
			assert_int_equal(ex.output_lost, 0);
			ct_process_unref(p);
			close_both(&e);
		}
	}
}

/* A payload that goes over it, and does not care for a broken pipe, does not go on either. */
static void over_and_on(void **state)
{
	struct ends e = make_sink(PIPE);
	ct_process *p;
	ct_exit ex;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.output", "100"));
	/* the sink takes the limit's bytes and no more than that is read of it */
	p = start(e.theirs, e.theirs,
		  ARGV("/bin/sh", "-c",
		       "trap '' PIPE; while :; do echo a "
		       "line; done 2>/dev/null"));
	ex = end_of(p, LONG_MS);
	assert_int_equal(ex.reason, CT_EXIT_OUTPUT);
	assert_int_equal(ex.signal, SIGKILL);
	ct_process_unref(p);
	close_both(&e);
}

/* ---- nobody reads ---------------------------------------------------------------------------- */

/* A line of the status of a process. */
static int status_line(const char *pid, const char *key, char *buf, size_t size)
{
	char path[300], *line = NULL;
	size_t cap = 0;
	FILE *f;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &cap, f) > 0)
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			line[strcspn(line, "\n")] = 0;
			snprintf(buf, size, "%s", line + strlen(key) + 2);
			found = 1;
		}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static int is_full(int sink)
{
	struct pollfd fd = { .fd = sink, .events = POLLOUT };

	return poll(&fd, 1, 0) == 0;
}

struct blocking {
	pid_t pid;
	int sink;
};

/* The sink takes no more, and the process has been asleep whenever it was looked at,
 * for a while. */
static int blocked(void *data)
{
	struct blocking *b = data;
	char pid[16], buf[64], path[64];
	FILE *f;

	if (!is_full(b->sink))
		return 0;
	/* pid 1 may be a small init of the library's */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)b->pid, (int)b->pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%15[0-9]", pid) != 1)
		snprintf(pid, sizeof(pid), "%d", (int)b->pid);
	if (f)
		fclose(f);
	for (int i = 0; i < 50; i++) {
		if (!status_line(pid, "State", buf, sizeof(buf)) || *buf != 'S')
			return 0;
		usleep(2000);
	}
	return 1;
}

/* The sink, the pump and the pipes are full. */
static void wait_blocked(ct_process *p, int sink)
{
	struct blocking b = { ct_process_pid(p), sink };

	assert_true(wait_for(blocked, &b, LONG_MS));
}

enum ending { TIME, KILL, STOP, UNREF, N_ENDINGS };

/* However it is ended, that works at once, and what nobody reads is given up and told. */
static void unread(void **state)
{
	(void)state;
	for (int kind = 0; kind < REGULAR; kind++) {
		for (int how = 0; how < N_ENDINGS; how++) {
			struct ends e = make_sink((enum sink)kind);
			ct_exit ex = CT_EXIT_INIT;
			long long began;
			ct_process *p;

			/* by then all is full, also on a slow machine */
			assert_ok(box.c, how == TIME ? ct_set_config(box.c, "limit.time", "2s")
						     : ct_clear_config(box.c, "limit.time"));
			p = start(e.theirs, e.theirs, ARGV("/bin/seq", "100000000"));
			if (how != TIME)
				wait_blocked(p, e.theirs);
			began = now_ms();
			if (how != TIME) {
				assert_int_equal(ct_process_wait(p, &ex, 0), -ETIMEDOUT);
				assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
			}
			if (how == KILL)
				assert_int_equal(ct_process_kill(p, SIGKILL), 0);
			if (how == STOP)
				assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, 1000));
			if (how != UNREF) {
				ex = end_of(p, LONG_MS);
				assert_int_equal(ex.reason,
						 how == TIME ? CT_EXIT_TIME : CT_EXIT_STOPPED);
				assert_int_equal(is_full(e.theirs), 1);
				assert_int_equal(ex.output_error, -ETIMEDOUT);
				assert_true(ex.output_lost > 0);
			}
			ct_process_unref(p);
			/* its other owner */
			if (how == UNREF) {
				ct_unref(box.c);
				box.c = box_handle(&box, NULL);
				assert_ok(box.c, ct_set_config(box.c, "limit.output", "1G"));
			}
			assert_true(now_ms() - began < 9000);
			close_both(&e);
		}
	}
}

/* It has ended, and its last words wait: a look says so and returns, an event loop is not woken in
 * vain, and who reads gets all. */
static void read_late(void **state)
{
	struct pollfd fds[2];
	struct ends e;
	struct reader r;
	ct_process *p;
	ct_exit ex = CT_EXIT_INIT;

	(void)state;
	e = make_sink(TINY);
	p = start(e.theirs, e.theirs, ARGV("/bin/seq", "10000"));
	close(e.theirs);
	e.theirs = -1;
	fds[0] = (struct pollfd){ .fd = ct_process_pidfd(p), .events = POLLIN };
	assert_int_equal(poll(fds, 1, LONG_MS), 1);
	fds[1] = (struct pollfd){ .fd = ct_process_end_fd(p), .events = POLLIN };
	assert_int_equal(poll(&fds[1], 1, 0), 0);
	assert_int_equal(ct_process_wait(p, &ex, 0), -ETIMEDOUT);
	assert_non_null(strstr(ct_process_last_error(p)->message, "has ended"));
	/* its end is its end */
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, LONG_MS), CT_STATE_STOPPED);
	begin_reading(&r, e.mine, 0);
	assert_int_equal(poll(&fds[1], 1, LONG_MS), 1);
	assert_int_equal(ct_process_wait(p, &ex, 0), 0);
	assert_int_equal(end_reading(&r), seq_bytes(10000));
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(ex.output_lost, 0);
	ct_process_unref(p);
	close_both(&e);
}

/* ... and who never does is not waited for without an end. */
static void never_read(void **state)
{
	struct ends e = make_sink(TINY);
	ct_process *p = start(e.theirs, e.theirs, ARGV("/bin/seq", "10000"));
	ct_exit ex = end_of(p, -1);

	(void)state;
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(ex.code, 0);
	assert_int_equal(ex.output_error, -ETIMEDOUT);
	assert_int_equal(ex.output_lost, seq_bytes(10000) - 4096);
	ct_process_unref(p);
	close_both(&e);
}

/* ---- sinks that fail ------------------------------------------------------------------------- */

/* A reader that goes ends the payload as it would without us, and not the caller, whose
 * SIGPIPE is as it was. */
static void reader_goes(void **state)
{
	(void)state;
	for (int kind = 0; kind < PTY; kind++) {
		struct ends e = make_sink((enum sink)kind);
		ct_process *p = start(e.theirs, -1, ARGV("/bin/sh", "-c", "seq 100000000; exit 7"));
		char c;
		ct_exit ex;

		assert_int_equal(read(e.mine, &c, 1), 1);
		close(e.mine);
		e.mine = -1;
		ex = end_of(p, LONG_MS);
		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		assert_int_equal(ex.code, 7);
		assert_int_equal(ex.output_error, ex.output_lost ? -EPIPE : 0);
		ct_process_unref(p);
		close_both(&e);
	}
}

static void full(void **state)
{
	char path[PATH_MAX];
	struct {
		const char *path;
		int error;
		uint64_t fits;
	} rows[] = { { "/dev/full", -ENOSPC, 0 }, { path, -ENOSPC, 65536 } };

	(void)state;
	snprintf(path, sizeof(path), "%s/tiny", box.root.base);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mount("tmpfs", path, "tmpfs", 0, "size=64k"), 0);
	snprintf(path, sizeof(path), "%s/tiny/out", box.root.base);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = high(open(rows[i].path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		ct_process *p = start(fd, -1, ARGV("/bin/sh", "-c", "seq 100000000; exit 7"));
		ct_exit ex = end_of(p, LONG_MS);
		struct stat sb;

		assert_int_equal(ex.code, 7);
		assert_int_equal(ex.output_error, rows[i].error);
		assert_true(ex.output_lost > 0);
		assert_int_equal(fstat(fd, &sb), 0);
		assert_int_equal(sb.st_size, rows[i].fits);
		ct_process_unref(p);
		close(fd);
	}
	path[strlen(path) - strlen("/out")] = 0;
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(rmdir(path), 0);
}

static void no_sink(void **state)
{
	ct_process *p = start(-1, -1, ARGV("/bin/seq", "100000"));
	ct_exit ex = end_of(p, LONG_MS);

	(void)state;
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(ex.output_lost, 0);
	ct_process_unref(p);
	assert_ok(box.c, ct_set_config(box.c, "limit.output", "1000"));
	p = start(-1, -1, ARGV("/bin/seq", "100000"));
	assert_int_equal(end_of(p, LONG_MS).reason, CT_EXIT_OUTPUT);
	ct_process_unref(p);
}

/* ---- the rest of the world ------------------------------------------------------------------- */

/* Who is left behind in a shared pid namespace holds the pipe, and nothing else. */
static void left_behind(void **state)
{
	struct ends e = make_sink(PIPE);
	ct_process *p;
	ct_exit ex;
	char c;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "namespace.keep", "pid"));
	p = start(e.theirs, e.theirs, ARGV("/bin/sh", "-c", "sleep 1000 & echo x"));
	assert_int_equal(read(e.mine, &c, 1), 1);
	ex = end_of(p, LONG_MS);
	assert_int_equal(ex.reason, CT_EXIT_EXITED);
	assert_int_equal(ex.output_lost, 0);
	ct_process_unref(p);
	close_both(&e);
}

/* A payload of another user, mapped or not, opens its own output by name. */
static void by_name(void **state)
{
	(void)state;
	assert_int_equal(box_config(box.c, "init.uid", "1000", "init.gid", "1000", NULL), 0);
	for (int mapped = 0; mapped < 2; mapped++) {
		struct ends e = make_sink(PIPE);
		char buf[8] = "";
		ct_process *p;

		if (mapped)
			assert_int_equal(box_config(box.c, "idmap", "u 0 100000 65536", "idmap",
						    "g 0 100000 65536", NULL),
					 0);
		p = start(e.theirs, -1, ARGV("/bin/sh", "-c", "echo yes > /dev/stdout"));
		assert_int_equal(end_of(p, LONG_MS).code, 0);
		assert_int_equal(read(e.mine, buf, sizeof(buf)), 4);
		assert_string_equal(buf, "yes\n");
		ct_process_unref(p);
		close_both(&e);
	}
}

/* The number of our own pump. */
static int find_pump(char *pid, size_t size)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char buf[64], parent[64];
	int found = 0;

	while (d && !found && (e = readdir(d)))
		if (status_line(e->d_name, "Name", buf, sizeof(buf)) && !strcmp(buf, "ct-output") &&
		    status_line(e->d_name, "PPid", parent, sizeof(parent)) &&
		    status_line(parent, "PPid", buf, sizeof(buf)) && atoi(buf) == getpid()) {
			snprintf(pid, size, "%s", e->d_name);
			found = 1;
		}
	if (d)
		closedir(d);
	return found;
}

/* The pump can do nothing but its work, and its death is told. */
static void confined(void **state)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "CapEff", "0000000000000000" },
		{ "CapPrm", "0000000000000000" },
		{ "CapAmb", "0000000000000000" },
		{ "NoNewPrivs", "1" },
	};
	struct ends e = make_sink(PIPE);
	ct_process *p = start(e.theirs, e.theirs, ARGV("/bin/sh", "-c", "echo x; sleep 1000"));
	char pid[280], buf[300], path[320];
	struct dirent *entry;
	ct_exit ex;
	DIR *d;
	int n = 0;

	(void)state;
	assert_true(find_pump(pid, sizeof(pid)));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(status_line(pid, rows[i].key, buf, sizeof(buf)));
		assert_string_equal(buf, rows[i].value);
	}
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 3);
	kill(atoi(pid), SIGKILL);
	ct_process_kill(p, SIGKILL);
	ex = end_of(p, LONG_MS);
	assert_int_equal(ex.output_error, -ECHILD);
	ct_process_unref(p);
	close_both(&e);
}

/* The limit holds, and what is printed arrives, while the caller is stopped. */
static void caller_stopped(void **state)
{
	struct ends e = make_sink(PIPE);
	struct reader r;
	int status;
	pid_t pid;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "limit.output", "1MB"));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		ct_container *c = box_handle(&box, NULL);
		ct_start_opts o = CT_START_OPTS_INIT;
		ct_exit ex = CT_EXIT_INIT;
		ct_process *p = NULL;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(e.mine);
		o.argv = ARGV("/bin/seq", "100000000");
		o.stdio[0] = -1;
		o.stdio[1] = o.stdio[2] = e.theirs;
		if (!c || ct_set_config(c, "limit.output", "1MB") || ct_start(c, &o, &p))
			_exit(1);
		close(e.theirs);
		raise(SIGSTOP);
		_exit(ct_process_wait(p, &ex, -1) || ex.reason != CT_EXIT_OUTPUT || ex.output_lost
			      ? 2
			      : 0);
	}
	close(e.theirs);
	e.theirs = -1;
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	begin_reading(&r, e.mine, 0);
	/* to the end of file: the pump has ended, too */
	assert_int_equal(end_reading(&r), 1 << 20);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close_both(&e);
}

/* ---- threads --------------------------------------------------------------------------------- */

/* Opens and closes files, and looks that nobody else closes them. */
static struct {
	int stop;
	unsigned long rounds;
	int lost;
} canary;

static void *sing(void *data)
{
	(void)data;
	while (!__atomic_load_n(&canary.stop, __ATOMIC_RELAXED)) {
		int fd[16];
		struct stat was[16], now;

		for (int i = 0; i < 16; i++) {
			fd[i] = memfd_create("canary", MFD_CLOEXEC);
			if (fd[i] < 0 || fstat(fd[i], &was[i]))
				canary.lost = 1;
		}
		usleep(100);
		for (int i = 0; i < 16; i++)
			if (fstat(fd[i], &now) || now.st_ino != was[i].st_ino || close(fd[i]))
				canary.lost = 1;
		canary.rounds++;
	}
	return NULL;
}

static void *wait_thread(void *p)
{
	ct_exit ex = CT_EXIT_INIT;

	return (void *)(intptr_t)(ct_process_wait(p, &ex, -1) || ex.reason == CT_EXIT_LOST);
}

static void *stop_thread(void *c)
{
	int r = ct_stop(c, CT_STOP_KILL, 10000);

	return (void *)(intptr_t)(r && r != -ESRCH);
}

static void *kill_thread(void *p)
{
	int r = ct_process_kill(p, SIGKILL);

	return (void *)(intptr_t)(r && r != -ESRCH);
}

static void *stats_thread(void *c)
{
	for (int i = 0; i < 20; i++) {
		ct_usage u = { .size = sizeof(u) };

		ct_stats(c, &u);
	}
	return NULL;
}

/* A waiter, a stopper, one who kills and one who looks: no descriptor is closed twice. */
static void threads(void **state)
{
	const unsigned long n = many(30, 1500);
	pthread_t song;

	(void)state;
	memset(&canary, 0, sizeof(canary));
	assert_int_equal(pthread_create(&song, NULL, sing, NULL), 0);
	for (unsigned long i = 0; i < n; i++) {
		struct {
			void *(*what)(void *);
			void *with;
			pthread_t thread;
		} t[4] = { { wait_thread, NULL, 0 },
			   { stop_thread, box.c, 0 },
			   { kill_thread, NULL, 0 },
			   { stats_thread, box.c, 0 } };
		struct ends e = make_sink(PIPE);
		ct_process *p;

		/* read for the most part, for time's sake */
		p = start(e.theirs, e.theirs,
			  i % 10 ? ARGV("/bin/seq", "100") : ARGV("/bin/seq", "100000000"));
		close(e.theirs);
		e.theirs = -1;
		t[0].with = t[2].with = p;
		for (int k = 0; k < 4; k++)
			assert_int_equal(pthread_create(&t[k].thread, NULL, t[k].what, t[k].with),
					 0);
		for (int k = 0; k < 4; k++) {
			void *failed;

			pthread_join(t[k].thread, &failed);
			assert_null(failed);
		}
		ct_process_unref(p);
		close_both(&e);
	}
	__atomic_store_n(&canary.stop, 1, __ATOMIC_RELAXED);
	pthread_join(song, NULL);
	assert_true(canary.rounds > 0);
	assert_int_equal(canary.lost, 0);
}

/* ---- detached -------------------------------------------------------------------------------- */

static int begin_detached(ct_container *c, int fd, const char *const argv[], ct_process **out)
{
	ct_start_opts o = CT_START_OPTS_INIT;

	o.flags = CT_START_DETACH;
	o.argv = argv;
	o.stdio[0] = -1;
	o.stdio[1] = o.stdio[2] = fd;
	return ct_start(c, &o, out);
}

/* The supervisor keeps the limit, also when nobody has taken the process. */
static void detached(void **state)
{
	ct_container *c = must_open("talker");

	(void)state;
	assert_int_equal(box_config(c, "limit.output", "100KB", NULL), 0);
	for (int waited = 0; waited < 2; waited++) {
		struct ends e = make_sink(PIPE);
		ct_process *p = NULL;
		struct reader r;

		assert_ok(c, begin_detached(c, e.theirs, ARGV("/bin/seq", "10000000"),
					    waited ? &p : NULL));
		close(e.theirs);
		e.theirs = -1;
		begin_reading(&r, e.mine, 0);
		if (waited) {
			ct_exit ex = end_of(p, LONG_MS);

			assert_int_equal(ex.reason, CT_EXIT_OUTPUT);
			assert_int_equal(ex.output_lost, 0);
		}
		assert_int_equal(ct_wait(c, CT_STATE_STOPPED, LONG_MS), CT_STATE_STOPPED);
		assert_int_equal(end_reading(&r), 102400);
		ct_process_unref(p);
		close_both(&e);
	}
	ct_unref(c);
}

static void detached_unread(void **state)
{
	ct_container *c = must_open("talker");
	struct ends e = make_sink(PIPE);
	ct_process *p = NULL;
	long long began;
	ct_exit ex;

	(void)state;
	assert_int_equal(box_config(c, "limit.output", "1G", NULL), 0);
	assert_ok(c, begin_detached(c, e.theirs, ARGV("/bin/seq", "100000000"), &p));
	wait_blocked(p, e.theirs);
	assert_int_equal(ct_process_wait(p, NULL, 0), -ETIMEDOUT);
	began = now_ms();
	assert_ok(c, ct_stop(c, CT_STOP_KILL, 1000));
	assert_true(now_ms() - began < 9000);
	ex = end_of(p, LONG_MS);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	assert_int_equal(ex.output_error, -ETIMEDOUT);
	assert_true(ex.output_lost > 0);
	ct_process_unref(p);
	close_both(&e);
	ct_unref(c);
}

static int group_setup(void **state)
{
	/* what a broken pipe does to a program that says nothing */
	if (signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		return -1;
	return box_setup_used(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_byte),  TEST(order),		  TEST(over),
		TEST(over_and_on), TEST(unread),	  TEST(read_late),
		TEST(never_read),  TEST(reader_goes),	  TEST(full),
		TEST(no_sink),	   TEST(left_behind),	  TEST(by_name),
		TEST(confined),	   TEST(caller_stopped),  TEST(threads),
		TEST(detached),	   TEST(detached_unread),
	};

	return cmocka_run_group_tests_name("output", tests, group_setup, box_teardown);
}
