/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of cgroups: what the caller makes and writes before, and how init gets into them. */
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
		st->in_inner[i] =
			d->inner ? ct_plan_input(b->plan,
						 ct_arena_printf(b->arena, "payload %s", d->tree),
						 -1)
				 : CT_SLOT_NONE;
	}
	for (uint32_t i = 0; i < st->n_join; i++) {
		const struct ct_cg_join *j = &st->join[i];

		st->in_group[i] = ct_plan_input(b->plan,
						ct_arena_printf(b->arena, "cgroup %s", j->tree),
						j->fd);
		st->in_inner[i] = CT_SLOT_NONE;
	}
	/* a cgroup namespace has the cgroup for its root that its maker is in, and who is in one
	 * already cannot put a child there from outside of it (mount option nsdelegate) */
	if (st->want.n || st->n_join)
		b->late |= CT_NS_CGROUP;
	b->refused |= (st->want.no_nodes ? CT_REFUSED_NODES : 0) |
		      (st->want.no_terminals ? CT_REFUSED_TERMINALS : 0) |
		      (st->want.no_blocks ? CT_REFUSED_BLOCKS : 0);
}

/* Slot of the directory that the payload itself lives in. */
static int payload(const struct ct_cgroup_state *st, uint32_t i)
{
	return st->in_inner[i] != CT_SLOT_NONE ? st->in_inner[i] : st->in_group[i];
}

/* The cgroup of version 2 that init is cloned into. */
static int into(const struct ct_cgroup_state *st)
{
	for (uint32_t i = 0; i < st->want.n; i++)
		if (st->want.v[i].version == 2 && !st->want.v[i].monitor)
			return payload(st, i);
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
				(int16_t)payload(st, i);
	for (uint32_t i = 0; i < st->n_join; i++)
		if (st->join[i].version == 1)
			ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_CGROUP_ENTER, NULL)->a =
				(int16_t)st->in_group[i];
}

/* With hooks of the host that run where init is: lifts the list of devices until the builder of
 * hooks has it put back. */
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
	s->s[0] = st->want.unit ? ct_arena_printf(b->arena, "%s (%s)", d->mount, st->want.unit)
				: ct_arena_printf(b->arena, "%s%s", d->mount, d->base);
	s->s[1] = d->path;
	s->list[0] = d->enable;
	s->n_list[0] = d->n_enable;
	s->list[1] = d->wish;
	s->n_list[1] = d->n_wish;
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
	s->list[1] = d->wish;
	s->n_list[1] = d->n_wish;
}

/* Who is not root on the host can only manage groups that belong to it. */
static void hand_over(const struct ct_cgroup_state *st, struct ct_builder *b, uint32_t i)
{
	struct ct_step *s;

	if (st->in_inner[i] == CT_SLOT_NONE || !(b->own & CT_NS_USER))
		return;
	s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_OWN, ct_build_at(b, "idmap"));
	s->a = (int16_t)st->in_inner[i];
	s->n[0] = ct_build_outside(b->spec, false, 0);
	s->n[1] = ct_build_outside(b->spec, true, 0);
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
		s->flags = w->optional ? CT_SF_OPTIONAL : 0;
	}
	if (d->rules) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_DEVICES,
						d->rules_at);

		s->a = (int16_t)st->in_group[i];
		s->list[0] = d->rules;
		s->n_list[0] = d->n_rules;
		s->flags = d->rules_optional ? CT_SF_OPTIONAL : 0;
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

/* All that is made, how init gets in, and the end. */
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
		hand_over(st, b, i);
	}
	lift(st, b);
	b->into = into(st);
	enter(st, b);
	if (b->req->detached)
		remove_groups(st, b);
	return 0;
}
