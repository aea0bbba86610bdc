/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Terminals. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "shared/weak.h"
#include "stage/step/steps.h"

#define OWNER_STACK 16384

/* Why no terminal could be opened. */
struct why {
	int sys;
	const char *object, *text;
};

static int because(struct why *w, int err, int sys, const char *object, const char *text)
{
	*w = (struct why){ sys, object, text };
	return err;
}

/* Opens the multiplexer of a devpts file system that may be the container's. The node must be that
 * file system's own: no other can be made there, and a mount on it is not crossed. */
static int open_ptmx(int pts, struct why *w)
{
	struct stat sb;
	int fd;

	if (sys_fs_magic(pts) != K_DEVPTS_SUPER_MAGIC)
		return because(w, -ENOTTY, SYS_fstatfs, "dev/pts",
			       "it is not a devpts file system");
	fd = sys_openat2(pts, "ptmx", O_RDWR | O_NOCTTY, 0,
			 K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_XDEV);
	if (fd < 0)
		return because(w, fd, SYS_openat2, "dev/pts/ptmx", NULL);
	if (sys_fstat(fd, &sb) == 0 && S_ISCHR(sb.st_mode) &&
	    sb.st_rdev == makedev(K_PTMX_MAJOR, K_PTMX_MINOR))
		return fd;
	sys_close(fd);
	return because(w, -ENOTTY, SYS_fstat, "dev/pts/ptmx", "it is not the terminal multiplexer");
}

/* Opens a master: in the step's devpts, or the host's where it names none. A descriptor, or a
 * negative errno with the reason. */
static int open_master(struct stage *st, const struct ct_wire_step *s, struct why *w)
{
	int fd = step_fd(st, s->a);

	if (s->a != CT_SLOT_NONE && fd < 0)
		return because(w, -ENOENT, SYS_openat2, "dev/pts", NULL);
	if (s->a != CT_SLOT_NONE)
		return open_ptmx(fd, w);
	fd = sys_openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
	if (fd < 0)
		return because(w, fd, SYS_openat, "/dev/ptmx", NULL);
	return fd;
}

/* The first choice of a master has failed: takes the second one, with a warning. Without one the
 * step fails with the reason of the first. 0, or -1 when reported. */
static int take_other(struct stage *st, const struct ct_wire_step *s, int err, const struct why *w)
{
	char text[128];
	int fd = step_fd(st, s->b), master = -1;

	if (fd >= 0)
		master = sys_dup_min(fd, 0);
	if (master < 0)
		return report_error(st, err, w->sys, w->object, w->text);
	str_cut(text, sizeof(text),
		"the terminal is one of the host's, because the container has none to give: ");
	str_add(text, sizeof(text), w->object);
	if (w->text)
		str_add(str_add(text, sizeof(text), ": "), sizeof(text), w->text);
	report_warn(st, text);
	step_fill(st, s->o, master);
	return 0;
}

/* Reads the next hexadecimal number of "a:b:c". What follows it; NULL when there is no number. */
static const char *next_hex(const char *p, uint32_t *out)
{
	const char *const digits = "0123456789abcdef";
	uint32_t v = 0;
	int n = 0;

	if (!p)
		return NULL;
	for (const char *d; *p && (d = strchr(digits, *p)) && n < 8; p++, n++)
		v = v << 4 | (uint32_t)(d - digits);
	if (!n || (*p && *p != ':'))
		return NULL;
	*out = v;
	return p + (*p == ':');
}

/* Sets the terminal's modes as in the text. 0 or a negative errno. */
static int set_modes(int fd, const char *text)
{
	struct k_termios t;
	uint32_t v[4 + CT_TERMINAL_CHARS];

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		text = next_hex(text, &v[i]);
	if (!text)
		return -EINVAL;
	memset(&t, 0, sizeof(t));
	t.iflag = v[0];
	t.oflag = v[1];
	t.cflag = v[2];
	t.lflag = v[3];
	for (int i = 0; i < CT_TERMINAL_CHARS; i++)
		t.cc[i] = (uint8_t)v[4 + i];
	return (int)sys3(SYS_ioctl, fd, K_TCSETS, &t);
}

