/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal of a detached container's cgroups, in its state directory. */
#ifndef CT_RUN_STATE_GROUPS_H
#define CT_RUN_STATE_GROUPS_H

#include "backend/cgroup/cgroup.h"

/* Creates it for a start, under the lock. A descriptor, the caller's, or a negative errno. */
int ct_groups_journal(int dirfd, struct ct_err *e);
/* Reads it. No such file: n is 0. */
int ct_groups_load(int dirfd, struct ct_cg_held *held, struct ct_err *e);
/* Under the lock, no supervisor alive: ends and removes what it speaks of, and the journal. */
int ct_groups_clear(int dirfd, struct ct_err *e);

#endif
