/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a handle holds after ct_event_fd(); for the files events*.c alone. */
#ifndef CT_RUN_WATCH_EVENTS_H
#define CT_RUN_WATCH_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/cgroup/cgroup.h"
#include "run/handle/container.h"

/* cgroup.events, memory.events, pids.events of a cgroup and of the payload's below it */
#define CT_EV_FILES 8
#define CT_EV_RESOURCES 3 /* CT_RESOURCE_CPU .. IO, less one */
#define CT_EV_QUEUE 64	  /* two runs in one poll, each event of each once, are 22 */

enum ct_ev_kind { CT_EV_NONE, CT_EV_IN_PROCESS, CT_EV_DETACHED, CT_EV_KINDS };

/* Tells one run from the next: pid and start time of its supervisor, or of init. */
struct ct_ev_id {
	uint64_t pid, start;
};

/* Thresholds of ct_event_opts. */
struct ct_ev_want {
	uint64_t window_us, stall_us[CT_EV_RESOURCES];
};

struct ct_ev_counts {
	uint64_t high, refused, oom, kills;
};

/* One run of the container, from a start to its end, over all reboots. Descriptors are -1
 * when there is none. */
struct ct_ev_run {
	int kind; /* enum ct_ev_kind; NONE: nothing is watched */
	struct ct_ev_id id;
	struct ct_process *p;	       /* in process; a reference */
	int init, super;	       /* pidfds */
	uint32_t boots;		       /* reported */
	struct ct_cgroups_held groups; /* those that report something */
	int file[CT_EV_FILES];	       /* files that can be polled */
	uint32_t n_files;
	int oom; /* eventfd that counts version 1's */
	int trigger[CT_EV_RESOURCES];
	int wd_freezer, wd_pressure[CT_EV_RESOURCES];
	struct ct_ev_counts seen;
	bool frozen, empty; /* reported */
	bool kill_due;	    /* version 1 reports that memory has run out before it kills */
	bool oom_unsure;    /* one count of `oom` may be the removal of the cgroup */
};

struct ct_events {
	pid_t owner;
	int epoll;
	int more;	    /* eventfd: something is left in the queue */
	int inotify, timer; /* made when they are needed */
	int wd_state;	    /* the state directory, or the nearest above it that exists */
	bool unwatched;	    /* a watch was ended since inotify was read */
	unsigned tries;	    /* how often ct_ev_again() has set the timer for the same reason */
	struct ct_ev_want want;
	struct ct_ev_run run;
	struct ct_ev_id
		past[CT_EV_KINDS]; /* last run of either kind whose end is not to be reported */
	ct_event queue[CT_EV_QUEUE];
	uint32_t first, n;
};

/* What one poll has found changed. */
struct ct_ev_changes {
	uint64_t started, high, refused, oom, kills;
	bool pressure[CT_EV_RESOURCES];
	int freezer; /* CT_EVENT_FROZEN, CT_EVENT_THAWED, or 0 */
	bool empty, exited;
	bool again; /* something is about to happen without a notification: poll again soon */
};

/* The run that there is now. */
struct ct_ev_snapshot {
	int kind; /* NONE: none, or one whose end was reported */
	struct ct_ev_id id;
	uint32_t boots;
	bool over;		 /* it has ended, in whatever way */
	bool alive;		 /* detached: its supervisor lives */
	struct ct_process *p;	 /* in process; a reference */
	int dir;		 /* detached: state directory */
	struct ct_state_file st; /* detached */
};
#define CT_EV_SNAPSHOT_INIT ((struct ct_ev_snapshot){ .dir = -1 })
void ct_ev_snapshot_free(struct ct_ev_snapshot *s);
#define CT_CLEAN_SNAPSHOT __attribute__((cleanup(ct_ev_snapshot_free)))

/* ---- events-run.c ---------------------------------------------------------------------------- */

/* Finds the container's run, without waiting and without clearing anything, and watches the
 * directory in which one would appear. 0 or a negative errno, recorded. */
int ct_ev_take_snapshot(struct ct_container *c, struct ct_events *ev, struct ct_ev_snapshot *s,
			struct ct_err *e);
/* Begins to watch the run of a snapshot. On failure nothing of it is left. */
int ct_ev_attach(struct ct_events *ev, struct ct_ev_snapshot *s, struct ct_err *e);
/* Another boot of a detached container: its init is another one. */
int ct_ev_attach_init(struct ct_events *ev, const struct ct_ev_snapshot *s, struct ct_err *e);
/* Releases the run: no descriptor and no watch of it stays. In a forked child the parent's watches
 * are left alone. */
void ct_ev_release(struct ct_events *ev);
void ct_ev_run_clear(struct ct_ev_run *run);
/* Whether the process of a pidfd has ended. */
bool ct_ev_ended(int pidfd);

/* ---- events-watch.c -------------------------------------------------------------------------- */

/* Into the epoll descriptor, and out of it and closed. */
int ct_ev_add(struct ct_events *ev, int fd, uint32_t events);
void ct_ev_drop(struct ct_events *ev, int *fd);
/* Watches a directory (file NULL) or a file in it. *wd, the watch before it, ends when
 * it was another one. */
int ct_ev_watch(struct ct_events *ev, int *wd, int dirfd, const char *file, uint32_t mask);
void ct_ev_unwatch(struct ct_events *ev, int *wd);
/* Watches the cgroups of the run, as far as the kernel has notifications. 0 or a negative errno. */
int ct_ev_watch_groups(struct ct_events *ev);
/* Drains all notifications, so that the descriptor is readable again only for later ones. */
void ct_ev_drain(struct ct_events *ev);
/* Drains those of inotify. True when there were others than that a watch has ended. */
bool ct_ev_drain_inotify(struct ct_events *ev);
/* Makes the descriptor readable a little later, for what is about to happen without a notification;
 * ev->tries counts how often, each time later, and after some it is not done. Without `wanted` it
 * clears the timer. */
void ct_ev_again(struct ct_events *ev, bool wanted);

/* ---- events-changes.c ------------------------------------------------------------------------ */

/* Reads the cgroups of the run and adds what has changed. `st`: of a detached one, else NULL. */
void ct_ev_read_changes(struct ct_events *ev, const struct ct_state_file *st,
			struct ct_ev_changes *n);
/* The run has ended, and its changes were read since: adds what only the verdict has, and the end,
 * and releases it. 0; or -EBUSY: a thread is just making the verdict of an in-process one, which
 * stays watched. */
int ct_ev_end_run(struct ct_events *ev, const struct ct_state_file *st, struct ct_ev_changes *n);

/* ---- events-pressure.c ----------------------------------------------------------------------- */

/* Thresholds of the caller's. -EINVAL. */
int ct_ev_read_opts(const ct_event_opts *o, struct ct_ev_want *want, struct ct_err *e);
/* Replaces the thresholds of the run; on failure those before stay. */
int ct_ev_set_triggers(struct ct_events *ev, const struct ct_ev_want *want, struct ct_err *e);
/* Whether this host has them at all. -EOPNOTSUPP. */
int ct_ev_check_pressure(struct ct_container *c, const struct ct_ev_want *want, struct ct_err *e);
/* Whether the threshold was passed since the last call. */
bool ct_ev_pressed(struct ct_events *ev, int resource);

#endif
