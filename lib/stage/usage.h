/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the container has used, by its groups. */
#ifndef CT_STAGE_USAGE_H
#define CT_STAGE_USAGE_H

#include <stdint.h>

#define USAGE_ABSENT (~(uint64_t)0)

/* One group of the container. */
struct usage_place {
	uint8_t version;		/* 1 or 2 */
	uint32_t controllers;		/* that it serves, CT_FIGURE_* of shared/figure.h */
	int fd;				/* its directory; O_PATH is enough */
};

/* USAGE_ABSENT: no group tells. */
struct usage {
	uint64_t cpu_us, memory_peak, io_read, io_written, pids_peak, oom_kills, pids_refused;
};

/* Reads all of it. Never fails. */
void usage_read(const struct usage_place *v, uint32_t n, struct usage *out);
/* The CPU time alone, from one file. */
uint64_t usage_cpu_us(const struct usage_place *v, uint32_t n);

#endif
