/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The relations between keys. */
#ifndef CT_CHECK_H
#define CT_CHECK_H

#include "model/spec.h"

/* 0, or a negative errno for the first relation that does not hold, recorded with the origin
 * of one of its keys. */
int ct_spec_check(const struct ct_spec *s, struct ct_err *e);
/* The same for the keys of cgroups and limits. */
int ct_spec_check_cgroup(const struct ct_spec *s, struct ct_err *e);
/* Records that what `at` asks for conflicts with another key; returns -EINVAL. */
int ct_check_conflict(struct ct_err *e, const struct ct_origin *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
