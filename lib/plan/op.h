/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How each step prints: the rows of wire/steps.def as the library sees them. */
#ifndef CT_PLAN_OP_H
#define CT_PLAN_OP_H

struct ct_op_row {
	const char *name;   /* "mount.attach" */
	const char *schema; /* "a=tree b=under s0=at", explained in steps.def */
};

/* Row of an op; NULL when there is none. */
const struct ct_op_row *ct_op_row(unsigned op);

#endif
