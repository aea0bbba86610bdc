/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * limit.output: the payload writes into pipes of the pump (lib/stage/step/pump.h), which counts and
 * passes on. The caller has none of these descriptors, but shares a page of counters that the pump
 * writes.
 */
#ifndef CT_RUN_CHILD_OUTPUT_H
#define CT_RUN_CHILD_OUTPUT_H

#include <stdint.h>

#include <contain/contain.h>

#include "base/error.h"
#include "wire/wire.h"

struct ct_output {
	struct ct_wire_output *told; /* shared with the pump; NULL: there is none */
};
#define CT_OUTPUT_INIT ((struct ct_output){ NULL })

/* Makes the page. *fd is an input of the plan, the caller's to close after the start. 0 or a
 * negative errno, recorded. */
int ct_output_begin(struct ct_output *o, int *fd, struct ct_err *e);
/* Bytes that wait for a reader; 0: none, or there is no pump. */
uint64_t ct_output_waiting(const struct ct_output *o);
/* Adds to a verdict what has become of the output. `lost`: the pump itself was killed. */
void ct_output_judge(const struct ct_output *o, int lost, struct ct_verdict *v);
/* Unmaps the page. */
void ct_output_end(struct ct_output *o);

#endif
