/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Version 2: one hierarchy for all controllers, which are enabled level by level
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

/* The first process that is in the cgroup itself; 0: none, or it cannot be seen. */
static unsigned first_process(int dirfd)
{
	char text[64];
	unsigned pid = 0;

	if (ct_cg_read(dirfd, "cgroup.procs", text, sizeof(text)) > 0)
		for (const char *p = text; *p >= '0' && *p <= '9'; p++)
			pid = pid * 10 + (unsigned)(*p - '0');
	return pid;
}

/* Records why a controller could not be enabled. */
static int refused(int err, int dirfd, const char *path, const char *controller, struct ct_err *e)
{
	struct stat st;

	ct_err_object(e, path);
	if (err == -EBUSY && first_process(dirfd)) {
		ct_err_hint(e, "a group that gives controllers on has no process of its own: move "
			       "it into a group below, or set cgroup.dir");
		return ct_fail(e, err, CT_ERR_CGROUP, "cgroup",
			       "%s cannot be given on: busy, process %u lives in it", controller,
			       first_process(dirfd));
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

/* Whether it has processes of its own, so that no controller may be enabled for those below. The
 * kernel would enable one that is for threads, too ("pids"), but it would make the cgroup threaded
 * and refuse processes in those below. The top of the hierarchy, which has no cgroup.type, may have
 * processes. */
static bool is_busy(int dirfd)
{
	char c[2];

	return ct_cg_read(dirfd, "cgroup.procs", c, sizeof(c)) > 0 &&
	       faccessat(dirfd, "cgroup.type", F_OK, 0) == 0;
}

/* A cgroup whose controllers are being enabled for those below. */
struct enabling {
	int dirfd;
	char on[512];	       /* the list of those that are enabled */
	bool is_checked, busy; /* is_busy() is called once, and only when it is needed */
};

static int enable_one(struct enabling *x, const char *name)
{
	char word[40];

	if (has_word(x->on, name))
		return 0;
	if (!x->is_checked)
		x->busy = is_busy(x->dirfd);
	x->is_checked = true;
	if (x->busy)
		return -EBUSY;
	snprintf(word, sizeof(word), "+%s", name);
	return ct_cg_write(x->dirfd, "cgroup.subtree_control", word);
}

/* In one write for each: when the kernel refuses one of several in a write, it enables none. */
static int enable(int dirfd, const char *path, const struct ct_cg_controllers *controllers,
		  struct ct_err *e)
{
	struct enabling x = { .dirfd = dirfd };

	if (!controllers || !(controllers->n_required + controllers->n_best_effort))
		return 0;
	if (ct_cg_read(dirfd, "cgroup.subtree_control", x.on, sizeof(x.on)) < 0)
		x.on[0] = '\0';
	for (uint32_t i = 0; i < controllers->n_required; i++) {
		int r = enable_one(&x, controllers->required[i]);

		if (r < 0)
			return refused(r, dirfd, path, controllers->required[i], e);
	}
	for (uint32_t i = 0; i < controllers->n_best_effort; i++)
		enable_one(&x, controllers->best_effort[i]);
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

/* Milliseconds to poll: at most a second, so that a missed event does not delay the end. */
static int poll_time(int timeout_ms, int64_t left)
{
	if (timeout_ms < 0)
		return 1000;
	return ct_poll_ms(left, 1000);
}

/* Waits until a flag of cgroup.events has the value. The kernel reports POLLPRI when the file
 * changes. */
static int wait_flag(const struct ct_cg_group *g, const char *flag, uint64_t value, int timeout_ms)
{
	CT_CLEAN_FD int fd = openat(g->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t until = ct_now_ms() + timeout_ms;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return -errno;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		int64_t left = until - ct_now_ms();
		char c;

		/* poll waits for a change after the last read by this descriptor */
		(void)!pread(fd, &c, 1, 0);
		if (ct_cg_keyed(g->fd, "cgroup.events", flag, value) == value)
			return 0;
		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;
		poll(&p, 1, poll_time(timeout_ms, left));
	}
}

static int freeze(const struct ct_cg_group *g, bool on, int timeout_ms)
{
	const char *value = "0";
	int r;

	if (on)
		value = "1";
	r = ct_cg_write(g->fd, "cgroup.freeze", value);
	if (r < 0)
		return r;
	return wait_flag(g, "frozen", on, timeout_ms);
}

static int wait_empty(const struct ct_cg_group *g, int timeout_ms)
{
	return wait_flag(g, "populated", 0, timeout_ms);
}

const struct ct_cg_version ct_cg_version2 = { "cgroup2", 2,	 plan,	    enable,
					      freeze,	 frozen, populated, wait_empty };
