/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which known name is the nearest to a wrong one, for "did you mean". */
#ifndef CT_BASE_NEAR_H
#define CT_BASE_NEAR_H

#include <stdbool.h>

#define CT_NEAR_MAX 64 /* longer names are not near any other */

/* How many letters must be added, taken away, changed or swapped with their neighbour to make b of
 * a; UINT_MAX when one of them is longer than CT_NEAR_MAX. */
unsigned ct_near_distance(const char *a, const char *b);
/* Whether so many letters are few enough for a name of this length. */
bool ct_near_enough(const char *name, unsigned distance);

/* A search: { .name = the wrong name }, each known name by ct_near_try(), then `best`, NULL when
 * none is near. */
struct ct_near {
	const char *name, *best;
	unsigned distance; /* of the best one */
};
void ct_near_try(struct ct_near *near, const char *known);

#endif
