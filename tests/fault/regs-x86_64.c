/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regs.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define REG(name) offsetof(struct user, regs.name)

static int poke(pid_t pid, uintptr_t reg, long v)
{
	return ptrace(PTRACE_POKEUSER, pid, (void *)reg, (void *)v) ? -1 : 0;
}

bool regs_known(void)
{
	return true;
}

int regs_skip(pid_t pid)
{
	return poke(pid, REG(orig_rax), -1);
}

int regs_result(pid_t pid, long v)
{
	return poke(pid, REG(rax), v);
}

int regs_first(pid_t pid, long v)
{
	return poke(pid, REG(rdi), v);
}
