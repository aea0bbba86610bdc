/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An architecture that nobody has described yet: the tests skip, and say so. */
#include "regs.h"

bool regs_known(void)
{
	return false;
}

int regs_skip(pid_t pid)
{
	(void)pid;
	return -1;
}

int regs_result(pid_t pid, long v)
{
	(void)pid;
	(void)v;
	return -1;
}

int regs_first(pid_t pid, long v)
{
	(void)pid;
	(void)v;
	return -1;
}
