/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a plan to a running process: message, keeper, stage, and what the stage reports until the
 * program is executed. */
#ifndef CT_RUN_CHILD_SPAWN_H
#define CT_RUN_CHILD_SPAWN_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/plan.h"
#include "model/log.h"

struct ct_keeper;

/* What to start. All borrowed. */
struct ct_spawn {
	const struct ct_plan *plan;
	const struct ct_plan_super *super; /* NULL: in process */
	int image;
	int stdio[3]; /* real descriptors, -1: /dev/null */
	uint64_t limit_time_us;
	int thaw_fd; /* thaws a container that version 1 holds frozen, for the limits of time; -1 */
	int cpu_fd;  /* the CPU time of the container's cgroup, for limit_cputime_us; -1 */
	uint64_t limit_cputime_us;
	/* in process: what the output pump shares; NULL: there is none */
	struct ct_wire_output *output;
	const struct ct_log *log;
	bool trace;    /* the log wants each step */
	bool notifies; /* the filter has a listener, which the caller gets */
};

/* What came of it. Descriptors are the owner's, -1 when there is none. */
struct ct_child {
	struct ct_keeper *keeper; /* in its mapping; NULL once reaped, and for a supervised one */
	pid_t keeper_pid;
	pid_t pid, supervisor; /* init, as the caller sees it */
	int pidfd, pty;
	int leash; /* the keeper's: it ends all when this closes, as by an exec of the caller's */
	/* guards the leash against a thread that cancels the start; NULL: no other thread can */
	pthread_mutex_t *leash_lock;
	int report; /* the stage's reports, until the program is executed; -1 then */
	int end; /* pidfd of the keeper, where that ends later than init, by the output; else -1 */
	uint64_t exec_ns; /* CLOCK_MONOTONIC; 0: not yet executed */
	pid_t program; /* the process that executes it, where its filter may end it; 0: unknown */
	int notify;    /* the listener of its filter; -1: none, or not yet loaded */
};
#define CT_CHILD_INIT ((struct ct_child){ NULL, 0, 0, 0, -1, -1, -1, NULL, -1, -1, 0, 0, -1 })

/* Starts the keeper, which starts the stage. 0; or a negative errno, recorded, with
 * nothing left. */
int ct_spawn(const struct ct_spawn *s, struct ct_child *out, struct ct_err *e);
/* Waits until the stage is executed and the keeper confined, which takes less than a millisecond:
 * after that it does not matter to them if the caller drops its privileges, for instance. A failure
 * is returned by ct_spawn_follow(). */
void ct_spawn_settle(const struct ct_child *c);
/* Follows the stage until the program is executed (in process) or the supervisor is ready: 0.
 * -EINPROGRESS, not recorded: until_ms, by ct_now_ms(), has come before that. Another negative
 * errno: it failed, nothing is left, and the record in e has step, key, system call and reason. */
int ct_spawn_follow(const struct ct_spawn *s, struct ct_child *c, int64_t until_ms,
		    struct ct_err *e);
/* Tells the keeper to end all processes, and to give up the rest of the output. From any thread
 * while `c` exists; from another than the owner's with leash_lock taken. Does not wait. */
void ct_child_end(const struct ct_child *c);
/* Takes back a start that is not complete. *verdict may be NULL. */
void ct_child_drop(struct ct_child *c, struct ct_keeper *verdict);
/* Kills init, or has the keeper kill it where we may not any more. Does not wait. */
void ct_child_kill(const struct ct_child *c);
/* Waits for the keeper's end (init has ended or is being killed), releases its mapping after
 * copying it to *verdict (may be NULL). Does nothing the second time. */
void ct_child_reap(struct ct_child *c, struct ct_keeper *verdict);

#endif
