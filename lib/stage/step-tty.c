/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terminals. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "stage/steps.h"

#define OWNER_STACK 16384

/* The multiplexer of a devpts file system that may be the container's: nothing but that file system's own node will do.
 * Nobody can make another node there, and what is mounted on it is not crossed into. */
static int open_ptmx(struct stage *st, int pts)
{
	struct stat sb;
	int fd;

	if (sys_fs_magic(pts) != K_DEVPTS_SUPER_MAGIC)
		return report_error(st, -ENOTTY, SYS_fstatfs, "dev/pts", "it is not a devpts file system");
	fd = sys_openat2(pts, "ptmx", O_RDWR | O_NOCTTY, 0, K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_XDEV);
	if (fd < 0)
		return report_error(st, fd, SYS_openat2, "dev/pts/ptmx", NULL);
	if (sys_fstat(fd, &sb) == 0 && S_ISCHR(sb.st_mode) && sb.st_rdev == makedev(K_PTMX_MAJOR, K_PTMX_MINOR))
		return fd;
	sys_close(fd);
	return report_error(st, -ENOTTY, SYS_fstat, "dev/pts/ptmx", "it is not the terminal multiplexer");
}

/* Opens master and peer, neither by a path that could be exchanged. */
static int open_pair(struct stage *st, const struct ct_wire_step *s)
{
	unsigned short size[4] = { (unsigned short)s->n[0], (unsigned short)s->n[1], 0, 0 };
	int master, peer, unlock = 0, err;

	if (s->a != CT_SLOT_NONE) {
		master = open_ptmx(st, step_fd(st, s->a));
		if (master < 0)
			return -1;
	} else {
		master = sys_openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
		if (master < 0)
			return step_fail(st, master, SYS_openat, "/dev/ptmx");
	}
	step_fill(st, s->o, master);
	err = (int)sys3(SYS_ioctl, master, K_TIOCSPTLCK, &unlock);
	if (err)
		return step_fail(st, err, SYS_ioctl, "TIOCSPTLCK");
	peer = (int)sys3(SYS_ioctl, master, K_TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (peer < 0)
		return step_fail(st, peer, SYS_ioctl, "TIOCGPTPEER");
	step_fill(st, s->p, peer);
	if (size[0] || size[1]) {
		err = (int)sys3(SYS_ioctl, master, K_TIOCSWINSZ, size);
		if (err)
			return step_fail(st, err, SYS_ioctl, "TIOCSWINSZ");
	}
	return 0;
}

struct opening {
	struct stage *st;
	const struct ct_wire_step *step;
	int err;
};

/* For file accesses only, and only of this task. */
static int open_as_owner(void *arg)
{
	struct opening *o = arg;

	sys1(SYS_setfsgid, o->step->n[3]);
	sys1(SYS_setfsuid, o->step->n[2]);
	o->err = open_pair(o->st, o->step);
	return 0;
}

/* A new terminal. It belongs to whom opens it, that is to root of the container, also where we are root of the host. Init stays the one that
 * opens; the launcher, which has to act as itself again and may not be able to go back, has a child do it that shares its descriptors. */
int step_pty_new(struct stage *st, const struct ct_wire_step *s)
{
	static char stack[OWNER_STACK] __attribute__((aligned(16)));
	static struct opening o;
	int pid;

	o = (struct opening){ st, s, -1 };
	if (st->in_init || ((uint32_t)sys1(SYS_setfsuid, -1) == s->n[2] && (uint32_t)sys1(SYS_setfsgid, -1) == s->n[3])) {
		open_as_owner(&o);
		return o.err;
	}
	pid = clone(open_as_owner, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &o);
	if (pid < 0)
		return step_fail(st, -errno, SYS_clone, NULL);
	sys4(SYS_wait4, pid, NULL, K_WALL, NULL);
	return o.err;
}

/* The peer itself at a place of our own /dev. */
int step_pty_bind(struct stage *st, const struct ct_wire_step *s)
{
	struct path_error e;
	SYS_CLOSEP int tree = sys_open_tree(step_fd(st, s->a), "", K_OPEN_TREE_CLONE | AT_EMPTY_PATH);
	SYS_CLOSEP int target = -1;
	int err;

	if (tree < 0)
		return step_fail(st, tree, SYS_open_tree, step_str(st, s, 0));
	if (s->flags & (CT_SF_CREATE | CT_SF_CREATE_FILE))
		target = path_make(step_fd(st, s->b), step_str(st, s, 0), s->flags, 0, &e);
	else
		target = path_open(step_fd(st, s->b), step_str(st, s, 0), s->flags, 0, &e);
	if (target < 0)
		return report_error(st, target, e.sys, step_str(st, s, 0), e.text);
	err = sys_move_mount(tree, target, "");
	return err ? step_fail(st, err, SYS_move_mount, step_str(st, s, 0)) : 0;
}

/* Hands a descriptor to the library. */
int step_send_fd(struct stage *st, const struct ct_wire_step *s)
{
	int err = report_fd(st, (int)s->n[0], (int)s->n[1], step_fd(st, s->a));

	return err ? step_fail(st, err, SYS_sendmsg, NULL) : 0;
}

/* The descriptor becomes stdin, stdout and stderr, and perhaps the controlling terminal. */
int step_stdio(struct stage *st, const struct ct_wire_step *s)
{
	int fd = step_fd(st, s->a), err;

	for (int to = 0; to < 3; to++) {
		err = (int)sys3(SYS_dup3, fd, to, 0);
		if (err < 0)
			return step_fail(st, err, SYS_dup3, NULL);
	}
	st->own_tty = 1;
	err = s->n[0] ? (int)sys3(SYS_ioctl, 0, K_TIOCSCTTY, 0) : 0;
	return err ? step_fail(st, err, SYS_ioctl, "TIOCSCTTY") : 0;
}
