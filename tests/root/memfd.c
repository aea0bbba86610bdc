/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage is executed from memory also where the administrator has programs in memory refused
 * unless they ask; where he has all of them refused, preflight and start say so. In a pid namespace
 * of the test's own, which has a sysctl of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define SYSCTL "/proc/sys/vm/memfd_noexec"

/* As pid 1 of its own namespace. */
static int with_level(const char *level)
{
	ct_container *c;
	ct_exit ex = { .size = sizeof(ex) };
	char *report = NULL;
	int fd, r, refused = !strcmp(level, "2"), bad = 0;

	if (mount("proc", "/proc", "proc", 0, NULL))
		return 1;
	fd = open(SYSCTL, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, level, 1) != 1)
		return 2;
	close(fd);
	if (ct_preflight(CT_FORMAT_TEXT, &report) < 0)
		return 3;
	if ((strstr(report, "memfd_noexec is 2") != NULL) != refused)
		bad += printf("# level %s: the report is %s\n", level, report);
	ct_free(report);
	c = box_handle(&box, NULL);
	r = box_run(c, NULL, ARGV("/bin/true"), NULL, &ex);
	if (!refused && (r < 0 || ex.code))
		bad += printf("# level %s: %d %s\n", level, r, ct_last_error(c)->message);
	if (refused && (r != -EACCES || !strstr(ct_last_error(c)->message, "vm.memfd_noexec")))
		bad += printf("# level %s: %d %s\n", level, r, ct_last_error(c)->message);
	ct_unref(c);
	return bad;
}

static void level(void **state)
{
	int status;
	pid_t pid;

	if (access(SYSCTL, F_OK))
		elsewhere_because("this kernel has no vm.memfd_noexec");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(90);
		pid = fork();
		if (!pid) {
			int bad = with_level(*state);

			fflush(stdout);
			_exit(bad);
		}
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 91);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { { "0", level, NULL, NULL, "0" },
					    { "1", level, NULL, NULL, "1" },
					    { "2", level, NULL, NULL, "2" } };

	return _cmocka_run_group_tests("memfd", tests, 3, box_setup, box_teardown);
}
