/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defined containers: a directory with a file "config", and a rootfs that may belong to it. Made
 * aside and renamed into place. */
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
#include "run/handle/container.h"
#include "run/state/remove.h"

/* Opens the container directory; makes it and the directories above it where they are missing. */
static int open_dir(const char *dir, struct ct_err *e)
{
	char part[4096];
	size_t n = strlen(dir);
	int fd, err;

	if (n >= sizeof(part))
		return ct_fail(e, -ENAMETOOLONG, CT_ERR_ARGUMENT, "define",
			       "the container directory's path is too long");
	for (size_t i = 1; i <= n; i++) {
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
	return ct_fail_sys(e, -err, CT_ERR_CONFIG_FILE, "define", "open",
			   "the container directory cannot be opened");
}

static int move_rootfs(int at, const char *rootfs, struct ct_err *e)
{
	int r;

	if (renameat(AT_FDCWD, rootfs, at, "rootfs") == 0)
		return 0;
	r = -errno;
	ct_err_object(e, rootfs);
	if (r == -EXDEV)
		ct_err_hint(e, "build it below the container directory, on the same file system");
	return ct_fail_sys(e, r, CT_ERR_ROOTFS, "define", "renameat",
			   "the root file system cannot be moved into the container");
}

/* The config names the root file system by the path that it has once the container is defined. */
static int set_rootfs_path(struct ct_container *c, struct ct_err *e)
{
	char *path = ct_container_path(c, "rootfs");
	int r;

	if (!path)
		return ct_oom(e);
	r = ct_config_clear(c->config, "rootfs.path", e);
	if (r >= 0)
		r = ct_config_set(c->config, "rootfs.path", path, e);
	free(path);
	return r;
}

static int write_config(struct ct_container *c, int dir, const char *name)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	int r = ct_config_print(c->config, true, &text);

	if (r < 0)
		return r;
	return ct_write_file_at(dir, name, ct_buf_text(&text), text.len, 0640);
}

/* Puts rootfs (NULL: none) and config into a new container's directory. */
static int fill(struct ct_container *c, int at, const char *rootfs, struct ct_err *e)
{
	int r = 0;

	if (rootfs)
		r = move_rootfs(at, rootfs, e);
	if (rootfs && r >= 0)
		r = set_rootfs_path(c, e);
	if (r < 0)
		return r;
	r = write_config(c, at, "config");
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_CONFIG_FILE, "define", "openat",
				   "the config cannot be written");
	return 0;
}

static int already_defined(struct ct_err *e)
{
	return ct_fail(e, -EEXIST, CT_ERR_DEFINED, "define",
		       "a container of this name exists already");
}

/* Writes the config into a directory that has none, as a destroy with rootfs.managed = 0 leaves it
 * around the rootfs. */
static int create_in(struct ct_container *c, int dir, const ct_create_opts *o, struct ct_err *e)
{
	CT_CLEAN_FD int at = openat(dir, c->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char own[64];
	int r;

	if (at < 0 || o->rootfs) {
		ct_err_hint(e, "it has no config, but what it holds is not ours to remove: move it "
			       "away, or choose another name");
		return ct_fail(e, -EEXIST, CT_ERR_DEFINED, "define",
			       "the directory of this name is taken");
	}
	snprintf(own, sizeof(own), ".config.%d.new", (int)getpid());
	r = write_config(c, at, own);
	if (r >= 0)
		r = ct_rename_new(at, own, at, "config");
	if (r >= 0)
		return 0;
	unlinkat(at, own, 0);
	if (r == -EEXIST)
		return already_defined(e);
	return ct_fail_sys(e, r, CT_ERR_CONFIG_FILE, "define", "openat",
			   "the config cannot be written");
}

/* Gives the hidden directory its name, at which it is a container. */
static int put_in_place(int dir, const char *hidden, const char *name, struct ct_err *e)
{
	int r = ct_rename_new(dir, hidden, dir, name);

	if (r == -EEXIST)
		return already_defined(e);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_CONFIG_FILE, "define", "renameat2",
				   "its directory cannot be put in place");
	return 0;
}

