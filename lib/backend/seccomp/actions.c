/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/actions.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static bool gives(const void *program, size_t n, uint32_t action)
{
	struct sock_filter f;

	for (size_t at = 0; at + sizeof(f) <= n; at += sizeof(f)) {
		memcpy(&f, (const char *)program + at, sizeof(f));
		if (f.code == (BPF_RET | BPF_K) && (f.k & SECCOMP_RET_ACTION_FULL) == action)
			return true;
	}
	return false;
}

bool ct_filter_notifies(const void *program, size_t n)
{
	return gives(program, n, SECCOMP_RET_USER_NOTIF);
}

bool ct_filter_kills(const void *program, size_t n)
{
	return gives(program, n, SECCOMP_RET_KILL_PROCESS) ||
	       gives(program, n, SECCOMP_RET_KILL_THREAD) || gives(program, n, SECCOMP_RET_TRAP);
}

/* ---- what it does with the calls of the small init ------------------------------------------- */

#define ANY 0xffffffffu /* CT_INIT_ANY */

struct init_call {
	uint32_t nr, arg[2];
};

static const struct init_call init_calls[] = {
#define CT_INIT_CALL(call, arg) { SYS_##call, { arg, CT_INIT_ANY } },
#define CT_INIT_BEGIN(call, arg, arg2) { SYS_##call, { arg, arg2 } },
#include "shared/init-calls.def"
};

/* A word of struct seccomp_data. False: it is not known beforehand. */
static bool load(const struct init_call *call, uint32_t arch, uint32_t at, uint32_t *word)
{
	uint32_t i;

	*word = call->nr;
	if (at == offsetof(struct seccomp_data, nr))
		return true;
	*word = arch;
	if (at == offsetof(struct seccomp_data, arch))
		return true;
	if (at < offsetof(struct seccomp_data, args))
		return false;
	i = (at - (uint32_t)offsetof(struct seccomp_data, args)) / 4;
	*word = 0; /* the high half */
	if (i >= 4 || call->arg[i / 2] == ANY)
		return false;
	if (i % 2 == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
		*word = call->arg[i / 2];
	return true;
}

/* How many instructions a jump on the accumulator skips; -1: it is none that programs of ours
 * have. */
static int skipped(const struct sock_filter *f, uint32_t a)
{
	bool yes;

	switch (f->code) {
	case BPF_JMP | BPF_JA:
		return f->k < BPF_MAXINSNS ? (int)f->k : -1;
	case BPF_JMP | BPF_JEQ | BPF_K:
		yes = a == f->k;
		break;
	case BPF_JMP | BPF_JGE | BPF_K:
		yes = a >= f->k;
		break;
	case BPF_JMP | BPF_JGT | BPF_K:
		yes = a > f->k;
		break;
	case BPF_JMP | BPF_JSET | BPF_K:
		yes = a & f->k;
		break;
	default:
		return -1;
	}
	return yes ? f->jt : f->jf;
}

static bool allows(const void *program, size_t n, uint32_t arch, const struct init_call *call)
{
	struct sock_filter f;
	uint32_t a = 0;

	for (size_t at = 0; at + sizeof(f) <= n; at += sizeof(f)) {
		int skip = 0;

		memcpy(&f, (const char *)program + at, sizeof(f));
		if (f.code == (BPF_RET | BPF_K))
			return f.k == SECCOMP_RET_ALLOW;
		if (f.code == (BPF_ALU | BPF_AND | BPF_K))
			a &= f.k;
		else if (f.code != (BPF_LD | BPF_W | BPF_ABS))
			skip = skipped(&f, a);
		else if (!load(call, arch, f.k, &a))
			return false;
		if (skip < 0)
			return false;
		at += (size_t)skip * sizeof(f);
	}
	return false;
}

bool ct_filter_allows_init(const void *program, size_t n, uint32_t arch)
{
	for (size_t i = 0; i < sizeof(init_calls) / sizeof(*init_calls); i++)
		if (!allows(program, n, arch, &init_calls[i]))
			return false;
	return true;
}
