/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts, all of them by descriptor. */
#include <errno.h>
#include <string.h>

#include "stage/step/steps.h"
#include "shared/option.h"
#include "shared/weak.h"

#define BUSY_TRIES 1000

static unsigned recursive(const struct ct_wire_step *s)
{
	if (s->flags & CT_SF_RECURSIVE)
		return AT_RECURSIVE;
	return 0;
}

static int fail_at(struct stage *st, const struct ct_wire_step *s, int err,
		   const struct path_error *e)
{
	return report_error(st, err, e->sys, step_str(st, s, 0), e->text);
}

/* Whether a best-effort step is to be skipped, because what it names does not exist. */
static int is_missing(const struct ct_wire_step *s, int err)
{
	return err == -ENOENT && step_optional(s);
}

/* The path of a step cannot be opened. 0 where the step is skipped then, or -1 when reported. */
static int skip_or_fail(struct stage *st, const struct ct_wire_step *s, int err,
			const struct path_error *e)
{
	if (is_missing(s, err))
		return 0;
	return fail_at(st, s, err, e);
}

/* Propagation of every mount of this namespace. */
int step_propagation(struct stage *st, const struct ct_wire_step *s)
{
	struct k_mount_attr attr = { .propagation = s->n[0] };
	int err = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr);

	return step_result(st, err, SYS_mount_setattr, "/");
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* A detached copy of the mount at `dir`/`path`; of `dir` itself where the path is empty. */
static int clone_at(int dir, const char *path, unsigned flags)
{
	if (!*path)
		flags |= AT_EMPTY_PATH;
	return sys_open_tree(dir, path, K_OPEN_TREE_CLONE | flags);
}

/* A detached copy of a mount, or of the part of it below a directory. */
int step_tree_clone(struct stage *st, const struct ct_wire_step *s)
{
	const char *path = step_str(st, s, 0);
	int from = step_fd(st, s->a), tree;
	struct path_error e;
	SYS_CLOSEP int fd = -1;

	if (*path && (from >= 0 || st->in_init)) {
		/* below a mount, or in the container: the path is hostile */
		from = fd = path_open(from, path, s->flags, 0, &e);
		if (fd < 0)
			return skip_or_fail(st, s, fd, &e);
		path = "";
	}
	if (from < 0)
		from = AT_FDCWD;
	tree = clone_at(from, path, recursive(s));
	if (is_missing(s, tree))
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
	int err = -EBUSY;

	/* who looks at this process' descriptors may hold a file that it has closed for a moment */
	for (int i = 0; err == -EBUSY && i < BUSY_TRIES; i++)
		err = sys_mount_setattr(step_fd(st, s->a), "", AT_EMPTY_PATH | recursive(s), &attr);
	return step_result(st, err, SYS_mount_setattr, NULL);
}

/* ---- new file systems ------------------------------------------------------------------------ */

/* The messages of a file system context ("e text", "w text", "i text"): the text of the last error,
 * else of the last message; empty where there is none. */
static void read_log(int fs, char *text, size_t size)
{
	char line[256], *message;
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
		message = line;
		if (line[1] == ' ')
			message += 2;
		str_cut(text, size, message);
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
		char *rest = ct_next_option(opt), *value = strchr(opt, '=');
		unsigned cmd = K_FSCONFIG_SET_FLAG;

		if (value) {
			*value++ = '\0';
			cmd = K_FSCONFIG_SET_STRING;
		}
		if (*opt)
			err = configure(fs, cmd, opt, value);
		opt = rest;
	}
	return err;
}

