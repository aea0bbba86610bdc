/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds out what there is of a container, and clears what a killed supervisor left. */
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
	/* the start time is that of the pidfd's process if this lives after it was read */
	if (r >= 0)
		r = ct_proc_stat(st->init, &state, &start);
	if (r == -ESRCH || r == -EINVAL || r == -EIO)
		return -ESRCH;
	if (r < 0)
		return r;
	if (start != st->init_start || ct_pidfd_ended(fd, 0))
		return -ESRCH;
	return ct_take_fd(&fd);
}

/* Takes back what the journal has and removes the files; under our own lock the directory, too,
 * which under the caller's is still used. Returns `life`. */
static int clear(int dirfd, int own, int life, struct ct_err *e)
{
	int r = ct_state_undo(dirfd, e);

	if (r)
		return r;
	if (own)
		r = ct_state_remove_unnamed(dirfd, e);
	else
		r = ct_state_clear(dirfd, e);
	if (r)
		return r;
	return life;
}

/* With version 1 a frozen process does not even end by SIGKILL. */
static void thaw(int dirfd)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;

	if (ct_groups_load(dirfd, &held, NULL) >= 0)
		ct_cgroup_thaw(&held);
	ct_cgroup_forget(&held);
}

static int kill_left_init(int dirfd, int init, pid_t pid, struct ct_err *e)
{
	int r;

	thaw(dirfd);
	r = ct_pidfd_send_signal(init, SIGKILL);
	if (r && r != -ESRCH)
		return ct_fail(e, r, CT_ERR_STATE, "state",
			       "process %d, left by a killed supervisor, cannot be killed",
			       (int)pid);
	if (!r && !ct_pidfd_ended(init, KILL_MS))
		return ct_fail(e, -ETIMEDOUT, CT_ERR_STATE, "state",
			       "process %d, left by a killed supervisor, does not die", (int)pid);
	return 0;
}

/* The supervisor was killed: it has not written down an end. */
static int after_a_kill(int dirfd, int own, struct ct_state_file *st, int *pidfd, struct ct_err *e)
{
	CT_CLEAN_FD int init = -ESRCH;
	char boot_id[40];
	int r;

	r = read_boot_id(boot_id, sizeof(boot_id));
	if (r)
		return ct_fail(e, r, CT_ERR_STATE, "state",
			       "the boot id of this host cannot be read");
	if (!strcmp(boot_id, st->boot_id))
		init = ct_state_init(st);
	if (init < 0 && init != -ESRCH)
		return ct_fail_sys(e, init, CT_ERR_STATE, "state", "pidfd_open",
				   "whether its init lives cannot be seen");
	if (init >= 0 && !st->pdeath && st->boots) {
		st->state = CT_STATE_RUNNING;
		*pidfd = ct_take_fd(&init);
		return CT_LIFE_ORPHAN;
	}
	if (init >= 0) {
		r = kill_left_init(dirfd, init, st->init, e);
		if (r < 0)
			return r;
	}
	st->state = CT_STATE_STOPPED;
	st->verdict.reason = CT_EXIT_LOST;
	return clear(dirfd, own, CT_LIFE_LOST, e);
}

/* ct_state_sweep() under a lock; `own`: it is not the caller's. */
static int sweep_locked(int dirfd, int own, struct ct_state_file *st, int *pidfd, struct ct_err *e)
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
	/* with an error an ephemeral container's directory could not be removed: the file stays, so
	 * that the error can be read */
	if (st->ephemeral && !st->error[0])
		return clear(dirfd, own, CT_LIFE_ENDED, e);
	return CT_LIFE_ENDED;
}

/* ct_state_sweep() without the caller's lock. When a supervisor lives, the usual case, none is
 * needed. */
static int sweep_unlocked(int dirfd, struct ct_state_file *st, int *pidfd, struct ct_err *e)
{
	CT_CLEAN_FD int lock = -1;
	struct ct_err why;
	int r = ct_state_alive(dirfd);

	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
				   "whether a supervisor lives cannot be seen");
	if (r == 1) {
		(void)ct_state_read(dirfd, st, NULL);
		return CT_LIFE_SUPERVISED;
	}
	ct_err_clear(&why);
	r = ct_state_lock(dirfd, 0, &lock, &why);
	if (r == -EBUSY)
		return CT_LIFE_BUSY;
	if (r == -ESTALE)
		return CT_LIFE_NONE;
	if (r) {
		if (e)
			*e = why;
		return r;
	}
	return sweep_locked(dirfd, 1, st, pidfd, e);
}

int ct_state_sweep(int dirfd, int lockfd, struct ct_state_file *st, int *pidfd, struct ct_err *e)
{
	CT_CLEAN_FD int init = -1;
	struct ct_state_file file = { 0 };
	int r;

	if (lockfd >= 0)
		r = sweep_locked(dirfd, 0, &file, &init, e);
	else
		r = sweep_unlocked(dirfd, &file, &init, e);
	if (r < 0)
		return r;
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
		size_t cap = l->cap * 2 + 64;
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

/* 1 when the container of this directory is running. */
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
	if (r < 0)
		return r;
	return r == CT_LIFE_SUPERVISED || r == CT_LIFE_ORPHAN;
}

static int collect(int all, struct names *l, struct ct_err *e)
{
	struct dirent *d;
	DIR *dir;
	int r = 0, fd = openat(all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return ct_fail(e, -errno, CT_ERR_STATE, "state",
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
	if (r < 0)
		return r;
	return 0;
}

/* Appends the names, sorted, one a line. Returns their number. */
static int print_names(struct names *l, struct ct_buf *out, struct ct_err *e)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
	for (size_t i = 0; i < l->n; i++)
		ct_buf_printf(out, "%s\n", l->v[i]);
	if (ct_buf_error(out))
		return ct_oom(e);
	return (int)l->n;
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
	if (!r)
		r = print_names(&l, out, e);
	free(l.v);
	return r;
}
