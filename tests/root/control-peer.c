/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may talk to a supervisor, and that a payload does not see where it could. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

static ct_container *victim;

/* ---- namespaces ------------------------------------------------------------------------------ */

enum { STRANGER = 10, SERVED = 20, OTHER = 30 };

/* In the namespaces of a stranger: what the calls say. */
static int ask_all(const char *word)
{
	ct_container *c = box_handle(&box, "victim");
	int bad = 0, r;

	r = ct_state(c);
	bad |= r != -EPERM || !strstr(ct_last_error(c)->message, word);
	if (bad)
		fprintf(stderr, "ct_state() = %d: %s\n", r, ct_last_error(c)->message);
	bad |= ct_stop(c, CT_STOP_KILL, 1000) != -EPERM;
	bad |= ct_kill(c, SIGKILL) != -EPERM;
	bad |= ct_console_open(c, 0) != -EPERM;
	bad |= ct_reboot(c, 0) != -EPERM;
	ct_unref(c);
	return bad ? SERVED : STRANGER;
}

static void from(int flags, const char *word)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(flags))
			_exit(OTHER);
		if (!(flags & CLONE_NEWPID))
			_exit(ask_all(word));
		pid = fork();
		if (pid == 0)
			_exit(ask_all(word));
		_exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									   : OTHER);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), STRANGER);
	assert_int_equal(ct_state(victim), CT_STATE_RUNNING);
}

static void strangers(void **state)
{
	(void)state;
	from(CLONE_NEWNS, "another mount namespace");
	from(CLONE_NEWPID, "another pid namespace");
	from(CLONE_NEWPID | CLONE_NEWNS, "another pid namespace");
	from(CLONE_NEWUSER, "another user namespace");
}

/* A child in the same namespaces is served. */
static void relatives(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		ct_container *c = box_handle(&box, "victim");

		_exit(ct_state(c) == CT_STATE_RUNNING ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- what a payload sees --------------------------------------------------------------------- */

/* Whether ls shows something at a path of the container. */
static int seen(ct_container *c, const char *path)
{
	char *out = NULL;
	int n;

	assert_ok(c, box_run(c, NULL, ARGV("/bin/sh", "-c", "ls -A \"$0\" 2>/dev/null", path), &out,
			     NULL));
	n = out && *out;
	free(out);
	return n;
}

static void hidden(void **state)
{
	char entry[4 * PATH_MAX];
	ct_container *c = box_handle(&box, NULL);

	(void)state;
	/* over the host's root, uid 0 */
	assert_ok(c, ct_clear_config(c, "rootfs.path"));
	assert_int_equal(box_config(c, "rootfs.path", "/", NULL), 0);
	assert_int_equal(seen(c, box.state), 0);
	assert_int_equal(seen(c, "/bin"), 1);
	/* without the covers of mount.auto, too */
	assert_int_equal(box_config(c, "mount.auto", "proc:rw", NULL), 0);
	assert_int_equal(seen(c, box.state), 0);
	ct_unref(c);
	/* by a bind mount of what it stands in */
	c = box_handle(&box, NULL);
	snprintf(entry, sizeof(entry), "%s srv none bind,create=dir 0 0", box.root.base);
	assert_int_equal(box_config(c, "mount.entry", entry, NULL), 0);
	assert_int_equal(seen(c, "/srv/state"), 0);
	assert_int_equal(seen(c, "/srv"), 1);
	ct_unref(c);
}

static int setup(void **state)
{

	if (box_setup_bare(state))
		return -1;
	victim = box_handle(&box, "victim");
	return victim ? box_detach(victim, ARGV("/bin/sleep", "1000")) : -1;
}

static int teardown(void **state)
{
	ct_stop(victim, CT_STOP_KILL, 5000);
	ct_unref(victim);
	return box_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(strangers),
					    cmocka_unit_test(relatives), cmocka_unit_test(hidden) };

	return cmocka_run_group_tests_name("control-peer", tests, setup, teardown);
}