/* A new, detached file system. */
int step_fs_new(struct stage *st, const struct ct_wire_step *s)
{
	const char *type = step_str(st, s, 0), *source = step_str(st, s, 2),
		   *context = step_str(st, s, 3);
	SYS_CLOSEP int fs = (int)sys2(SYS_fsopen, type, K_FSOPEN_CLOEXEC);
	int err = 0, tree;

	if (fs < 0)
		return report_error(st, fs, SYS_fsopen, type,
				    text_for(fs, -ENODEV, "this kernel has no such file system"));
	if (*source)
		err = configure(fs, K_FSCONFIG_SET_STRING, "source", source);
	if (!err)
		err = configure_all(fs, step_str(st, s, 1));
	/* not among the options: a context may have commas */
	if (!err && *context)
		err = configure(fs, K_FSCONFIG_SET_STRING, "context", context);
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

/* Names the mount in which targets are made that a read-only root lacks: a writable one of the
 * same file system. Without a slot: none any more. */
int step_targets(struct stage *st, const struct ct_wire_step *s)
{
	int fd = -1;

	if (s->a >= 0) {
		fd = sys_dup_min(step_fd(st, s->a), 0);
		if (fd < 0)
			return step_fail(st, fd, SYS_fcntl, NULL);
	}
	path_targets(fd);
	return 0;
}

/* ---- onto targets ---------------------------------------------------------------------------- */

static int is_directory(int fd)
{
	struct stat st;

	return fd >= 0 && sys_fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The id of a descriptor's mount, and the number of its inode. 0 or a negative errno; -ENOSYS where
 * the kernel does not tell the id, without which the step must fail. */
static int where(int fd, struct k_statx *sx)
{
	int err = (int)sys5(SYS_statx, fd, "", AT_EMPTY_PATH, K_STATX_MNT_ID | K_STATX_INO, sx);

	if (err)
		return err;
	if (!(sx->mask & K_STATX_MNT_ID))
		return -ENOSYS;
	return 0;
}

/* Whether both are one directory of one mount. 1, 0, or a negative errno. */
static int is_same(int a, int b)
{
	struct k_statx at, bt;
	int err = where(a, &at);

	if (!err)
		err = where(b, &bt);
	if (err)
		return err;
	return at.mnt_id == bt.mnt_id && at.ino == bt.ino;
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

/* Mounts `tree` on `target`. 0, or -1 when reported. */
static int put(struct stage *st, const struct ct_wire_step *s, int tree, int target)
{
	int err = sys_move_mount(tree, target, "");
	const char *why = NULL;

	if (!err)
		return 0;
	if (err == -EINVAL && is_directory(target) && !is_directory(tree)) {
		err = -EISDIR;
		why = "target is a directory, the source is not";
	} else if (err == -EINVAL && !is_directory(target) && is_directory(tree)) {
		err = -ENOTDIR;
		why = "target is not a directory, the source is";
	}
	return report_error(st, err, SYS_move_mount, step_str(st, s, 0), why);
}

/* Mounts a tree on a target below a descriptor. */
int step_attach(struct stage *st, const struct ct_wire_step *s)
{
	struct path_error e;
	SYS_CLOSEP int target = open_target(st, s, &e);
	int same = 0;

	if (target < 0)
		return skip_or_fail(st, s, target, &e);
	/* a mount on the directory that the target must be below would not be seen */
	if (!(s->flags & CT_SF_STRICT))
		same = is_same(target, step_fd(st, s->b));
	if (same < 0)
		return step_fail(st, same, SYS_statx, step_str(st, s, 0));
	if (same)
		return report_error(st, -EBUSY, SYS_openat2, step_str(st, s, 0),
				    "target is the root itself");
	return put(st, s, step_fd(st, s->a), target);
}

/* Onto the old root, or onto a directory of the host that the config names. */
int step_stack(struct stage *st, const struct ct_wire_step *s)
{
	const char *path = step_str(st, s, 0);
	SYS_CLOSEP int on = -1;
	int err;

	if (!*path)
		path = "/";
	on = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	if (on < 0)
		return step_fail(st, on, SYS_openat, path);
	err = sys_move_mount(step_fd(st, s->a), on, "");
	return step_result(st, err, SYS_move_mount, path);
}

/* Hides a target: mounts a file of the mask's file system on it, by default an empty file or an
 * empty directory. A target that does not exist needs no mask. */
int step_mask(struct stage *st, const struct ct_wire_step *s)
{
	const char *file = step_str(st, s, 1);
	struct path_error e;
	SYS_CLOSEP int target = path_open(step_fd(st, s->b), step_str(st, s, 0), s->flags, 0, &e);
	SYS_CLOSEP int tree = -1;

	if (target == -ENOENT || ct_weak(CT_WEAK_MASK))
		return 0;
	if (target < 0)
		return fail_at(st, s, target, &e);
	if (!*file)
		file = is_directory(target) ? "dir" : "file";
	if (ct_weak(CT_WEAK_MASK_SOURCE) && !is_directory(target))
		/* the container's root lies over this one */
		tree = clone_at(AT_FDCWD, "/../dev/null", 0);
	else
		tree = clone_at(step_fd(st, s->a), file, 0);
	if (tree < 0)
		return step_fail(st, tree, SYS_open_tree, step_str(st, s, 0));
	return put(st, s, tree, target);
}

/* Mounts a read-only copy of the target on the target. */
int step_readonly(struct stage *st, const struct ct_wire_step *s)
{
	struct k_mount_attr attr = { .attr_set = K_MOUNT_ATTR_RDONLY };
	struct path_error e;
	SYS_CLOSEP int target = path_open(step_fd(st, s->b), step_str(st, s, 0), s->flags, 0, &e);
	SYS_CLOSEP int tree = -1;
	int err;

	if (ct_weak(CT_WEAK_READONLY))
		return 0;
	if (target < 0)
		return skip_or_fail(st, s, target, &e);
	tree = clone_at(target, "", recursive(s));
	if (tree < 0)
		return step_fail(st, tree, SYS_open_tree, step_str(st, s, 0));
	err = sys_mount_setattr(tree, "", AT_EMPTY_PATH | recursive(s), &attr);
	if (err)
		return step_fail(st, err, SYS_mount_setattr, step_str(st, s, 0));
	return put(st, s, tree, target);
}

/* ---- leaving the old root -------------------------------------------------------------------- */

/* Whether no mount lies over the root: "/.." is the topmost mount there. 1, 0, or a negative errno.
 * */
static int on_top(int root)
{
	SYS_CLOSEP int top = sys_openat(AT_FDCWD, "/..", O_PATH | O_DIRECTORY, 0);
	struct k_statx ours, over;
	int err;

	if (top < 0)
		return top;
	err = where(root, &ours);
	if (!err)
		err = where(top, &over);
	if (err)
		return err;
	return over.mnt_id == ours.mnt_id;
}

/* After pivot_root(2) the old root lies over the new one, with all that was stacked on it. Unmounts
 * these until the new root is the topmost mount. */
static int unmount_old_root(struct stage *st, int root)
{
	int err;

	for (int i = 0; i < 64; i++) {
		err = on_top(root);
		if (err)
			return step_result(st, err, SYS_statx, "/..");
		err = (int)sys2(SYS_umount2, ".", K_MNT_DETACH);
		if (err)
			return step_fail(st, err, SYS_umount2, "old root");
	}
	return report_error(st, -EBUSY, SYS_umount2, "old root",
			    "there is always another mount over the root");
}

/* The tree becomes the root, and the old root is unmounted. */
int step_pivot(struct stage *st, const struct ct_wire_step *s)
{
	int root = step_fd(st, s->a), err = (int)sys1(SYS_fchdir, root);

	if (err)
		return step_fail(st, err, SYS_fchdir, NULL);
	err = (int)sys2(SYS_pivot_root, ".", ".");
	if (err)
		return report_error(st, err, SYS_pivot_root, NULL,
				    text_for(err, -EINVAL,
					     "the old root cannot be left (is it the initial "
					     "ramfs?)"));
	if (!ct_weak(CT_WEAK_OLD_ROOT) && unmount_old_root(st, root) < 0)
		return -1;
	err = (int)sys1(SYS_chdir, "/");
	return step_result(st, err, SYS_chdir, "/");
}
