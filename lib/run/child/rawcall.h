/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls for code that shares the caller's memory but is not a thread of its C library: no
 * errno, no stack guard, no function of libc. Twin definitions for each architecture. */
#ifndef CT_RUN_CHILD_RAWCALL_H
#define CT_RUN_CHILD_RAWCALL_H

#include <sys/syscall.h>

#if defined(__x86_64__)
#include "run/child/rawcall-x86_64.h"
#elif defined(__aarch64__)
#include "run/child/rawcall-aarch64.h"
#else
#error "libcontain has no raw system calls for this architecture yet: add run/child/rawcall-ARCH.h"
#endif

#define RAW0(nr) ct_raw6(nr, 0, 0, 0, 0, 0, 0)
#define RAW1(nr, a) ct_raw6(nr, (long)(a), 0, 0, 0, 0, 0)
#define RAW2(nr, a, b) ct_raw6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define RAW3(nr, a, b, c) ct_raw6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define RAW4(nr, a, b, c, d) ct_raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define RAW5(nr, a, b, c, d, e) \
	ct_raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#endif
