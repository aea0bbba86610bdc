/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls as the kernel has them: >= 0, or a negative errno. */
#ifndef CT_STAGE_SYS_H
#define CT_STAGE_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "stage/kernel.h"

/* The call itself; negative errno on failure. Most calls have three arguments at most: passing no
 * more makes each place of a call smaller. */
long sys_call(long nr, long a, long b, long c, long d, long e, long f);
long sys_call3(long nr, long a, long b, long c);

#define SYS_ARG(x) ((long)(x))
#define sys0(nr) sys_call3(nr, 0, 0, 0)
#define sys1(nr, a) sys_call3(nr, SYS_ARG(a), 0, 0)
#define sys2(nr, a, b) sys_call3(nr, SYS_ARG(a), SYS_ARG(b), 0)
#define sys3(nr, a, b, c) sys_call3(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c))
#define sys4(nr, a, b, c, d) sys_call(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), 0, 0)
#define sys5(nr, a, b, c, d, e) \
	sys_call(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), 0)

/* Descriptors that these open are close-on-exec. */
int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_openat(int dir, const char *path, int flags, unsigned mode);
int sys_open_tree(int dir, const char *path, unsigned flags);
int sys_dup_min(int fd, int min);
/* Nothing where fd is negative. */
void sys_close(int fd);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
/* The mount `from` (a descriptor) onto `path` below `to` (a descriptor, or AT_FDCWD); onto `to`
 * itself where `path` is empty. */
int sys_move_mount(int from, int to, const char *path);
int sys_mount_setattr(int dir, const char *path, unsigned flags, const struct k_mount_attr *attr);
int sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c);
int sys_getpid(void);
_Noreturn void sys_exit(int code);
/* fork(2) without the C library's locks and handlers, of which a process with one thread needs
 * none: it ends by SIGCHLD. */
int sys_fork(void);

/* fstat(2) by way of the C library, which knows the layout of struct stat. 0 or negative errno. */
int sys_fstat(int fd, struct stat *st);
/* File system magic of a descriptor, or negative errno. */
long sys_fs_magic(int fd);

#define SYS_CLOSEP __attribute__((cleanup(sys_closep)))
static inline void sys_closep(int *fd)
{
	sys_close(*fd);
}

#endif
