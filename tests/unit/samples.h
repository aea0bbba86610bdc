/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that each type takes, so that a test over the key table can set every key. */
#ifndef TEST_SAMPLES_H
#define TEST_SAMPLES_H

#include "model/type.h"

#define SAMPLES_MAX 6

struct samples {
	const struct ct_type *type;
	const char *good[SAMPLES_MAX], *bad[SAMPLES_MAX];
};

/* Samples of a type; NULL: there are none (include needs files). */
const struct samples *samples_of(const struct ct_type *type);
/* A key of the row: a name in the place of "*". Static. */
const char *sample_name(const struct ct_key *key);

#endif
