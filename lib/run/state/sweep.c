/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What there is of a container, and the clearing of what a killed supervisor left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <contain/contain.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/state/undo.h"
#include "run/state/dir.h"
#include "shared/ask.h"

#define KILL_MS 10000 /* from SIGKILL to the end of a whole pid namespace */

static int read_boot_id(char *buf, size_t size)
{
	CT_CLEAN_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return 0;
}

int ct_state_init(const struct ct_state_file *st)
{
	CT_CLEAN_FD int fd = -1;
	uint64_t start = 0;
	char state;
	int r;

	if (st->init <= 0 || !st->init_start)
		return -ESRCH;
	r = fd = ct_pidfd_open(st->init);
	/* what lives after its start time was read is what had that start time */
	if (r >= 0)
		r = ct_proc_stat(st->init, &state, &start);
	if (r == -ESRCH || r == -EINVAL || r == -EIO)
		return -ESRCH;
	if (r < 0)
		return r;
	return start != st->init_start || ct_pidfd_ended(fd, 0) ? -ESRCH : ct_take_fd(&fd);
}

/* Removes what may be removed: with the caller's lock only files, with our own the
 * directory, too. */
static int clear(int dirfd, int own, int life, struct ct_err *e)
{
	int r = ct_state_undo(dirfd, e);

	if (r)
		return r;
	r = own ? ct_state_remove_unnamed(dirfd, e) : ct_state_clear(dirfd, e);

	return r ? r : life;
}

/* Version 1 holds a frozen process also when it was killed. */
static void thaw(int dirfd)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;

	if (ct_groups_load(dirfd, &held, NULL) >= 0)
		ct_cgroup_thaw(&held);
	ct_cgroup_forget(&held);
}

/* The supervisor has gone without a word. */
static int after_a_kill(int dirfd, int own, struct ct_state_file *st, int *pidfd, struct ct_err *e)
{
	CT_CLEAN_FD int init = -1;
	char boot_id[40];
	int r;

	r = read_boot_id(boot_id, sizeof(boot_id));
	if (r)
		return ct_fail(e, r, CT_ERR_STATE, "state",
			       "the boot id of this host cannot be read");
	r = strcmp(boot_id, st->boot_id) ? -ESRCH : ct_state_init(st);
	if (r < 0 && r != -ESRCH)
		return ct_fail_sys(e, r, CT_ERR_STATE, "state", "pidfd_open",
				   "whether its init lives cannot be seen");
	if (r >= 0)
		init = r;
	if (init >= 0 && !st->pdeath && st->boots) {
		st->state = CT_STATE_RUNNING;
		*pidfd = ct_take_fd(&init);
		return CT_LIFE_ORPHAN;
	}
	if (init >= 0) {
		thaw(dirfd);
		r = ct_pidfd_send_signal(init, SIGKILL);
		if (r && r != -ESRCH)
			return ct_fail(e, r, CT_ERR_STATE, "state",
				       "process %d, left by a killed supervisor, cannot be killed",
				       (int)st->init);
		if (!r && !ct_pidfd_ended(init, KILL_MS))
			return ct_fail(e, -ETIMEDOUT, CT_ERR_STATE, "state",
				       "process %d, left by a killed supervisor, does not die",
				       (int)st->init);
	}
	st->state = CT_STATE_STOPPED;
	st->verdict.reason = CT_EXIT_LOST;
	return clear(dirfd, own, CT_LIFE_LOST, e);
}

