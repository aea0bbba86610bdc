/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arm64: syscall(2), "Architecture calling conventions". */
#ifndef CT_RUN_CHILD_RAWCALL_AARCH64_H
#define CT_RUN_CHILD_RAWCALL_AARCH64_H

#include <linux/audit.h>

#define CT_RAW_ARCH AUDIT_ARCH_AARCH64

/* The call's result: >= 0, or a negative errno. */
static inline long ct_raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

/* clone(2) with a stack of its own; the child calls fn(arg) there and exits with what
 * it returns. */
static inline long ct_raw_clone(unsigned long flags, void *stack_top, int (*fn)(void *), void *arg)
{
	long *sp = (long *)stack_top - 2;
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = (long)flags;
	register long x1 __asm__("x1") = (long)sp;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	sp[0] = (long)fn;
	sp[1] = (long)arg;
	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "ldp x9, x0, [sp], #16\n\t"
			 "blr x9\n\t"
			 "mov x8, %[nr_exit]\n\t"
			 "svc 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [nr_exit] "i"(SYS_exit)
			 : "memory");
	return x0;
}

#endif
