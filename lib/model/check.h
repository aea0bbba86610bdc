/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The relations between keys. */
#ifndef CT_CHECK_H
#define CT_CHECK_H

#include "model/spec.h"

/* 0, or a negative errno for the first relation that does not hold, recorded with the origin of one of its keys. */
int ct_spec_check(const struct ct_spec *s, struct ct_err *e);

#endif
