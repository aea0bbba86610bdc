/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a handle holds that was asked for events; shared by the files events*.c and nobody else. */
#ifndef CT_RUN_WATCH_EVENTS_H
#define CT_RUN_WATCH_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/cgroup/cgroup.h"
#include "run/handle/container.h"

/* cgroup.events, memory.events, pids.events of a group and of the payload's below it */
#define CT_EV_FILES 8
#define CT_EV_RESOURCES 3 /* CT_RESOURCE_CPU .. IO, less one */
#define CT_EV_QUEUE 64	  /* two runs in one look, each event of each once, are 22 */

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
	uint32_t boots;		       /* told of */
	struct ct_cgroups_held groups; /* those that tell something */
	int file[CT_EV_FILES];	       /* files whose change the kernel tells */
	uint32_t n_files;
	int oom; /* eventfd that counts version 1's */
	int trigger[CT_EV_RESOURCES];
	int wd_freezer, wd_pressure[CT_EV_RESOURCES];
	struct ct_ev_counts seen;
	bool frozen, empty; /* told of */
	bool kill_due;	    /* version 1 tells of running out of memory before it kills */
	bool oom_unsure;    /* it told of that, or of the end of the group */
};

struct ct_events {
	pid_t owner;
	int epoll;
	int more;	    /* eventfd: something is left in the queue */
	int inotify, timer; /* when they are needed */
	int wd_state;	    /* the state directory, or the one above it that is there */
	bool unwatched;	    /* a watch was ended since inotify was read */
	unsigned tries;	    /* looks without being asked that have been made */
	struct ct_ev_want want;
	struct ct_ev_run run;
	struct ct_ev_id past[CT_EV_KINDS]; /* last run of either kind whose end needs no telling */
	ct_event queue[CT_EV_QUEUE];
	uint32_t first, n;
};

/* What one look has to tell. */
struct ct_ev_news {
	uint64_t started, high, refused, oom, kills;
	bool pressure[CT_EV_RESOURCES];
	int freezer; /* CT_EVENT_FROZEN, CT_EVENT_THAWED, or 0 */
	bool empty, exited;
	bool again; /* something is about to happen that nobody tells of */
};

/* What there is right now. */
struct ct_ev_sight {
	int kind; /* NONE: nothing that has not been told of */
	struct ct_ev_id id;
	uint32_t boots;
	bool over;		 /* it has ended, in whatever way */
	bool alive;		 /* detached: it has its supervisor */
	struct ct_process *p;	 /* in process; a reference */
	int dir;		 /* detached: state directory */
	struct ct_state_file st; /* detached */
};
#define CT_EV_SIGHT_INIT ((struct ct_ev_sight){ .dir = -1 })
void ct_ev_sight_free(struct ct_ev_sight *s);
#define CT_CLEAN_SIGHT __attribute__((cleanup(ct_ev_sight_free)))

/* ---- events-run.c ---------------------------------------------------------------------------- */

/* Looks for the container without waiting for anybody and without clearing anything, and watches
 * where it would appear. 0 or a negative errno, recorded. */
int ct_ev_see(struct ct_container *c, struct ct_events *ev, struct ct_ev_sight *s,
	      struct ct_err *e);
/* Begins to watch what was seen. On failure nothing of it is left. */
int ct_ev_attach(struct ct_events *ev, struct ct_ev_sight *s, struct ct_err *e);
/* Another boot of a detached container: its init is another one. */
int ct_ev_attach_init(struct ct_events *ev, const struct ct_ev_sight *s, struct ct_err *e);
/* Lets go of the run: no descriptor and no watch of it stays. In a forked child the parent's
 * watches are left alone. */
void ct_ev_release(struct ct_events *ev);
void ct_ev_run_clear(struct ct_ev_run *run);
/* Whoever a pidfd stands for has ended. */
bool ct_ev_ended(int pidfd);

/* ---- events-watch.c -------------------------------------------------------------------------- */

/* Into the epoll descriptor, and out of it and closed. */
int ct_ev_add(struct ct_events *ev, int fd, uint32_t events);
void ct_ev_drop(struct ct_events *ev, int *fd);
/* Watches a directory (file NULL) or a file in it. *wd, the watch before it, ends when
 * it was another one. */
int ct_ev_watch(struct ct_events *ev, int *wd, int dirfd, const char *file, uint32_t mask);
void ct_ev_unwatch(struct ct_events *ev, int *wd);
/* Watches the groups of the run, as far as the kernel tells of them. 0 or a negative errno. */
int ct_ev_watch_groups(struct ct_events *ev);
/* Takes all notices, so that the descriptor is readable again only for what comes after. */
void ct_ev_drain(struct ct_events *ev);
/* Takes those of inotify alone. True when there were others than that a watch has ended. */
bool ct_ev_notes(struct ct_events *ev);
/* Makes the descriptor readable a little later, for what is about to happen and nobody will tell
 * of: ev->tries counts how often, each time it takes longer, and at last it is not done. Or,
 * without `wanted`, takes that back. */
void ct_ev_again(struct ct_events *ev, bool wanted);

/* ---- events-news.c --------------------------------------------------------------------------- */

/* Reads what the groups of the run tell and adds what is new. `st`: of a detached one,
 * else NULL. */
void ct_ev_read_news(struct ct_events *ev, const struct ct_state_file *st, struct ct_ev_news *n);
/* The run has ended, and its news were read since: adds what only the verdict tells, and the end;
 * lets go of it. 0, or -EBUSY: somebody is just waiting for an in-process one, so what there is to
 * say is known in a moment; it stays watched. */
int ct_ev_end_run(struct ct_events *ev, const struct ct_state_file *st, struct ct_ev_news *n);

/* ---- events-pressure.c ----------------------------------------------------------------------- */

/* Thresholds of the caller's. -EINVAL. */
int ct_ev_read_opts(const ct_event_opts *o, struct ct_ev_want *want, struct ct_err *e);
/* Replaces the thresholds of the run; on failure those before stay. */
int ct_ev_set_triggers(struct ct_events *ev, const struct ct_ev_want *want, struct ct_err *e);
/* Whether this host has them at all. -EOPNOTSUPP. */
int ct_ev_check_pressure(struct ct_container *c, const struct ct_ev_want *want, struct ct_err *e);
/* Whether one was passed since the last time: once at the most. */
bool ct_ev_pressed(struct ct_events *ev, int resource);

#endif
