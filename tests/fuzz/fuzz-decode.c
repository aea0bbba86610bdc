/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage's decoder: whatever comes in is refused, or safe to walk. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stage st;
	/* of exactly its size, and aligned as a mapping is */
	void *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (stage_decode(copy, size, &st) == 0)
		message_walk(&st);
	free(copy);
	return 0;
}
