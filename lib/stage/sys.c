/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls. Functions and not inline: each is called from many places. */
#include <errno.h>
#include <signal.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "stage/sys.h"

long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	long r = syscall(nr, a, b, c, d, e, f);

	if (r == -1)
		return -errno;
	return r;
}

long sys_call3(long nr, long a, long b, long c)
{
	return sys_call(nr, a, b, c, 0, 0, 0);
}

int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct k_open_how how = { .flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve };

	return (int)sys4(SYS_openat2, dir, path, &how, sizeof(how));
}

int sys_openat(int dir, const char *path, int flags, unsigned mode)
{
	return (int)sys4(SYS_openat, dir, path, flags | O_CLOEXEC, mode);
}

int sys_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)sys3(SYS_open_tree, dir, path, flags | K_OPEN_TREE_CLOEXEC);
}

int sys_dup_min(int fd, int min)
{
	return (int)sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, min);
}

void sys_close(int fd)
{
	if (fd >= 0)
		sys1(SYS_close, fd);
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)sys3(SYS_close_range, first, last, flags);
}

int sys_move_mount(int from, int to, const char *path)
{
	unsigned flags = K_MOVE_MOUNT_F_EMPTY_PATH;

	if (!*path)
		flags |= K_MOVE_MOUNT_T_EMPTY_PATH;
	return (int)sys5(SYS_move_mount, from, "", to, path, flags);
}

int sys_mount_setattr(int dir, const char *path, unsigned flags, const struct k_mount_attr *attr)
{
	return (int)sys5(SYS_mount_setattr, dir, path, flags, attr, sizeof(*attr));
}

int sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c)
{
	return (int)sys5(SYS_prctl, op, a, b, c, 0);
}

int sys_getpid(void)
{
	return (int)sys0(SYS_getpid);
}

_Noreturn void sys_exit(int code)
{
	for (;;)
		sys1(SYS_exit_group, code);
}

int sys_fork(void)
{
	struct k_clone_args args = { .exit_signal = SIGCHLD };

	return (int)sys2(SYS_clone3, &args, sizeof(args));
}

int sys_fstat(int fd, struct stat *st)
{
	if (fstat(fd, st) != 0)
		return -errno;
	return 0;
}

long sys_fs_magic(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return -errno;
	return (long)((unsigned long)fs.f_type & 0xffffffffu);
}
