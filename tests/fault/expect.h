/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which errors a system call is given, and which failures need not end a start. */
#ifndef CT_FAULT_EXPECT_H
#define CT_FAULT_EXPECT_H

#include "inject.h"

#define EXPECT_ERRNOS 3

/* Can the kernel fail this call in this way at all, its arguments being good? */
int expect_possible(enum inject_role role, const char *call, const uint64_t args[6], int err);
/* The errnos (positive, 0 ends) that this call is failed with, one run each. */
const int *expect_errnos(const char *call);
/* A call whose failure need not end what is looked at. */
struct expect_row {
	const char *scenarios; /* names divided by spaces, NULL for all */
	unsigned roles;	       /* bits of enum inject_role */
	const char *call;
	uint64_t first; /* its first argument, EXPECT_ANY when it does not matter */
	/* beginning of the lines of the view that may then be others, NULL: none */
	const char *may_differ;
	unsigned flags; /* EXPECT_* */
	const char *why;
};
#define EXPECT_LOST 1u	/* the verdict may be lost */
#define EXPECT_FILES 2u /* other state files may be left, for the next call to clear */

/* the payload may be cut off in what it prints, and the verdict's output_error tells */
#define EXPECT_TOLD 4u
#define EXPECT_ANY 0xa5a5a5a5a5a5a5a5ull

/* The row of this failure, or NULL: then the call that is looked at must fail, too. */
const struct expect_row *expect_tolerated(const char *scenario, const struct inject_call *call,
					  const struct inject_outcome *o);

/* Messages of this place say in other words what is missing: neither step nor system
 * call is needed. */
int expect_plain(const char *where);
/* Has this kind of step a system call that can fail? */
int expect_step_fails(const char *op);
/* Is the payload's view what it is without a failure, but for what the row allows? Never
 * more capabilities. */
int expect_same_view(const struct expect_row *row, const char *want, const char *got);

#endif
