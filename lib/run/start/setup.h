/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroups of a container, carried out from the plan before there is a stage. */
#ifndef CT_RUN_START_SETUP_H
#define CT_RUN_START_SETUP_H

#include "backend/cgroup/cgroup.h"
#include "model/log.h"
#include "plan/plan.h"
#include "run/child/placeholder.h"

/* Carries out the plan's steps of phase SETUP and hands the directories to its inputs (borrowed: *held lives as long as the plan is
 * used). `journal` (-1: none) gets a line before and after each directory. *holder keeps a scope of systemd until the container is in
 * it: ct_placeholder_end() it then, whatever came of it. On failure nothing is left, and the record has
 * step, key and reason. Each step is told to the log. */
int ct_groups_setup(struct ct_plan *plan, const struct ct_cg_plan *want, int journal, const struct ct_log *log, struct ct_cg_held *held,
		    struct ct_placeholder *holder, struct ct_err *e);

#endif
