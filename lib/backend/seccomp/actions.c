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
