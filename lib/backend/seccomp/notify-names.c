/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* seccomp.notify: calls that wait for an answer, whatever the profile says about them. */
#include <errno.h>

#include "backend/seccomp/calls.h"
#include "backend/seccomp/notify.h"

/* One rule for the call instead of all that there are. */
static int replace(struct ct_filter_policy *p, const char *name, struct ct_arena *arena,
		   struct ct_err *e)
{
	const struct ct_filter_rule rule = { .name = name,
					     .action = { .verdict = CT_FILTER_NOTIFY } };
	struct ct_filter_call call = { .nr = -1 };
	char near[64];
	uint32_t n = 0;

	if (ct_filter_find(&rule, p->arch[0], &call) == -ENOENT) {
		ct_err_object(e, name);
		if (ct_filter_near(name, near, sizeof(near)))
			ct_err_hint(e, "did you mean \"%s\"?", near);
		return ct_fail(e, -EINVAL, CT_ERR_FILTER, "seccomp", "unknown system call");
	}
	for (uint32_t i = 0; i < p->n_rules; i++)
		if (!ct_filter_is_about(&p->rule[i], name, call.nr))
			p->rule[n++] = p->rule[i];
	p->n_rules = n;
	if (ct_filter_add(p, arena, &rule))
		return 0;
	return ct_oom(e);
}

/* The calls of these names notify. */
int ct_filter_notify(struct ct_filter_policy *p, const struct ct_strs *names,
		     struct ct_arena *arena, struct ct_err *e)
{
	int r = 0;

	for (uint32_t i = 0; r >= 0 && i < names->n; i++)
		r = replace(p, names->v[i].value, arena, e);
	return r;
}
