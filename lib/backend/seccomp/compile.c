/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiler. Of each architecture it lists the calls that rules name, by their numbers, and
 * makes ranges of numbers with the same action (dispatch.c); a call whose rules compare arguments
 * is decided in a block of its own. libseccomp tells the numbers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#include "base/origin.h"
#include "backend/seccomp/calls.h"
#include "backend/seccomp/compare.h"
#include "backend/seccomp/dispatch.h"
#include "wire/wire.h"

#define INSTRUCTION sizeof(struct sock_filter)
#define X32_FIRST 0x40000000u /* x32's calls stand behind x86-64's */
#define SKIPPED UINT32_MAX    /* the number that a tracer sets for a call that is not to be made */

static const char too_long[] = "the policy makes a filter of more than 4096 instructions";

/* One rule on one architecture: for a number, or for one of the calls behind it. */
struct entry {
	uint32_t nr, which; /* which: of socketcall and ipc; 0: the call itself */
	uint32_t rule;
};

struct compiler {
	const struct ct_filter_policy *p;
	const char *file;
	struct ct_err *e;
	struct ct_arena *arena;
	struct entry *entry; /* of one architecture */
	const struct ct_filter_rule **sorted;
	struct ct_buf blocks;
	struct ct_filter_table table[sizeof(((struct ct_filter_policy *)0)->arch) / 4];
	uint32_t n_tables;
	struct ct_filter_range *range; /* of the last table */
	uint32_t n_ranges;
};

static int refuse(const struct compiler *c, const struct ct_filter_rule *rule, int err,
		  const char *reason)
{
	struct ct_origin at = { NULL, c->file, 0 };

	if (rule) {
		at.line = (int)rule->line;
		ct_err_object(c->e, rule->name);
	}
	if (c->file)
		ct_err_origin(c->e, &at);
	return ct_fail(c->e, err, CT_ERR_FILTER, "seccomp", "%s", reason);
}

/* A name that no architecture of the policy has is wrong. */
static int check_name(const struct compiler *c, const struct ct_filter_rule *rule)
{
	struct ct_filter_call call;
	char near[64];
	int known = -ENOENT;

	for (uint32_t i = 0; i < c->p->n_archs; i++) {
		int n = ct_filter_find(rule, c->p->arch[i], &call);

		if (n > 0)
			return 0;
		if (n == 0)
			known = 0;
	}
	if (known == 0)
		return refuse(c, rule, -EINVAL, "no architecture of the policy has this call");
	if (ct_filter_near(rule->name, near, sizeof(near)))
		ct_err_hint(c->e, "did you mean \"%s\"?", near);
	return refuse(c, rule, -EINVAL, "unknown system call");
}

/* Actions that this kernel has not. One that does not answer has them all, for its answer decides
 * when the filter is put on. */
static int check_action(const struct compiler *c, const struct ct_filter_rule *rule,
			struct ct_filter_action action)
{
	uint32_t value;

	action.data = 0;
	value = ct_filter_return(action);
	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &value) || errno != EOPNOTSUPP)
		return 0;
	return refuse(c, rule, -EOPNOTSUPP, "this kernel does not have the action");
}

static int check(const struct compiler *c)
{
	uint32_t checked = 0; /* actions, as bits */
	int n = 0;

	if (!c->p->n_archs)
		return refuse(c, NULL, -EINVAL, "the policy lists no architecture");
	n = check_action(c, NULL, c->p->otherwise);
	if (n == 0)
		n = check_action(c, NULL, c->p->foreign);
	for (uint32_t i = 0; n == 0 && i < c->p->n_rules; i++) {
		const struct ct_filter_rule *rule = &c->p->rule[i];
		uint32_t bit = 1u << rule->action.verdict;

		if (!rule->may_be_new)
			n = check_name(c, rule);
		if (n == 0 && !(checked & bit))
			n = check_action(c, rule, rule->action);
		checked |= bit;
	}
	return n;
}

/* Each rule may be one entry of its own and one behind socketcall. */
static int prepare(struct compiler *c)
{
	c->entry = ct_arena_alloc(c->arena, (2 * c->p->n_rules + 1) * sizeof(*c->entry));
	c->sorted = ct_arena_alloc(c->arena, (c->p->n_rules + 1) * sizeof(*c->sorted));
	return c->entry && c->sorted ? 0 : ct_oom(c->e);
}

