/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-ways.h"

#include <string.h>

const struct way ways[N_WAYS] = { { "auto", false },   { "auto", true },     { "cgroup1", false },
				  { "cgroup1", true }, { "cgroup2", false }, { "cgroup2", true } };
const struct way *way;

int way_config(ct_container *c)
{
	if (!strcmp(way->backend, "auto"))
		return 0;
	return box_config(c, "cgroup.backend", way->backend, NULL);
}

int way_setup(void **state, const char *prefix, const char *name)
{
	way = *state ? *state : &ways[0];
	return cgroup_case_setup(prefix, way->detached ? name : NULL) || way_config(box.c);
}

uint64_t way_flags(void)
{
	return way->detached ? CT_START_DETACH : 0;
}
