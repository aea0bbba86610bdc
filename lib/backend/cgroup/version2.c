/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version 2: one tree for all controllers, given on level by level
 * (Documentation/admin-guide/cgroup-v2.rst). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "base/fd.h"
#include "base/sys.h"

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

/* The first process that lives in a group itself; 0: none, or it cannot be seen. */
static unsigned lives_in(int dirfd)
{
	char text[64];
	unsigned pid = 0;

	if (ct_cg_read(dirfd, "cgroup.procs", text, sizeof(text)) > 0)
		for (const char *p = text; *p >= '0' && *p <= '9'; p++)
			pid = pid * 10 + (unsigned)(*p - '0');
	return pid;
}

/* Why a controller was refused, and what to do. */
static int refused(int err, int dirfd, const char *path, const char *controller, struct ct_err *e)
{
	struct stat st;

	ct_err_object(e, path);
	if (err == -EBUSY && lives_in(dirfd)) {
		ct_err_hint(e, "a group that gives controllers on has no process of its own: move "
			       "it into a group below, or set cgroup.dir");
		return ct_fail(e, err, CT_ERR_CGROUP, "cgroup",
			       "%s cannot be given on: busy, process %u lives in it", controller,
			       lives_in(dirfd));
	}
	if (err == -ENOENT) {
		ct_err_hint(e, "whoever manages the group above must delegate it: systemd does "
			       "with Delegate=yes");
		return ct_fail(e, err, CT_ERR_LIMIT, "cgroup",
			       "the %s controller was not given to this group", controller);
	}
	if ((err == -EACCES || err == -EPERM) && fstat(dirfd, &st) == 0) {
		ct_err_hint(e, "start it as root, or have the group delegated: systemd-run --user "
			       "--scope -p Delegate=yes");
		return ct_fail(e, err, CT_ERR_CGROUP, "cgroup",
			       "%s cannot be given on: the group is not delegated to you, it "
			       "belongs to user %u",
			       controller, st.st_uid);
	}
	if (err == -EROFS)
		ct_err_hint(e, "the cgroup file system is mounted read-only here: have it mounted "
			       "writable, or start without limits");
	return ct_fail_sys(e, err, CT_ERR_CGROUP, "cgroup", "write",
			   "%s cannot be given on (cgroup.subtree_control)", controller);
}

/* Whether processes live in it that could be in the way. The kernel would take controllers that can
 * be had for threads ("pids"), turn the group into a threaded one, and let no process into those
 * below it. The top of all, which has no type, may have both. */
static bool is_busy(int dirfd)
{
	char c[2];

	return ct_cg_read(dirfd, "cgroup.procs", c, sizeof(c)) > 0 &&
	       faccessat(dirfd, "cgroup.type", F_OK, 0) == 0;
}

/* One after another: of several in one write, none is given on when one is refused. */
static int enable(int dirfd, const char *path, const struct ct_cg_give *give, struct ct_err *e)
{
	uint32_t n = give ? give->n_must + give->n_may : 0;
	char on[512], word[40];
	int busy = -1;

	if (!n)
		return 0;
	if (ct_cg_read(dirfd, "cgroup.subtree_control", on, sizeof(on)) < 0)
		on[0] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		bool must = i < give->n_must;
		const char *name = must ? give->must[i] : give->may[i - give->n_must];
		int r;

		if (has_word(on, name))
			continue;
		busy = busy < 0 ? is_busy(dirfd) : busy;
		snprintf(word, sizeof(word), "+%s", name);
		r = busy ? -EBUSY : ct_cg_write(dirfd, "cgroup.subtree_control", word);
		if (r < 0 && must)
			return refused(r, dirfd, path, name, e);
	}
	return 0;
}

static int plan(const struct ct_spec *s, uint32_t bits, struct ct_arena *a, struct ct_cg_dir *dir,
		struct ct_err *e)
{
	return ct_limit_writes(s, 2, bits, a, &dir->writes, e);
}

static int frozen(const struct ct_cg_group *g)
{
	return ct_cg_keyed(g->fd, "cgroup.events", "frozen", 0) == 1;
}

static int populated(const struct ct_cg_group *g)
{
	return ct_cg_keyed(g->fd, "cgroup.events", "populated", 0) == 1;
}

/* Waits until the flag of cgroup.events has that value; the file says POLLPRI when it changes. */
static int wait_flag(const struct ct_cg_group *g, const char *flag, uint64_t value, int timeout_ms)
{
	CT_CLEAN_FD int fd = openat(g->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t until = ct_now_ms() + timeout_ms;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		int64_t left = timeout_ms < 0 ? -1 : until - ct_now_ms();
		char c;

		/* what was read before is what poll waits for a change of */
		(void)!pread(fd, &c, 1, 0);
		if (ct_cg_keyed(g->fd, "cgroup.events", flag, value) == value)
			return 0;
		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;
		/* not longer than a second: the wait must not hang on a notice that was missed */
		poll(&p, 1, left < 0 || left > 1000 ? 1000 : (int)left);
	}
}

static int freeze(const struct ct_cg_group *g, bool on, int timeout_ms)
{
	int r = ct_cg_write(g->fd, "cgroup.freeze", on ? "1" : "0");

	return r < 0 ? r : wait_flag(g, "frozen", on, timeout_ms);
}

static int wait_empty(const struct ct_cg_group *g, int timeout_ms)
{
	return wait_flag(g, "populated", 0, timeout_ms);
}

const struct ct_cg_version ct_cg_version2 = { "cgroup2", 2,	 plan,	    enable,
					      freeze,	 frozen, populated, wait_empty };
