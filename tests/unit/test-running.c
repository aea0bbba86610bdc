/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a running init has, read while it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/sys.h"
#include "plan/build.h"
#include "run/handle/running.h"

static pid_t child(int *pidfd)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	*pidfd = ct_pidfd_open(pid);
	assert_true(*pidfd >= 0);
	return pid;
}

static void end(pid_t pid, int pidfd)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(pidfd);
}

static void alive(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_running run;
	struct ct_err e;
	int pidfd;
	pid_t pid = child(&pidfd);

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_running_read(pid, pidfd, arena, &run, &e), 0);
	assert_int_equal(run.pid, pid);
	kill(pid, SIGKILL);
	end(pid, pidfd);
}

/* Nobody has reaped it, so that its files are there, and a signal reaches it; its
 * memory is gone. */
static void ended_and_not_reaped(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_running run;
	struct ct_err e;
	int pidfd;
	pid_t pid = child(&pidfd);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	(void)state;
	kill(pid, SIGKILL);
	assert_int_equal(poll(&p, 1, 10000), 1);
	ct_err_clear(&e);
	assert_int_equal(ct_running_read(pid, pidfd, arena, &run, &e), -ESRCH);
	assert_int_equal(e.id, CT_ERR_NOT_RUNNING);
	end(pid, pidfd);
	/* reaped */
	ct_err_clear(&e);
	assert_int_equal(ct_running_read(pid, -1, arena, &run, &e), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alive),
		cmocka_unit_test(ended_and_not_reaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
