/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an op to the function that carries it out. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "stage/step/steps.h"

static step_fn *const table[CT_OP_COUNT] = {
#define CT_STEP(op, function, ...) [CT_OP_##op] = function,
#define CT_SETUP_STEP(...)
#define CT_END_STEP(...)
#include "wire/steps.def"
};

/* Puts fd into a slot; what was in it is closed. */
void step_fill(struct stage *st, int16_t slot, int fd)
{
	sys_close(st->slot[slot]);
	st->slot[slot] = fd;
}

static int empty(const struct stage *st, int16_t slot)
{
	return slot >= 0 && st->slot[slot] < 0;
}

/* Whether the step works on what was skipped by a step before. */
static int lacks_input(const struct stage *st, const struct ct_wire_step *s)
{
	return (empty(st, s->a) || empty(st, s->b)) && !strchr(stage_schemas[s->op], '|');
}

void step_done(struct stage *st)
{
	if (st->head->flags & CT_WIRE_TRACE)
		report_step(st, clock_ns(CLOCK_MONOTONIC) - st->began);
}

/* Carries out step i. 0, or -1 when it failed and was reported. */
int step_run(struct stage *st, uint32_t i)
{
	const struct ct_wire_step *s = &st->steps[i];

	st->current = (uint16_t)i;
	if (lacks_input(st, s))
		return step_optional(s)
			       ? 0
			       : report_error(st, -ENOENT, 0, NULL,
					      "what it works on was skipped by a step before");
	if (st->head->flags & CT_WIRE_TRACE)
		st->began = clock_ns(CLOCK_MONOTONIC);
	if (table[s->op](st, s) < 0)
		return -1;
	step_done(st);
	return 0;
}
