/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state file of any bytes: refused with nothing touched, or every field within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_state_file st, before;
	/* of exactly its size, so that reading past it is seen */
	char *text = malloc(size ? size : 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	memset(&st, 0x5a, sizeof(st));
	before = st;
	if (ct_state_parse(text, size, &st)) {
		must(!memcmp(&st, &before, sizeof(st)));
	} else {
		must(memchr(st.name, 0, sizeof(st.name)) &&
		     memchr(st.boot_id, 0, sizeof(st.boot_id)));
		must(memchr(st.error, 0, sizeof(st.error)) && st.boot_id[0]);
		must(st.supervisor > 0 && st.init >= 0);
		must(st.state && st.state <= 0x20 && !(st.state & (st.state - 1)));
		must(st.verdict.code >= 0 && st.verdict.code < 256 && st.verdict.signal >= 0 &&
		     st.verdict.signal < 256);
	}
	free(text);
	return 0;
}
