/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that the C library does not wrap (glibc 2.31 on). All return >= 0 or negative errno. */
#ifndef CT_BASE_SYS_H
#define CT_BASE_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2 with RESOLVE_* and O_CLOEXEC added. */
int ct_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int ct_pidfd_open(pid_t pid);
int ct_pidfd_send_signal(int pidfd, int sig);
/* As if queued by sigqueue(3), with a code (< 0) of our own. */
int ct_pidfd_queue_signal(int pidfd, int sig, int code);
int ct_memfd_create(const char *name, unsigned flags);
#define CT_MFD_EXEC 0x10u	/* MFD_EXEC, Linux 6.3 */
/* Start time of a process in clock ticks since boot (0: gone). */
uint64_t ct_proc_start_time(pid_t pid);
/* CLOCK_MONOTONIC in milliseconds. */
int64_t ct_now_ms(void);
/* Nanoseconds of a clock. */
uint64_t ct_now_ns(clockid_t clock);
/* Name of a system call number on this architecture, "syscall 123" otherwise; static or in buf. */
const char *ct_syscall_name(unsigned nr, char *buf, size_t size);

#endif
