/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the targets share: the entry that the fuzzer calls, and what must hold whatever
 * the input. */
#ifndef CT_FUZZ_MUST_H
#define CT_FUZZ_MUST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                 \
	do {                                                                       \
		if (!(what)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                   \
		}                                                                  \
	} while (0)

#endif
