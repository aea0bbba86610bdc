/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defined containers: a directory with a file "config", and a rootfs that may belong to it. Made aside and renamed into place,
 * removed by descriptor. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/container.h"
#include "run/control.h"
#include "run/groups.h"
#include "run/remove.h"

char *ct_default_dir(void)
{
	const char *home;
	char *dir = NULL;

	if (geteuid() == 0)
		return strdup("/var/lib/libcontain");
	home = secure_getenv("XDG_DATA_HOME");
	if (home && *home == '/')
		return asprintf(&dir, "%s/libcontain", home) < 0 ? NULL : dir;
	home = secure_getenv("HOME");
	return asprintf(&dir, "%s/.local/share/libcontain", home && *home == '/' ? home : "") < 0 ? NULL : dir;
}

char *ct_container_path(const struct ct_container *c, const char *file)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s%s%s", c->dir, c->name, file ? "/" : "", file ? file : "") < 0)
		return NULL;
	return path;
}

/* Makes the container directory's own directories as they are missing. */
static int open_dir(const char *dir, int create, struct ct_err *e)
{
	char part[4096];
	size_t n = strlen(dir);
	int fd, err;

	if (n >= sizeof(part))
		return ct_fail(e, -ENAMETOOLONG, CT_ERR_ARGUMENT, "define", "the container directory's path is too long");
	for (size_t i = 1; create && i <= n; i++) {
		if (dir[i] && dir[i] != '/')
			continue;
		memcpy(part, dir, i);
		part[i] = 0;
		if (mkdir(part, 0711) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			break;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = errno;
	if (fd >= 0)
		return fd;
	ct_err_object(e, dir);
	return ct_fail_sys(e, -err, CT_ERR_CONFIG_FILE, "define", "open", "the container directory cannot be opened");
}

/* What a new container's directory holds, in `at`. */
static int fill(struct ct_container *c, int at, const char *rootfs, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char *inside = ct_container_path(c, "rootfs");
	int r = inside ? 0 : ct_oom(e);

	if (r >= 0 && rootfs && renameat(AT_FDCWD, rootfs, at, "rootfs") < 0) {
		r = -errno;
		ct_err_object(e, rootfs);
		if (r == -EXDEV)
			ct_err_hint(e, "build it below the container directory, on the same file system");
		ct_fail_sys(e, r, CT_ERR_ROOTFS, "define", "renameat", "the root file system cannot be moved into the container");
	}
	if (r >= 0 && rootfs) {
		r = ct_config_clear(c->config, "rootfs.path", e);
		r = r < 0 ? r : ct_config_set(c->config, "rootfs.path", inside, e);
	}
	free(inside);
	if (r < 0)
		return r;
	r = ct_config_print(c->config, &text);
	r = r < 0 ? r : ct_write_file_at(at, "config", ct_buf_text(&text), text.len, 0640);
	return r < 0 ? ct_fail_sys(e, r, CT_ERR_CONFIG_FILE, "define", "openat", "the config cannot be written") : 0;
}

/* Names below the container directory that are being made begin so; they cannot be containers' names. */
#define PARTIAL ".new-"

int ct_run_create(struct ct_container *c, const ct_create_opts *o, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1, at = -1;
	char partial[96];
	int r;

	if (!c->name[0])
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "define", "an anonymous container cannot be stored");
	dir = open_dir(c->dir, 1, e);
	if (dir < 0)
		return dir;
	ct_err_object(e, c->name);
	if (faccessat(dir, c->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		ct_err_hint(e, "choose another name, or destroy it first");
		return ct_fail(e, -EEXIST, CT_ERR_DEFINED, "define", "a container of this name exists already");
	}
	snprintf(partial, sizeof(partial), PARTIAL "%s-%d", c->name, (int)getpid());
	if (mkdirat(dir, partial, 0770) < 0 && errno != EEXIST)
		return ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "define", "mkdirat", "its directory cannot be made");
	at = openat(dir, partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = at < 0 ? ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "define", "openat", "its directory cannot be opened") : fill(c, at, o->rootfs, e);
	if (r >= 0 && renameat2(dir, partial, dir, c->name, RENAME_NOREPLACE) < 0) {
		r = errno == EEXIST ? ct_fail(e, -EEXIST, CT_ERR_DEFINED, "define", "a container of this name exists already")
				    : ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "define", "renameat2", "its directory cannot be put in place");
	}
	if (r >= 0) {
		ct_err_clear(e);
		return 0;
	}
	/* the rootfs goes back to where the caller had it */
	if (o->rootfs && at >= 0)
		(void)!renameat(at, "rootfs", AT_FDCWD, o->rootfs);
	ct_remove_tree(dir, partial, NULL);
	return r;
}

