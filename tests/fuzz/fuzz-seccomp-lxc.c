/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A text as one of LXC's policies: it is refused with a record that names a line of it, and nothing
 * of it is used, or what it becomes is within bounds and compiles, or is refused with a record. */
#include <errno.h>
#include <string.h>

#include <linux/filter.h>
#include <seccomp.h>

#include "backend/seccomp/policy.h"
#include "must.h"

static void check_error(const struct ct_err *e, int r, uint32_t lines)
{
	MUST(r == -EINVAL || r == -E2BIG || r == -EOPNOTSUPP);
	MUST(e->err == r && e->id == CT_ERR_FILTER);
	MUST(*e->message && !strchr(e->message, '\n'));
	MUST(e->line >= 0 && (uint32_t)e->line <= lines);
}

static void check_action(struct ct_filter_action a)
{
	MUST(a.verdict < CT_FILTER_KILL_PROCESS);
	if (a.verdict == CT_FILTER_ERRNO)
		MUST(a.data <= 4095);
	else if (a.verdict != CT_FILTER_TRACE)
		MUST(a.data == 0);
}

static void check_policy(const struct ct_filter_policy *p, uint32_t lines)
{
	uint32_t before = 0;

	check_action(p->otherwise);
	MUST(p->n_archs >= 1 && p->n_archs <= 3 && p->arch[0] == seccomp_arch_native());
	MUST(p->n_rules <= CT_FILTER_RULES_MAX);
	for (uint32_t i = 0; i < p->n_rules; i++) {
		const struct ct_filter_rule *r = &p->rule[i];

		check_action(r->action);
		MUST(*r->name && strlen(r->name) <= 64 && r->n_args <= CT_FILTER_ARGS);
		MUST(strspn(r->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(r->name));
		MUST(r->line > before && r->line <= lines);
		MUST(p->notifies || r->action.verdict != CT_FILTER_NOTIFY);
		before = r->line;
		for (uint32_t k = 0; k < r->n_args; k++)
			MUST(r->arg[k].index < CT_FILTER_ARGS &&
			     r->arg[k].op <= CT_FILTER_MASKED_EQ);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	struct ct_filter_policy p = { .n_rules = 0 };
	uint32_t lines = 1;
	struct ct_err e;
	int r;

	MUST(a);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	ct_err_clear(&e);
	r = ct_filter_read_lxc((const char *)data, size, "f", a, &p, &e);
	if (r < 0) {
		check_error(&e, r, lines);
		MUST(!p.n_rules && !p.n_archs);
		return 0;
	}
	MUST(!e.err);
	check_policy(&p, lines);
	r = ct_filter_compile(&p, "f", &program, &e);
	if (r < 0) {
		check_error(&e, r, lines);
		MUST(!program.len);
		return 0;
	}
	MUST(program.len && program.len % sizeof(struct sock_filter) == 0);
	MUST(program.len <= BPF_MAXINSNS * sizeof(struct sock_filter));
	return 0;
}