/* By call, then by place in the policy. */
static int by_call(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	if (x->which != y->which)
		return x->which < y->which ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

/* The entries of one architecture. */
static uint32_t list_entries(const struct compiler *c, uint32_t arch)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->p->n_rules; i++) {
		const struct ct_filter_rule *rule = &c->p->rule[i];
		struct ct_filter_call call;

		if (ct_filter_find(rule, arch, &call) <= 0)
			continue;
		if (call.nr >= 0)
			c->entry[n++] = (struct entry){ .nr = (uint32_t)call.nr, .rule = i };
		if (call.through)
			c->entry[n++] = (struct entry){ call.through, call.which, i };
	}
	qsort(c->entry, n, sizeof(*c->entry), by_call);
	return n;
}

/* The rules of one call on one architecture, the strictest first, as they are decided. */
struct decision {
	const struct ct_filter_rule **rule;
	uint32_t n;
	bool always; /* the last one holds for all arguments */
};

static void insert(struct decision *d, const struct ct_filter_rule *rule)
{
	uint32_t i = d->n++;

	for (; i && d->rule[i - 1]->action.verdict < rule->action.verdict; i--)
		d->rule[i] = d->rule[i - 1];
	d->rule[i] = rule;
}

/* Puts them in order. What stands behind a rule that always holds is left out. */
static void decide(const struct compiler *c, const struct entry *entry, uint32_t n,
		   struct decision *d)
{
	d->n = 0;
	d->always = false;
	for (uint32_t i = 0; i < n; i++) {
		const struct ct_filter_rule *rule = &c->p->rule[entry[i].rule];

		if (!rule->n_args && d->always)
			continue;
		d->always |= !rule->n_args;
		insert(d, rule);
	}
	for (uint32_t i = 0; i < d->n; i++)
		if (!d->rule[i]->n_args)
			d->n = i + 1;
}

/* How many entries, of those from the first on, are of the same call. */
static uint32_t same_call(const struct entry *entry, uint32_t n)
{
	uint32_t i = 1;

	while (i < n && entry[i].nr == entry->nr && entry[i].which == entry->which)
		i++;
	return i;
}

/* The calls behind socketcall and ipc: their arguments cannot be seen, so the strictest that may
 * hold counts. */
static void emit_behind(struct compiler *c, const struct entry *entry, uint32_t n,
			struct decision *d)
{
	struct ct_filter_arg which = { .op = CT_FILTER_MASKED_EQ, .mask = UINT32_MAX };

	for (uint32_t i = 0, k; i < n; i += k) {
		struct ct_filter_rule rule = { .n_args = 1 };

		k = same_call(&entry[i], n - i);
		decide(c, &entry[i], k, d);
		rule.action = d->rule[0]->action;
		if (!d->always && c->p->otherwise.verdict > rule.action.verdict)
			rule.action = c->p->otherwise;
		which.value = entry[i].which;
		rule.arg[0] = which;
		ct_filter_emit_rule(&c->blocks, &rule, true);
	}
}

/* What is done with a number, by its entries. A rule for socketcall itself that always holds
 * decides about all that is behind it, as libseccomp has it. */
static struct ct_filter_target decide_number(struct compiler *c, uint32_t arch,
					     const struct entry *entry, uint32_t n)
{
	struct ct_filter_target t = { .is_block = true };
	struct decision d = { .rule = c->sorted };
	uint32_t own = entry->which ? 0 : same_call(entry, n);

	decide(c, entry, own, &d);
	if (d.n && !d.rule[0]->n_args)
		return (struct ct_filter_target){ .value = ct_filter_return(d.rule[0]->action) };
	t.value = (uint32_t)(c->blocks.len / INSTRUCTION);
	for (uint32_t i = 0; i < d.n; i++)
		ct_filter_emit_rule(&c->blocks, d.rule[i], ct_filter_is_32(arch));
	if (d.always)
		return t;
	emit_behind(c, entry + own, n - own, &d);
	ct_filter_emit(&c->blocks, BPF_RET | BPF_K, ct_filter_return(c->p->otherwise), 0, 0);
	return t;
}

/* From this number on; what was said about it before is forgotten. */
static void add_range(struct compiler *c, uint32_t first, struct ct_filter_target target)
{
	struct ct_filter_range *last;

	if (c->n_ranges && c->range[c->n_ranges - 1].first == first)
		c->n_ranges--;
	last = c->n_ranges ? &c->range[c->n_ranges - 1] : NULL;
	if (last && !last->target.is_block && !target.is_block &&
	    last->target.value == target.value)
		return;
	c->range[c->n_ranges++] = (struct ct_filter_range){ first, target };
}

