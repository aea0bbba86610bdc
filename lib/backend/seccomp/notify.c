/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/notify.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

bool ct_filter_notifies(const void *program, size_t n)
{
	struct sock_filter f;

	for (size_t at = 0; at + sizeof(f) <= n; at += sizeof(f)) {
		memcpy(&f, (const char *)program + at, sizeof(f));
		if (f.code == (BPF_RET | BPF_K) &&
		    (f.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return false;
}
