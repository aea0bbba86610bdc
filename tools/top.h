/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ct-top's containers: what they use now and used the round before, their order, and the screen. */
#ifndef CT_TOOLS_TOP_H
#define CT_TOOLS_TOP_H

#include <stdio.h>

#include "common.h"

struct top_item {
	char *name;
	ct_container *c;
	int state;
	ct_usage usage;
	double percent; /* of one processor since the round before; below 0: not known */
	uint64_t at_us; /* when the counters were read, by the monotonic clock */
	bool listed, read;
};

struct top {
	struct top_item *v;
	size_t n;
	char sort; /* one of TOP_SORTS */
	bool reverse;
};
#define TOP_SORTS "ncbmsk" /* name, CPU, block I/O, memory, memory and swap, kernel memory */

/* Reads the counters of all running containers, and sorts them. Returns 0, or the exit code after
 * an error message. */
int top_read(const struct args *a, struct top *t);
/* Sorts them by t->sort and t->reverse. */
void top_order(struct top *t);
/* Releases what t holds. */
void top_free(struct top *t);

/* The sum of two counters, either of which may be absent: absent when both are. */
uint64_t top_plus(uint64_t x, uint64_t y);
/* Writes the screen: a head, as many rows as there is room for, and a total. */
void top_view(const struct top *t, unsigned rows, unsigned cols, FILE *out);

#endif
