/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ct_process is. */
#ifndef CT_RUN_CHILD_PROCESS_H
#define CT_RUN_CHILD_PROCESS_H

#include <pthread.h>

#include <contain/contain.h>

#include "base/error.h"
#include "backend/cgroup/cgroup.h"
#include "backend/undo.h"
#include "run/child/output.h"
#include "run/child/placeholder.h"
#include "base/records.h"
#include "run/child/spawn.h"

#define CT_ASKED 0x100 /* it was asked to go: how it ends then is its answer, be it an exit */

struct ct_launch;
struct ct_process;

/* What can be done with a start under way: start/launch.c's. */
struct ct_launch_ops {
	/* Goes on with it for up to timeout_ms. 0: the program is executed; -EINPROGRESS, recorded;
	 * or why it has failed. */
	int (*follow)(struct ct_process *p, int timeout_ms, struct ct_err *e);
	/* Calls it off, from any thread. */
	void (*cancel)(struct ct_process *p);
	/* The last owner of the handle goes: takes back what has not come to its end. */
	void (*drop)(struct ct_process *p);
	/* Frees one that no handle has yet. */
	void (*release)(struct ct_launch *l);
};

struct ct_process {
	unsigned refs; /* atomic */
	pid_t owner;   /* process that made the handle */
	/* guards all below that is not atomic; never held while waiting or cloning */
	pthread_mutex_t lock;
	/* NULL: it ran already when the handle was made */
	const struct ct_launch_ops *launch_ops;
	/* while it is started; followed by one thread */
	struct ct_launch *launch;
	int starting;	      /* atomic; 1 until the program is executed, or the start has failed */
	int cancelled;	      /* atomic; somebody has called the start off */
	struct ct_err failed; /* why there is no process; err 0: there is one */
	struct ct_child child;
	/* of a detached container: its supervisor tells the end here; -1 in process */
	int watch;
	int state;	    /* ... and is to be found in this state directory; -1 in process */
	int attached;	    /* entered by ct_attach(): its pid is not the container's init */
	int reaper;	    /* init is the stage's own, and tells the payload's status */
	int program;	    /* a program, not a system: SIGTERM asks it to end */
	int reboots;	    /* a pid namespace's init: its death by SIGHUP is a reboot */
	uint64_t before_us; /* CPU time that its cgroup had counted at the exec */
	int done;	    /* atomic; verdict is final */
	struct ct_verdict verdict;
	int left; /* something stays of an ephemeral container's directory: left_err tells */
	struct ct_err left_err;
	/* atomic, CT_EXIT_*: why the caller had it killed, 0: it did not; perhaps with CT_ASKED */
	int stop;
	struct ct_output output; /* limit.output, in process */
	struct ct_undo undo;	 /* what its start has made, in process: taken back with its end */
	/* of an in-process container, while it is there */
	struct ct_cgroups_held groups;
	/* keeps systemd's scope, if they are in one */
	struct ct_placeholder holder;
	struct ct_records errors;
};

/* A handle for a launch, which it takes over, also on failure; or, without one, for what runs
 * already. NULL without memory. */
struct ct_process *ct_process_new(struct ct_launch *launch, const struct ct_launch_ops *ops);
/* One owner more (returns p), one less (NULL is fine). */
struct ct_process *ct_process_get(struct ct_process *p);
void ct_process_put(struct ct_process *p);
/* A copy of its groups; n is 0 when it has ended. 0, -ENOMEM or -EMFILE. */
int ct_process_groups(struct ct_process *p, struct ct_cgroups_held *out);
/* Adds the text of its journal; nothing when it has ended. */
void ct_process_records(struct ct_process *p, struct ct_buf *out);
/* Figures of its groups without copying them, which would cost as much as two of the files. Their
 * number; 0: it has none, or has ended. */
uint32_t ct_process_usage(struct ct_process *p, ct_usage *out);
/* Sends a signal and remembers that the caller asked for it. 0 or negative errno, recorded in e. */
int ct_process_signal(struct ct_process *p, int sig, struct ct_err *e);
/* Sends a signal to an init; what stops a reaper would not stop the program: it is told to do so. 0
 * or negative errno. */
int ct_init_signal(int pidfd, int sig, int reaper);
/* As ct_process_wait(), with the error, and what there is to say of an end, recorded in e. */
int ct_process_await(struct ct_process *p, ct_exit *out, int timeout_ms, struct ct_err *e);
/* The same without the output: once the process has ended, what it has printed may still be on its
 * way to who reads it. */
int ct_process_await_end(struct ct_process *p, int timeout_ms, struct ct_err *e);
/* Descriptor (borrowed) that is readable once ct_process_await() has its verdict. */
int ct_process_ends(const struct ct_process *p);
/* 1 while it runs; 0 also while it is started. */
int ct_process_running(struct ct_process *p);
/* 1 while it is started. */
static inline int ct_process_starting(const struct ct_process *p)
{
	return __atomic_load_n(&p->starting, __ATOMIC_ACQUIRE);
}

/* 1: its verdict is final, or it never ran. */
static inline int ct_process_done(const struct ct_process *p)
{
	return __atomic_load_n(&p->done, __ATOMIC_ACQUIRE);
}

/* 1 while it runs, and not under a supervisor. */
int ct_process_in_process(struct ct_process *p);

#endif
