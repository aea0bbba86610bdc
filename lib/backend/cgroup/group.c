/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directories of a container: made, written to, killed and removed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/usage.h"
#include "base/fd.h"
#include "base/sys.h"
#include "shared/prune.h"
#include "shared/walk.h"

#define CLAIM_TRIES 100 /* when a process that removes cgroups is about to remove the new one */
#define NAME_TRIES 1000 /* -1 .. behind a name that is taken */
#define END_MS 10000	/* for killed processes to end */
#define REMOVE_MS 5000	/* for a cgroup without processes to become removable */

/* ---- making ---------------------------------------------------------------------------------- */

static int cannot_make(int err, const char *path, struct ct_err *e)
{
	ct_err_object(e, path);
	if (err == -EACCES || err == -EPERM)
		ct_err_hint(e, "start it as root, or have a group delegated to this user; "
			       "doc/CGROUPS.md tells how");
	if (err == -EROFS)
		ct_err_hint(e, "the cgroup file system is mounted read-only here");
	if (err == -EAGAIN)
		ct_err_hint(e, "cgroup.max.descendants or cgroup.max.depth of a group above is "
			       "reached");
	if (err == -EEXIST) {
		ct_err_hint(e, "remove it, or name another with cgroup.dir.container");
		return ct_fail(e, err, CT_ERR_CGROUP, "cgroup",
			       "a group of this name is there already");
	}
	return ct_fail_sys(e, err, CT_ERR_CGROUP, "cgroup", "mkdirat", "the group cannot be made");
}

/* Where a directory is being made. */
struct making {
	char path[4096];
	size_t len;
	int fd; /* of path */
	int claim;
	bool old; /* all of path existed before */
	size_t keep;
};

/* An error of a call on a directory that may have been removed meanwhile: -EAGAIN. */
static int removed_or_errno(void)
{
	if (errno == ENOENT)
		return -EAGAIN;
	return -errno;
}

/* Takes the lock on the directory that was just made. A process that removes what a killed start
 * has recorded under this name takes the lock first, and leaves a locked directory alone. -EAGAIN:
 * such a process has the lock already, and is about to remove the directory. */
