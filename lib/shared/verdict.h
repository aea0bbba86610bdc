/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a container has ended and what it has used: one struct for the caller's process, the
 * supervisor, its replies and the state file. The library turns it into the public ct_exit in one
 * place (lib/run/child/verdict.c).
 */
#ifndef CT_SHARED_VERDICT_H
#define CT_SHARED_VERDICT_H

#include <stdint.h>

#include "shared/figure.h"

/* Of all processes of the container; CT_ABSENT: no cgroup counts it. */
struct ct_counters {
#define CT_COUNTER(field) uint64_t field;
#include "shared/verdict.def"
};

struct ct_verdict {
#define CT_STATUS(field) int32_t field;
#define CT_USED(field) uint64_t field;
#include "shared/verdict.def"
	struct ct_counters tree;
	uint64_t output_lost;
	int32_t output_error;
	uint32_t pad;
};

/* What was added since a counter had the value `before`; 0 if it has become less. */
static inline uint64_t ct_since(uint64_t whole, uint64_t before)
{
	if (whole < before)
		return 0;
	return whole - before;
}

/* Reads the counters while the cgroups exist. Where the kernel counts an event only in
 * the cgroup of the process, the cgroups below are counted, too. Never fails. */
void ct_counters_read(const struct ct_cg_place *v, uint32_t n, struct ct_counters *out);
/* The CPU time alone, from one file; CT_ABSENT: no cgroup counts it. */
uint64_t ct_counters_cpu_us(const struct ct_cg_place *v, uint32_t n);

/*
 * Puts the counters into a verdict whose reason is set. If that is only how the process ended, a
 * limit of the cgroup that was reached becomes the reason; a request to end, or a limit that we
 * keep ourselves, stays. `before_us`: CPU time that the cgroup had counted at the exec. `reaper`:
 * pid 1 is the stage's own, and none of the payload's processes.
 */
void ct_verdict_add(struct ct_verdict *v, const struct ct_counters *c, uint64_t before_us,
		    int reaper);

#endif
