/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles that were loaded for the container. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "stage/super/supervisor.h"
#include "stage/step/steps.h"

/* Removes the profile by AppArmor's interface; one that is gone already is no failure. */
int end_apparmor_remove(const struct super *s, const struct ct_wire_step *step)
{
	const char *name = step_str(s->st, step, 0);
	SYS_CLOSEP int fd = sys_openat(step_fd(s->st, step->a), ".remove", O_WRONLY, 0);
	long n;

	if (fd < 0)
		return fd;
	n = sys3(SYS_write, fd, name, strlen(name));
	if (n >= 0 || n == -ENOENT)
		return 0;
	return (int)n;
}
