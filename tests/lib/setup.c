/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"

struct box box;

static struct leak *before;

int box_setup(void **state)
{
	(void)state;
	return box_open(&box, NULL);
}

int box_setup_bare(void **state)
{
	(void)state;
	return box_open_bare(&box);
}

static void *nothing(void *data)
{
	return data;
}

int box_setup_used(void **state)
{
	pthread_t t;
	int r;

	/* the C library takes a signal for its own with the first thread */
	if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
		return -1;
	r = box_setup_bare(state);
	if (r)
		return r;
	box.c = box_handle(&box, NULL);
	r = box.c ? box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL) : -1;
	box.c = ct_unref(box.c);
	return r;
}

int box_setup_lived(const char *name)
{
	char text[256];

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (box_setup_bare(NULL))
		return -1;
	box.c = box_handle(&box, name);
	if (!box.c || box_detach(box.c, ARGV("/bin/true")) ||
	    ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS) < 0)
		return -1;
	wait_until(no_orphans, text);
	box.c = ct_unref(box.c);
	return 0;
}

int box_teardown(void **state)
{
	(void)state;
	box_close(&box);
	return 0;
}

void case_mark(void)
{
	before = leak_take();
}

int case_setup(void **state)
{
	box.c = box_handle(&box, *state);
	case_mark();
	return box.c ? 0 : -1;
}

void case_stop(void)
{
	if (box.c && ct_name(box.c)[0] && ct_state(box.c) != CT_STATE_STOPPED)
		ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS);
}

int case_teardown(void **state)
{
	(void)state;
	case_stop();
	box.c = ct_unref(box.c);
	return leak_end(before, LEAK_NO_RSS);
}

ct_container *must_open(const char *name)
{
	ct_container *c = box_handle(&box, name);

	assert_non_null(c);
	return c;
}

ct_process *must_start(ct_container *c, uint64_t flags, const char *const argv[])
{
	ct_process *p = NULL;

	assert_ok(c, box_start(c, flags, argv, &p));
	assert_non_null(p);
	return p;
}

ct_exit must_end(ct_process *p)
{
	ct_exit ex = CT_EXIT_INIT;

	assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
	ct_process_unref(p);
	return ex;
}

int in_process_of_its_own(int (*body)(void *), void *data)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int r = body(data);

		fflush(stdout);
		_exit(r >= 0 && r < 126 ? r : 126);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int is_at_rest(void *c)
{
	return ct_state(c) == CT_STATE_STOPPED;
}

int has_booted(void *n)
{
	return box_boots(&box) >= (int)(intptr_t)n;
}
