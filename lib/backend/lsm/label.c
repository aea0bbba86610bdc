/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/lsm/label.h"

#include <linux/mount.h>
#include <sys/mount.h>

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* Whether init may make a proc file system of its pid namespace. */
static bool may_make_proc(const struct ct_builder *b)
{
	if (!b->userns)
		return true;
	if (b->in_pidfd != CT_SLOT_NONE)
		return b->req->namespaces & CT_NS_PID;
	return (b->own | b->shared) & CT_NS_PID;
}

/* A proc file system that is attached nowhere, in which nobody can mount anything: a new one, or
 * where init may not make one a copy of the caller's, whose pid namespace is also init's then. */
static int add_proc(struct ct_builder *b, const struct ct_origin *at)
{
	bool is_new = may_make_proc(b);
	enum ct_op op = is_new ? CT_OP_FS_NEW : CT_OP_TREE_CLONE;
	enum ct_phase phase = is_new ? CT_PHASE_DEV : CT_PHASE_HOST;
	int slot = ct_plan_slot(b->plan, "label proc");
	struct ct_step *s = ct_plan_add(b->plan, phase, op, at);

	s->o = (int16_t)slot;
	s->s[0] = "/proc";
	if (!is_new)
		return slot;
	s->s[0] = "proc";
	s->s[1] = "subset=pid";
	s->s[2] = "proc";
	s->n[0] = QUIET;
	return slot;
}

/* One for all labels of a plan. */
static int proc_of(struct ct_builder *b, const struct ct_origin *at)
{
	for (uint32_t i = 0; i < b->plan->n_steps; i++)
		if (b->plan->steps[i].op == CT_OP_LABEL)
			return b->plan->steps[i].a;
	return add_proc(b, at);
}

static struct ct_step *add_label(struct ct_builder *b, enum ct_phase phase,
				 const struct ct_label *label)
{
	int proc = proc_of(b, label->at);
	struct ct_step *s = ct_plan_add(b->plan, phase, CT_OP_LABEL, label->at);

	s->a = (int16_t)proc;
	s->s[0] = label->file;
	s->s[1] = label->text;
	s->s[2] = label->reads;
	return s;
}

void ct_label_plan(struct ct_builder *b, enum ct_phase phase, const struct ct_label *label)
{
	add_label(b, phase, label);
}

void ct_label_plan_reaper(struct ct_builder *b, const struct ct_label *label)
{
	if (b->in_pidfd == CT_SLOT_NONE && b->spec->init_reaper)
		add_label(b, CT_PHASE_CONFINE, label)->n[0] = 1;
}
