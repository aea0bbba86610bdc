/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which system call a filter has ended a process by, from the kernel's log. */
#ifndef CT_RUN_CHILD_FILTER_LOG_H
#define CT_RUN_CHILD_FILTER_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The name of the call that ended process `pid`, which was executed at since_ns
 * (CLOCK_MONOTONIC): "" when the log does not tell it within 50 ms. It may not be readable for us
 * (syslog(2)), the kernel leaves records out when there are many, and the numbers in it are those
 * of the initial pid namespace: only a caller there knows whose they are. */
void ct_filter_log_call(pid_t pid, uint64_t since_ns, char *call, size_t size);
/* The same in a text of the log. 1: found. */
int ct_filter_log_find(const char *log, pid_t pid, uint64_t since_real_ms, char *call, size_t size);

#endif
