/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_TEST_PLAN_WORLD_H
#define CT_TEST_PLAN_WORLD_H

#include "base/buf.h"

/* The plan of a config as text, or the error that it gives ("refused: ..."). `name` stands for its
 * file. 0, or the number of the line whose directive is none. */
int world_plan(const char *text, size_t len, const char *name, struct ct_buf *out);

#endif
