/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The notifications that make the descriptor readable. Cgroup files that can be polled are in the
 * epoll descriptor themselves: they need no inotify instance, of which a user has 128. Inotify is
 * for what cannot be polled: the state directory, writes to version 1's freezer.state, and
 * pressure.
 *
 * Without a notification, and found only by the next call: version 1's pids.events since Linux 6.11
 * (the kernel notifies a file that version 1 does not have); cgroups that a payload has made below
 * its own, where the kernel counts in them alone; and that a version 1 container is empty, but for
 * its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "run/watch/events.h"

#define AGAIN_MS 4 /* doubled each time */
#define AGAIN_TRIES 8

/* In a forked child epoll and inotify descriptors are the parent's, too. */
static bool is_ours(const struct ct_events *ev)
{
	return ev->owner == getpid();
}

int ct_ev_add(struct ct_events *ev, int fd, uint32_t events)
{
	struct epoll_event x = { .events = events };

	return ct_or_errno(epoll_ctl(ev->epoll, EPOLL_CTL_ADD, fd, &x));
}

void ct_ev_drop(struct ct_events *ev, int *fd)
{
	/* epoll keeps a closed descriptor of which there is a copy, such as the process handle's of
	 * a pidfd */
	if (*fd >= 0 && is_ours(ev))
		epoll_ctl(ev->epoll, EPOLL_CTL_DEL, *fd, NULL);
	ct_close(fd);
}

/* ---- inotify --------------------------------------------------------------------------------- */

static int need_inotify(struct ct_events *ev)
{
	int r;

	if (ev->inotify >= 0)
		return 0;
	ev->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (ev->inotify < 0)
		return -errno;
	r = ct_ev_add(ev, ev->inotify, EPOLLIN);
	if (r < 0)
		ct_close(&ev->inotify);
	return r;
}

void ct_ev_unwatch(struct ct_events *ev, int *wd)
{
	/* fails if the watch has ended with what it watched; else its removal is a notification */
	if (*wd >= 0 && is_ours(ev) && inotify_rm_watch(ev->inotify, *wd) == 0)
		ev->unwatched = true;
	*wd = -1;
}

int ct_ev_watch(struct ct_events *ev, int *wd, int dirfd, const char *file, uint32_t mask)
{
	char path[96];
	int r = need_inotify(ev), now;

	if (r < 0)
		return r;
	if (file)
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, file);
	else
		snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	now = inotify_add_watch(ev->inotify, path, mask);
	if (now < 0)
		return -errno;
	if (now != *wd)
		ct_ev_unwatch(ev, wd);
	*wd = now;
	return 0;
}

/* ---- cgroups --------------------------------------------------------------------------------- */

/* The kernel notifies of what has changed since the file was last read. False: it was removed. */
static bool read_again(int fd)
{
	char c;

	return pread(fd, &c, 1, 0) >= 0 || errno != ENODEV;
}

/* A file that does not exist, or that we may not read, is left out. */
static int watch_file(struct ct_events *ev, int dir, const char *name)
{
	struct ct_ev_run *run = &ev->run;
	int r, fd;

	if (dir < 0 || run->n_files == CT_EV_FILES)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return -errno;
	if (fd < 0)
		return 0;
	read_again(fd);
	r = ct_ev_add(ev, fd, EPOLLPRI);
	if (r < 0) {
		close(fd);
		return r;
	}
	run->file[run->n_files++] = fd;
	return 0;
}

/* Version 1 counts into an eventfd. With a kernel that does not, kills are found when there is
 * another notification. */
static int watch_oom(struct ct_events *ev, const struct ct_cg_group *g)
{
	CT_CLEAN_FD int control = openat(g->fd, "memory.oom_control",
					 O_RDONLY | O_NOCTTY | O_CLOEXEC);
	CT_CLEAN_FD int fd = -1;
	char line[32];
	int r;

	if (control < 0)
		return 0;
	fd = ct_or_errno(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	if (fd < 0)
		return fd;
	snprintf(line, sizeof(line), "%d %d", fd, control);
	if (ct_cg_write(g->fd, "cgroup.event_control", line) < 0)
		return 0;
	r = ct_ev_add(ev, fd, EPOLLIN);
	if (r == 0)
		ev->run.oom = ct_take_fd(&fd);
	return r;
}

static int watch_group(struct ct_events *ev, const struct ct_cg_group *g)
{
	int r = 0;

	if (g->version == 2)
		r = watch_file(ev, g->fd, "cgroup.events");
	if (r == 0 && g->version == 2 && (g->controllers & CT_CG_MEMORY))
		r = watch_file(ev, g->fd, "memory.events");
	if (r == 0 && (g->controllers & CT_CG_PIDS))
		r = watch_file(ev, g->fd, "pids.events");
	/* version 1, and version 2 before Linux 6.12, count in the cgroup of the process alone */
	if (r == 0 && (g->controllers & CT_CG_PIDS))
		r = watch_file(ev, g->inner_fd, "pids.events");
	if (r == 0 && g->version == 1 && (g->controllers & CT_CG_MEMORY))
		r = watch_oom(ev, g);
	/* without this watch freezing and thawing are found by the next call */
	if (r == 0 && g->version == 1 && (g->controllers & CT_CG_FREEZER))
		ct_ev_watch(ev, &ev->run.wd_freezer, g->fd, "freezer.state", IN_MODIFY);
	return r;
}

int ct_ev_watch_groups(struct ct_events *ev)
{
	int r = 0;

	for (uint32_t i = 0; i < ev->run.groups.n && r == 0; i++)
		r = watch_group(ev, &ev->run.groups.v[i]);
	return r;
}

/* ---- draining -------------------------------------------------------------------------------- */

bool ct_ev_drain_inotify(struct ct_events *ev)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool any = false;
	ssize_t n;

	/* their contents are not needed: the poll reads everything */
	while (ev->inotify >= 0 && (n = read(ev->inotify, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *note = (const void *)(buf + at);

			any |= !(note->mask & IN_IGNORED);
			at += (ssize_t)(sizeof(*note) + note->len);
		}
	ev->unwatched = false;
	return any;
}

void ct_ev_drain(struct ct_events *ev)
{
	struct ct_ev_run *run = &ev->run;
	uint32_t kept = 0;
	uint64_t ticks;

	ct_ev_drain_inotify(ev);
	if (ev->timer >= 0)
		(void)!read(ev->timer, &ticks, sizeof(ticks));
	for (uint32_t i = 0; i < run->n_files; i++) {
		/* the file of a removed cgroup would stay readable for ever */
		if (read_again(run->file[i]))
			run->file[kept++] = run->file[i];
		else
			ct_ev_drop(ev, &run->file[i]);
	}
	run->n_files = kept;
}

static bool have_timer(struct ct_events *ev)
{
	if (ev->timer >= 0)
		return true;
	ev->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ev->timer >= 0 && ct_ev_add(ev, ev->timer, EPOLLIN) < 0)
		ct_close(&ev->timer);
	return ev->timer >= 0;
}

void ct_ev_again(struct ct_events *ev, bool wanted)
{
	struct itimerspec at = { .it_value.tv_nsec = 0 };

	if (wanted && (ev->tries >= AGAIN_TRIES || !have_timer(ev)))
		return;
	if (wanted)
		at.it_value.tv_nsec = (AGAIN_MS * 1000000L) << ev->tries++;
	if (ev->timer >= 0)
		timerfd_settime(ev->timer, 0, &at, NULL);
}
