/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls by name, as libseccomp and a table of ours know them. */
#ifndef CT_SECCOMP_CALLS_H
#define CT_SECCOMP_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/seccomp/policy.h"

/* A call on one architecture, by the numbers that the kernel has for it. */
struct ct_filter_call {
	int nr; /* of its own; negative: it has none */
	/* what it can be made through as well: the number of socketcall or ipc, and the first
	 * argument there; 0: nothing */
	uint32_t through, which;
};

/* The call of a rule on an architecture. 1, 0 when the architecture has none of that name but
 * another may have it, -ENOENT when the name is known nowhere. */
int ct_filter_find(const struct ct_filter_rule *rule, uint32_t arch, struct ct_filter_call *out);
/* Whether a rule is about the call, of this number on this machine's architecture: version 1 of
 * LXC's policies has numbers. */
bool ct_filter_is_about(const struct ct_filter_rule *rule, const char *name, int native);
/* The known name that is nearest to a wrong one, in buf; NULL when none is near. */
const char *ct_filter_near(const char *name, char *buf, size_t size);
/* The name of a call by its number, in buf; "" when none is known. `arch` is the kernel's,
 * AUDIT_ARCH_*. */
void ct_filter_call_name(uint32_t arch, int nr, char *buf, size_t size);
/* Whether arguments of calls have 32 bits on an architecture. */
bool ct_filter_is_32(uint32_t arch);

#endif
