/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Destroys a defined container: removes its directory, by descriptor, but for a rootfs that
 * rootfs.managed = 0 keeps. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "host/mounts.h"
#include "run/handle/container.h"
#include "run/child/control.h"
#include "run/state/remove.h"

#define CONFIG_MAX (1 << 20)
#define MOUNTS_MAX (64 << 20)

/* What the stored config has about the rootfs. */
struct rootfs {
	int managed;
	struct ct_spare keep; /* with `there`: the rootfs, which is not managed and exists */
	int there;
};

/* ---- whose the rootfs is --------------------------------------------------------------------- */

static void keep_path(struct rootfs *r, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	r->keep = (struct ct_spare){ st.st_dev, st.st_ino };
	r->there = 1;
}

/* The last value of a key in the text of a config that cannot be read as one. */
static int last_value(const char *text, const char *key, char *out, size_t size)
{
	int found = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *p = line + strspn(line, " \t\n");
		size_t n;

		line = p;
		if (!strncmp(p, "lxc.", 4))
			p += 4;
		if (strncmp(p, key, strlen(key)))
			continue;
		p += strlen(key);
		p += strspn(p, " \t");
		if (*p++ != '=')
			continue;
		p += strspn(p, " \t\"");
		n = strcspn(p, " \t\"\n");
		if (n >= size)
			continue;
		memcpy(out, p, n);
		out[n] = 0;
		found = 1;
	}
	return found;
}

/* Reads rootfs.* from a config that is not valid: a mistake in one line must not make us remove
 * what another line protects. 0 or a negative errno. */
static int rootfs_of_text(const char *file, struct rootfs *r)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char value[PATH_MAX];
	const char *path = value;
	int err = ct_or_errno(fd);

	if (err >= 0)
		err = ct_buf_read_fd(&text, fd, CONFIG_MAX);
	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return err;
	if (!last_value(ct_buf_text(&text), "rootfs.managed", value, sizeof(value)) ||
	    strcmp(value, "0"))
		return 0;
	r->managed = 0;
	if (!last_value(ct_buf_text(&text), "rootfs.path", value, sizeof(value)))
		return 0;
	if (!strncmp(path, "dir:", 4))
		path += 4;
	keep_path(r, path);
	return 0;
}

/* Notes a rootfs that this config keeps. -EINVAL: the config is not valid. */
static int rootfs_of_config(const struct ct_config *config, struct rootfs *r)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_spec *spec = NULL;

	if (arena)
		spec = ct_spec_read(config, arena, NULL);
	if (!spec)
		return -EINVAL;
	if (spec->rootfs_managed)
		return 0;
	r->managed = 0;
	if (spec->rootfs_path)
		keep_path(r, spec->rootfs_path);
	return 0;
}

/* The rootfs stays if the stored config or the handle's says so. */
static int find_rootfs(struct ct_container *c, struct rootfs *r, struct ct_err *e)
{
	CT_CLEAN_CONFIG struct ct_config *stored = ct_config_new();
	char *file = ct_container_path(c, "config"), *own = ct_container_path(c, "rootfs");
	int err = 0;

	*r = (struct rootfs){ .managed = 1 };
	if (!stored || !file || !own) {
		free(file);
		free(own);
		return ct_oom(e);
	}
	(void)rootfs_of_config(c->config, r);
	if (ct_config_load(stored, file, NULL) < 0 || rootfs_of_config(stored, r) < 0)
		err = rootfs_of_text(file, r);
	if (!r->managed && !r->there)
		keep_path(r, own);
	free(file);
	free(own);
	if (err < 0)
		return ct_fail_sys(e, err, CT_ERR_CONFIG_FILE, "define", "open",
				   "its config cannot be read");
	return 0;
}

/* ---- mounts ---------------------------------------------------------------------------------- */

/* Refuses while something is mounted in the container's directory, before anything is removed. A
 * mount that is not found here is not crossed by the removal. */
static int refuse_mounts(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct ct_mount_rows mounts;
	char real[PATH_MAX];

	if (fd < 0 || !arena || !realpath(c->path, real) ||
	    ct_buf_read_fd(&text, fd, MOUNTS_MAX) < 0 ||
	    ct_mount_rows_read(ct_buf_text(&text), &mounts, arena) < 0)
		return 0;
	/* also a mount that another one covers: it would be lost */
	for (uint32_t i = 0; i < mounts.n; i++) {
		const char *at = mounts.v[i].point;
		size_t n = strlen(real);

		if (strncmp(at, real, n) || (at[n] && at[n] != '/'))
			continue;
		ct_err_object(e, at);
		ct_err_hint(e, "unmount it and try again; nothing was removed");
		return ct_fail(e, -EBUSY, CT_ERR_ROOTFS, "define",
			       "a mount is in the container's directory");
	}
	return 0;
}

/* ---- removal --------------------------------------------------------------------------------- */

