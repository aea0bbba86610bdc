/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls the function of each step. */
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

int step_result(struct stage *st, int err, int sys, const char *object)
{
	if (err >= 0)
		return 0;
	return step_fail(st, err, sys, object);
}

static int is_empty(const struct stage *st, int16_t slot)
{
	return slot >= 0 && st->slot[slot] < 0;
}

/* Whether a step that this one depends on was skipped. With '|' in the schema
 * the other slot takes the place of an empty one. */
static int lacks_input(const struct stage *st, const struct ct_wire_step *s)
{
	return (is_empty(st, s->a) || is_empty(st, s->b)) && !strchr(stage_schemas[s->op], '|');
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
	if (lacks_input(st, s) && step_optional(s))
		return 0;
	if (lacks_input(st, s))
		return report_error(st, -ENOENT, 0, NULL,
				    "what it works on was skipped by a step before");
	if (st->head->flags & CT_WIRE_TRACE)
		st->began = clock_ns(CLOCK_MONOTONIC);
	if (table[s->op](st, s) < 0)
		return -1;
	step_done(st);
	return 0;
}