/* Window size and modes. 0, or -1 when reported. */
static int set_up(struct stage *st, const struct ct_wire_step *s, int master, int peer)
{
	unsigned short size[4] = { (unsigned short)s->n[0], (unsigned short)s->n[1], 0, 0 };
	int err = 0;

	if (size[0] || size[1])
		err = (int)sys3(SYS_ioctl, master, K_TIOCSWINSZ, size);
	if (err)
		return step_fail(st, err, SYS_ioctl, "TIOCSWINSZ");
	if (*step_str(st, s, 1))
		err = set_modes(peer, step_str(st, s, 1));
	return step_result(st, err, SYS_ioctl, "TCSETS");
}

/* The other side of a terminal: by TIOCGPTPEER, for a path could lead elsewhere. */
static int open_peer(int master)
{
	char path[64] = "/../dev/pts/";
	unsigned nr = 0;

	if (!ct_weak(CT_WEAK_TTY_PATH))
		return (int)sys3(SYS_ioctl, master, K_TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	sys3(SYS_ioctl, master, 0x80045430 /* TIOCGPTN */, &nr);
	str_add_u64(path, sizeof(path), nr);
	return sys_openat(AT_FDCWD, path, O_RDWR | O_NOCTTY, 0);
}

/* Opens master and peer into their slots. */
static int open_pair(struct stage *st, const struct ct_wire_step *s)
{
	int master, peer, unlock = 0, err;
	struct why w;

	master = open_master(st, s, &w);
	if (master < 0 && step_optional(s))
		return 0;
	if (master >= 0)
		step_fill(st, s->o, master);
	else if (take_other(st, s, master, &w) < 0)
		return -1;
	master = step_fd(st, s->o);
	err = (int)sys3(SYS_ioctl, master, K_TIOCSPTLCK, &unlock);
	if (err)
		return step_fail(st, err, SYS_ioctl, "TIOCSPTLCK");
	peer = open_peer(master);
	if (peer < 0)
		return step_fail(st, peer, SYS_ioctl, "TIOCGPTPEER");
	step_fill(st, s->p, peer);
	return set_up(st, s, master, peer);
}

struct opening {
	struct stage *st;
	const struct ct_wire_step *step;
	int err;
};

/* Opens as the terminal's owner: its ids are set for file accesses only, and only of this task. */
static int open_as_owner(void *arg)
{
	struct opening *o = arg;

	sys1(SYS_setfsgid, o->step->n[3]);
	sys1(SYS_setfsuid, o->step->n[2]);
	o->err = open_pair(o->st, o->step);
	return 0;
}

/* A new terminal. devpts gives it to the user that opens it, who must be the container's root. Init
 * keeps these ids. The launcher needs its own again, and might not be able to return to them, so a
 * child opens the terminal that shares its descriptors. */
int step_pty_new(struct stage *st, const struct ct_wire_step *s)
{
	static STAGE_LARGE char stack[OWNER_STACK] __attribute__((aligned(16)));
	static struct opening o;
	int pid;

	o = (struct opening){ st, s, -1 };
	if (st->in_init || ((uint32_t)sys1(SYS_setfsuid, -1) == s->n[2] &&
			    (uint32_t)sys1(SYS_setfsgid, -1) == s->n[3])) {
		open_as_owner(&o);
		return o.err;
	}
	pid = clone(open_as_owner, stack + sizeof(stack),
		    CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &o);
	if (pid < 0)
		return step_fail(st, -errno, SYS_clone, NULL);
	sys4(SYS_wait4, pid, NULL, K_WALL, NULL);
	return o.err;
}

/* Mounts the peer on a file of the container's /dev. */
int step_pty_bind(struct stage *st, const struct ct_wire_step *s)
{
	struct path_error e;
	SYS_CLOSEP int tree = sys_open_tree(step_fd(st, s->a), "",
					    K_OPEN_TREE_CLONE | AT_EMPTY_PATH);
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
	return step_result(st, err, SYS_move_mount, step_str(st, s, 0));
}

/* Sends a descriptor to the library. */
int step_send_fd(struct stage *st, const struct ct_wire_step *s)
{
	int err = report_fd(st, (int)s->n[0], (int)s->n[1], step_fd(st, s->a));

	return step_result(st, err, SYS_sendmsg, NULL);
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
	if (s->n[0])
		err = (int)sys3(SYS_ioctl, 0, K_TIOCSCTTY, 0);
	return step_result(st, err, SYS_ioctl, "TIOCSCTTY");
}
