/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process handle holds from the clone of the keeper to the exec of its program: a start, or
 * an attach, under way. */
#ifndef CT_RUN_START_LAUNCH_H
#define CT_RUN_START_LAUNCH_H

#include "run/handle/container.h"
#include "run/start/detached.h"

#define CT_LAUNCH_MS 10000 /* by default, beside the time that hooks are given */

struct ct_launch {
	struct ct_prepared prepared; /* the plan that the stage's reports are about */
	struct ct_spawn spawn;
	struct ct_plan_super super; /* super.name NULL: in process, or no state is made yet */
	char name[CT_NAME_SIZE];    /* what super.name points at */
	struct ct_log log;	    /* a copy: the container's handle may go */
	struct ct_detached detached;
	int64_t until_ms;    /* deadline, by ct_now_ms() */
	uint32_t timeout_ms; /* what it was made of */
	const char *what;    /* "start", "attach" */
	/* cgroup.procs of the caller's freezer cgroup, where a frozen process of an attach that
	 * fails is moved to; NULL: not needed */
	char *way_out;
	struct ct_dev_program **program; /* the handle's, used before the spawn alone */
	int into;			 /* attach: pidfd of the init of the container; -1 */
	pid_t init;			 /* ... and its number */
	int poll, timer;		 /* NOWAIT: ct_process_start_fd(), and its timer; -1 */
};

/* A launch under way, all empty; NULL without memory. */
struct ct_launch *ct_launch_new(const char *what, const struct ct_log *log);
extern const struct ct_launch_ops ct_launch_ops;
/* hooks.c: carries out a plan of programs of the host, as hooks are run: 0, or the error of the
 * first that failed. Each is killed when its time is up. */
int ct_run_host_programs(const struct ct_plan *plan, int image, const struct ct_log *log,
			 struct ct_err *e);
/* Sets the deadline: timeout_ms (0: the default), and beside it the time that the plan's hooks may
 * take. */
void ct_launch_deadline(struct ct_launch *l, uint32_t timeout_ms);
/* It has failed before the spawn, with r and e: takes back what was made. Returns r, or -ECANCELED
 * when it was called off. */
int ct_launch_fail(struct ct_process *p, int r, struct ct_err *e);
/* Spawns, with p->launch as it is filled; on failure nothing is left. Without `wait` it returns
 * once the stage runs, else once the program is executed. 0 or a negative errno, recorded. */
int ct_launch_begin(struct ct_process *p, int wait, struct ct_err *e);
/* Goes on with it for up to timeout_ms (-1: to its end): 0: the program is executed. -EINPROGRESS,
 * recorded: not yet. Another negative errno, again for each call: it failed, nothing is left. By
 * one thread at a time. */
int ct_launch_follow(struct ct_process *p, int timeout_ms, struct ct_err *e);
/* Calls it off, from any thread: it fails with -ECANCELED soon. */
void ct_launch_cancel(struct ct_process *p);

#endif
