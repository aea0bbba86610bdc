/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A text as a policy in JSON: it is refused with a record and nothing of it is used, or what it
 * becomes is within the bounds that the compiler relies on. */
#include <errno.h>
#include <string.h>

#include <seccomp.h>

#include "backend/seccomp/policy.h"
#include "must.h"

static void check_action(struct ct_filter_action a)
{
	MUST(a.verdict <= CT_FILTER_KILL_PROCESS);
	if (a.verdict == CT_FILTER_ERRNO)
		MUST(a.data <= 4095);
	else if (a.verdict != CT_FILTER_TRACE)
		MUST(a.data == 0);
}

static void check_rule(const struct ct_filter_rule *r, size_t size)
{
	unsigned seen = 0;

	check_action(r->action);
	MUST(*r->name && strlen(r->name) <= 64 && r->n_args <= CT_FILTER_ARGS);
	MUST(r->line >= 1 && r->line <= size && r->may_be_new);
	for (uint32_t i = 0; i < r->n_args; i++) {
		MUST(r->arg[i].index < CT_FILTER_ARGS && r->arg[i].op <= CT_FILTER_MASKED_EQ);
		MUST(!(seen >> r->arg[i].index & 1));
		seen |= 1u << r->arg[i].index;
	}
}

static void check_policy(const struct ct_filter_policy *p, size_t size)
{
	check_action(p->otherwise);
	MUST(p->n_archs >= 1 && p->n_archs <= 16 && p->arch[0] == seccomp_arch_native());
	for (uint32_t i = 0; i < p->n_archs; i++) {
		MUST(p->arch[i]);
		for (uint32_t k = 0; k < i; k++)
			MUST(p->arch[i] != p->arch[k]);
	}
	MUST(p->n_rules <= CT_FILTER_RULES_MAX);
	for (uint32_t i = 0; i < p->n_rules; i++)
		check_rule(&p->rule[i], size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ct_filter_facts facts[] = { { 0, 4, 19 }, { ~UINT64_C(0), 6, 1 } };
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_filter_policy p;
	int results[2];

	MUST(a);
	for (int i = 0; i < 2; i++) {
		struct ct_err e;

		ct_err_clear(&e);
		results[i] = ct_filter_read_json((const char *)data, size, "f", &facts[i], a, &p,
						 &e);
		MUST(e.err == results[i]);
		if (results[i] == 0) {
			check_policy(&p, size);
			continue;
		}
		MUST(results[i] == -EINVAL || results[i] == -E2BIG);
		MUST(*e.message && e.id == CT_ERR_FILTER && !p.n_rules && !p.n_archs);
	}
	/* only how many rules there are may differ */
	MUST(results[0] == results[1] || results[0] == -E2BIG || results[1] == -E2BIG);
	return 0;
}
