/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroups of a container: carried out from the plan before there is a stage, found again later, and cleared. */
#ifndef CT_RUN_START_GROUPS_H
#define CT_RUN_START_GROUPS_H

#include "backend/cgroup/cgroup.h"
#include "plan/plan.h"
#include "model/log.h"
#include "run/child/placeholder.h"

struct ct_container;

/* Carries out the plan's steps of phase SETUP and hands the directories to its inputs (borrowed: *held lives as long as the plan is
 * used). `journal` (-1: none) gets a line before and after each directory. *holder keeps a scope of systemd until the container is in
 * it: ct_placeholder_end() it then, whatever came of it. On failure nothing is left, and the record has
 * step, key and reason. Each step is told to the log. */
int ct_groups_setup(struct ct_plan *plan, const struct ct_cg_plan *want, int journal, const struct ct_log *log, struct ct_cg_held *held,
		    struct ct_placeholder *holder, struct ct_err *e);
/* The groups of a running container, copies of its owner's; ct_cg_forget() them. `n` is 0 for a container without groups. -ESRCH:
 * it does not run. */
int ct_groups_of(struct ct_container *c, struct ct_cg_held *held, struct ct_err *e);

/* -EBUSY, recorded, while the group's list of devices is lifted for a hook of the start: nobody else is to come in without it. */
int ct_groups_check_list(const struct ct_cg_group *g, const struct ct_spec *s, struct ct_arena *a, struct ct_err *e);
/* Whoever joins one of them (`fd`: of g, or below it) would be stopped before the exec that the attach waits for: -EBUSY, recorded, with
 * the name of what is frozen. */
int ct_groups_check_join(const struct ct_cg_group *g, int fd, struct ct_err *e);

/* ---- the journal in the state directory of a detached container ---- */

/* Creates it for a start, under the lock. A descriptor, the caller's, or a negative errno. */
int ct_groups_journal(int dirfd, struct ct_err *e);
/* Reads it. No such file: n is 0. */
int ct_groups_load(int dirfd, struct ct_cg_held *held, struct ct_err *e);
/* Under the lock, no supervisor alive: ends and removes what it speaks of, and the journal. */
int ct_groups_clear(int dirfd, struct ct_err *e);

/* Clears the groups that killed callers have left. With `want` only its first hierarchy is looked at, which is version 2's where there
 * is one and has a group of every container, made first and removed last; what is found is removed in all of them. NULL: all are looked at. */
void ct_groups_sweep(const struct ct_cgroups *trees, const struct ct_cg_plan *want);

#endif