static int claim(struct making *m, const char *name)
{
	CT_CLEAN_FD int fd = openat(m->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat ours, now;

	if (fd < 0)
		return removed_or_errno();
	/* EWOULDBLOCK, which is EAGAIN: another process has the lock */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	if (fstat(fd, &ours) < 0)
		return -errno;
	if (fstatat(m->fd, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return removed_or_errno();
	if (now.st_ino != ours.st_ino)
		return -EAGAIN;
	m->claim = ct_take_fd(&fd);
	return 0;
}

static int make_and_claim(struct making *m, const char *name)
{
	if (mkdirat(m->fd, name, 0755) < 0)
		return -errno;
	return claim(m, name);
}

/* Makes a directory after its path has been recorded in the journal, so that it is removed when
 * this process is killed in between. */
static int make_recorded(struct making *m, const struct ct_cg_making *what, const char *name)
{
	char path[sizeof(m->path) + 300];
	int r;

	if (faccessat(m->fd, name, F_OK, 0) == 0)
		return -EEXIST;
	snprintf(path, sizeof(path), "%s/%s", m->path, name);
	r = ct_undo_before(what->undo, CT_CG_NAME, path, NULL);
	if (r < 0)
		return r;
	for (int i = 0; i < CLAIM_TRIES; i++) {
		r = make_and_claim(m, name);
		if (r != -EAGAIN)
			return r;
		poll(NULL, 0, 1);
	}
	return -EBUSY;
}

/* Makes one directory. Without a journal in a file its name has the owner's mark, and no record is
 * needed. */
static int make_named(struct making *m, const struct ct_cg_making *what, const char *name)
{
	if (ct_undo_is_kept(what->undo))
		return make_recorded(m, what, name);
	return ct_or_errno(mkdirat(m->fd, name, 0755));
}

/* Makes the last component, with a number behind it while the name is taken. The name that was made
 * goes to name[256]. */
static int make_last(struct making *m, const struct ct_cg_making *what, const char *last,
		     char *name)
{
	int r;

	if ((size_t)snprintf(name, 256, "%s", last) >= 256)
		return -ENAMETOOLONG;
	r = make_named(m, what, name);
	for (int i = 1; r == -EEXIST && what->numbered && i < NAME_TRIES; i++) {
		if ((size_t)snprintf(name, 256, "%s-%d", last, i) >= 256)
			return -ENAMETOOLONG;
		r = make_named(m, what, name);
	}
	return r;
}

/* Opens the directory `name` in m->fd, and goes on there. Never another mount that covers it. */
static int step_into(struct making *m, const char *name)
{
	int n = snprintf(m->path + m->len, sizeof(m->path) - m->len, "/%s", name);
	int fd = ct_openat2(m->fd, name, O_PATH | O_DIRECTORY, 0,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	if (n < 0 || (size_t)n >= sizeof(m->path) - m->len) {
		ct_close(&fd);
		return -ENAMETOOLONG;
	}
	if (fd < 0)
		return fd;
	m->len += (size_t)n;
	ct_close(&m->fd);
	m->fd = fd;
	return 0;
}

/* Makes a component before the last one, if it does not exist. One that is made is removed with the
 * last one. */
static int make_above(struct making *m, const struct ct_cg_making *what, const char *name)
{
	bool made = mkdirat(m->fd, name, 0755) == 0;
	int r = 0;

	if (!made && errno != EEXIST)
		r = -errno;
	if (r == 0)
		r = step_into(m, name);
	m->old = m->old && !made;
	if (m->old)
		m->keep = m->len;
	if (r == 0 && made)
		r = ct_cg_mark(m->fd, what->mark, true);
	return r;
}

static int fill_group(const struct making *m, int version, struct ct_cg_group *g, struct ct_err *e)
{
	struct stat st;

	if (fstat(m->fd, &st) < 0) {
		ct_err_object(e, m->path);
		return ct_fail_sys(e, -errno, CT_ERR_CGROUP, "cgroup", "fstat",
				   "the group that was made cannot be looked at");
	}
	*g = (struct ct_cg_group){ .version = (uint8_t)version,
				   .path = strdup(m->path),
				   .keep = (uint32_t)m->keep,
				   .id = st.st_ino,
				   .fd = m->fd,
				   .inner_fd = -1,
				   .claim = m->claim };
	if (!g->path)
		return ct_oom(e);
	return 0;
}

/* Opens the directory to make it in, if that is still a cgroup of the version: another mount may
 * cover it by now. */
static int open_under(const struct ct_cg_making *what)
{
	CT_CLEAN_FD int fd = open(what->under, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if (what->version == 1 && fs.f_type != CGROUP_SUPER_MAGIC)
		return -ENODEV;
	if (what->version == 2 && fs.f_type != CGROUP2_SUPER_MAGIC)
		return -ENODEV;
	return ct_take_fd(&fd);
}

static int make_last_and_mark(struct making *m, const struct ct_cg_making *what, const char *last,
			      char *name)
{
	int r = make_last(m, what, last, name);

	if (r == 0)
		r = step_into(m, name);
	if (r == 0)
		r = ct_cg_mark(m->fd, what->mark, false);
	return r;
}

/* Makes all components of the path. */
static int make_path(struct making *m, const struct ct_cg_making *what, struct ct_err *e)
{
	const struct ct_cg_version *version = ct_cg_version_of(what->version);
	const char *path = what->path;
	char name[256];

	for (;;) {
		size_t len = strcspn(path, "/");
		int r = version->enable(m->fd, m->path, &what->controllers, e);

		if (r < 0)
			return r;
		if ((size_t)snprintf(name, sizeof(name), "%.*s", (int)len, path) >= sizeof(name))
			r = -ENAMETOOLONG;
		else if (path[len])
			r = make_above(m, what, name);
		else
			r = make_last_and_mark(m, what, path, name);
		if (r < 0) {
			char whole[sizeof(m->path) + 300];

			snprintf(whole, sizeof(whole), "%s/%s", m->path, name);
			return cannot_make(r, whole, e);
		}
		if (!path[len])
			return 0;
		path += len + 1;
	}
}

static int make_group(const struct ct_cg_making *what, struct ct_cg_group *g, struct ct_err *e)
{
	struct making m = { .old = true, .claim = -1 };
	int r;

	m.len = m.keep = (size_t)snprintf(m.path, sizeof(m.path), "%s", what->under);
	m.fd = -ENAMETOOLONG;
	if (m.len < sizeof(m.path))
		m.fd = open_under(what);
	if (m.fd < 0) {
		ct_err_object(e, what->under);
		return ct_fail_sys(e, m.fd, CT_ERR_CGROUP, "cgroup", "open",
				   "the group to make it in cannot be opened");
	}
	r = make_path(&m, what, e);
	if (r == 0)
		r = fill_group(&m, what->version, g, e);
	if (r < 0) {
		ct_prune_above(m.path, m.keep);
		ct_close(&m.fd);
		ct_close(&m.claim);
	}
	return r;
}

int ct_cg_make(const struct ct_cg_making *what, struct ct_cg_group *g, struct ct_err *e)
{
	int r = make_group(what, g, e);

	if (r < 0)
		ct_err_backend(e, ct_cg_version_of(what->version)->name);
	return r;
}

int ct_cg_make_inner(struct ct_cg_group *g, const char *name,
		     const struct ct_cg_controllers *controllers, struct ct_err *e)
{
	int r = ct_cg_version_of(g->version)->enable(g->fd, g->path, controllers, e);

	if (r < 0)
		return r;
	if (mkdirat(g->fd, name, 0755) < 0)
		return cannot_make(-errno, name, e);
	g->inner = strdup(name);
	g->inner_fd = openat(g->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!g->inner)
		return ct_oom(e);
	if (g->inner_fd < 0)
		return cannot_make(-errno, name, e);
	/* fills version 1's cpuset, without which no process can enter; enables nothing more */
	return ct_cg_version_of(g->version)->enable(g->inner_fd, name, NULL, e);
}

/* If several rows match, the last one counts. */
static const struct {
	int err;
	const char *hint;
	const char *file; /* the beginning of the file's name; NULL: any */
} set_hints[] = {
	{ -ENOENT, "this kernel does not have the file: it is older, or was built without it",
	  NULL },
	{ -EACCES, "the group was not delegated to this user with this file", NULL },
	{ -EPERM, "the group was not delegated to this user with this file", NULL },
	{ -EBUSY, "more is in use already than the value allows", NULL },
	{ -EINVAL,
	  "the kernel does not take this value; Documentation/admin-guide/cgroup-v2.rst "
	  "(cgroup-v1/) tells which it takes",
	  NULL },
	{ -ERANGE, "the value is out of the kernel's range", NULL },
	{ -ENODEV, "there is no such device", NULL },
	{ -EOPNOTSUPP, "the group, or one above it, does not allow it", NULL },
	{ -EACCES, "a group can only have what the group above it has", "cpuset." },
	{ -EINVAL,
	  "there must be these on this host, and in the group above, and processes in the "
	  "group must keep some",
	  "cpuset." },
	{ -ENOSPC, "processes in the group must keep some", "cpuset." },
	{ -EINVAL,
	  "with version 1 a group can have no larger share of processor time than the "
	  "group above it",
	  "cpu.cfs_quota_us" },
};

static bool begins_with(const char *file, const char *prefix)
{
	return !prefix || !strncmp(file, prefix, strlen(prefix));
}

int ct_cg_set_failed(const struct ct_cg_group *g, const char *file, const char *value, int err,
		     struct ct_err *e)
{
	const char *call = "write";
	char what[128];

	for (unsigned i = 0; i < sizeof(set_hints) / sizeof(*set_hints); i++)
		if (set_hints[i].err == err && begins_with(file, set_hints[i].file))
			ct_err_hint(e, "%s", set_hints[i].hint);
	snprintf(what, sizeof(what), "%s = %s", file, value);
	ct_err_object(e, what);
	ct_err_backend(e, ct_cg_version_of(g->version)->name);
	if (err == -ENOENT)
		call = "openat";
	return ct_fail_sys(e, err, CT_ERR_LIMIT, "cgroup", call, "the %s group does not take it",
			   g->tree ? g->tree : "");
}

int ct_cg_set(const struct ct_cg_group *g, const char *file, const char *value, struct ct_err *e)
{
	int r = ct_cg_write_all(g, file, value);

	if (r < 0)
		return ct_cg_set_failed(g, file, value, r, e);
	return 0;
}

/* ---- signals --------------------------------------------------------------------------------- */

struct signal {
	int sig;
	pid_t skip;
};

static int signal_one(int dirfd, void *arg)
{
	const struct signal *s = arg;
	int r = ct_cg_signal_one(dirfd, s->sig, s->skip);

	if (r < 0)
		return r;
	return 0;
}

int ct_cg_signal(const struct ct_cgroups_held *h, int sig, pid_t skip, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_whole(h);
	struct signal s = { sig, skip };
	int r = -ESRCH;

	if (g)
		r = ct_walk(g->fd, signal_one, &s);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "pidfd_send_signal",
				   "signal %d cannot be sent to all", sig);
	return 0;
}

/* Version 1: freezes the processes so that none forks, kills them, thaws them; until none is
 * left. */
static int kill_by_signals(const struct ct_cg_group *g, int timeout_ms)
{
	const struct ct_cg_version *version = ct_cg_version_of(g->version);
	int64_t until = ct_now_ms() + timeout_ms;
	struct signal s = { SIGKILL, 0 };
	int r = 0;

	do {
		/* a process that cannot be frozen is killed anyway; what it has forked is killed in
		 * the next round */
		if (g->controllers & CT_CG_FREEZER)
			version->freeze(g, true, 200);
		r = ct_walk(g->fd, signal_one, &s);
		if (g->controllers & CT_CG_FREEZER)
			version->freeze(g, false, 0);
		if (version->wait_empty(g, 100) == 0)
			return 0;
	} while (r == 0 && ct_now_ms() < until);
	if (r < 0)
		return r;
	return -ETIMEDOUT;
}

void ct_cgroup_thaw(const struct ct_cgroups_held *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->v[i].fd >= 0 && (h->v[i].controllers & CT_CG_FREEZER))
			ct_cg_version_of(h->v[i].version)->freeze(&h->v[i], false, 0);
}

/* Version 2, by cgroup.kill. Before it ends one of the processes may freeze others by version 1, so
 * those are thawed and killed again. */
static int kill_at_once(const struct ct_cgroups_held *h, const struct ct_cg_group *g,
			int timeout_ms)
{
	int64_t until = ct_now_ms() + timeout_ms;
	int r = ct_cg_write(g->fd, "cgroup.kill", "1");

	while (r == 0) {
		r = ct_cg_version_of(2)->wait_empty(g, 100);
		if (r != -ETIMEDOUT || ct_now_ms() >= until)
			break;
		ct_cgroup_thaw(h);
		r = ct_cg_write(g->fd, "cgroup.kill", "1");
	}
	return r;
}

int ct_cgroup_kill(const struct ct_cgroups_held *h, int timeout_ms, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_whole(h);
	int r = -ESRCH;

	/* a process that version 1's freezer holds does not receive a signal */
	ct_cgroup_thaw(h);
	if (g && g->version == 2)
		r = kill_at_once(h, g, timeout_ms);
	if (g && r < 0 && r != -ETIMEDOUT)
		r = kill_by_signals(g, timeout_ms);
	if (r == -ETIMEDOUT)
		ct_err_hint(e, "a process that waits for a device or a network file system cannot "
			       "die: look for state D in ps(1)");
	if (r < 0)
		return ct_fail(e, r, CT_ERR_CGROUP, "cgroup",
			       "the processes of the container do not end");
	return 0;
}

/* ---- removing -------------------------------------------------------------------------------- */

/* Called for a cgroup that has processes although all have been killed: only in version 1, and only
 * without a pid namespace, can a walk miss some. */
static void end_in(int dir)
{
	ct_cg_signal_one(dir, SIGKILL, 0);
}

/* A cgroup stays busy for a moment after its last process has ended. */
static int remove_group(const struct ct_cg_group *g)
{
	int64_t until = ct_now_ms() + REMOVE_MS;
	char inner[4096];
	int r, pause = 1;

	if (g->by_path && g->inner &&
	    (size_t)snprintf(inner, sizeof(inner), "%s/%s", g->path, g->inner) < sizeof(inner))
		rmdir(inner);
	for (;;) {
		r = ct_prune_path(g->fd, g->id, g->path, g->keep, end_in);
		if (r == 0 || r == -EACCES || r == -EPERM || r == -EROFS || ct_now_ms() >= until)
			return r;
		pause = ct_back_off(pause);
	}
}

int ct_cg_undo(struct ct_cgroups_held *h, struct ct_err *e)
{
	const struct ct_cg_group *g = ct_cg_whole(h);
	int first = 0;

	if (g && ct_cg_version_of(g->version)->populated(g))
		first = ct_cgroup_kill(h, END_MS, e);
	for (uint32_t i = h->n; i > 0; i--) {
		const struct ct_cg_group *one = &h->v[i - 1];
		int r = 0;

		if (one->fd >= 0 || one->by_path)
			r = remove_group(one);
		if (r < 0 && !first) {
			ct_err_object(e, one->path);
			first = ct_fail_sys(e, r, CT_ERR_CGROUP, "cgroup", "rmdir",
					    "the group cannot be removed");
		}
	}
	ct_cgroup_forget(h);
	return first;
}
