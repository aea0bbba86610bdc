/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Thresholds: pressure stall triggers of the container's version 2 cgroup
 * (Documentation/accounting/psi.rst).
 *
 * poll(2) resets a trigger, so it must not be in an epoll descriptor that is itself polled: the
 * poll that says "readable" would take the event that ct_next_event() is to report. So inotify
 * makes the descriptor readable, by the kernel's notification for the file, and only
 * ct_next_event() polls the trigger. (Kernels without that notification, moreover, used a trigger
 * in an epoll descriptor after it was freed, if the cgroup was removed first.)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "run/watch/events.h"

#define WINDOW_MIN UINT64_C(500000) /* the kernel's */
#define WINDOW_MAX UINT64_C(10000000)
#define WINDOW_USUAL UINT64_C(1000000)
#define WINDOW_PLAIN UINT64_C(2000000) /* without CAP_SYS_RESOURCE: a multiple of it */
#define KERNEL_MAJOR 6		       /* 6.5 and the stable releases of 6.1 notify the file */
#define KERNEL_MINOR 1

static const char *const names[CT_EV_RESOURCES] = { "cpu.pressure", "memory.pressure",
						    "io.pressure" };

static bool wants_any(const struct ct_ev_want *w)
{
	return w->stall_us[0] || w->stall_us[1] || w->stall_us[2];
}

int ct_ev_read_opts(const ct_event_opts *o, struct ct_ev_want *want, struct ct_err *e)
{
	*want = (struct ct_ev_want){ WINDOW_USUAL, { 0 } };
	if (!o)
		return 0;
	if (o->flags)
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "events", "unknown flag");
	if (o->window_us)
		want->window_us = o->window_us;
	want->stall_us[0] = o->cpu_stall_us;
	want->stall_us[1] = o->memory_stall_us;
	want->stall_us[2] = o->io_stall_us;
	if (want->window_us < WINDOW_MIN || want->window_us > WINDOW_MAX)
		return ct_fail(e, -EINVAL, CT_ERR_RANGE, "events",
			       "a window is %" PRIu64 " to %" PRIu64
			       " microseconds long, not %" PRIu64,
			       WINDOW_MIN, WINDOW_MAX, want->window_us);
	for (int i = 0; i < CT_EV_RESOURCES; i++)
		if (want->stall_us[i] > want->window_us) {
			ct_err_object(e, names[i]);
			return ct_fail(e, -EINVAL, CT_ERR_RANGE, "events",
				       "a stall of %" PRIu64
				       " microseconds is more than the window of %" PRIu64,
				       want->stall_us[i], want->window_us);
		}
	return 0;
}

static int no_pressure(const char *file, const char *why, const char *hint, struct ct_err *e)
{
	ct_err_object(e, file);
	ct_err_hint(e, "%s", hint);
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_CGROUP, "events", "%s", why);
}

static int no_file(const char *file, struct ct_err *e)
{
	return no_pressure(file, "this kernel does not tell the pressure of a group",
			   "it needs CONFIG_PSI, psi=1 on its command line, and 1 in "
			   "cgroup.pressure of the groups above",
			   e);
}

/* Explains why the kernel refuses a trigger. */
static int refused(int err, const char *file, const char *call, const struct ct_ev_want *w,
		   struct ct_err *e)
{
	if (err == -ENOENT || err == -EOPNOTSUPP || err == -ENODEV)
		return no_file(file, e);
	ct_err_object(e, file);
	if ((err == -EINVAL && w->window_us % WINDOW_PLAIN) || err == -EPERM) {
		ct_err_hint(e, "without CAP_SYS_RESOURCE the kernel takes windows of 2, 4, 6, 8 or "
			       "10 seconds alone, and none before Linux 6.5");
		return ct_fail_sys(e, err, CT_ERR_PRIVILEGE, "events", call,
				   "the threshold is not for this caller to set");
	}
	return ct_fail_sys(e, err, CT_ERR_CGROUP, "events", call, "the threshold cannot be set");
}

