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

#define CT_ASKED 0x100 /* in ct_process.stop: it was asked to end, so an exit is the answer, too */

struct ct_launch;
struct ct_process;

/* What can be done with a start under way, by start/launch.c. */
struct ct_launch_ops {
	/* Goes on with it for up to timeout_ms. 0: the program is executed; -EINPROGRESS, recorded;
	 * or why it has failed. */
	int (*follow)(struct ct_process *p, int timeout_ms, struct ct_err *e);
	/* Cancels it, from any thread. */
	void (*cancel)(struct ct_process *p);
	/* With the handle's last owner: takes back a start that is not complete. */
	void (*drop)(struct ct_process *p);
	/* Frees a launch for which no handle could be made. */
	void (*release)(struct ct_launch *l);
};

struct ct_process {
	unsigned refs; /* atomic */
	pid_t owner;   /* process that made the handle */
	/* guards all below that is not atomic; never held while waiting or cloning */
	pthread_mutex_t lock;
	/* NULL: it was running already when the handle was made */
	const struct ct_launch_ops *launch_ops;
	/* while it is started; followed by one thread */
	struct ct_launch *launch;
	int starting;	      /* atomic; 1 until the program is executed, or the start has failed */
	int cancelled;	      /* atomic; a thread has cancelled the start */
	struct ct_err failed; /* why there is no process; err 0: there is one */
	struct ct_child child;
	/* of a detached container: its supervisor reports the end here; -1 in process */
	int watch;
	int state;	    /* ... and its state directory; -1 in process */
	int attached;	    /* entered by ct_attach(): its pid is not the container's init */
	int reaper;	    /* init is the stage's own, and reports the payload's status */
	int filter_kills;   /* SIGSYS is what a filter ends it by */
	int program;	    /* a program, not a system: SIGTERM asks it to end */
	int reboots;	    /* a pid namespace's init: its death by SIGHUP is a reboot */
	uint64_t before_us; /* CPU time that its cgroup had counted at the exec */
	int done;	    /* atomic; verdict is final */
	struct ct_verdict verdict;
	char filter_call[32]; /* ... of CT_EXIT_FILTER; "": not known */
	int left; /* something stays of an ephemeral container's directory, by left_err */
	struct ct_err left_err;
	/* atomic, CT_EXIT_*: why the caller had it ended, 0: it did not; CT_ASKED: by a signal that
	 * only asks */
	int stop;
	struct ct_output output; /* limit.output, in process */
	struct ct_undo undo;	 /* in process: what its start has made, taken back at its end */
	/* in process: its cgroups, until its end */
	struct ct_cgroups_held groups;
	/* keeps the systemd scope that the cgroups are in, if they are in one */
	struct ct_placeholder holder;
	struct ct_records errors;
};

/* A handle for a launch, which it takes over, also on failure; or, without one, for a process that
 * is running. NULL without memory. */
struct ct_process *ct_process_new(struct ct_launch *launch, const struct ct_launch_ops *ops);
/* One owner more (returns p), one less (NULL is fine). */
struct ct_process *ct_process_get(struct ct_process *p);
void ct_process_put(struct ct_process *p);
/* A copy of its cgroups; n is 0 when it has ended. 0, -ENOMEM or -EMFILE. */
int ct_process_groups(struct ct_process *p, struct ct_cgroups_held *out);
/* Adds the text of its journal; nothing when it has ended. */
void ct_process_records(struct ct_process *p, struct ct_buf *out);
/* Reads the counters of its cgroups without copying those, which would take as long as reading two
 * of the files. The number of cgroups; 0: it has none, or has ended. */
uint32_t ct_process_usage(struct ct_process *p, ct_usage *out);
/* Sends a signal and remembers that the caller asked for it. 0 or negative errno, recorded in e. */
int ct_process_signal(struct ct_process *p, int sig, struct ct_err *e);
/* Sends a signal to an init. SIGSTOP would stop a reaper alone: it is asked to stop the program
 * instead. 0 or negative errno. */
int ct_init_signal(int pidfd, int sig, int reaper);
/* As ct_process_wait(); the error, or what is left of an ephemeral container, is recorded in e. */
int ct_process_await(struct ct_process *p, ct_exit *out, int timeout_ms, struct ct_err *e);
/* The same, but does not wait for the output, which may still be on its way to its reader when the
 * process has ended. */
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
