/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper: the silent parent of an in-process container.
 *
 * execve(2) resets a process' exit signal to SIGCHLD, so whatever the caller starts and lets exec is, at its end, a SIGCHLD
 * and a zombie for the caller's waitpid(-1). The keeper never execs: it is a task cloned with CLONE_VM and exit signal 0, which
 * a plain wait does not see and which sends nothing. It has no memory of its own but its stack, no descriptors but those of its limits, all
 * signals blocked. It starts the stage, stays the parent of init, waits for it, keeps limit.time, writes the verdict where the
 * caller reads it, and ends. When the caller's process ends in whatever way, so does the keeper, and the kernel then
 * kills init (PR_SET_PDEATHSIG); that one of the caller's threads ends does not matter.
 *
 * The code runs beside the caller's threads in the caller's memory: raw system calls only, no libc, no thread-local storage.
 */
#ifndef CT_RUN_KEEPER_H
#define CT_RUN_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#define CT_KEEPER_MAPPING 32768		/* bytes: guard page, two stacks, struct ct_keeper at the end */

enum ct_keeper_state {
	CT_KEEPER_STARTING = 0,
	CT_KEEPER_STAGE,	/* the stage was executed */
	CT_KEEPER_FAILED,	/* it could not be: spawn_err */
	CT_KEEPER_ENDED		/* verdict is complete */
};

/* Which limit has ended it. */
enum ct_keeper_limit { CT_KEEPER_NO_LIMIT, CT_KEEPER_TIME, CT_KEEPER_CPU };

struct ct_keeper {
	/* given by the caller before the clone */
	pid_t caller;
	int supervise;			/* the stage stays as supervisor: do not wait for it */
	int stdio[3], report, image, message;
	const int *inputs;
	int n_inputs;
	const char *const *argv;	/* of the stage */
	void *stack;			/* of the process that execs */
	uint64_t limit_time_ns;		/* 0: none */
	uint64_t limit_cpu_us;		/* 0: none */
	int cpu_fd;			/* of a file whose first number is the CPU time: "usage_usec 12", or nanoseconds alone */
	int thaw_fd;			/* of version 1's freezer.state: who is frozen does not die; -1 */
	long cpus;			/* that may use it up at once */
	/* set by the caller while it runs */
	int init_pid;			/* atomic; once it is known */
	uint64_t exec_ns;		/* atomic; CLOCK_MONOTONIC just before exec */
	/* set by the keeper; valid once state says so */
	int state;			/* atomic, enum ct_keeper_state */
	int spawn_err;			/* negative errno */
	const char *spawn_call;		/* of what */
	int timed_out;			/* enum ct_keeper_limit */
	int status;			/* wait(2) status of init */
	int have_status;
	uint64_t end_ns, user_us, system_us, max_rss;
};

/* Entry of the keeper: clone(2)'d with CLONE_VM on a stack of the mapping. arg is the struct. Returns its exit code. */
int ct_keeper_main(void *arg);

#endif
