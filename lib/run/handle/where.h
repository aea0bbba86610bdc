/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a container is found. */
#ifndef CT_RUN_HANDLE_WHERE_H
#define CT_RUN_HANDLE_WHERE_H

#include "run/handle/container.h"

/* Where the container is right now. */
struct ct_where {
	struct ct_process *init; /* in process */
	int dir;		 /* state directory, -1 */
	int life;		 /* enum ct_life */
	int pidfd;		 /* of an orphan */
	struct ct_state_file st;
};
#define CT_WHERE_INIT                  \
	{                              \
		.dir = -1, .pidfd = -1 \
	}
void ct_where_free(struct ct_where *w);
#define CT_CLEAN_WHERE __attribute__((cleanup(ct_where_free)))

/* Finds it, and clears what killed supervisors have left. 0, also when it is nowhere, or a negative
 * errno. */
int ct_where_find(struct ct_container *c, struct ct_where *w, struct ct_err *e);
/* A pidfd of init, the caller's, and its number (NULL: not wanted). -ESRCH, recorded. */
int ct_where_init(struct ct_container *c, struct ct_where *w, pid_t *pid, struct ct_err *e);
/* A supervisor has not answered, with `err`: 1 when it has gone. */
int ct_where_gone(int dir, int err);
/* -ESRCH, recorded. */
int ct_not_running(struct ct_container *c, struct ct_err *e);
/* The same, with another part of the library in the error. */
int ct_not_running_for(struct ct_container *c, const char *where, struct ct_err *e);

#endif
