/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit.output: the payload writes into pipes of ours, whoever waits for it passes the bytes on and counts them. Nobody
 * waiting means that the payload blocks once the pipes are full: the limit holds either way. */
#ifndef CT_RUN_OUTPUT_H
#define CT_RUN_OUTPUT_H

#include <stdint.h>

#include "base/error.h"

struct ct_output {
	uint64_t limit, passed;	/* bytes; limit 0: not used */
	int from[2], to[2];	/* stdout, stderr: read end of the pipe, where it goes; -1 when closed */
};
#define CT_OUTPUT_INIT { 0, 0, { -1, -1 }, { -1, -1 } }

/* Makes the pipes; stdio[1] and stdio[2] become their write ends (in ends[2], the caller's to close after the start). */
int ct_output_begin(struct ct_output *o, uint64_t limit, int stdio[3], int ends[2], struct ct_err *e);
/* Passes on what is there without blocking on the pipes. 1: the limit was passed (once). */
int ct_output_pump(struct ct_output *o);
/* 1 when more was seen than the limit allows. */
int ct_output_over(const struct ct_output *o);
void ct_output_end(struct ct_output *o);

#endif
