/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor and its client, from start to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <contain/contain.h>

#include "run.h"
#include "stage/super/supervisor.h"
#include "super-box.h"

static const struct {
	uint32_t magic, type;
	uint64_t arg0, arg1;
	int want;
} requests[] = {
	{ CT_CTL_MAGIC, CT_CTL_STATUS, 0, 0, 0 },
	{ CT_CTL_MAGIC, CT_CTL_STATUS, 1, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_STATUS, 0, 1, -EINVAL },
	{ CT_CTL_MAGIC + 1, CT_CTL_STATUS, 0, 0, -EBADMSG },
	{ CT_CTL_MAGIC, 0, 0, 0, -EOPNOTSUPP },
	{ CT_CTL_MAGIC, CT_CTL_RESIZE + 1, 0, 0, -EOPNOTSUPP },
	{ CT_CTL_MAGIC, UINT32_MAX, 0, 0, -EOPNOTSUPP },
	{ CT_CTL_MAGIC, CT_CTL_KILL, 64, 0, 0 },
	{ CT_CTL_MAGIC, CT_CTL_KILL, 65, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_KILL, UINT64_MAX, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_STOP, CT_STOP_KILL | CT_STOP_NO_WAIT, CT_CTL_FOREVER, 0 },
	{ CT_CTL_MAGIC, CT_CTL_STOP, CT_STOP_KILL | CT_STOP_NO_KILL, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_STOP, 8, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_WAIT, 0, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_WAIT, 0x3f, CT_CTL_FOREVER, 0 },
	{ CT_CTL_MAGIC, CT_CTL_WAIT, 0x40, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_CONSOLE, CT_CTL_TTY_FREE, 0, 0 },
	{ CT_CTL_MAGIC, CT_CTL_CONSOLE_LOG, 2, 0, -EINVAL },
	{ CT_CTL_MAGIC, CT_CTL_RESIZE, 0, UINT32_MAX, 0 },
	{ CT_CTL_MAGIC, CT_CTL_RESIZE, 0, 1ull << 32, -EINVAL },
};

static void requests_are_checked(void **state)
{
	struct ct_ctl_request rq, out;
	char large[sizeof(rq) + 1] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		rq = (struct ct_ctl_request){ requests[i].magic, requests[i].type, requests[i].arg0,
					      requests[i].arg1 };
		if (ctl_decode(&rq, sizeof(rq), &out) != requests[i].want)
			fail_msg("row %zu", i);
	}
	rq = (struct ct_ctl_request){ CT_CTL_MAGIC, CT_CTL_STATUS, 0, 0 };
	assert_int_equal(ctl_decode(&rq, sizeof(rq) - 1, &out), -EBADMSG);
	assert_int_equal(ctl_decode(large, sizeof(large), &out), -EBADMSG);
	assert_int_equal(ctl_decode(large, 0, &out), -EBADMSG);
}

/* ---- lives ----------------------------------------------------------------------------------- */

/* What the state says after the end. */
static struct ct_state_file after(struct super_box *b)
{
	struct ct_state_file st;

	assert_int_equal(ct_state_sweep(b->dirfd, -1, &st, NULL, &b->e), CT_LIFE_ENDED);
	assert_int_equal(st.state, CT_STATE_STOPPED);
	assert_int_equal(faccessat(b->dirfd, "control", F_OK, 0), -1);
	return st;
}

static void expect_end(struct super_box *b, int reason, int code)
{
	struct ct_state_file st;

	assert_int_equal(super_reap(b), 0);
	st = after(b);
	assert_int_equal(st.verdict.reason, reason);
	assert_int_equal(st.verdict.code, code);
	assert_false(lives(b->shared->init));
}

static void nobody_listens(void **state)
{
	struct super_box b;
	int lock;

	(void)state;
	super_new(&b);
	assert_int_equal(ct_state_enter(b.base, b.base, "box", 0, &b.dirfd, &lock, &b.e), 0);
	close(lock);
	assert_int_equal(ct_ctl_status(b.dirfd, NULL, NULL, &b.e), -ESRCH);
	assert_int_equal(b.e.id, CT_ERR_NOT_RUNNING);
	super_free(&b);
}