/* A descriptor, or a negative errno. */
static int open_trigger(int dir, int i, const struct ct_ev_want *w, struct ct_err *e)
{
	CT_CLEAN_FD int fd = openat(dir, names[i], O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[64];
	int n = snprintf(text, sizeof(text), "some %" PRIu64 " %" PRIu64, w->stall_us[i],
			 w->window_us);

	if (fd < 0)
		return refused(-errno, names[i], "openat", w, e);
	/* with the NUL: some kernels overwrite the last byte by one */
	if (write(fd, text, (size_t)n + 1) < 0)
		return refused(-errno, names[i], "write", w, e);
	return ct_take_fd(&fd);
}

static const struct ct_cg_group *version2(const struct ct_cgroups_held *held)
{
	for (uint32_t i = 0; i < held->n; i++)
		if (held->v[i].version == 2)
			return &held->v[i];
	return NULL;
}

static int open_all(struct ct_events *ev, const struct ct_cg_group *g, const struct ct_ev_want *w,
		    int fd[CT_EV_RESOURCES], struct ct_err *e)
{
	for (int i = 0; i < CT_EV_RESOURCES; i++) {
		int r;

		if (!w->stall_us[i])
			continue;
		r = fd[i] = open_trigger(g->fd, i, w, e);
		if (r < 0)
			return r;
		/* after the write, which would be a change, too */
		r = ct_ev_watch(ev, &ev->run.wd_pressure[i], g->fd, names[i], IN_MODIFY);
		if (r < 0) {
			ct_err_hint(e, "fs.inotify.max_user_instances and max_user_watches are the "
				       "limits of a user, RLIMIT_NOFILE is the process'");
			return ct_fail_sys(e, r, CT_ERR_DESCRIPTOR, "events", "inotify_add_watch",
					   "nothing would tell of the pressure");
		}
	}
	return 0;
}

int ct_ev_set_triggers(struct ct_events *ev, const struct ct_ev_want *w, struct ct_err *e)
{
	const struct ct_cg_group *g = version2(&ev->run.groups);
	int fd[CT_EV_RESOURCES] = { -1, -1, -1 }, r = 0;

	if (wants_any(w) && !g)
		r = no_pressure(NULL,
				"the container has no group of cgroup version 2, which alone "
				"tells of pressure",
				"mount cgroup2, and give the container a limit.* key or start it "
				"detached",
				e);
	else if (wants_any(w))
		r = open_all(ev, g, w, fd, e);
	for (int i = 0; i < CT_EV_RESOURCES; i++) {
		if (r < 0) {
			ct_close(&fd[i]);
			continue;
		}
		ct_close(&ev->run.trigger[i]);
		ev->run.trigger[i] = fd[i];
	}
	for (int i = 0; i < CT_EV_RESOURCES; i++)
		if (ev->run.trigger[i] < 0)
			ct_ev_unwatch(ev, &ev->run.wd_pressure[i]);
	return r;
}

/* Older kernels have triggers, but no notification for the file: nothing would wake the caller. */
static int check_kernel(struct ct_err *e)
{
	struct ct_host h;
	int r = ct_host_probe(&h, e);

	if (r < 0)
		return r;
	if (ct_host_at_least(&h, KERNEL_MAJOR, KERNEL_MINOR))
		return 0;
	ct_err_object(e, h.kernel_release);
	ct_err_hint(e, "read the averages of ct_stats() from time to time instead");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_KERNEL, "events",
		       "this kernel gives no notice of a group's pressure: that needs Linux %d.%d",
		       KERNEL_MAJOR, KERNEL_MINOR);
}

int ct_ev_check_pressure(struct ct_container *c, const struct ct_ev_want *w, struct ct_err *e)
{
	const struct ct_cg_tree *t = NULL;
	struct ct_cgroups hierarchies;
	char path[4096];
	int r;

	if (!wants_any(w))
		return 0;
	r = check_kernel(e);
	if (r >= 0)
		r = ct_look_at_cgroups(c, &hierarchies, e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < hierarchies.n && !t; i++)
		if (hierarchies.v[i].version == 2)
			t = &hierarchies.v[i];
	if (!t)
		return no_pressure(NULL,
				   "no cgroup version 2 is mounted here, which alone tells "
				   "of pressure",
				   "mount cgroup2 on /sys/fs/cgroup", e);
	for (int i = 0; i < CT_EV_RESOURCES; i++) {
		snprintf(path, sizeof(path), "%s/%s", t->mount, names[i]);
		if (w->stall_us[i] && access(path, F_OK) < 0)
			return no_file(names[i], e);
	}
	return 0;
}

bool ct_ev_pressed(struct ct_events *ev, int i)
{
	struct pollfd p = { .fd = ev->run.trigger[i], .events = POLLPRI };

	if (p.fd < 0 || poll(&p, 1, 0) <= 0)
		return false;
	if (!(p.revents & (POLLERR | POLLNVAL)))
		return (p.revents & POLLPRI) != 0;
	/* the cgroup was removed */
	ct_close(&ev->run.trigger[i]);
	ct_ev_unwatch(ev, &ev->run.wd_pressure[i]);
	return false;
}
