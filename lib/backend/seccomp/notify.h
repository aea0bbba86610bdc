/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters whose calls wait for an answer from outside (seccomp_unotify(2)). */
#ifndef CT_SECCOMP_NOTIFY_H
#define CT_SECCOMP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/seccomp/policy.h"
#include "model/spec.h"

/* Whether a program of n bytes, as the journal keeps it, can notify. */
bool ct_filter_notifies(const void *program, size_t n);

/* The calls of these names notify, whatever the policy said about them. 0, -ENOMEM, or -EINVAL with
 * a hint: there is no such call. */
int ct_filter_notify(struct ct_filter_policy *p, const struct ct_strs *names,
		     struct ct_arena *arena, struct ct_err *e);

#endif