/* Takes what is asked, and goes. */
static void *hears_and_goes(void *listening)
{
	int fd = accept(*(int *)listening, NULL, NULL);
	struct ct_ctl_request rq;

	recv(fd, &rq, sizeof(rq), 0);
	close(fd);
	return NULL;
}

static int ask_to_kill(int dir, struct ct_err *e)
{
	return ct_ctl_kill(dir, SIGTERM, e);
}

static int ask_to_reboot(int dir, struct ct_err *e)
{
	return ct_ctl_reboot(dir, 1000, NULL, e);
}

static int ask_to_resize(int dir, struct ct_err *e)
{
	return ct_ctl_resize(dir, 0, 24, 80, e);
}

static int ask_for_console(int dir, struct ct_err *e)
{
	int fd;

	return ct_ctl_console(dir, 0, &fd, NULL, e);
}

static int ask_for_log(int dir, struct ct_err *e)
{
	return ct_ctl_console_log(dir, 0, NULL, e);
}

/* For what is asked of the container it has ended, whichever comes first. */
static void goes_without_an_answer(void **state)
{
	int (*const ask[])(int, struct ct_err *) = { ask_to_kill, ask_to_reboot, ask_to_resize,
						     ask_for_console, ask_for_log };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int lock, listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pthread_t thread;
	struct super_box b;

	(void)state;
	super_new(&b);
	assert_int_equal(ct_state_enter(b.base, b.base, "box", 0, &b.dirfd, &lock, &b.e), 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/control", b.dirfd);
	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listening, 1), 0);
	for (size_t i = 0; i < sizeof(ask) / sizeof(ask[0]); i++) {
		ct_err_clear(&b.e);
		assert_int_equal(pthread_create(&thread, NULL, hears_and_goes, &listening), 0);
		assert_int_equal(ask[i](b.dirfd, &b.e), -ESRCH);
		assert_int_equal(b.e.err, -ESRCH);
		assert_int_equal(b.e.id, CT_ERR_NOT_RUNNING);
		pthread_join(thread, NULL);
	}
	unlinkat(b.dirfd, "control", 0);
	close(listening);
	close(lock);
	super_free(&b);
}

/* What the status is; the pidfd that came with it. */
static int check_running(struct super_box *b)
{
	struct ct_ctl_reply r;
	int pidfd = -1;

	assert_int_equal(ct_ctl_status(b->dirfd, &r, &pidfd, &b->e), 0);
	assert_int_equal(r.state, CT_STATE_RUNNING);
	assert_int_equal(r.init_pid, b->shared->init);
	assert_int_equal(r.supervisor_pid, b->pid);
	assert_int_equal(r.boots, 1);
	assert_int_equal(r.verdict.reason, CT_EXIT_NONE);
	assert_true(pidfd >= 0 && (fcntl(pidfd, F_GETFD) & FD_CLOEXEC));
	return pidfd;
}

static void runs_and_stops(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;
	struct pollfd p;
	int pidfd;

	(void)state;
	super_new(&b);
	b.play[0] = PLAY_HALT_ON_PWR;
	super_run(&b);
	assert_int_equal(ct_state_sweep(b.dirfd, -1, NULL, NULL, &b.e), CT_LIFE_SUPERVISED);
	pidfd = check_running(&b);
	assert_int_equal(ct_ctl_kill(b.dirfd, 0, &b.e), 0);
	assert_int_equal(ct_ctl_wait(b.dirfd, CT_STATE_RUNNING, 0, &r, &b.e), 0);
	assert_int_equal(ct_ctl_wait(b.dirfd, CT_STATE_STOPPED, 50, &r, &b.e), -ETIMEDOUT);
	assert_int_equal(b.e.id, CT_ERR_TIMEOUT);
	ct_err_clear(&b.e);
	assert_int_equal(ct_ctl_stop(b.dirfd, 0, 5000, &r, &b.e), 0);
	assert_int_equal(r.state, CT_STATE_STOPPED);
	assert_int_equal(r.verdict.reason, CT_EXIT_STOPPED);
	assert_int_equal(r.verdict.code, 0);
	p = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 0), 1);
	close(pidfd);
	/* a new start may follow at once */
	assert_int_equal(ct_state_alive(b.dirfd), 0);
	expect_end(&b, CT_EXIT_STOPPED, 0);
	super_free(&b);
}

