/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.output: whether the payload's output goes through the output pump. */
#include <errno.h>

#include "plan/builder.h"

bool ct_build_pumps(const struct ct_request *r)
{
	/* output on a terminal of the container's own is counted by the supervisor, which has its
	 * other end */
	return r->spec->limit_output && !r->pty && (!r->detached || r->stdio_given);
}

int ct_build_output(struct ct_builder *b)
{
	struct ct_step *s;

	if (b->spec->limit_output && b->req->pty && !b->req->detached) {
		ct_err_origin(b->err, ct_build_at(b, "limit.output"));
		ct_err_hint(b->err, "start without a terminal, or count what you read from it");
		return ct_fail(b->err, -EINVAL, CT_ERR_CONFLICT, "plan",
			       "what a terminal says cannot be limited in process");
	}
	if (!ct_build_pumps(b->req))
		return 0;
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_OUTPUT_PUMP, ct_build_at(b, "limit.output"));
	s->a = (int16_t)b->in_output;
	s->n[0] = b->spec->limit_output;
	return 0;
}
