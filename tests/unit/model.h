/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the model share. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include "model/config.h"
#include "model/spec.h"

/* A config from text, which must load. The file is called "c" in messages. */
struct ct_config *config_of(const char *text);

/* A config and its spec, released together. */
struct box {
	struct ct_config *config;
	struct ct_arena *arena;
	const struct ct_spec *spec;
};

/* Releases both. */
void free_box(struct box *b);
#define CLEAN_BOX __attribute__((cleanup(free_box)))

/* A config from text and its spec, which must both be good. */
struct box box_of(const char *text);
/* What is in effect, "name=value" a line. */
void effect_of(const struct ct_config *c, struct ct_buf *out);
/* ... is this. */
void check_effect(const struct ct_config *c, const char *want);
/* Saved, loaded again, and the same in effect; saved once more, and the same text. */
void check_round_trip(const struct ct_config *c);

#endif