static void systemd_is_asked_its_way(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.play[0] = PLAY_RTMIN_3;
	super_run(&b);
	sleep_ms(30);
	assert_int_equal(ct_ctl_stop(b.dirfd, 0, 5000, NULL, &b.e), 0);
	expect_end(&b, CT_EXIT_STOPPED, 5);
	super_free(&b);
	super_new(&b);
	b.play[0] = PLAY_RTMIN_3;
	b.w.signal_halt = SIGPWR;
	super_run(&b);
	sleep_ms(30);
	assert_int_equal(ct_ctl_stop(b.dirfd, 0, 5000, NULL, &b.e), 0);
	expect_end(&b, CT_EXIT_STOPPED, 6);
	super_free(&b);
}

static void stop_kills_in_the_end(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;
	long long t;

	(void)state;
	super_new(&b);
	super_run(&b);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_NO_KILL, 50, &r, &b.e), -ETIMEDOUT);
	ct_err_clear(&b.e);
	/* asked in vain: all is as before */
	assert_int_equal(ct_ctl_wait(b.dirfd, CT_STATE_RUNNING, 1000, &r, &b.e), 0);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_NO_WAIT, 0, &r, &b.e), 0);
	assert_int_equal(r.state, CT_STATE_STOPPING);
	t = now_ms();
	assert_int_equal(ct_ctl_stop(b.dirfd, 0, 100, &r, &b.e), 0);
	assert_in_range(now_ms() - t, 95, 3000);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	super_free(&b);

	super_new(&b);
	super_run(&b);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, &r, &b.e), 0);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	super_free(&b);
}

static void a_term_is_a_stop(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.play[0] = PLAY_HALT_ON_PWR;
	super_run(&b);
	sleep_ms(30);
	kill(b.pid, SIGTERM);
	expect_end(&b, CT_EXIT_STOPPED, 0);
	super_free(&b);
	/* the second one is the last */
	super_new(&b);
	super_run(&b);
	kill(b.pid, SIGTERM);
	nothing_happens_for(50);
	assert_true(lives(b.pid));
	kill(b.pid, SIGTERM);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	super_free(&b);
}

