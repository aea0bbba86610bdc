/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tracer changes in a process that stands at a system call. Twin definitions for
 * each architecture. */
#ifndef CT_FAULT_REGS_H
#define CT_FAULT_REGS_H

#if defined(__x86_64__)
#include "regs-x86_64.h"
#elif defined(__aarch64__)
#include "regs-aarch64.h"
#else
#include "regs-none.h"
#endif

/*
 * Each header defines
 *   REGS_KNOWN                          1 when the following work
 *   int regs_skip(pid_t pid)            at the entry: no system call is made; 0 or -1
 *   int regs_result(pid_t pid, long v)  at the exit: what the call returns
 *   int regs_first(pid_t pid, long v)   at the entry: another first argument
 */
#endif
