/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tracer changes in a process that stands at a system call: regs-ARCHITECTURE.c has it. */
#ifndef CT_FAULT_REGS_H
#define CT_FAULT_REGS_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether this architecture has been described; without, the others fail. */
bool regs_known(void);
/* At the entry: no system call is made. 0 or -1. */
int regs_skip(pid_t pid);
/* At the exit: what the call returns. 0 or -1. */
int regs_result(pid_t pid, long v);
/* At the entry: another first argument. 0 or -1. */
int regs_first(pid_t pid, long v);

#endif
