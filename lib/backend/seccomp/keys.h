/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keyring.user = 0: the calls for keys are refused. A session keyring of its own does not keep a
 * payload from the keyrings of its user, which belong to the user namespace: without one of its own
 * they are those of a user of the host, for root the caller's.
 */
#ifndef CT_SECCOMP_KEYS_H
#define CT_SECCOMP_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/seccomp/policy.h"
#include "model/spec.h"

/* Whether the config asks for it, in a container that has the caller's user namespace. */
bool ct_filter_keeps_keys(const struct ct_spec *spec);
/* The calls for keys get EPERM, unless the policy says what is stricter. `bare`: the policy allows
 * all else, and nothing may be pushed into a terminal either. 0 or -ENOMEM, recorded. */
int ct_filter_refuse_keys(struct ct_filter_policy *p, bool bare, struct ct_arena *arena,
			  struct ct_err *e);
/* Whether a program of n bytes refuses these calls, by each way into the kernel that this machine's
 * programs have. */
bool ct_filter_refuses_keys(const void *program, size_t n);

#endif
