/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper: the silent parent of an in-process container.
 *
 * execve(2) resets a process' exit signal to SIGCHLD, so a child of the caller that executes a
 * program is, at its end, a SIGCHLD and a zombie for the caller's waitpid(-1). The keeper never
 * execs: it is a task cloned with CLONE_VM and exit signal 0, which a plain wait does not see and
 * which sends nothing. It has no memory of its own but its stack, no descriptors but those of
 * confine.h, all signals blocked. It starts the stage, stays the parent of init, keeps the limits
 * of time, writes the verdict where the caller reads it, and ends. It ends init when the caller's
 * process ends or executes another program, and when the caller asks for it; that one of the
 * caller's threads ends does not matter.
 *
 * The code runs beside the caller's threads in the caller's memory: raw system calls only, no libc,
 * no thread-local storage. The caller can write all that it reads; once the stage is executed it is
 * therefore confined (confine.h).
 */
#ifndef CT_RUN_CHILD_KEEPER_H
#define CT_RUN_CHILD_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "run/child/rawcaps.h"

struct ct_wire_output;

#define CT_KEEPER_MAPPING 32768 /* bytes: guard page, two stacks, struct ct_keeper at the end */

enum ct_keeper_state {
	CT_KEEPER_STARTING = 0,
	CT_KEEPER_STAGE,  /* the stage was executed, and the keeper is confined */
	CT_KEEPER_FAILED, /* one of these has failed: spawn_err */
	CT_KEEPER_ENDED	  /* the verdict is complete */
};

/* The limit by which the container was ended. */
enum ct_keeper_limit { CT_KEEPER_NO_LIMIT, CT_KEEPER_TIME, CT_KEEPER_CPU };

/* What the caller sends on the leash, one byte each. */
#define CT_LEASH_END 'e'  /* end all processes */
#define CT_LEASH_DONE 'd' /* the supervisor is ready: leave it, and end */

struct ct_keeper {
	/* given by the caller before the clone */
	pid_t caller;
	int supervise; /* the stage stays as supervisor */
	int stdio[3], report, image;
	int message; /* its file; -1: it is in the report socket */
	const int *inputs;
	int n_inputs;
	int leash;	   /* the keeper's end */
	const char **argv; /* of the stage; two more may be added */
	struct ct_raw_caps caps;
	void *stack;		/* of the process that execs */
	uint64_t limit_time_ns; /* 0: none */
	uint64_t limit_cpu_us;	/* 0: none */
	/* of a file whose first number is the CPU time: "usage_usec 12", or
	 * nanoseconds alone; -1 */
	int cpu_fd;
	int thaw_fd; /* version 1's freezer.state, for SIGKILL does not end a frozen process; -1 */
	long cpus;   /* how many may use limit_cpu_us up at the same time */
	/* the pump's, mapped; NULL: there is none */
	struct ct_wire_output *output;
	/* set by the keeper; valid once state says so */
	int state;			       /* atomic, enum ct_keeper_state; a futex */
	int spawn_err;			       /* negative errno of */
	const char *spawn_call;		       /* this system call */
	int keep_sock;			       /* the stage's end of the keeper's socket */
	int timed_out;			       /* enum ct_keeper_limit */
	pid_t init;			       /* as the launcher sees it; 0: not reported */
	uint64_t exec_ns;		       /* CLOCK_MONOTONIC just before exec; 0: not yet */
	uint64_t exec_user_us, exec_system_us; /* what init had used by then */
	uint64_t exec_cpu_us;		       /* of these, what its cgroup has counted */
	pid_t pump;			       /* 0: there is none */
	int pump_status, have_pump_status;
	int output_over;			 /* the pump reports that limit.output is passed */
	int payload_status, have_payload_status; /* of its child, as a reaper reports it */
	int status;				 /* wait(2) status of init */
	int have_status;
	uint64_t end_ns, user_us, system_us, max_rss;
};

/* Entry of the keeper: clone(2)'d with CLONE_VM on a stack of the mapping. arg is the struct.
 * Returns its exit code. */
int ct_keeper_main(void *arg);

#endif
