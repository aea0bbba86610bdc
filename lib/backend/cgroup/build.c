/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of cgroups: those of phase SETUP, which make them, and those that put init into
 * them. */
#include <string.h>

#include "backend/cgroup/state.h"

/* Slots for the cgroups, among the inputs, and what the other builders have to know of them. */
void ct_cg_inputs(void *state, struct ct_builder *b)
{
	struct ct_cgroup_state *st = state;

	for (uint32_t i = 0; i < st->want.n; i++) {
		const struct ct_cg_dir *d = &st->want.v[i];

		st->in_group[i] =
			ct_plan_input(b->plan, ct_arena_printf(b->arena, "cgroup %s", d->tree), -1);
		st->in_inner[i] = CT_SLOT_NONE;
		if (d->inner)
			st->in_inner[i] =
				ct_plan_input(b->plan,
					      ct_arena_printf(b->arena, "payload %s", d->tree), -1);
	}
	for (uint32_t i = 0; i < st->n_join; i++) {
		const struct ct_cg_join *j = &st->join[i];

		st->in_group[i] = ct_plan_input(b->plan,
						ct_arena_printf(b->arena, "cgroup %s", j->tree),
						j->fd);
		st->in_inner[i] = CT_SLOT_NONE;
	}
	/* init makes its cgroup namespace only when it is in its cgroup: that becomes the root, and
	 * from inside of a namespace no process can be moved to a cgroup outside of it (mount
	 * option nsdelegate) */
	if (st->want.n || st->n_join)
		b->late |= CT_NS_CGROUP;
	if (st->want.no_nodes)
		b->refused |= CT_REFUSED_NODES;
	if (st->want.no_terminals)
		b->refused |= CT_REFUSED_TERMINALS;
	if (st->want.no_blocks)
		b->refused |= CT_REFUSED_BLOCKS;
}

int ct_cg_payload_slot(const struct ct_cgroup_state *st, uint32_t i)
{
	if (st->in_inner[i] != CT_SLOT_NONE)
		return st->in_inner[i];
	return st->in_group[i];
}

/* The cgroup of version 2 that init is cloned into. */
static int into(const struct ct_cgroup_state *st)
{
	for (uint32_t i = 0; i < st->want.n; i++)
		if (st->want.v[i].version == 2 && !st->want.v[i].monitor)
			return ct_cg_payload_slot(st, i);
	for (uint32_t i = 0; i < st->n_join; i++)
		if (st->join[i].version == 2)
			return st->in_group[i];
	return CT_SLOT_NONE;
}

/* Steps that put init into the cgroups of version 1. */
static void enter(const struct ct_cgroup_state *st, struct ct_builder *b)
{
	for (uint32_t i = 0; i < st->want.n; i++)
		if (st->want.v[i].version == 1 && !st->want.v[i].monitor)
			ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_CGROUP_ENTER, st->want.at)->a =
				(int16_t)ct_cg_payload_slot(st, i);
	for (uint32_t i = 0; i < st->n_join; i++)
		if (st->join[i].version == 1)
			ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_CGROUP_ENTER, NULL)->a =
				(int16_t)st->in_group[i];
}

/* Hooks of the host that run in init's place need the host's devices: the list of devices is lifted
 * for them. The builder of hooks adds the step that puts it back. */
static void lift(const struct ct_cgroup_state *st, struct ct_builder *b)
{
	const struct ct_cmd_item *hook = ct_spec_hooks_inside(b->spec);
	struct ct_step *s;

	for (uint32_t i = 0; hook && i < st->want.n; i++) {
		if (!st->want.v[i].lists)
			continue;
		s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_CGROUP_LIFT, &hook->at);
		s->a = (int16_t)st->in_group[i];
		s->b = (int16_t)st->in_inner[i];
		s->n[0] = st->want.v[i].version;
		b->lifted = &hook->at;
	}
}