static int remove_state(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1, lock = -1;
	int r;

	r = dir = ct_state_dir(c, e);
	if (r >= 0)
		r = ct_state_lock(dir, CT_STATE_LOCK_MS, &lock, e);
	/* there is none, or it has just been removed */
	if (r == -ENOENT || r == -ESTALE)
		return 0;
	if (r < 0)
		return r;
	return ct_state_remove(dir, c->name, e);
}

/* Removes all but the rootfs, the config first: without it this is no container any more. */
static int remove_around(struct ct_container *c, int dir, const struct rootfs *rootfs,
			 struct ct_err *e)
{
	char config[CT_NAME_SIZE + sizeof("/config")];
	const struct ct_spare *keep = NULL;
	int r;

	snprintf(config, sizeof(config), "%s/config", c->name);
	if (unlinkat(dir, config, 0) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_ROOTFS, "define", "unlinkat",
				   "its config cannot be removed");
	r = remove_state(c, e);
	if (r < 0)
		return r;
	if (rootfs->there)
		keep = &rootfs->keep;
	return ct_remove_tree(dir, c->dir, c->name, keep, e);
}

static int remove_whole(struct ct_container *c, int dir, struct ct_err *e)
{
	CT_CLEAN_FD int held = -1;
	char gone[256];
	int r = refuse_mounts(c, e);

	if (r < 0)
		return r;
	/* from here on it is no container any more, also when this process is killed */
	r = held = ct_hidden_rename(dir, c->name, gone);
	if (r == -EAGAIN)
		return ct_fail(e, -EBUSY, CT_ERR_ROOTFS, "define",
			       "another call works on its directory");
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_NOT_DEFINED, "define", "renameat2",
				   "its directory cannot be removed");
	r = remove_state(c, e);
	if (r < 0)
		return r;
	return ct_remove_tree(dir, c->dir, gone, NULL, e);
}

/* Removes the directory, what earlier attempts have left of it, and its state. */
static int remove_all(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_FD int dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rootfs rootfs;
	char config[CT_NAME_SIZE + sizeof("/config")];
	int r, left = 0;

	if (dir < 0 && errno != ENOENT)
		return ct_fail_sys(e, -errno, CT_ERR_NOT_DEFINED, "define", "open",
				   "the container directory cannot be opened");
	if (dir >= 0)
		left = ct_hidden_sweep(dir, c->dir, c->name, e);
	snprintf(config, sizeof(config), "%s/config", c->name);
	if (dir < 0 || faccessat(dir, config, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		if (left < 0)
			return left;
		/* the sweep has completed what an earlier attempt began */
		if (left > 0)
			return remove_state(c, e);
		return ct_fail_sys(e, -ENOENT, CT_ERR_NOT_DEFINED, "define", "faccessat",
				   "there is no such container");
	}
	ct_err_clear(e);
	r = ct_run_destroy_hooks(c, e);
	if (r < 0)
		return r;
	ct_err_clear(e);
	ct_err_object(e, c->name);
	r = find_rootfs(c, &rootfs, e);
	if (r < 0)
		return r;
	if (rootfs.managed)
		return remove_whole(c, dir, e);
	return remove_around(c, dir, &rootfs, e);
}

int ct_run_destroy(struct ct_container *c, unsigned flags, struct ct_err *e)
{
	int r;

	if (flags & ~CT_DESTROY_FORCE)
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "define", "unknown flag");
	if (!c->name[0])
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "define",
			       "an anonymous container is not stored");
	ct_err_object(e, c->name);
	ct_err_clear(e);
	r = ct_run_state(c, e);
	/* another call may be clearing what its end has left, which takes a moment */
	if (r == (int)CT_STATE_STARTING)
		r = ct_run_wait(c, CT_STATE_STOPPED | CT_STATE_RUNNING | CT_STATE_FROZEN,
				CT_CTL_PATIENCE_MS, e);
	if (r == -ETIMEDOUT) {
		ct_err_clear(e);
		ct_err_object(e, c->name);
		r = (int)CT_STATE_STARTING;
	}
	/* ct_run_end() ends a supervisor that does not answer, too */
	if (r < 0 && (flags & CT_DESTROY_FORCE) && ct_ctl_is_mute(e))
		r = (int)CT_STATE_RUNNING;
	if (r < 0)
		return r;
	ct_err_clear(e);
	ct_err_object(e, c->name);
	if (r != (int)CT_STATE_STOPPED && !(flags & CT_DESTROY_FORCE)) {
		ct_err_hint(e, "stop it first, or use force");
		return ct_fail(e, -EBUSY, CT_ERR_RUNNING, "define", "the container runs");
	}
	if (r != (int)CT_STATE_STOPPED && (r = ct_run_end(c, e)) < 0 && r != -ESRCH)
		return r;
	ct_err_clear(e);
	ct_err_object(e, c->name);
	r = remove_all(c, e);
	if (r < 0)
		return r;
	ct_err_clear(e);
	return 0;
}
