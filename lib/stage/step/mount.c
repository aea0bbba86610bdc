/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts, all of them by descriptor. */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"
#include "shared/option.h"

static unsigned recursive(const struct ct_wire_step *s)
{
	return s->flags & CT_SF_RECURSIVE ? AT_RECURSIVE : 0;
}

static int fail_at(struct stage *st, const struct ct_wire_step *s, int err,
		   const struct path_error *e)
{
	return report_error(st, err, e->sys, step_str(st, s, 0), e->text);
}

/* True when an optional step may be passed over. */
static int missing(const struct ct_wire_step *s, int err)
{
	return err == -ENOENT && step_optional(s);
}

/* Propagation of every mount of this namespace. */
int step_propagation(struct stage *st, const struct ct_wire_step *s)
{
	struct k_mount_attr attr = { .propagation = s->n[0] };
	int err = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr);

	return err ? step_fail(st, err, SYS_mount_setattr, "/") : 0;
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* A detached copy of the mount at `dir`/`path`; no path: of what the descriptor is. */
static int clone_at(int dir, const char *path, unsigned flags)
{
	return sys_open_tree(dir, path, K_OPEN_TREE_CLONE | (*path ? 0 : AT_EMPTY_PATH) | flags);
}

/* A detached copy of a mount, or of what is below a directory. */
int step_tree_clone(struct stage *st, const struct ct_wire_step *s)
{
	const char *path = step_str(st, s, 0);
	int from = step_fd(st, s->a), tree;
	struct path_error e;
	SYS_CLOSEP int fd = -1;

	if (*path && (from >= 0 || st->in_init)) {
		/* below a tree, or in the container: not to be trusted */
		from = fd = path_open(from, path, s->flags, 0, &e);
		if (fd < 0)
			return missing(s, fd) ? 0 : fail_at(st, s, fd, &e);
		path = "";
	}
	tree = clone_at(from < 0 ? AT_FDCWD : from, path, recursive(s));
	if (missing(s, tree))
		return 0;
	if (tree == -EINVAL)
		return report_error(st, tree, SYS_open_tree, step_str(st, s, 0),
				    "it is an unbindable mount, or not one of this mount "
				    "namespace");
	if (tree < 0)
		return step_fail(st, tree, SYS_open_tree, step_str(st, s, 0));
	step_fill(st, s->o, tree);
	return 0;
}

/* Attributes and propagation of a tree. */
int step_setattr(struct stage *st, const struct ct_wire_step *s)
{
	struct k_mount_attr attr = { .attr_set = s->n[0],
				     .attr_clr = s->n[1],
				     .propagation = s->n[2] };
	int err = sys_mount_setattr(step_fd(st, s->a), "", AT_EMPTY_PATH | recursive(s), &attr);

	return err ? step_fail(st, err, SYS_mount_setattr, NULL) : 0;
}

/* ---- new file systems ------------------------------------------------------------------------ */

/* What the file system said, without its level: the last error, else the last line. Empty
 * when it said nothing. */
static void read_log(int fs, char *text, size_t size)
{
	char line[256];
	int error = 0;

	*text = '\0';
	for (int i = 0; i < 32; i++) {
		long n = sys3(SYS_read, fs, line, sizeof(line) - 1);

		if (n < 0)
			break;
		while (n && line[n - 1] == '\n')
			n--;
		line[n] = '\0';
		if (n < 3 || (error && line[0] != 'e'))
			continue;
		error |= line[0] == 'e';
		str_cut(text, size, line[1] == ' ' ? line + 2 : line);
	}
}

static int fail_fs(struct stage *st, const struct ct_wire_step *s, int fs, int err, int sys)
{
	char text[sizeof(((struct ct_report *)NULL)->kernel)];

	read_log(fs, text, sizeof(text));
	return report_error(st, err, sys, step_str(st, s, 0), text);
}

static int configure(int fs, unsigned cmd, const char *key, const char *value)
{
	return (int)sys5(SYS_fsconfig, fs, cmd, key, value, 0);
}

/* All options, one call each. 0 or a negative errno. */
static int configure_all(int fs, const char *options)
{
	char small[256], *opt = small;
	size_t len = strlen(options);
	int err = 0;

	if (len >= sizeof(small))
		opt = stage_alloc(len + 1);
	if (!opt)
		return -ENOMEM;
	memcpy(opt, options, len + 1);
	while (opt && !err) {
		char *rest = ct_next_option(opt), *eq = strchr(opt, '=');

		if (eq)
			*eq++ = '\0';
		if (*opt)
			err = configure(fs, eq ? K_FSCONFIG_SET_STRING : K_FSCONFIG_SET_FLAG, opt,
					eq);
		opt = rest;
	}
	return err;
}