static void verdicts(void **state)
{
	static const struct {
		enum play play;
		int arg, pid_ns, reason, code;
	} rows[] = {
		{ PLAY_EXIT, 0, 1, CT_EXIT_EXITED, 0 },
		{ PLAY_EXIT, 42, 0, CT_EXIT_EXITED, 42 },
		{ PLAY_DIE, SIGSEGV, 1, CT_EXIT_SIGNALED, 128 + SIGSEGV },
		{ PLAY_DIE, SIGINT, 1, CT_EXIT_HALT, 128 + SIGINT },
		{ PLAY_DIE, SIGINT, 0, CT_EXIT_SIGNALED, 128 + SIGINT },
		{ PLAY_DIE, SIGHUP, 0, CT_EXIT_SIGNALED, 128 + SIGHUP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct super_box b;

		super_new(&b);
		b.play[0] = rows[i].play;
		b.arg[0] = rows[i].arg;
		b.pid_ns = rows[i].pid_ns;
		super_run(&b);
		expect_end(&b, rows[i].reason, rows[i].code);
		super_free(&b);
	}
}

static const struct {
	int flags, status, exits, reason, code, signal;
} reapers[] = {
	{ CT_SUPER_REAPER, SIGABRT | 0x80, 128 + SIGABRT, CT_EXIT_SIGNALED, 128 + SIGABRT,
	  SIGABRT },
	{ CT_SUPER_REAPER, SIGHUP, 128 + SIGHUP, CT_EXIT_SIGNALED, 128 + SIGHUP, SIGHUP },
	{ CT_SUPER_REAPER, SIGINT, 128 + SIGINT, CT_EXIT_SIGNALED, 128 + SIGINT, SIGINT },
	{ CT_SUPER_REAPER, 64, 128 + 64, CT_EXIT_SIGNALED, 128 + 64, 64 },
	{ CT_SUPER_REAPER, 137 << 8, 137, CT_EXIT_EXITED, 137, 0 },
	{ CT_SUPER_REAPER, SIGABRT, 7, CT_EXIT_EXITED, 7, 0 },
	{ CT_SUPER_REAPER, 0x7f | SIGSTOP << 8, 128 + 0x7f, CT_EXIT_EXITED, 128 + 0x7f, 0 },
	{ CT_SUPER_REAPER, 0xffff, 255, CT_EXIT_EXITED, 255, 0 },
	{ CT_SUPER_REAPER, 1 << 20 | 3 << 8, 3, CT_EXIT_EXITED, 3, 0 },
	{ CT_SUPER_REAPER, 0x80 | 3 << 8, 3, CT_EXIT_EXITED, 3, 0 },
	{ CT_SUPER_REAPER, -1, 5, CT_EXIT_EXITED, 5, 0 },
	{ 0, SIGABRT, 128 + SIGABRT, CT_EXIT_EXITED, 128 + SIGABRT, 0 },
};

/* What a reaper tells of its child counts where it fits to how it ends itself; anything else is
 * the payload's fancy. */
static void reaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reapers) / sizeof(reapers[0]); i++) {
		struct ct_state_file reply;
		const struct ct_verdict *v;
		struct super_box b;

		super_new(&b);
		b.w.flags = (uint32_t)reapers[i].flags;
		b.play[0] = PLAY_EXIT;
		b.arg[0] = reapers[i].exits;
		b.status = reapers[i].status;
		b.pid_ns = 1;
		super_run(&b);
		/* by the file: it may have ended before anybody can ask it */
		super_reap(&b);
		reply = after(&b);
		v = &reply.verdict;
		if (v->reason != reapers[i].reason || v->code != reapers[i].code ||
		    v->signal != reapers[i].signal || v->core != (i == 0))
			fail_msg("row %d: reason %d, code %d, signal %d, core %d", (int)i,
				 v->reason, v->code, v->signal, v->core);
		super_free(&b);
	}
}

static void kill_is_a_stop(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	super_run(&b);
	assert_int_equal(ct_ctl_kill(b.dirfd, SIGUSR1, &b.e), 0);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGUSR1);
	assert_int_equal(ct_ctl_kill(b.dirfd, SIGUSR1, &b.e), -ESRCH);
	super_free(&b);
}

struct waiter {
	struct super_box *b;
	pthread_t thread;
	int r;
	struct ct_ctl_reply reply;
};

static void *wait_for_stop(void *data)
{
	struct waiter *w = data;

	w->r = ct_ctl_wait(w->b->dirfd, CT_STATE_STOPPED, -1, &w->reply, NULL);
	return NULL;
}

static void all_waiters_are_told(void **state)
{
	struct waiter w[10];
	struct super_box b;

	(void)state;
	super_new(&b);
	super_run(&b);
	for (int i = 0; i < 10; i++) {
		w[i].b = &b;
		assert_int_equal(pthread_create(&w[i].thread, NULL, wait_for_stop, &w[i]), 0);
	}
	sleep_ms(100);
	/* one whose state never comes */
	assert_int_equal(ct_ctl_kill(b.dirfd, SIGKILL, &b.e), 0);
	for (int i = 0; i < 10; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].r, 0);
		assert_int_equal(w[i].reply.verdict.reason, CT_EXIT_STOPPED);
		assert_int_equal(w[i].reply.verdict.signal, SIGKILL);
	}
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	super_free(&b);
}

