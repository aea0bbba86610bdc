/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/actions.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>

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

/* What an instruction does to the accumulator; false: the compiler uses no such instruction. */
static bool step(const struct sock_filter *f, const struct seccomp_data *data, uint32_t *acc)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (f->k > sizeof(*data) - sizeof(*acc))
			return false;
		memcpy(acc, (const char *)data + f->k, sizeof(*acc));
		return true;
	case BPF_LD | BPF_IMM:
		*acc = f->k;
		return true;
	case BPF_ALU | BPF_AND | BPF_K:
		*acc &= f->k;
		return true;
	}
	return false;
}

/* Whether a conditional jump is taken: 1 or 0; -1: it is no such jump. */
static int test(const struct sock_filter *f, uint32_t acc)
{
	switch (f->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return acc == f->k;
	case BPF_JMP | BPF_JGT | BPF_K:
		return acc > f->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return acc >= f->k;
	case BPF_JMP | BPF_JSET | BPF_K:
		return (acc & f->k) != 0;
	}
	return -1;
}

bool ct_filter_refuses(const void *program, size_t n, uint32_t audit, uint32_t nr)
{
	const struct seccomp_data data = { .nr = (int)nr, .arch = audit };
	size_t count = n / sizeof(struct sock_filter);
	uint32_t acc = 0;

	/* jumps only go forward */
	for (size_t pc = 0; pc < count; pc++) {
		struct sock_filter f;
		int taken;

		memcpy(&f, (const char *)program + pc * sizeof(f), sizeof(f));
		if (f.code == (BPF_RET | BPF_K))
			return (f.k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW &&
			       (f.k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_LOG &&
			       (f.k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE &&
			       (f.k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_USER_NOTIF;
		taken = test(&f, acc);
		if (f.code == (BPF_JMP | BPF_JA))
			pc += f.k;
		else if (taken >= 0)
			pc += taken ? f.jt : f.jf;
		else if (!step(&f, &data, &acc))
			return false;
	}
	return false;
}
