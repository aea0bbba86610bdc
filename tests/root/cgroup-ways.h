/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases that run with each backend of cgroups, in process and detached. */
#ifndef CT_TEST_CGROUP_WAYS_H
#define CT_TEST_CGROUP_WAYS_H

#include "cgroup-help.h"

struct way {
	const char *backend;
	bool detached;
};

#define N_WAYS 6

extern const struct way ways[N_WAYS];
/* The case's, from its *state; the first without. */
extern const struct way *way;

/* cgroup_case_setup(), the name being for detached ones; sets `way` and its backend. */
int way_setup(void **state, const char *prefix, const char *name);
/* Sets the backend of `way`. "auto" stays unset: a backend that is named is asked for. */
int way_config(ct_container *c);
/* For a start. */
uint64_t way_flags(void);

#endif
