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

/* Of the whole tree of processes; CT_ABSENT: no cgroup tells. */
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

static inline uint64_t ct_since(uint64_t whole, uint64_t before)
{
	return whole > before ? whole - before : 0;
}

/* Reads the counters while the cgroups are still there. Where the kernel counts an event only in
 * the cgroup of the process, the cgroups below are counted, too. Never fails. */
void ct_counters_read(const struct ct_cg_place *v, uint32_t n, struct ct_counters *out);
/* The CPU time alone, from one file; CT_ABSENT: no cgroup tells. */
uint64_t ct_counters_cpu_us(const struct ct_cg_place *v, uint32_t n);

/*
 * Puts the counters into a verdict whose reason is set already. A reason that says no more than how
 * the process ended gives way to a limit of the tree that was reached: a request to end and the
 * limits that we keep ourselves go before it. `before_us`: CPU time that the cgroup had counted at
 * the exec. `reaper`: pid 1 is the stage's own, and none of the payload's processes.
 */
void ct_verdict_add(struct ct_verdict *v, const struct ct_counters *c, uint64_t before_us,
		    int reaper);

#endif
