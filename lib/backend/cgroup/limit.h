/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The portable limits: what each limit.* key means for each cgroup version, in one table. Pure. */
#ifndef CT_BACKEND_CGROUP_LIMIT_H
#define CT_BACKEND_CGROUP_LIMIT_H

#include "host/cgroup.h"
#include "model/spec.h"
#include "backend/cgroup/plan.h"

#define CT_LIMIT_PIDS_GREATEST 4194304u /* the kernel's PID_MAX_LIMIT */

/* Controllers (CT_CG_*) that the spec's limits need, without limit.devices. With `best_effort` also
 * those of limits that a start goes on without: with "try:", and "max", which limits nothing. */
uint32_t ct_limit_controllers(const struct ct_spec *s, bool best_effort);
/* The key of the first limit that requires the controller `bit`; if there is none, of the first
 * that is best effort, and *best_effort is true. NULL: no limit needs it. */
const struct ct_origin *ct_limit_asking(const struct ct_spec *s, uint32_t bit, bool *best_effort);
/* Adds to *out the writes that carry out the spec's limits of the controllers in `bits` on
 * `version`, in the order in which they must be written. 0; -EOPNOTSUPP (CT_ERR_LIMIT) for a limit
 * that this version cannot express, with its remedy, unless it is best effort: that is left out;
 * -ENODEV and others for a device in io.max that does not exist; -ENOMEM. */
int ct_limit_writes(const struct ct_spec *s, int version, uint32_t bits, struct ct_arena *a,
		    struct ct_cg_writes *out, struct ct_err *e);

/* The main file of a limit key on `version`, "memory.max", in buf: the one to read a limit back
 * from. `sub` as in the spec ("2MB"; ""), or part of the key ("limit.hugetlb.2MB"). NULL: no such
 * key, no such file on this version, or buf is too small. */
const char *ct_limit_file(const char *key, const char *sub, int version, char *buf, size_t n);
/* The controller (CT_CG_*) of a limit key, "limit.memory", "limit.hugetlb.2MB"; 0: it is no limit
 * of cgroups. */
uint32_t ct_limit_bit(const char *key);

#endif
