/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/trace.h"

#include <inttypes.h>

#include "plan/phase.h"

bool ct_trace_wanted(const struct ct_log *log)
{
	return ct_log_wants(log, CT_LOG_DEBUG);
}

bool ct_said_wanted(const struct ct_log *log, const struct ct_plan *plan,
		    const struct ct_wire_super *super)
{
	if (!ct_log_wants(log, CT_LOG_INFO) &&
	    !(super && super->log >= 0 && super->log_level >= CT_LOG_INFO))
		return false;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].op == CT_OP_HOOK)
			return true;
	return false;
}

void ct_trace_said(const struct ct_log *log, const struct ct_plan *plan, uint32_t i,
		   const char *line)
{
	const struct ct_step *s;
	const char *program = "";

	if (i >= plan->n_steps || plan->steps[i].op != CT_OP_HOOK)
		return;
	s = &plan->steps[i];
	if (s->n_list[0])
		program = s->list[0][0];
	ct_log(log, CT_LOG_INFO, "hook %s %s: %s", s->s[0], program, line);
}

void ct_trace_step(const struct ct_log *log, const struct ct_plan *plan, uint32_t i,
		   uint64_t took_ns)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	const struct ct_step *s;
	int level = CT_LOG_DEBUG;

	if (i >= plan->n_steps)
		return;
	s = &plan->steps[i];
	if (ct_log_wants(log, CT_LOG_TRACE))
		level = CT_LOG_TRACE;
	ct_buf_printf(&text, "step %" PRIu32 ", %" PRIu64 " us, %s by %s: ", i, took_ns / 1000,
		      ct_phase_name(s->phase), ct_phase_actor(s->phase));
	if (level == CT_LOG_TRACE)
		ct_plan_step_text(plan, s, false, &text);
	else
		ct_buf_str(&text, ct_op_name(s->op));
	if (s->at->key[0])
		ct_buf_printf(&text, "  # %s", s->at->key);
	ct_log(log, level, "%s", ct_buf_text(&text));
}
