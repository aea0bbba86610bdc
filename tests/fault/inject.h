/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes one system call of one process fail, or kills the process there. A worker is forked and
 * traced with all that it starts; each process has a role by how it came to be, and its system
 * calls are counted from the worker's first mark on.
 */
#ifndef CT_FAULT_INJECT_H
#define CT_FAULT_INJECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum inject_role {
	INJECT_CALLER, /* the worker */
	INJECT_KEEPER,
	INJECT_SUPERVISOR, /* also before its exec */
	INJECT_LAUNCHER,   /* also before its exec */
	INJECT_INIT,	   /* until it executes the payload, which is let go */
	INJECT_HOOK,	   /* until it executes its program */
	INJECT_ROLES
};

enum inject_how {
	INJECT_COUNT, /* nothing: counts the calls of all roles */
	INJECT_FAIL,
	INJECT_KILL
};

#define INJECT_OLD 1u /* processes from before the first mark */
#define INJECT_NEW 2u /* those that came after it */

/* One system call of a role: the occurrence-th (from 0) of this number. */
struct inject_call {
	enum inject_role role;
	long nr;
	unsigned occurrence;
	uint64_t args[6]; /* what it was called with when it was counted */
};

struct inject_order {
	enum inject_how how;
	struct inject_call call; /* for FAIL and KILL */
	int err;		 /* for FAIL: positive errno */
	/* INJECT_OLD, INJECT_NEW: whose calls count; the caller's always do */
	unsigned ages;
	/* is what a keeper starts a supervisor? before the mark, after it */
	int supervised[2];
	int limit_ms;		 /* after that all are killed, and it counts as a hang */
	int (*work)(void *data); /* the worker; its exit code */
	/* run in another process, not traced, when the worker has ended; may be NULL */
	int (*after)(void *data);
	void *data;
};

#define INJECT_CALLS 16384

struct inject_outcome {
	int hit;	   /* the call was made and failed, or the process killed there */
	int phase;	   /* of the marks, at that moment */
	uint64_t args[6];  /* of that call */
	int worker, after; /* wait statuses */
	int hung;
	int crash; /* signal by which a process of ours crashed, 0 */
	enum inject_role crash_role;
	unsigned n_left; /* processes that were still there 3 s after */
	char text[2048]; /* of the hang, the crash, what was left */
	/* for INJECT_COUNT: every call in its order */
	struct inject_call *calls; /* INJECT_CALLS of them; given by whoever calls, may be NULL */
	unsigned n_calls;
};

/* "caller", "keeper", ... */
const char *inject_role_name(enum inject_role role);
/* Name of a system call, "?" for one that the headers did not know. */
const char *inject_call_name(long nr);
/* Number of a system call, -1. */
long inject_call_number(const char *name);

/* In the worker: 1 before the call that is looked at, 2 after it. */
void inject_mark(int phase);

/* Carries the order out. The caller should be a subreaper, have no other children and be
 * single-threaded. `out` is set anew but for `calls`. 0, or a negative errno when there is no
 * process or no tracing. */
int inject_run(const struct inject_order *order, struct inject_outcome *out);

#endif
