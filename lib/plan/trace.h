/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A start in the log, step by step. */
#ifndef CT_PLAN_TRACE_H
#define CT_PLAN_TRACE_H

#include "plan/plan.h"
#include "model/log.h"

/* Whether the log wants the steps of a plan. */
bool ct_trace_wanted(const struct ct_log *log);
/* Whether the log, or that of the supervisor (NULL: there is none), wants what the
 * plan's hooks print. */
bool ct_said_wanted(const struct ct_log *log, const struct ct_plan *plan,
		    const struct ct_wire_super *super);
/* A line that the hook of step i has printed, to the log. */
void ct_trace_said(const struct ct_log *log, const struct ct_plan *plan, uint32_t i,
		   const char *line);
/* Logs that step i is done and how long it took: with its name, and at CT_LOG_TRACE with its
 * arguments. */
void ct_trace_step(const struct ct_log *log, const struct ct_plan *plan, uint32_t i,
		   uint64_t took_ns);

#endif