static void reboots(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;
	pid_t first;

	(void)state;
	super_new(&b);
	b.pid_ns = 1;
	b.console = 1;
	b.hooks = 2;
	b.play[0] = PLAY_DIE;
	b.arg[0] = SIGHUP;
	super_run(&b);
	first = b.shared->init;
	for (int i = 0;
	     i < PATIENCE_MS / 10 && (ct_ctl_status(b.dirfd, &r, NULL, &b.e) || r.boots < 2); i++)
		sleep_ms(10);
	assert_int_equal(r.boots, 2);
	assert_int_equal(r.state, CT_STATE_RUNNING);
	assert_int_not_equal(r.init_pid, first);
	/* and on request; whatever it dies of is a reboot then */
	assert_int_equal(ct_ctl_reboot(b.dirfd, 5000, &r, &b.e), 0);
	assert_int_equal(r.boots, 3);
	assert_int_equal(ct_ctl_reboot(b.dirfd, 0, &r, &b.e), 0);
	for (int i = 0;
	     i < PATIENCE_MS / 10 && (ct_ctl_status(b.dirfd, &r, NULL, &b.e) || r.boots < 4); i++)
		sleep_ms(10);
	assert_int_equal(r.boots, 4);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, &r, &b.e), 0);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	/* each reboot is an end, too */
	assert_int_equal(b.shared->again, 6);
	assert_int_equal(b.shared->hooks, 2);
	super_free(&b);
}

/* Boots that end at once: each waits longer, and a stop ends the wait. */
static void a_loop_of_reboots(void **state)
{
	struct ct_ctl_reply r = { 0 };
	struct super_box b;
	long long began = now_ms();

	(void)state;
	super_new(&b);
	b.pid_ns = 1;
	for (int i = 0; i < PLAY_BOOTS; i++) {
		b.play[i] = PLAY_DIE;
		b.arg[i] = SIGHUP;
	}
	super_run(&b);
	for (int i = 0; i < 3000 && (ct_ctl_status(b.dirfd, &r, NULL, &b.e) || r.boots < 5 ||
				     r.state != CT_STATE_STARTING);
	     i++)
		sleep_ms(10);
	/* 0.1 + 0.2 + 0.4 + 0.8 s before the fifth */
	assert_int_equal(r.boots, 5);
	assert_true(now_ms() - began >= 1500);
	assert_int_equal(ct_ctl_stop(b.dirfd, 0, 60000, &r, &b.e), 0);
	/* not after the 1.6 s and more of the pause, let alone the time given */
	assert_int_equal(b.shared->boots, 5);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGHUP);
	super_free(&b);
}

/* A file system without room keeps neither a reboot off nor the verdict back. */
static void no_room_for_the_state(void **state)
{
	struct ct_ctl_reply r = { 0 };
	struct super_box b;

	(void)state;
	super_new(&b);
	b.pid_ns = 1;
	super_run(&b);
	/* as a full one does: no file can be made in it any more */
	assert_int_equal(mkdirat(b.dirfd, ".state.new", 0700), 0);
	assert_int_equal(mkdirat(b.dirfd, ".state.new/in", 0700), 0);
	assert_int_equal(ct_ctl_reboot(b.dirfd, 10000, &r, &b.e), 0);
	assert_int_equal(r.boots, 2);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, &r, &b.e), 0);
	assert_int_equal(r.verdict.reason, CT_EXIT_STOPPED);
	assert_int_equal(unlinkat(b.dirfd, ".state.new/in", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(b.dirfd, ".state.new", AT_REMOVEDIR), 0);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	super_free(&b);
}

static void a_reboot_that_does_not_come(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;

	(void)state;
	super_new(&b);
	b.w.signal_reboot = SIGTERM;
	super_run(&b);
	assert_int_equal(ct_ctl_reboot(b.dirfd, 50, &r, &b.e), -ETIMEDOUT);
	ct_err_clear(&b.e);
	/* forgotten by now */
	assert_int_equal(ct_ctl_kill(b.dirfd, SIGKILL, &b.e), 0);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	assert_int_equal(b.shared->boots, 1);
	super_free(&b);
}

