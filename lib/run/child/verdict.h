/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public struct of how a process ended. */
#ifndef CT_RUN_CHILD_VERDICT_H
#define CT_RUN_CHILD_VERDICT_H

#include <contain/contain.h>

#include "base/error.h"
#include "shared/verdict.h"

/* 0, or -EINVAL (recorded) when out is NULL or its size is none that a ct_exit ever had. */
int ct_exit_check(const ct_exit *out, const char *where, struct ct_err *e);
/* Fills a checked *out, as far as its size goes: the caller may know an older ct_exit, or a newer
 * one. `call` is that of CT_EXIT_FILTER, or "". */
void ct_exit_fill(const struct ct_verdict *v, const char *call, ct_exit *out);

#endif
