/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a system call returned, in the form that our own functions return. */
#ifndef CT_SHARED_RESULT_H
#define CT_SHARED_RESULT_H

#include <errno.h>

/* r; a negative errno for a system call that returned -1. */
static inline int ct_or_errno(int r)
{
	return r < 0 ? -errno : r;
}

#endif
