/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "create.h"
#include "shared/remove.h"

#define TRIES 100
#define PIDS 4194304u /* the kernel's greatest pid_max */
#define TABLE_MAX (16u << 20)

/* ---- what stays ------------------------------------------------------------------------------ */

/* The mount table of this process, to be released with free(); NULL. */
static char *read_table(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t size = 1 << 16, len = 0;
	char *text = malloc(size);
	ssize_t n = 1;

	while (fd >= 0 && text && n > 0 && size <= TABLE_MAX) {
		if (len + 4096 >= size) {
			char *more = realloc(text, size * 2);

			if (!more)
				break;
			text = more;
			size *= 2;
		}
		n = read(fd, text + len, size - len - 1);
		if (n > 0)
			len += (size_t)n;
	}
	if (text)
		text[len] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

/* "DIRECTORY of TYPE SOURCE" of the mount at `path`, as the kernel writes it; "" when
 * it is not known. */
static void what_is_mounted(int dir, const char *path, char *out, size_t size)
{
	char *table = read_table(), *next = table, *line, id[16];
	struct statx st;

	out[0] = '\0';
	if (statx(dir, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID))
		next = NULL;
	else
		snprintf(id, sizeof(id), "%llu ", (unsigned long long)st.stx_mnt_id);
	while (next && (line = strsep(&next, "\n"))) {
		char *root = NULL, *more = strstr(line, " - ");

		if (strncmp(line, id, strlen(id)) || !more)
			continue;
		/* the fourth field of mountinfo */
		for (int i = 0; i < 4; i++)
			root = strsep(&line, " ");
		if (!root)
			continue;
		more += 3;
		snprintf(out, size, "%s of %s", root, more);
		out[strcspn(out, ",")] = '\0';
	}
	free(table);
}

/* Prints what stays at `dir`/left->path, and why. */
static int print_left(const struct args *a, const char *dir, int dirfd, const struct ct_left *left)
{
	char what[512];

	if (!left->mount)
		return fail(a, "%s/%s stays and cannot be removed: %s", dir, left->path,
			    strerror(-left->err));
	what_is_mounted(dirfd, left->path, what, sizeof(what));
	return fail(a,
		    "%s/%s stays with what is in it: %s%s is mounted there; "
		    "umount it and try again",
		    dir, left->path, *what ? what : "something",
		    left->n > 1 ? ", as is something else elsewhere," : "");
}

int remove_partial(const struct args *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];
	struct ct_left left;
	int fd, err;

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(a, "%s: %s", dir, strerror(errno));
	err = ct_remove(fd, slash + 1, NULL, &left);
	if (err)
		err = print_left(a, dir, fd, &left);
	close(fd);
	return err;
}

static int make_dirs(const char *path)
{
	char copy[4096];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, 0711) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* Makes the directory, as ct_create() does, and locks it. Before it is locked another process may
 * remove it, taking it for what a killed ct-create left: then it makes another. 0 or a negative
 * errno. */
static int make_locked(struct partial *p, const char *dir, const char *name)
{
	char hidden[CT_NAME_SIZE];

	for (unsigned i = 0; i < TRIES; i++) {
		struct stat ours, there;

		ct_hidden_name(hidden, name, (unsigned)getpid() + i * PIDS, 0);
		if ((size_t)snprintf(p->path, sizeof(p->path), "%s/%s", dir, hidden) >=
		    sizeof(p->path))
			return -ENAMETOOLONG;
		if (mkdir(p->path, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return -errno;
		}
		p->lock = open(p->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (p->lock < 0 && errno != ENOENT)
			return -errno;
		if (p->lock >= 0 && flock(p->lock, LOCK_EX | LOCK_NB) == 0 &&
		    !fstat(p->lock, &ours) && !lstat(p->path, &there) &&
		    ours.st_ino == there.st_ino)
			return 0;
		if (p->lock >= 0)
			close(p->lock);
		p->lock = -1;
	}
	return -EAGAIN;
}

/* Has the library remove what killed calls have left, which ct_list() does. If something stays
 * ct_create() reports it. */
static void sweep(const struct args *a)
{
	ct_new_opts where = where_of(a, NULL);
	char *names = NULL;

	ct_list(&where, CT_LIST_DEFINED, &names);
	ct_free(names);
}

int partial_make(const struct args *a, struct partial *p, const char *dir, const char *name)
{
	int err = make_dirs(dir), fd;

	p->path[0] = '\0';
	p->lock = -1;
	if (err < 0)
		return fail(a, "%s: %s", dir, strerror(-err));
	sweep(a);
	err = make_locked(p, dir, name);
	if (err < 0) {
		p->path[0] = '\0';
		return fail(a, "no directory can be made in %s: %s", dir, strerror(-err));
	}
	snprintf(p->rootfs, sizeof(p->rootfs), "%s/rootfs", p->path);
	snprintf(p->config, sizeof(p->config), "%s/config", p->path);
	fd = open(p->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	if (fd < 0 || mkdir(p->rootfs, 0755) < 0 || chmod(p->rootfs, 0755) < 0) {
		err = fail(a, "%s: %s", p->path, strerror(errno));
		partial_remove(a, p);
		return err;
	}
	return 0;
}

void partial_remove(const struct args *a, struct partial *p)
{
	if (p->path[0])
		remove_partial(a, p->path);
	if (p->lock >= 0 && p->path[0])
		close(p->lock);
	p->lock = -1;
	p->path[0] = '\0';
}
