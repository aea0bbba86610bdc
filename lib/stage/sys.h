/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls as the kernel has them: >= 0, or a negative errno. */
#ifndef CT_STAGE_SYS_H
#define CT_STAGE_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "stage/kernel.h"

/* util.c: the call itself; negative errno on failure. */
long sys_call(long nr, long a, long b, long c, long d, long e, long f);

#define SYS_ARG(x) ((long)(x))
#define sys0(nr) sys_call(nr, 0, 0, 0, 0, 0, 0)
#define sys1(nr, a) sys_call(nr, SYS_ARG(a), 0, 0, 0, 0, 0)
#define sys2(nr, a, b) sys_call(nr, SYS_ARG(a), SYS_ARG(b), 0, 0, 0, 0)
#define sys3(nr, a, b, c) sys_call(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), 0, 0, 0)
#define sys4(nr, a, b, c, d) sys_call(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), 0, 0)
#define sys5(nr, a, b, c, d, e) \
	sys_call(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), 0)

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
			      uint64_t resolve)
{
	struct k_open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };

	return (int)sys4(SYS_openat2, dir, path, &how, sizeof(how));
}

static inline int sys_openat(int dir, const char *path, int flags, unsigned mode)
{
	return (int)sys4(SYS_openat, dir, path, flags | O_CLOEXEC, mode);
}

static inline void sys_close(int fd)
{
	if (fd >= 0)
		sys1(SYS_close, fd);
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)sys3(SYS_close_range, first, last, flags);
}

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)sys3(SYS_open_tree, dir, path, flags | K_OPEN_TREE_CLOEXEC);
}

/* The mount `from` (a descriptor) onto `to` (a descriptor), or onto a path below AT_FDCWD. */
static inline int sys_move_mount(int from, int to, const char *path)
{
	unsigned flags = K_MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : K_MOVE_MOUNT_T_EMPTY_PATH);

	return (int)sys5(SYS_move_mount, from, "", to, path, flags);
}

static inline int sys_mount_setattr(int dir, const char *path, unsigned flags,
				    const struct k_mount_attr *attr)
{
	return (int)sys5(SYS_mount_setattr, dir, path, flags, attr, sizeof(*attr));
}

static inline int sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c)
{
	return (int)sys5(SYS_prctl, op, a, b, c, 0);
}

static inline int sys_dup_min(int fd, int min)
{
	return (int)sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, min);
}

static inline int sys_getpid(void)
{
	return (int)sys0(SYS_getpid);
}

_Noreturn static inline void sys_exit(int code)
{
	for (;;)
		sys1(SYS_exit_group, code);
}

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