/* The calls of one architecture. */
static int add_calls(struct compiler *c, uint32_t arch)
{
	const struct ct_filter_target otherwise = { .value = ct_filter_return(c->p->otherwise) };
	uint32_t n = list_entries(c, arch), k = 0;
	struct ct_filter_range *range = ct_arena_grow(c->arena, c->range, c->n_ranges,
						      c->n_ranges + 2 * n + 3, sizeof(*range));

	if (!range)
		return ct_oom(c->e);
	c->range = range;
	for (uint32_t i = 0; i < n; i += k) {
		const struct entry *entry = &c->entry[i];

		for (k = 1; i + k < n && entry[k].nr == entry->nr;)
			k++;
		add_range(c, entry->nr, decide_number(c, arch, entry, k));
		add_range(c, entry->nr + 1, otherwise);
		if (c->blocks.len > BPF_MAXINSNS * INSTRUCTION)
			return refuse(c, &c->p->rule[entry->rule], -E2BIG, too_long);
	}
	return 0;
}

static bool lists(const struct compiler *c, uint32_t arch)
{
	for (uint32_t i = 0; i < c->p->n_archs; i++)
		if (c->p->arch[i] == arch)
			return true;
	return false;
}

/* All numbers of one architecture of the kernel's: x32 is x86-64 there. */
static int add_table(struct compiler *c, uint32_t arch)
{
	const struct ct_filter_target otherwise = { .value = ct_filter_return(c->p->otherwise) };
	const struct ct_filter_target foreign = { .value = ct_filter_return(c->p->foreign) };
	bool is_x86_64 = arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_X32;
	struct ct_filter_table *t = &c->table[c->n_tables++];
	struct ct_filter_range first = { 0, otherwise };
	int r = 0;

	if (is_x86_64)
		arch = SCMP_ARCH_X86_64;
	if (!lists(c, arch))
		first.target = foreign;
	c->range = ct_arena_grow(c->arena, &first, 1, 1, sizeof(first));
	if (!c->range)
		return ct_oom(c->e);
	c->n_ranges = 1;
	if (lists(c, arch))
		r = add_calls(c, arch);
	if (r >= 0 && is_x86_64) {
		add_range(c, X32_FIRST, lists(c, SCMP_ARCH_X32) ? otherwise : foreign);
		if (lists(c, SCMP_ARCH_X32))
			r = add_calls(c, SCMP_ARCH_X32);
		add_range(c, SKIPPED, otherwise);
	}
	*t = (struct ct_filter_table){ arch, c->range, c->n_ranges };
	return r;
}

static bool has_table(const struct compiler *c, uint32_t arch)
{
	for (uint32_t i = 0; i < c->n_tables; i++)
		if (c->table[i].arch == arch ||
		    (c->table[i].arch == SCMP_ARCH_X86_64 && arch == SCMP_ARCH_X32))
			return true;
	return false;
}

static int build(struct compiler *c, struct ct_buf *out)
{
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	int r;

	for (uint32_t i = 0; i < c->p->n_archs; i++) {
		uint32_t arch = c->p->arch[i];

		if (has_table(c, arch) || ((arch ^ seccomp_arch_native()) & __AUDIT_ARCH_LE))
			continue; /* of the other byte order: no machine has both */
		r = add_table(c, arch);
		if (r < 0)
			return r;
	}
	if (!c->n_tables)
		return refuse(c, NULL, -EINVAL,
			      "this machine has none of the policy's architectures");
	ct_filter_dispatch(c->table, c->n_tables, ct_filter_return(c->p->foreign), &c->blocks,
			   &program);
	if (c->p->flags)
		ct_filter_emit(&program, CT_FILTER_FLAGS, c->p->flags, 0, 0);
	if (program.len > BPF_MAXINSNS * INSTRUCTION)
		return refuse(c, NULL, -E2BIG, too_long);
	if (!ct_buf_error(&program))
		ct_buf_add(out, program.data, program.len);
	return ct_buf_error(&program) || ct_buf_error(out) || ct_buf_error(&c->blocks)
		       ? ct_oom(c->e)
		       : 0;
}

static int compile(struct compiler *c, struct ct_buf *out)
{
	int n = prepare(c);

	if (n == 0)
		n = check(c);
	if (n == 0)
		n = build(c, out);
	return n;
}

/* Makes a program of a policy. */
int ct_filter_compile(const struct ct_filter_policy *p, const char *file, struct ct_buf *out,
		      struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *arena = ct_arena_new();
	struct compiler c = { .p = p, .file = file, .e = e, .arena = arena, .blocks = CT_BUF_INIT };
	int n;

	if (!arena)
		return ct_oom(e);
	n = compile(&c, out);
	ct_buf_free(&c.blocks);
	return n;
}
