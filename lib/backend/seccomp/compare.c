/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Comparisons of arguments as instructions of classic BPF, which has 32 bits: the higher half
 * first, then the lower one. libseccomp 2.5.4 is not used for them: where several rules of a call
 * compare different arguments its programs may allow what no rule allows, and it may not come to an
 * end.
 * Sources: seccomp(2), the kernel's Documentation/networking/filter.rst.
 */
#include <stddef.h>

#include <linux/seccomp.h>
#include <seccomp.h>

#include "backend/seccomp/compare.h"
#include "shared/weak.h"

static const uint32_t returns[] = {
	[CT_FILTER_ALLOW] = SCMP_ACT_ALLOW,
	[CT_FILTER_LOG] = SCMP_ACT_LOG,
	[CT_FILTER_NOTIFY] = SCMP_ACT_NOTIFY,
	[CT_FILTER_TRACE] = SCMP_ACT_TRACE(0),
	[CT_FILTER_ERRNO] = SCMP_ACT_ERRNO(0),
	[CT_FILTER_TRAP] = SCMP_ACT_TRAP,
	[CT_FILTER_KILL_THREAD] = SCMP_ACT_KILL_THREAD,
	[CT_FILTER_KILL_PROCESS] = SCMP_ACT_KILL_PROCESS,
};

/* The value that a filter returns for an action. */
uint32_t ct_filter_return(struct ct_filter_action a)
{
	uint32_t value = returns[a.verdict];

	if (a.verdict == CT_FILTER_TRACE || a.verdict == CT_FILTER_ERRNO)
		value |= a.data;
	return value;
}

/* What an instruction is about. */
enum operand { ARG_HI, ARG_LO, VALUE_HI, VALUE_LO, MASK_HI, MASK_LO };
/* Where a jump leads: to the next instruction, behind the comparison, behind the rule. */
enum target { NEXT, PASS, FAIL };

#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define AND (BPF_ALU | BPF_AND | BPF_K)
#define JEQ (BPF_JMP | BPF_JEQ | BPF_K)
#define JGT (BPF_JMP | BPF_JGT | BPF_K)
#define JGE (BPF_JMP | BPF_JGE | BPF_K)
#define JSET (BPF_JMP | BPF_JSET | BPF_K)
#define COMPARISON_MAX 6

/* Each operator; no instruction has code 0. */
static const struct piece {
	uint8_t code, operand, jt, jf;
} pieces[][COMPARISON_MAX] = {
	[CT_FILTER_NE] = { { LOAD, ARG_HI, 0, 0 },
			   { JEQ, VALUE_HI, NEXT, PASS },
			   { LOAD, ARG_LO, 0, 0 },
			   { JEQ, VALUE_LO, FAIL, NEXT } },
	[CT_FILTER_LT] = { { LOAD, ARG_HI, 0, 0 },
			   { JGT, VALUE_HI, FAIL, NEXT },
			   { JEQ, VALUE_HI, NEXT, PASS },
			   { LOAD, ARG_LO, 0, 0 },
			   { JGE, VALUE_LO, FAIL, NEXT } },
	[CT_FILTER_LE] = { { LOAD, ARG_HI, 0, 0 },
			   { JGT, VALUE_HI, FAIL, NEXT },
			   { JEQ, VALUE_HI, NEXT, PASS },
			   { LOAD, ARG_LO, 0, 0 },
			   { JGT, VALUE_LO, FAIL, NEXT } },
	[CT_FILTER_EQ] = { { LOAD, ARG_HI, 0, 0 },
			   { JEQ, VALUE_HI, NEXT, FAIL },
			   { LOAD, ARG_LO, 0, 0 },
			   { JEQ, VALUE_LO, NEXT, FAIL } },
	[CT_FILTER_GE] = { { LOAD, ARG_HI, 0, 0 },
			   { JGT, VALUE_HI, PASS, NEXT },
			   { JEQ, VALUE_HI, NEXT, FAIL },
			   { LOAD, ARG_LO, 0, 0 },
			   { JGE, VALUE_LO, NEXT, FAIL } },
	[CT_FILTER_GT] = { { LOAD, ARG_HI, 0, 0 },
			   { JGT, VALUE_HI, PASS, NEXT },
			   { JEQ, VALUE_HI, NEXT, FAIL },
			   { LOAD, ARG_LO, 0, 0 },
			   { JGT, VALUE_LO, NEXT, FAIL } },
	[CT_FILTER_MASKED_EQ] = { { LOAD, ARG_HI, 0, 0 },
				  { AND, MASK_HI, 0, 0 },
				  { JEQ, VALUE_HI, NEXT, FAIL },
				  { LOAD, ARG_LO, 0, 0 },
				  { AND, MASK_LO, 0, 0 },
				  { JEQ, VALUE_LO, NEXT, FAIL } },
	[CT_FILTER_ANY_OF] = { { LOAD, ARG_HI, 0, 0 },
			       { JSET, MASK_HI, PASS, NEXT },
			       { LOAD, ARG_LO, 0, 0 },
			       { JSET, MASK_LO, NEXT, FAIL } },
};