/* Under a lock. */
static int look(int dirfd, int own, struct ct_state_file *st, int *pidfd, struct ct_err *e)
{
	int r = ct_state_alive(dirfd);
	struct ct_err why;

	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
				   "whether a supervisor lives cannot be seen");
	if (r) {
		(void)ct_state_read(dirfd, st, NULL);
		return CT_LIFE_SUPERVISED;
	}
	ct_err_clear(&why);
	r = ct_state_read(dirfd, st, &why);
	if (r == -ENOENT)
		return clear(dirfd, own, CT_LIFE_NONE, e);
	if (r == -EBADMSG || r == -ELOOP) {
		st->state = CT_STATE_STOPPED;
		st->verdict.reason = CT_EXIT_LOST;
		return clear(dirfd, own, CT_LIFE_LOST, e);
	}
	if (r) {
		if (e)
			*e = why;
		return r;
	}
	if (st->state != CT_STATE_STOPPED)
		return after_a_kill(dirfd, own, st, pidfd, e);
	/* what the supervisor could not remove */
	r = ct_state_undo(dirfd, e);
	if (r)
		return r;
	/* with a word on what stays of its directory it waits for whoever asks */
	return st->ephemeral && !st->error[0] ? clear(dirfd, own, CT_LIFE_ENDED, e) : CT_LIFE_ENDED;
}

int ct_state_sweep(int dirfd, int lockfd, struct ct_state_file *st, int *pidfd, struct ct_err *e)
{
	CT_CLEAN_FD int own = -1, init = -1;
	struct ct_state_file file = { 0 };
	struct ct_err why;
	int r;

	if (lockfd < 0) {
		/* the usual case needs no lock */
		r = ct_state_alive(dirfd);
		if (r < 0)
			return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
					   "whether a supervisor lives cannot be seen");
		if (r == 1) {
			(void)ct_state_read(dirfd, &file, NULL);
			r = CT_LIFE_SUPERVISED;
			goto out;
		}
		ct_err_clear(&why);
		r = ct_state_lock(dirfd, 0, &own, &why);
		if (r == -ESTALE || r == -EBUSY) {
			r = r == -EBUSY ? CT_LIFE_BUSY : CT_LIFE_NONE;
			goto out;
		}
		if (r) {
			if (e)
				*e = why;
			return r;
		}
	}
	r = look(dirfd, lockfd < 0, &file, &init, e);
	if (r < 0)
		return r;
out:
	if (st)
		*st = file;
	if (pidfd)
		*pidfd = ct_take_fd(&init);
	return r;
}

struct names {
	char (*v)[CT_NAME_SIZE];
	size_t n, cap;
};

static int add_name(struct names *l, const char *name)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		void *v = realloc(l->v, cap * sizeof(*l->v));

		if (!v)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	memcpy(l->v[l->n++], name, strlen(name) + 1);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* 1 when the container of this directory runs. */
static int runs(int all, const char *name, struct ct_err *e)
{
	CT_CLEAN_FD int fd = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0) {
		ct_err_object(e, name);
		return ct_fail_sys(e, -errno, CT_ERR_STATE, "state", "openat",
				   "whether it runs cannot be seen");
	}
	r = ct_state_sweep(fd, -1, NULL, NULL, e);
	return r < 0 ? r : r == CT_LIFE_SUPERVISED || r == CT_LIFE_ORPHAN;
}

static int collect(int all, struct names *l, struct ct_err *e)
{
	struct dirent *d;
	DIR *dir;
	int r = 0, fd = openat(all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : ct_fail(e, -errno, CT_ERR_STATE, "state",
						 "the state directory cannot be read");
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return ct_oom(e);
	}
	while (r >= 0 && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || strlen(d->d_name) >= sizeof(l->v[0]))
			continue;
		r = runs(all, d->d_name, e);
		if (r == 1 && add_name(l, d->d_name))
			r = ct_oom(e);
	}
	closedir(dir);
	return r < 0 ? r : 0;
}

int ct_state_list(const char *base, const char *dir, struct ct_buf *out, struct ct_err *e)
{
	CT_CLEAN_FD int all = ct_state_open_all(base, dir, 0, e);
	struct names l = { 0 };
	int r;

	if (all == -ENOENT || all == -ESTALE)
		return 0;
	if (all < 0)
		return all;
	r = collect(all, &l, e);
	if (!r) {
		if (l.n)
			qsort(l.v, l.n, sizeof(*l.v), by_name);
		for (size_t i = 0; i < l.n; i++)
			ct_buf_printf(out, "%s\n", l.v[i]);
		r = ct_buf_error(out) ? ct_oom(e) : (int)l.n;
	}
	free(l.v);
	return r;
}
