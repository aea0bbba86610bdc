/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's lists of processors and memory nodes, "0-3,5", as sets. */
#ifndef CT_BACKEND_CGROUP_CPULIST_H
#define CT_BACKEND_CGROUP_CPULIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CT_CPULIST_MAX 8192u /* more than any kernel has of either */
#define CT_CPULIST_WORDS (CT_CPULIST_MAX / 64)

struct ct_cpulist {
	uint64_t v[CT_CPULIST_WORDS];
};

/* From text. False: something in it is no number or range, or above CT_CPULIST_MAX; the rest is
 * read. */
bool ct_cpulist_read(const char *text, struct ct_cpulist *out);
/* As text, "" for none. */
void ct_cpulist_print(const struct ct_cpulist *l, struct ct_buf *out);
bool ct_cpulist_is_empty(const struct ct_cpulist *l);
bool ct_cpulist_equal(const struct ct_cpulist *a, const struct ct_cpulist *b);
/* Intersection and union; `out` may be one of them. */
void ct_cpulist_both(const struct ct_cpulist *a, const struct ct_cpulist *b,
		     struct ct_cpulist *out);
void ct_cpulist_either(const struct ct_cpulist *a, const struct ct_cpulist *b,
		       struct ct_cpulist *out);

#endif