/* The first piece that is needed: a mask and a value of 32 bits leave the higher half out. */
static uint32_t first(const struct ct_filter_arg *a)
{
	if ((a->mask | a->value) > UINT32_MAX)
		return 0;
	/* the whole of the higher half is compared with 0 then */
	if (ct_weak(CT_WEAK_FILTER_HIGH) && a->op == CT_FILTER_MASKED_EQ)
		return 0;
	return 3u * (a->op == CT_FILTER_MASKED_EQ) + 2u * (a->op == CT_FILTER_ANY_OF);
}

/* Where the pieces end. */
static uint32_t end(const struct ct_filter_arg *a)
{
	uint32_t n = 0;

	while (n < COMPARISON_MAX && pieces[a->op][n].code)
		n++;
	return n;
}

static uint32_t length(const struct ct_filter_arg *a)
{
	return end(a) - first(a);
}

static uint32_t operand(const struct ct_filter_arg *a, uint8_t what)
{
	uint32_t at = (uint32_t)offsetof(struct seccomp_data, args) + a->index * 8u;
	uint32_t high = 4u * (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	switch (what) {
	case ARG_HI:
		return at + high;
	case ARG_LO:
		return at + 4 - high;
	case VALUE_HI:
		return (uint32_t)(a->value >> 32);
	case VALUE_LO:
		return (uint32_t)a->value;
	case MASK_HI:
		if (ct_weak(CT_WEAK_FILTER_HIGH))
			return UINT32_MAX;
		return (uint32_t)(a->mask >> 32);
	default:
		return (uint32_t)a->mask;
	}
}

/* Appends one instruction. */
void ct_filter_emit(struct ct_buf *out, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
	struct sock_filter f = { (uint16_t)code, (uint8_t)jt, (uint8_t)jf, k };

	ct_buf_add(out, &f, sizeof(f));
}

/* One comparison; `rest` instructions of the rule follow it. */
static void emit_comparison(struct ct_buf *out, const struct ct_filter_arg *a, uint32_t rest,
			    bool is_32)
{
	uint32_t n = end(a);

	for (uint32_t i = first(a); i < n; i++) {
		const struct piece *p = &pieces[a->op][i];
		uint32_t behind = n - i - 1;
		const uint32_t to[] = { [NEXT] = 0, [PASS] = behind, [FAIL] = behind + rest };

		if (is_32 && p->code == LOAD && p->operand == ARG_HI)
			ct_filter_emit(out, BPF_LD | BPF_IMM, 0, 0, 0);
		else
			ct_filter_emit(out, p->code, operand(a, p->operand), to[p->jt], to[p->jf]);
	}
}

/* Appends a rule, comparison by comparison, and its action. */
void ct_filter_emit_rule(struct ct_buf *out, const struct ct_filter_rule *rule, bool is_32)
{
	uint32_t rest = 1;

	for (uint32_t i = 0; i < rule->n_args; i++)
		rest += length(&rule->arg[i]);
	for (uint32_t i = 0; i < rule->n_args; i++) {
		rest -= length(&rule->arg[i]);
		emit_comparison(out, &rule->arg[i], rest, is_32);
	}
	ct_filter_emit(out, BPF_RET | BPF_K, ct_filter_return(rule->action), 0, 0);
}
