/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and checking the list of steps. */
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan/op.h"
#include "plan/phase.h"

static const struct ct_origin by_default = { .key = "" };

struct ct_plan *ct_plan_new(struct ct_arena *arena)
{
	struct ct_plan *p = ct_arena_alloc(arena, sizeof(*p));

	if (p)
		p->arena = arena;
	return p;
}

/* Room for one more step; NULL (and a sticky error) when there is none. */
static struct ct_step *next_step(struct ct_plan *p)
{
	if (p->n_steps == CT_WIRE_MAX_STEPS) {
		p->err = -E2BIG;
		return NULL;
	}
	if (p->n_steps == p->cap_steps) {
		uint32_t cap = p->cap_steps ? p->cap_steps * 2 : 64;
		struct ct_step *bigger = ct_arena_grow(p->arena, p->steps, p->n_steps, cap,
						       sizeof(*bigger));

		if (!bigger) {
			p->err = -ENOMEM;
			return NULL;
		}
		p->steps = bigger;
		p->cap_steps = cap;
	}
	return &p->steps[p->n_steps++];
}

struct ct_step *ct_plan_add(struct ct_plan *p, enum ct_phase phase, enum ct_op op,
			    const struct ct_origin *at)
{
	struct ct_step *s = next_step(p);

	if (!s)
		s = &p->discarded;
	memset(s, 0, sizeof(*s));
	s->op = (uint16_t)op;
	s->phase = (uint8_t)phase;
	s->a = s->b = s->o = s->p = CT_SLOT_NONE;
	s->at = &by_default;
	if (at)
		s->at = at;
	s->order = p->n_steps;
	return s;
}

int ct_plan_slot(struct ct_plan *p, const char *name)
{
	if (p->n_slots == CT_WIRE_SLOTS) {
		p->err = -E2BIG;
		return CT_WIRE_SLOTS - 1;
	}
	if (p->n_slots == p->cap_slots) {
		int cap = p->cap_slots ? p->cap_slots * 2 : 64;
		const char **bigger = ct_arena_grow(p->arena, p->slot_name, (size_t)p->n_slots,
						    (size_t)cap, sizeof(*bigger));

		if (!bigger) {
			p->err = -ENOMEM;
			return 0;
		}
		p->slot_name = bigger;
		p->cap_slots = cap;
	}
	p->slot_name[p->n_slots] = name;
	return p->n_slots++;
}

/* The first error stays. */
static void keep_error(struct ct_plan *p, int err)
{
	if (!p->err)
		p->err = err;
}

int ct_plan_input(struct ct_plan *p, const char *name, int fd)
{
	int slot;

	if (p->n_inputs >= CT_WIRE_INPUTS) {
		keep_error(p, -E2BIG);
		return 0;
	}
	slot = ct_plan_slot(p, name);
	if (p->err == -ENOMEM)
		return 0;
	/* an input after another slot: its number may be beyond the table of inputs */
	if (slot != p->n_inputs) {
		keep_error(p, -EINVAL);
		return 0;
	}
	p->input_fd[slot] = fd;
	p->n_inputs = slot + 1;
	return slot;
}

static int by_phase(const void *x, const void *y)
{
	const struct ct_step *a = x, *b = y;

	if (a->phase != b->phase)
		return a->phase - b->phase;
	return (a->order > b->order) - (a->order < b->order);
}

/* A slot that a step reads must have been filled by an earlier step or by the caller. */
static bool slots_filled(const struct ct_plan *p, const struct ct_step *s, const bool *filled)
{
	int16_t reads[] = { s->a, s->b };

	for (unsigned i = 0; i < 2; i++)
		if (reads[i] != CT_SLOT_NONE &&
		    (reads[i] < 0 || reads[i] >= p->n_slots || !filled[reads[i]]))
			return false;
	return true;
}

int ct_plan_freeze(struct ct_plan *p, struct ct_err *e)
{
	bool filled[CT_WIRE_SLOTS] = { false };

	if (p->err == -ENOMEM)
		return ct_oom(e);
	if (p->err == -E2BIG)
		return ct_fail(e, -E2BIG, CT_ERR_PLAN, "plan",
			       "more than %u steps or %u descriptors are needed", CT_WIRE_MAX_STEPS,
			       CT_WIRE_SLOTS);
	if (p->err)
		return ct_fail(e, p->err, CT_ERR_PLAN, "plan",
			       "an input was added after another slot");
	if (p->n_steps)
		qsort(p->steps, p->n_steps, sizeof(*p->steps), by_phase);
	while (p->n_setup < p->n_steps && p->steps[p->n_setup].phase == CT_PHASE_SETUP)
		p->n_setup++;
	for (int i = 0; i < p->n_inputs; i++)
		filled[i] = true;
	for (uint32_t i = 0; i < p->n_steps; i++) {
		const struct ct_step *s = &p->steps[i];

		if (!slots_filled(p, s, filled)) {
			ct_err_step(e, (int)i, ct_op_name(s->op));
			return ct_fail(e, -EINVAL, CT_ERR_PLAN, "plan",
				       "reads a descriptor that no earlier step makes");
		}
		if (s->o >= 0)
			filled[s->o] = true;
		if (s->p >= 0)
			filled[s->p] = true;
	}
	p->frozen = true;
	return 0;
}

bool ct_plan_removes(const struct ct_plan *p, const char *backend)
{
	size_t n = strlen(backend);

	for (uint32_t i = 0; i < p->n_steps; i++) {
		const char *name = ct_op_name(p->steps[i].op);

		if (p->steps[i].phase == CT_PHASE_END && !strncmp(name, backend, n) &&
		    name[n] == '.')
			return true;
	}
	return false;
}
