/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_FAULT_REGS_X86_64_H
#define CT_FAULT_REGS_X86_64_H

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>

#define REGS_KNOWN 1
#define REGS_POKE(pid, reg, v)                                                                   \
	(ptrace(PTRACE_POKEUSER, pid, (void *)offsetof(struct user, regs.reg), (void *)(v)) ? -1 \
											    : 0)

static inline int regs_skip(pid_t pid)
{
	return REGS_POKE(pid, orig_rax, -1L);
}

static inline int regs_result(pid_t pid, long v)
{
	return REGS_POKE(pid, rax, v);
}

static inline int regs_first(pid_t pid, long v)
{
	return REGS_POKE(pid, rdi, v);
}

#endif
