/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroups: what the caller makes and writes before, and how init gets into them. */
#include <string.h>

#include "plan/builder.h"

static uint32_t n_groups(const struct ct_builder *b)
{
	return b->req->cgroup ? b->req->cgroup->n : 0;
}

void ct_build_group_inputs(struct ct_builder *b)
{
	for (uint32_t i = 0; i < n_groups(b); i++) {
		const struct ct_cg_dir *d = &b->req->cgroup->v[i];

		b->in_group[i] = ct_plan_input(b->plan, ct_arena_printf(b->arena, "cgroup %s", d->tree), -1);
		b->in_inner[i] = d->inner ? ct_plan_input(b->plan, ct_arena_printf(b->arena, "payload %s", d->tree), -1) : CT_SLOT_NONE;
	}
	for (uint32_t i = 0; i < b->req->n_join; i++) {
		const struct ct_cg_join *j = &b->req->join[i];

		b->in_group[i] = ct_plan_input(b->plan, ct_arena_printf(b->arena, "cgroup %s", j->tree), j->fd);
		b->in_inner[i] = CT_SLOT_NONE;
	}
}

/* Slot of the directory that the payload itself lives in. */
static int payload(const struct ct_builder *b, uint32_t i)
{
	return b->in_inner[i] != CT_SLOT_NONE ? b->in_inner[i] : b->in_group[i];
}

int ct_build_into(const struct ct_builder *b)
{
	for (uint32_t i = 0; i < n_groups(b); i++)
		if (b->req->cgroup->v[i].version == 2 && !b->req->cgroup->v[i].monitor)
			return payload(b, i);
	for (uint32_t i = 0; i < b->req->n_join; i++)
		if (b->req->join[i].version == 2)
			return b->in_group[i];
	return CT_SLOT_NONE;
}

void ct_build_enter(struct ct_builder *b)
{
	for (uint32_t i = 0; i < n_groups(b); i++)
		if (b->req->cgroup->v[i].version == 1 && !b->req->cgroup->v[i].monitor)
			ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_CGROUP_ENTER, b->req->cgroup->at)->a = (int16_t)payload(b, i);
	for (uint32_t i = 0; i < b->req->n_join; i++)
		if (b->req->join[i].version == 1)
			ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_CGROUP_ENTER, NULL)->a = (int16_t)b->in_group[i];
}

void ct_build_lift(struct ct_builder *b)
{
	const struct ct_cmd_item *hook = ct_spec_hooks_inside(b->spec);
	struct ct_step *s;

	for (uint32_t i = 0; hook && i < n_groups(b); i++) {
		if (!b->req->cgroup->v[i].lists)
			continue;
		s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_CGROUP_LIFT, &hook->at);
		s->a = (int16_t)b->in_group[i];
		s->b = (int16_t)b->in_inner[i];
		s->n[0] = b->req->cgroup->v[i].version;
		b->lifted = &hook->at;
	}
}

static void make_group(struct ct_builder *b, uint32_t i)
{
	const struct ct_cg_dir *d = &b->req->cgroup->v[i];
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_MAKE, b->req->cgroup->at);

	s->o = (int16_t)b->in_group[i];
	s->s[0] = b->req->cgroup->unit ? ct_arena_printf(b->arena, "%s (%s)", d->mount, b->req->cgroup->unit) :
					 ct_arena_printf(b->arena, "%s%s", d->mount, d->base);
	s->s[1] = d->path;
	s->list[0] = d->enable;
	s->n_list[0] = d->n_enable;
	s->list[1] = d->wish;
	s->n_list[1] = d->n_wish;
	s->n[0] = d->version;
	s->n[1] = d->numbered;
}

static void make_inner(struct ct_builder *b, uint32_t i)
{
	const struct ct_cg_dir *d = &b->req->cgroup->v[i];
	struct ct_step *s;

	if (!d->inner)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_INNER, b->req->cgroup->at);
	s->a = (int16_t)b->in_group[i];
	s->o = (int16_t)b->in_inner[i];
	s->s[0] = d->inner;
	s->list[0] = d->enable;
	s->n_list[0] = d->n_enable;
	s->list[1] = d->wish;
	s->n_list[1] = d->n_wish;
}

/* Who is not root on the host can only manage groups that belong to it. */
static void hand_over(struct ct_builder *b, uint32_t i)
{
	struct ct_step *s;

	if (b->in_inner[i] == CT_SLOT_NONE || !(b->own & CT_NS_USER))
		return;
	s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_OWN, ct_build_at(b, "idmap"));
	s->a = (int16_t)b->in_inner[i];
	s->n[0] = ct_build_outside(b->spec, false, 0);
	s->n[1] = ct_build_outside(b->spec, true, 0);
}

static void write_files(struct ct_builder *b, uint32_t i)
{
	const struct ct_cg_dir *d = &b->req->cgroup->v[i];

	for (uint32_t k = 0; k < d->writes.n; k++) {
		const struct ct_cg_write *w = &d->writes.v[k];
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_SET, w->at);

		s->a = (int16_t)b->in_group[i];
		s->s[0] = w->file;
		s->s[1] = w->value;
		s->s[2] = w->file2;
		s->s[3] = w->value2;
		s->n[0] = w->if_there;
		s->flags = w->optional ? CT_SF_OPTIONAL : 0;
	}
	if (d->rules) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_DEVICES, d->rules_at);

		s->a = (int16_t)b->in_group[i];
		s->list[0] = d->rules;
		s->n_list[0] = d->n_rules;
		s->flags = d->rules_optional ? CT_SF_OPTIONAL : 0;
	}
}

int ct_build_cgroup(struct ct_builder *b)
{
	if (n_groups(b) && b->req->cgroup->unit) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_CGROUP_SCOPE, ct_build_at(b, "cgroup.backend"));

		s->s[0] = b->req->cgroup->unit;
		s->s[1] = b->req->cgroup->slice;
		s->n[0] = b->req->cgroup->user_manager;
	}
	for (uint32_t i = 0; i < n_groups(b); i++) {
		make_group(b, i);
		write_files(b, i);
		make_inner(b, i);
		hand_over(b, i);
	}
	return 0;
}
