/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of a filter that looks at a call's arguments. */
#ifndef CT_SECCOMP_COMPARE_H
#define CT_SECCOMP_COMPARE_H

#include <linux/filter.h>

#include "backend/seccomp/policy.h"

/* The value that a filter returns for an action. */
uint32_t ct_filter_return(struct ct_filter_action a);
/* Appends one instruction. */
void ct_filter_emit(struct ct_buf *out, unsigned code, uint32_t k, unsigned jt, unsigned jf);
/* Appends a rule: its action is returned when all comparisons hold, else the program goes on
 * behind it. `is_32`: arguments have 32 bits. */
void ct_filter_emit_rule(struct ct_buf *out, const struct ct_filter_rule *rule, bool is_32);

#endif
