/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all readers of policies use. */
#include <string.h>

#include "backend/seccomp/policy.h"

/* As many rules as there is room for at the least, then twice as many each time. */
#define FIRST_RULES 64

static bool make_room(struct ct_filter_policy *p, struct ct_arena *arena)
{
	struct ct_filter_rule *more;
	uint32_t room = p->cap_rules * 2;

	if (p->n_rules < p->cap_rules)
		return true;
	if (p->n_rules >= CT_FILTER_RULES_MAX)
		return false;
	if (room < FIRST_RULES)
		room = FIRST_RULES;
	more = ct_arena_grow(arena, p->rule, p->n_rules, room, sizeof(*more));
	if (!more)
		return false;
	p->rule = more;
	p->cap_rules = room;
	return true;
}

/* Adds a rule, copied, to the policy. */
struct ct_filter_rule *ct_filter_add(struct ct_filter_policy *p, struct ct_arena *arena,
				     const struct ct_filter_rule *rule)
{
	const char *name = ct_arena_strdup(arena, rule->name);
	struct ct_filter_rule *own;

	if (!name || p->n_rules >= CT_FILTER_RULES_MAX || !make_room(p, arena))
		return NULL;
	own = &p->rule[p->n_rules++];
	*own = *rule;
	own->name = name;
	p->notifies |= rule->action.verdict == CT_FILTER_NOTIFY;
	return own;
}

/* Lists an architecture, unless it is listed. */
bool ct_filter_add_arch(struct ct_filter_policy *p, uint32_t arch)
{
	for (uint32_t i = 0; i < p->n_archs; i++)
		if (p->arch[i] == arch)
			return true;
	if (p->n_archs == sizeof(p->arch) / sizeof(p->arch[0]))
		return false;
	p->arch[p->n_archs++] = arch;
	return true;
}
