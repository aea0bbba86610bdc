/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks many containers for their state at the same time, so that one whose supervisor is stopped
 * does not delay the answers of the others. */
#ifndef CT_TOOLS_ASK_H
#define CT_TOOLS_ASK_H

#include <stddef.h>
#include <sys/types.h>

#include <contain/contain.h>

#define ASK_MS 5000 /* for all of them together */

struct ask {
	ct_container *c; /* the caller's */
	int state;	 /* CT_STATE_*, or a negative errno, with the message in `why` */
	pid_t pid;	 /* of init; 0: it is not running, or not known */
	char why[240];
	int late; /* no answer yet: the handle is in use for the rest of the tool's life */
};

/* Fills in all of them. Takes no longer than patience_ms, however many do not answer.
 * 0 or -ENOMEM. */
int ask_all(struct ask *v, size_t n, int patience_ms);

#endif