static void a_second_boot_that_fails(void **state)
{
	struct ct_state_file st;
	struct super_box b;

	(void)state;
	super_new(&b);
	b.pid_ns = 1;
	b.play[0] = PLAY_DIE;
	b.arg[0] = SIGHUP;
	b.play[1] = PLAY_FAIL;
	b.hooks = 1;
	super_run(&b);
	assert_int_equal(super_reap(&b), 0);
	st = after(&b);
	assert_int_equal(st.verdict.reason, CT_EXIT_REBOOT);
	assert_string_equal(st.error, "boot failed: step 7 errno 2 /nowhere a reason");
	assert_int_equal(b.shared->hooks, 1);
	super_free(&b);
}

static void limits(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.w.limit_time_us = 1500000; /* beyond the pause before the second boot */
	b.pid_ns = 1;
	/* a reboot is no way around it */
	b.play[0] = PLAY_DIE;
	b.arg[0] = SIGHUP;
	super_run(&b);
	expect_end(&b, CT_EXIT_TIME, 128 + SIGKILL);
	super_free(&b);

	super_new(&b);
	b.w.limit_output = 100000;
	b.console = 1;
	b.play[0] = PLAY_FLOOD;
	super_run(&b);
	expect_end(&b, CT_EXIT_OUTPUT, 128 + SIGKILL);
	super_free(&b);
}

static void hooks_run_at_the_end(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;

	(void)state;
	super_new(&b);
	b.hooks = 3;
	super_run(&b);
	b.shared->hook_fails = 1;
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, &r, &b.e), 0);
	assert_int_equal(b.shared->hooks, 3);
	expect_end(&b, CT_EXIT_STOPPED, 128 + SIGKILL);
	assert_string_equal(after(&b).error, "stop hook failed: exit code 3: its last words");
	super_free(&b);
}

static void ephemeral_leaves_nothing(void **state)
{
	struct super_box b;
	int fd;

	(void)state;
	super_new(&b);
	b.w.flags = CT_SUPER_EPHEMERAL;
	b.play[0] = PLAY_EXIT;
	super_run(&b);
	assert_int_equal(super_reap(&b), 0);
	assert_int_equal(ct_state_open(b.base, b.base, "box", 0, &fd, &b.e), -ENOENT);
	super_free(&b);
}

/* ---- a first boot that comes to nothing ------------------------------------------------------ */

static void expect_no_start(struct super_box *b, int err, const char *kernel)
{
	struct ct_report r, error = { 0 };
	int type;

	while ((type = super_report(b, &r, NULL)) != 0) {
		assert_int_not_equal(type, CT_REPORT_SUPERVISOR);
		if (type == CT_REPORT_ERROR)
			error = r;
	}
	assert_int_equal(error.err, err);
	assert_string_equal(error.kernel, kernel);
	/* by the end of its reports all is done */
	assert_int_equal(ct_state_alive(b->dirfd), 0);
	assert_int_equal(faccessat(b->dirfd, "control", F_OK, 0), -1);
	assert_int_equal(faccessat(b->dirfd, "state", F_OK, 0), -1);
	assert_int_not_equal(super_reap(b), -1);
	assert_false(lives(b->shared->init));
	assert_int_equal(b->shared->hooks, b->hooks);
}

