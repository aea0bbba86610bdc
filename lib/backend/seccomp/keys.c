/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/keys.h"

#include <errno.h>
#include <linux/audit.h>
#include <sys/ioctl.h>

#include <seccomp.h>

#include "backend/seccomp/actions.h"
#include "backend/seccomp/calls.h"

static const char *const calls[] = { "add_key", "keyctl", "request_key" };
static const uint32_t pushes[] = { TIOCSTI, TIOCLINUX };

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const struct ct_filter_action refuse = { CT_FILTER_ERRNO, EPERM };

static bool is_refusal(struct ct_filter_action action)
{
	return action.verdict >= CT_FILTER_ERRNO;
}

/* Takes out the rules that let the call pass, and adds one where nothing is left that refuses it.
 * False: the policy is full, or there is no memory. */
static bool refuse_call(struct ct_filter_policy *p, const char *name, struct ct_arena *arena)
{
	const struct ct_filter_rule rule = { .name = name, .action = refuse, .may_be_new = true };
	bool refused = is_refusal(p->otherwise);
	struct ct_filter_call call = { .nr = -1 };
	uint32_t n = 0;

	ct_filter_find(&rule, p->arch[0], &call);
	for (uint32_t i = 0; i < p->n_rules; i++) {
		bool about = ct_filter_is_about(&p->rule[i], name, call.nr);

		if (about && !is_refusal(p->rule[i].action))
			continue;
		refused |= about && !p->rule[i].n_args;
		p->rule[n++] = p->rule[i];
	}
	p->n_rules = n;
	return refused || ct_filter_add(p, arena, &rule);
}

int ct_filter_refuse_keys(struct ct_filter_policy *p, bool bare, struct ct_arena *arena,
			  struct ct_err *e)
{
	bool good = true;

	/* the policy has all architectures of the machine: nobody is killed for another one */
	if (bare)
		p->foreign = refuse;
	for (size_t i = 0; i < N_ROWS(calls); i++)
		good &= refuse_call(p, calls[i], arena);
	for (size_t i = 0; bare && i < N_ROWS(pushes); i++) {
		const struct ct_filter_rule rule = {
			.name = "ioctl",
			.action = refuse,
			.n_args = 1,
			.arg = { { .index = 1,
				   .op = CT_FILTER_MASKED_EQ,
				   .value = pushes[i],
				   .mask = UINT32_MAX } },
		};

		good &= ct_filter_add(p, arena, &rule) != NULL;
	}
	if (good)
		return 0;
	return ct_oom(e);
}

/* The ways into the kernel: libseccomp's number, the kernel's. */
static const struct {
	uint32_t native, arch, audit;
} ways[] = {
	{ SCMP_ARCH_X86_64, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64 },
	{ SCMP_ARCH_X86_64, SCMP_ARCH_X86, AUDIT_ARCH_I386 },
	{ SCMP_ARCH_X86_64, SCMP_ARCH_X32, AUDIT_ARCH_X86_64 },
	{ SCMP_ARCH_AARCH64, SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64 },
	{ SCMP_ARCH_AARCH64, SCMP_ARCH_ARM, AUDIT_ARCH_ARM },
};

bool ct_filter_refuses_keys(const void *program, size_t n)
{
	uint32_t native = ct_filter_native();
	bool known = false;

	for (size_t i = 0; i < N_ROWS(ways); i++) {
		if (ways[i].native != native)
			continue;
		known = true;
		for (size_t k = 0; k < N_ROWS(calls); k++) {
			const struct ct_filter_rule rule = { .name = calls[k] };
			struct ct_filter_call call;

			if (ct_filter_find(&rule, ways[i].arch, &call) != 1 || call.nr < 0)
				return false;
			if (!ct_filter_refuses(program, n, ways[i].audit, (uint32_t)call.nr))
				return false;
		}
	}
	return known;
}
