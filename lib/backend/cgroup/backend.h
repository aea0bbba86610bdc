/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of cgroups in the list of backends. */
#ifndef CT_BACKEND_CGROUP_BACKEND_H
#define CT_BACKEND_CGROUP_BACKEND_H

#include "backend/backend.h"
#include "backend/cgroup/cgroup.h"

extern const struct ct_backend ct_backend_cgroup;

/* Its state in a set of backends. */
const struct ct_cgroup_state *ct_cgroup_state(const struct ct_backend_set *set);
/* Takes the cgroups that a start has made out of the state: ct_cgroup_forget() releases them. */
struct ct_cgroups_held ct_cgroup_take(struct ct_backend_set *set);

#endif