static void first_boot_fails(void **state)
{
	static const struct {
		enum play play;
		int err;
		const char *kernel;
	} rows[] = {
		{ PLAY_FAIL, ENOENT, "a reason" },
		{ PLAY_LOST, ECHILD, "the stage was killed before the program ran" },
		{ PLAY_FORGET, ECHILD, "the stage was killed before the program ran" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct super_box b;

		super_new(&b);
		b.play[0] = rows[i].play;
		b.hooks = 1;
		super_start(&b);
		expect_no_start(&b, rows[i].err, rows[i].kernel);
		super_free(&b);
	}
}

static void the_caller_dies_while_it_starts(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.play[0] = PLAY_STUCK;
	super_start(&b);
	for (int i = 0; i < PATIENCE_MS / 10 && !b.shared->launcher; i++)
		sleep_ms(10);
	assert_int_equal(ct_ctl_wait(b.dirfd, CT_STATE_STARTING, 0, NULL, &b.e), 0);
	close(b.report);
	b.report = -1;
	assert_int_not_equal(super_reap(&b), -1);
	assert_false(lives(b.shared->launcher));
	assert_int_equal(ct_state_sweep(b.dirfd, -1, NULL, NULL, &b.e), CT_LIFE_NONE);
	super_free(&b);
}

static void a_start_is_stopped(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.play[0] = PLAY_STUCK;
	super_start(&b);
	for (int i = 0; i < PATIENCE_MS / 10 && !b.shared->launcher; i++)
		sleep_ms(10);
	assert_int_equal(ct_ctl_stop(b.dirfd, 0, 5000, NULL, &b.e), 0);
	expect_no_start(&b, ECHILD, "stopped before the program ran");
	super_free(&b);
}

/* ---- a supervisor that is killed ------------------------------------------------------------- */

static void killed(void **state)
{
	struct ct_state_file st;
	struct super_box b;
	int pidfd;

	(void)state;
	super_new(&b);
	super_run(&b);
	kill(b.pid, SIGKILL);
	super_reap(&b);
	assert_int_equal(ct_state_sweep(b.dirfd, -1, &st, &pidfd, &b.e), CT_LIFE_LOST);
	assert_int_equal(st.verdict.reason, CT_EXIT_LOST);
	assert_int_equal(pidfd, -1);
	super_free(&b);
}

static void killed_and_survived(void **state)
{
	struct ct_state_file st;
	struct super_box b;
	int pidfd = -1;

	(void)state;
	super_new(&b);
	b.w.pdeath = 0;
	super_run(&b);
	kill(b.pid, SIGKILL);
	super_reap(&b);
	assert_int_equal(ct_state_sweep(b.dirfd, -1, &st, &pidfd, &b.e), CT_LIFE_ORPHAN);
	assert_int_equal(st.init, b.shared->init);
	assert_int_equal(st.state, CT_STATE_RUNNING);
	assert_true(lives(st.init));
	kill(st.init, SIGKILL);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 5000), 1);
	close(pidfd);
	assert_int_equal(ct_state_sweep(b.dirfd, -1, &st, &pidfd, &b.e), CT_LIFE_LOST);
	super_free(&b);
}

static void killed_while_it_boots(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.play[0] = PLAY_STUCK;
	super_start(&b);
	for (int i = 0; i < PATIENCE_MS / 10 && !b.shared->launcher; i++)
		sleep_ms(10);
	kill(b.pid, SIGKILL);
	super_reap(&b);
	assert_int_equal(ct_state_sweep(b.dirfd, -1, NULL, NULL, &b.e), CT_LIFE_LOST);
	super_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_checked),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(goes_without_an_answer),
		cmocka_unit_test(runs_and_stops),
		cmocka_unit_test(systemd_is_asked_its_way),
		cmocka_unit_test(stop_kills_in_the_end),
		cmocka_unit_test(a_term_is_a_stop),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(reaped),
		cmocka_unit_test(kill_is_a_stop),
		cmocka_unit_test(all_waiters_are_told),
		cmocka_unit_test(reboots),
		cmocka_unit_test(a_reboot_that_does_not_come),
		cmocka_unit_test(a_second_boot_that_fails),
		cmocka_unit_test(limits),
		cmocka_unit_test(a_loop_of_reboots),
		cmocka_unit_test(no_room_for_the_state),
		cmocka_unit_test(hooks_run_at_the_end),
		cmocka_unit_test(ephemeral_leaves_nothing),
		cmocka_unit_test(first_boot_fails),
		cmocka_unit_test(the_caller_dies_while_it_starts),
		cmocka_unit_test(a_start_is_stopped),
		cmocka_unit_test(killed),
		cmocka_unit_test(killed_and_survived),
		cmocka_unit_test(killed_while_it_boots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