/* A new, detached file system. */
int step_fs_new(struct stage *st, const struct ct_wire_step *s)
{
	const char *type = step_str(st, s, 0), *source = step_str(st, s, 2);
	SYS_CLOSEP int fs = (int)sys2(SYS_fsopen, type, K_FSOPEN_CLOEXEC);
	int err, tree;

	if (fs < 0)
		return report_error(st, fs, SYS_fsopen, type,
				    fs == -ENODEV ? "this kernel has no such file system" : NULL);
	err = *source ? configure(fs, K_FSCONFIG_SET_STRING, "source", source) : 0;
	if (!err)
		err = configure_all(fs, step_str(st, s, 1));
	if (!err)
		err = configure(fs, K_FSCONFIG_CMD_CREATE, NULL, NULL);
	if (err)
		return fail_fs(st, s, fs, err, SYS_fsconfig);
	tree = (int)sys3(SYS_fsmount, fs, K_FSMOUNT_CLOEXEC, s->n[0]);
	if (tree < 0)
		return fail_fs(st, s, fs, tree, SYS_fsmount);
	step_fill(st, s->o, tree);
	return 0;
}

/* Where targets are made that are missing in the root, which is read-only: in another
 * mount of it. */
int step_targets(struct stage *st, const struct ct_wire_step *s)
{
	int fd = s->a < 0 ? -1 : sys_dup_min(step_fd(st, s->a), 0);

	if (s->a >= 0 && fd < 0)
		return step_fail(st, fd, SYS_fcntl, NULL);
	path_targets(fd);
	return 0;
}

/* ---- onto targets ---------------------------------------------------------------------------- */

