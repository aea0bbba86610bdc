/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A caller that is not root, but has file capabilities, or that has SECBIT_NOROOT, loses its
 * capabilities by an exec unless they are ambient. So the process that executes the stage makes
 * them ambient, by raw system calls only; the stage takes that back.
 */
#ifndef CT_RUN_CHILD_RAWCAPS_H
#define CT_RUN_CHILD_RAWCAPS_H

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "run/child/rawcall.h"

#define CT_RAW_NOROOT 1 /* SECBIT_NOROOT */

/* What the caller had, as decimals for the stage's arguments. */
struct ct_raw_caps {
	char inheritable[24], ambient[24];
};

static inline void ct_raw_decimal(char out[24], uint64_t v)
{
	char digits[24];
	int n = 0, i = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n)
		out[i++] = digits[--n];
	out[i] = 0;
}

/* Makes the permitted capabilities inheritable and ambient where an exec would remove them. 1: *had
 * is what the stage has to restore; 0: nothing was changed. */
static inline int ct_raw_keep_caps(struct ct_raw_caps *had)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t permitted, inheritable, ambient = 0;

	if (RAW0(SYS_geteuid) == 0 &&
	    !(RAW5(SYS_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0) & CT_RAW_NOROOT))
		return 0;
	if (RAW2(SYS_capget, &head, data) < 0)
		return 0;
	permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
	if (!permitted)
		return 0;
	for (int i = 0; i < 2; i++)
		data[i].inheritable |= data[i].permitted;
	if (RAW2(SYS_capset, &head, data) < 0)
		return 0;
	for (int cap = 0; cap < 64; cap++) {
		if (!(permitted & UINT64_C(1) << cap))
			continue;
		if (RAW5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ambient |= UINT64_C(1) << cap;
		else
			RAW5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	}
	ct_raw_decimal(had->inheritable, inheritable);
	ct_raw_decimal(had->ambient, ambient);
	return 1;
}

#endif