/* Makes the directory under a hidden name, so that nothing incomplete is ever seen. */
static int create_aside(struct ct_container *c, int dir, const ct_create_opts *o, struct ct_err *e)
{
	CT_CLEAN_FD int at = -1;
	char partial[256];
	int r;

	r = at = ct_hidden_make(dir, c->name, partial);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_CONFIG_FILE, "define", "mkdirat",
				   "its directory cannot be made");
	r = fill(c, at, o->rootfs, e);
	if (r >= 0)
		r = put_in_place(dir, partial, c->name, e);
	if (r >= 0)
		return 0;
	/* the rootfs goes back to where the caller had it */
	if (o->rootfs)
		(void)!renameat(at, "rootfs", AT_FDCWD, o->rootfs);
	ct_remove_tree(dir, c->dir, partial, NULL, NULL);
	return r;
}

int ct_run_create(struct ct_container *c, const ct_create_opts *o, struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1;
	char config[CT_NAME_SIZE + sizeof("/config")];
	int r;

	if (!c->name[0])
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "define",
			       "an anonymous container cannot be stored");
	dir = open_dir(c->dir, e);
	if (dir < 0)
		return dir;
	ct_err_object(e, c->name);
	snprintf(config, sizeof(config), "%s/config", c->name);
	if (faccessat(dir, config, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		ct_err_hint(e, "choose another name, or destroy it first");
		return already_defined(e);
	}
	/* that a sweep cannot remove all of it does not stand in the way of a new container */
	(void)ct_hidden_sweep(dir, c->dir, c->name, NULL);
	if (faccessat(dir, c->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = create_in(c, dir, o, e);
	else
		r = create_aside(c, dir, o, e);
	if (r >= 0)
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
	DIR *list = NULL;
	struct dirent *d;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0)
		list = fdopendir(fd);
	if (!list) {
		ct_err_object(e, dir);
		n = ct_fail_sys(e, -errno, CT_ERR_CONFIG_FILE, "list", "open",
				"the container directory cannot be read");
		ct_close(&fd);
		return n;
	}
	(void)ct_hidden_sweep(fd, dir, NULL, NULL);
	rewinddir(list);
	while ((d = readdir(list))) {
		char config[CT_NAME_SIZE + sizeof("/config")];

		snprintf(config, sizeof(config), "%s/config", d->d_name);
		if (d->d_name[0] == '.' || faccessat(fd, config, F_OK, 0) < 0)
			continue;
		ct_buf_printf(out, "%s\n", d->d_name);
		n++;
	}
	closedir(list);
	return n;
}

/* Removes the cgroups that killed callers left. Where no hierarchy can be found there are none. */
static void sweep_cgroups(void)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct ct_cgroups hierarchies;

	if (arena && ct_cgroups_probe(&hierarchies, arena, NULL) >= 0)
		ct_cgroup_sweep(&hierarchies, NULL);
}

/* Those of the detached containers that run. Clears what killed supervisors have left of others. */
static int list_running(const char *base, const char *dir, struct ct_buf *out, struct ct_err *e)
{
	char usual[4096];
	int r;

	if (!base) {
		r = ct_state_default_base(usual, sizeof(usual), e);
		/* a user without a run-time directory has no detached containers */
		if (r == -ENOENT) {
			ct_err_clear(e);
			return 0;
		}
		if (r < 0)
			return r;
		base = usual;
	}
	return ct_state_list(base, dir, out, e);
}

/* Appends the lines to `out`, sorted, each once. Returns how many there are. */
static int print_sorted(const char *lines, struct ct_buf *out, struct ct_err *e)
{
	char **v = NULL;
	size_t n = 0;
	int r = add_lines(&v, &n, lines), count = 0;

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
	if (r < 0)
		return ct_oom(e);
	return count;
}

int ct_run_list(const ct_new_opts *where, unsigned which, struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_BUF struct ct_buf lines = CT_BUF_INIT, unwanted = CT_BUF_INIT;
	struct ct_buf *running = &unwanted;
	char *dir;
	int r = 0;

	sweep_cgroups();

	if (where->dir)
		dir = strdup(where->dir);
	else
		dir = ct_default_dir();
	if (!dir)
		return ct_oom(e);
	if (which & CT_LIST_DEFINED)
		r = list_defined(dir, &lines, e);
	/* also when they are not asked for, since it clears */
	if (which & CT_LIST_RUNNING)
		running = &lines;
	if (r >= 0)
		r = list_running(where->state_dir, dir, running, e);
	free(dir);
	if (r < 0)
		return r;
	return print_sorted(ct_buf_text(&lines), out, e);
}
