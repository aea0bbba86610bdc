/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regs.h"

#include <elf.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#define REGS_SYSTEM_CALL 0x404 /* NT_ARM_SYSTEM_CALL */

bool regs_known(void)
{
	return true;
}

int regs_skip(pid_t pid)
{
	int nr = -1;
	struct iovec iov = { &nr, sizeof(nr) };

	return ptrace(PTRACE_SETREGSET, pid, (void *)(uintptr_t)REGS_SYSTEM_CALL, &iov) ? -1 : 0;
}

static int regs_x0(pid_t pid, long v)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(uintptr_t)NT_PRSTATUS, &iov))
		return -1;
	regs.regs[0] = (unsigned long long)v;
	return ptrace(PTRACE_SETREGSET, pid, (void *)(uintptr_t)NT_PRSTATUS, &iov) ? -1 : 0;
}

int regs_result(pid_t pid, long v)
{
	return regs_x0(pid, v);
}

int regs_first(pid_t pid, long v)
{
	return regs_x0(pid, v);
}