/* A rootfs outside of the container's directory stays, whatever rootfs.managed says. */
static int remove_state(struct ct_container *c, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1, lock = -1;
	int r;

	dir = ct_state_dir(c, e);
	if (dir == -ENOENT)
		return 0;
	r = dir < 0 ? dir : ct_state_lock(dir, CT_STATE_LOCK_MS, &lock, e);
	if (r == -ESTALE)
		return 0;
	return r < 0 ? r : ct_state_remove(dir, c->name, e);
}

int ct_run_destroy(struct ct_container *c, unsigned flags, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1;
	char gone[96];
	int r;

	if (flags & ~CT_DESTROY_FORCE)
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "define", "unknown flag");
	if (!c->name[0])
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "define", "an anonymous container is not stored");
	ct_err_object(e, c->name);
	r = ct_run_state(c, e);
	/* somebody else's look at it may be clearing what its end has left, and soon has */
	if (r == (int)CT_STATE_STARTING)
		r = ct_run_wait(c, CT_STATE_STOPPED | CT_STATE_RUNNING | CT_STATE_FROZEN, CT_CTL_PATIENCE_MS, e);
	if (r == -ETIMEDOUT) {
		ct_err_clear(e);
		ct_err_object(e, c->name);
		r = (int)CT_STATE_STARTING;
	}
	if (r < 0)
		return r;
	if (r != (int)CT_STATE_STOPPED && !(flags & CT_DESTROY_FORCE)) {
		ct_err_hint(e, "stop it first, or use force");
		return ct_fail(e, -EBUSY, CT_ERR_RUNNING, "define", "the container runs");
	}
	if (r != (int)CT_STATE_STOPPED && (r = ct_run_stop(c, CT_STOP_KILL, 0, e)) < 0 && r != -ESRCH)
		return r;
	ct_err_clear(e);
	ct_err_object(e, c->name);
	dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(gone, sizeof(gone), PARTIAL "%s-%d.gone", c->name, (int)getpid());
	/* from here on it is no container any more, whatever happens to us */
	if (dir < 0 || renameat(dir, c->name, dir, gone) < 0)
		return ct_fail_sys(e, -errno, CT_ERR_NOT_DEFINED, "define", "renameat", "there is no such container");
	r = remove_state(c, e);
	if (r >= 0 && (r = ct_remove_tree(dir, gone, e)) < 0)
		return r;
	ct_err_clear(e);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds each line of text to the list. */
static int add_lines(char ***v, size_t *n, const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		char **bigger = realloc(*v, (*n + 1) * sizeof(**v));

		if (!bigger)
			return -ENOMEM;
		*v = bigger;
		bigger[*n] = strndup(text, (size_t)(end - text));
		if (!bigger[*n])
			return -ENOMEM;
		(*n)++;
	}
	return 0;
}

static int list_defined(const char *dir, struct ct_buf *out, struct ct_err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	struct dirent *d;
	DIR *list;

	if (fd < 0 && errno == ENOENT)
		return 0;
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		ct_err_object(e, dir);
		n = ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "list", "open", "the container directory cannot be read");
		ct_close(&fd);
		return n;
	}
	while ((d = readdir(list))) {
		char config[300];

		snprintf(config, sizeof(config), "%s/config", d->d_name);
		if (d->d_name[0] == '.' || faccessat(fd, config, F_OK, 0) < 0)
			continue;
		ct_buf_printf(out, "%s\n", d->d_name);
		n++;
	}
	closedir(list);
	return n;
}

/* What killed callers left of cgroups; that there is nothing to be seen of them is no error here. */
static void sweep_groups(void)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_cgroups trees;

	if (arena && ct_cgroups_probe(&trees, arena, NULL) >= 0)
		ct_groups_sweep(&trees, NULL);
}

int ct_run_list(const ct_new_opts *where, unsigned which, struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf lines = CT_BUF_INIT;
	char base[4096] = "", *dir = where->dir ? strdup(where->dir) : ct_default_dir(), **v = NULL;
	size_t n = 0;
	int r = dir ? 0 : ct_oom(e), count = 0;

	sweep_groups();

	if (r >= 0 && (which & CT_LIST_DEFINED))
		r = list_defined(dir, &lines, e);
	if (r >= 0 && !where->state_dir)
		r = ct_state_default_base(base, sizeof(base), e);
	/* a user without a run-time directory has no detached containers */
	if (r == -ENOENT && !where->state_dir) {
		ct_err_clear(e);
		r = 0;
		base[0] = 0;
	}
	if (r >= 0 && (where->state_dir || base[0]))
		r = ct_state_list(where->state_dir ? where->state_dir : base, dir, which & CT_LIST_RUNNING ? &lines : &(struct ct_buf)CT_BUF_INIT, e);
	free(dir);
	if (r >= 0 && (r = add_lines(&v, &n, ct_buf_text(&lines))) < 0)
		ct_oom(e);
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(v[i], v[i - 1])) {
			ct_buf_printf(out, "%s\n", v[i]);
			count++;
		}
	}
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
	return r < 0 ? r : count;
}