static int is_directory(int fd)
{
	struct stat st;

	return fd >= 0 && sys_fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Number of the mount that a descriptor is on and of the inode in it. 0 or a negative errno;
 * -ENOSYS when the kernel does not say: who cannot know must not go on. */
static int where(int fd, struct k_statx *sx)
{
	int err = (int)sys5(SYS_statx, fd, "", AT_EMPTY_PATH, K_STATX_MNT_ID | K_STATX_INO, sx);

	if (err)
		return err;
	return sx->mask & K_STATX_MNT_ID ? 0 : -ENOSYS;
}

/* Is it the directory itself that the target was to be below? What is mounted there would not be
 * seen. 1, 0, or a negative errno. */
static int is_same(int a, int b)
{
	struct k_statx at, bt;
	int err = where(a, &at);

	if (!err)
		err = where(b, &bt);
	return err ? err : at.mnt_id == bt.mnt_id && at.ino == bt.ino;
}

/* The target of a mount, made when the step says so. */
static int open_target(struct stage *st, const struct ct_wire_step *s, struct path_error *e)
{
	const char *path = step_str(st, s, 0);
	int under = step_fd(st, s->b);

	if (s->flags & CT_SF_CREATE)
		return path_make(under, path, s->flags, is_directory(step_fd(st, s->a)), e);
	if (s->flags & (CT_SF_CREATE_DIR | CT_SF_CREATE_FILE))
		return path_make(under, path, s->flags, !(s->flags & CT_SF_CREATE_FILE), e);
	return path_open(under, path, s->flags, 0, e);
}

/* Puts `tree` on `target`. 0, or -1 when reported. */
static int put(struct stage *st, const struct ct_wire_step *s, int tree, int target)
{
	int err = sys_move_mount(tree, target, "");
	const char *why = NULL;
	int onto_directory;

	if (!err)
		return 0;
	onto_directory = is_directory(target);
	if (err == -EINVAL && is_directory(tree) != onto_directory) {
		err = onto_directory ? -EISDIR : -ENOTDIR;
		why = onto_directory ? "target is a directory, the source is not"
				     : "target is not a directory, the source is";
	}
	return report_error(st, err, SYS_move_mount, step_str(st, s, 0), why);
}

/* A tree onto a target below a descriptor. */
int step_attach(struct stage *st, const struct ct_wire_step *s)
{
	struct path_error e;
	SYS_CLOSEP int target = open_target(st, s, &e);
	int same;

	if (target < 0)
		return missing(s, target) ? 0 : fail_at(st, s, target, &e);
	same = s->flags & CT_SF_STRICT ? 0 : is_same(target, step_fd(st, s->b));
	if (same < 0)
		return step_fail(st, same, SYS_statx, step_str(st, s, 0));
	if (same)
		return report_error(st, -EBUSY, SYS_openat2, step_str(st, s, 0),
				    "target is the root itself");
	return put(st, s, step_fd(st, s->a), target);
}

/* Onto the old root itself, or a directory of it, which is the host's and named by the config. */
int step_stack(struct stage *st, const struct ct_wire_step *s)
{
	const char *path = *step_str(st, s, 0) ? step_str(st, s, 0) : "/";
	SYS_CLOSEP int on = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	int err;

	if (on < 0)
		return step_fail(st, on, SYS_openat, path);
	err = sys_move_mount(step_fd(st, s->a), on, "");
	return err ? step_fail(st, err, SYS_move_mount, path) : 0;
}

/* Hides a target behind a file of our own file system, usually an empty one or an empty directory.
 * A target that is not there needs no hiding. */
int step_mask(struct stage *st, const struct ct_wire_step *s)
{
	const char *file = step_str(st, s, 1);
	struct path_error e;
	SYS_CLOSEP int target = path_open(step_fd(st, s->b), step_str(st, s, 0), s->flags, 0, &e);
	SYS_CLOSEP int tree = -1;

	if (target == -ENOENT)
		return 0;
	if (target < 0)
		return fail_at(st, s, target, &e);
	if (!*file)
		file = is_directory(target) ? "dir" : "file";
	tree = clone_at(step_fd(st, s->a), file, 0);
	if (tree < 0)
		return step_fail(st, tree, SYS_open_tree, step_str(st, s, 0));
	return put(st, s, tree, target);
}

/* A read-only copy of the target on itself. */
int step_readonly(struct stage *st, const struct ct_wire_step *s)
{
	struct k_mount_attr attr = { .attr_set = K_MOUNT_ATTR_RDONLY };
	struct path_error e;
	SYS_CLOSEP int target = path_open(step_fd(st, s->b), step_str(st, s, 0), s->flags, 0, &e);
	SYS_CLOSEP int tree = -1;
	int err;

	if (target < 0)
		return missing(s, target) ? 0 : fail_at(st, s, target, &e);
	tree = clone_at(target, "", recursive(s));
	if (tree < 0)
		return step_fail(st, tree, SYS_open_tree, step_str(st, s, 0));
	err = sys_mount_setattr(tree, "", AT_EMPTY_PATH | recursive(s), &attr);
	if (err)
		return step_fail(st, err, SYS_mount_setattr, step_str(st, s, 0));
	return put(st, s, tree, target);
}

/* ---- leaving the old root -------------------------------------------------------------------- */

/* Is there nothing over our root? ".." of the root is the root again, but of what lies on top of
 * it. 1, 0, or a negative errno. */
static int on_top(int root)
{
	SYS_CLOSEP int top = sys_openat(AT_FDCWD, "/..", O_PATH | O_DIRECTORY, 0);
	struct k_statx ours, over;
	int err = top < 0 ? top : where(root, &ours);

	if (!err)
		err = where(top, &over);
	return err ? err : over.mnt_id == ours.mnt_id;
}

/* The old root now lies over the new one, and on it what was stacked before. All of it
 * goes, and nothing else. */
static int drop_old_root(struct stage *st, int root)
{
	int err;

	for (int i = 0; i < 64; i++) {
		err = on_top(root);
		if (err)
			return err < 0 ? step_fail(st, err, SYS_statx, "/..") : 0;
		err = (int)sys2(SYS_umount2, ".", K_MNT_DETACH);
		if (err)
			return step_fail(st, err, SYS_umount2, "old root");
	}
	return report_error(st, -EBUSY, SYS_umount2, "old root",
			    "there is always another mount over the root");
}

/* The tree becomes the root, and everything of the old root goes. */
int step_pivot(struct stage *st, const struct ct_wire_step *s)
{
	int root = step_fd(st, s->a), err = (int)sys1(SYS_fchdir, root);

	if (err)
		return step_fail(st, err, SYS_fchdir, NULL);
	err = (int)sys2(SYS_pivot_root, ".", ".");
	if (err)
		return report_error(st, err, SYS_pivot_root, NULL,
				    err == -EINVAL ? "the old root cannot be left (is it the "
						     "initial ramfs?)"
						   : NULL);
	if (drop_old_root(st, root) < 0)
		return -1;
	err = (int)sys1(SYS_chdir, "/");
	return err ? step_fail(st, err, SYS_chdir, "/") : 0;
}
