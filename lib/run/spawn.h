/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a plan to a running process: message, keeper, stage, and what the stage reports until the program is executed. */
#ifndef CT_RUN_SPAWN_H
#define CT_RUN_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/plan.h"
#include "run/log.h"

struct ct_keeper;

/* What to start. All borrowed. */
struct ct_spawn {
	const struct ct_plan *plan;
	const struct ct_plan_super *super;	/* NULL: in process */
	int image;
	int stdio[3];				/* real descriptors, -1: /dev/null */
	uint64_t limit_time_us;
	int thaw_fd;				/* lets go of a tree that version 1 holds frozen, for the limits of time; -1 */
	int cpu_fd;				/* tells the tree's CPU time, for limit_cputime_us; -1 */
	uint64_t limit_cputime_us;
	const struct ct_log *log;
};

/* What came of it. Descriptors are the owner's, -1 when there is none. */
struct ct_child {
	struct ct_keeper *keeper;	/* in its mapping; NULL once reaped, and for a supervised one */
	pid_t keeper_pid;
	pid_t pid, supervisor;		/* init, as the caller sees it */
	int pidfd, pty;
	uint64_t exec_ns;		/* CLOCK_MONOTONIC */
};
#define CT_CHILD_INIT { NULL, 0, 0, 0, -1, -1, 0 }

/* Starts and follows the stage until the program is executed (in process) or the supervisor is ready. On failure nothing
 * is left and the record in e has step, key, system call and reason. */
int ct_spawn(const struct ct_spawn *s, struct ct_child *out, struct ct_err *e);
/* Waits for the keeper's end (init has ended or is being killed), releases its mapping after copying it to *verdict (may be
 * NULL). Does nothing the second time. */
void ct_child_reap(struct ct_child *c, struct ct_keeper *verdict);

#endif
