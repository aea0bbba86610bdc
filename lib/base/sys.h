/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that not every C library wraps (glibc 2.31 on, musl 1.2.3 on), and clocks. The calls
 * return >= 0 or a negative errno. */
#ifndef CT_BASE_SYS_H
#define CT_BASE_SYS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The result of a system call or C library function that sets errno: r, or -errno when r < 0. */
static inline int ct_or_errno(long r)
{
	if (r < 0)
		return -errno;
	return (int)r;
}

/* openat2 with RESOLVE_* and O_CLOEXEC added. */
int ct_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int ct_pidfd_open(pid_t pid);
int ct_pidfd_send_signal(int pidfd, int sig);
/* As sigqueue(3) does, but with si_code `code`, which is negative. */
int ct_pidfd_queue_signal(int pidfd, int sig, int code);
int ct_memfd_create(const char *name, unsigned flags);
/* The id of the mount that a path is on, as in mountinfo (statx(2), Linux 5.8). -EOPNOTSUPP: the
 * kernel does not report it. */
int ct_statx_mount(int dirfd, const char *path, int flags, uint64_t *id);
/* renameat2(2) with RENAME_NOREPLACE: -EEXIST when `to` exists. */
int ct_rename_new(int from_dir, const char *from, int to_dir, const char *to);
/* prctl(2)'s PR_SCHED_CORE_GET of a process; pid 0 is the caller. *cookie is 0 without a cookie. */
int ct_sched_core_get(pid_t pid, uint64_t *cookie);
#define CT_MFD_EXEC 0x10u /* MFD_EXEC, Linux 6.3 */
/* Start time of a process in clock ticks since boot (0: gone). */
uint64_t ct_proc_start_time(pid_t pid);
/* CLOCK_MONOTONIC in milliseconds. */
int64_t ct_now_ms(void);
/* `left` milliseconds as a timeout of poll(2): from 0 to `most`. */
int ct_poll_ms(int64_t left, int most);
/* For a loop that polls: sleeps ms milliseconds, and returns how long to sleep the next time, which
 * is twice as long, but not more than 32 ms. */
int ct_back_off(int ms);
/* Nanoseconds of a clock. */
uint64_t ct_now_ns(clockid_t clock);
/* Name of a system call number on this architecture, "syscall 123" otherwise; static or in buf. */
const char *ct_syscall_name(unsigned nr, char *buf, size_t size);

#endif
