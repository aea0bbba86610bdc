/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of a filter that tells architectures and calls apart. */
#ifndef CT_SECCOMP_DISPATCH_H
#define CT_SECCOMP_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* What is done with calls: an action, or a block that looks at the arguments. */
struct ct_filter_target {
	bool is_block;
	uint32_t value; /* what the filter returns; of a block its first instruction */
};

/* Numbers of calls from `first` to that of the next range. */
struct ct_filter_range {
	uint32_t first;
	struct ct_filter_target target;
};

/* One architecture as the kernel has it, with all numbers: range[0].first is 0. */
struct ct_filter_table {
	uint32_t arch;
	const struct ct_filter_range *range;
	uint32_t n;
};

/* Appends a whole program. `blocks` holds the blocks, each of which returns; `foreign` is returned
 * to all other architectures. Memory is missing when one of the buffers has an error. */
void ct_filter_dispatch(const struct ct_filter_table *table, uint32_t n, uint32_t foreign,
			const struct ct_buf *blocks, struct ct_buf *out);

#endif
