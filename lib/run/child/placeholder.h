/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first process of a systemd scope, and the last: a scope begins with a process, the
 * container's first one comes later, and systemd removes an empty scope with its counters at once.
 * Like the keeper it is a confined task in the caller's memory without SIGCHLD; it does nothing,
 * and ends when the caller closes its leash, ends, or executes another program.
 */
#ifndef CT_RUN_CHILD_PLACEHOLDER_H
#define CT_RUN_CHILD_PLACEHOLDER_H

#include <sys/types.h>

#include "base/error.h"

#define CT_PLACEHOLDER_MEMORY 16384 /* bytes of stack */

struct ct_placeholder {
	pid_t pid; /* 0: there is none */
	int leash; /* the placeholder ends when this closes */
	void *memory;
	char *group; /* its cgroup's directory, to be removed with it; NULL: none */
};
#define CT_PLACEHOLDER_INIT ((struct ct_placeholder){ 0, -1, NULL, NULL })

/* The placeholder's argument, at the end of its memory. */
struct ct_placeholder_task {
	pid_t caller;
	int leash; /* the placeholder's end */
};

/* Starts one. 0 or a negative errno, recorded. */
int ct_placeholder_begin(struct ct_placeholder *p, struct ct_err *e);
/* Ends it and removes its cgroup; does nothing if there is none. */
void ct_placeholder_end(struct ct_placeholder *p);

/* Entry of the placeholder: in keeper.c, which is compiled for such tasks. */
int ct_placeholder_main(void *arg);

#endif
