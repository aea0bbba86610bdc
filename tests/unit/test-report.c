/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library makes of a stage's reports when the stage ends at the worst moment. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fd.h"
#include "base/sys.h"
#include "plan/plan.h"
#include "run/child/keeper.h"
#include "run/child/report.h"

#define FAR_MS 60000

static struct {
	int sock[2]; /* ours, the stage's */
	int go;	     /* closed: the stage goes on */
	pid_t stage;
	struct ct_report last; /* what it tells then, unless of no type */
} s;

/* The library's look at whose image a process has: as if everything that can happen did between its
 * last look at the socket and this. */
ssize_t readlink(const char *path, char *buf, size_t size)
{
	siginfo_t si;

	if (s.go >= 0) {
		ct_close(&s.go);
		assert_int_equal(waitid(P_PID, (id_t)s.stage, &si, WEXITED | WNOWAIT), 0);
	}
	return syscall(SYS_readlinkat, -100, path, buf, size);
}

static void tell(const struct ct_report *r)
{
	if (send(s.sock[1], r, sizeof(*r), MSG_NOSIGNAL) != sizeof(*r))
		_exit(1);
}

/* A stage that says that its exec is next, waits for our look, says its last word and ends. */
static int follow(int type, int err, struct ct_err *e)
{
	struct ct_report next = { .type = CT_REPORT_EXEC_NEXT },
			 last = { .type = (uint16_t)type, .err = err, .sys = SYS_execve };
	struct ct_plan plan = { 0 };
	struct ct_spawn spawn = { .plan = &plan };
	struct ct_child child = CT_CHILD_INIT;
	struct ct_keeper keeper = { 0 };
	int go[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s.sock), 0);
	assert_int_equal(pipe(go), 0);
	s.stage = fork();
	if (!s.stage) {
		char c;

		close(go[1]);
		close(s.sock[0]);
		tell(&next);
		if (read(go[0], &c, 1) == 0 && type >= 0)
			tell(&last);
		_exit(127);
	}
	assert_true(s.stage > 0);
	close(go[0]);
	/* a copy of the stage's end stays open, as in another thread's child: only the look can
	 * tell that it has ended */
	s.go = go[1];
	child.report = s.sock[0];
	child.pid = s.stage;
	child.pidfd = ct_pidfd_open(s.stage);
	child.keeper = &keeper;
	ct_err_clear(e);
	r = ct_follow(&spawn, &child, ct_now_ms() + FAR_MS, e);
	assert_int_equal(s.go, -1);
	assert_int_equal(waitpid(s.stage, NULL, 0), s.stage);
	close(s.sock[0]);
	close(s.sock[1]);
	ct_close(&child.pidfd);
	return r;
}

/* The program is not there: that is said, however late. */
static void test_last_word(void **state)
{
	static const int errors[] = { ENOENT, EACCES, ENOEXEC, ENOMEM };
	struct ct_err e;

	(void)state;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		assert_int_equal(follow(CT_REPORT_ERROR, errors[i], &e), -errors[i]);
		assert_int_equal(e.err, -errors[i]);
		ct_err_clear(&e);
	}
}

/* A warning as the last word is none: the exec has happened, or it was killed at it. */
static void test_no_error(void **state)
{
	struct ct_err e;

	(void)state;
	assert_int_equal(follow(-1, 0, &e), 0);
	assert_int_equal(follow(CT_REPORT_WARN, 0, &e), 0);
	ct_err_clear(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_word),
		cmocka_unit_test(test_no_error),
	};

	s.go = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