static void make_group(const struct ct_cgroup_state *st, struct ct_builder *b, uint32_t i)
{
	const struct ct_cg_dir *d = &st->want.v[i];
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_MAKE, st->want.at);

	s->o = (int16_t)st->in_group[i];
	if (st->want.unit)
		s->s[0] = ct_arena_printf(b->arena, "%s (%s)", d->mount, st->want.unit);
	else
		s->s[0] = ct_arena_printf(b->arena, "%s%s", d->mount, d->base);
	s->s[1] = d->path;
	s->list[0] = d->enable;
	s->n_list[0] = d->n_enable;
	s->list[1] = d->best_effort;
	s->n_list[1] = d->n_best_effort;
	s->n[0] = d->version;
	s->n[1] = d->numbered;
}

static void make_inner(const struct ct_cgroup_state *st, struct ct_builder *b, uint32_t i)
{
	const struct ct_cg_dir *d = &st->want.v[i];
	struct ct_step *s;

	if (!d->inner)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_INNER, st->want.at);
	s->a = (int16_t)st->in_group[i];
	s->o = (int16_t)st->in_inner[i];
	s->s[0] = d->inner;
	s->list[0] = d->enable;
	s->n_list[0] = d->n_enable;
	s->list[1] = d->best_effort;
	s->n_list[1] = d->n_best_effort;
}

/* A payload that is not root on the host can only manage cgroups that belong to it. */
static void delegate(const struct ct_cgroup_state *st, struct ct_builder *b, uint32_t i)
{
	struct ct_step *s;

	if (st->in_inner[i] == CT_SLOT_NONE || !(b->own & CT_NS_USER))
		return;
	s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_OWN, ct_build_at(b, "idmap"));
	s->a = (int16_t)st->in_inner[i];
	s->n[0] = ct_build_outside(b->spec, false, 0);
	s->n[1] = ct_build_outside(b->spec, true, 0);
}

static uint8_t optional_flag(bool optional)
{
	if (optional)
		return CT_SF_OPTIONAL;
	return 0;
}

static void write_files(const struct ct_cgroup_state *st, struct ct_builder *b, uint32_t i)
{
	const struct ct_cg_dir *d = &st->want.v[i];

	for (uint32_t k = 0; k < d->writes.n; k++) {
		const struct ct_cg_write *w = &d->writes.v[k];
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_SET, w->at);

		s->a = (int16_t)st->in_group[i];
		s->s[0] = w->file;
		s->s[1] = w->value;
		s->s[2] = w->file2;
		s->s[3] = w->value2;
		s->n[0] = w->if_there;
		s->flags = optional_flag(w->optional);
	}
	if (d->rules) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_DEVICES,
						d->rules_at);

		s->a = (int16_t)st->in_group[i];
		s->list[0] = d->rules;
		s->n_list[0] = d->n_rules;
		s->flags = optional_flag(d->rules_optional);
	}
}

/* What the supervisor removes at the end. It cannot remove the cgroup that it is in itself: the
 * next call does. */
static void remove_groups(const struct ct_cgroup_state *st, struct ct_builder *b)
{
	for (uint32_t i = st->want.n; i-- > 0;)
		if (!st->want.v[i].monitor)
			ct_plan_add(b->plan, CT_PHASE_END, CT_OP_CGROUP_REMOVE, st->want.at)->a =
				(int16_t)st->in_group[i];
}

/* The steps of a start and its end, or of an attach, which makes nothing. */
int ct_cg_plan(void *state, struct ct_builder *b)
{
	struct ct_cgroup_state *st = state;

	if (st->want.n && st->want.unit) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_SCOPE,
						ct_build_at(b, "cgroup.backend"));

		s->s[0] = st->want.unit;
		s->s[1] = st->want.slice;
		s->n[0] = st->want.user_manager;
	}
	for (uint32_t i = 0; i < st->want.n; i++) {
		make_group(st, b, i);
		write_files(st, b, i);
		make_inner(st, b, i);
		delegate(st, b, i);
	}
	lift(st, b);
	b->into = into(st);
	enter(st, b);
	if (b->req->detached)
		remove_groups(st, b);
	return 0;
}
