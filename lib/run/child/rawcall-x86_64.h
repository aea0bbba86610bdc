/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* x86-64: syscall(2), "Architecture calling conventions". */
#ifndef CT_RUN_CHILD_RAWCALL_X86_64_H
#define CT_RUN_CHILD_RAWCALL_X86_64_H

#include <linux/audit.h>

#define CT_RAW_ARCH AUDIT_ARCH_X86_64

/* The call's result: >= 0, or a negative errno. */
static inline long ct_raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

/* clone(2) with a stack of its own; the child calls fn(arg) there and exits with what
 * it returns. */
static inline long ct_raw_clone(unsigned long flags, void *stack_top, int (*fn)(void *), void *arg)
{
	long *sp = (long *)stack_top - 2;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long r;

	sp[0] = (long)fn;
	sp[1] = (long)arg;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "pop %%rax\n\t"
			 "pop %%rdi\n\t"
			 "call *%%rax\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[nr_exit], %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(r)
			 : "a"(SYS_clone), "D"(flags), "S"(sp), "d"(0L), "r"(r10),
			   "r"(r8), [nr_exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return r;
}

#endif
