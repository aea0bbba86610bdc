/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/near.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
	if (a < b)
		return a;
	return b;
}

unsigned ct_near_distance(const char *a, const char *b)
{
	unsigned rows[3][CT_NEAR_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
	size_t na = strnlen(a, CT_NEAR_MAX + 1), nb = strnlen(b, CT_NEAR_MAX + 1);

	if (na > CT_NEAR_MAX || nb > CT_NEAR_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = least(now[j], least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

bool ct_near_enough(const char *name, unsigned distance)
{
	return distance <= 3 && distance * 3 <= strlen(name);
}

void ct_near_try(struct ct_near *near, const char *known)
{
	unsigned d = ct_near_distance(near->name, known);

	if (!ct_near_enough(near->name, d) || (near->best && d >= near->distance))
		return;
	near->best = known;
	near->distance = d;
}
