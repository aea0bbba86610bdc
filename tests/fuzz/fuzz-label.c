/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A label asked for, up to the first newline, and what the kernel gives then: the label has none of
 * the mode, holds by itself, with a mode and in a stack, and no other one passes for it. */
#include <stdint.h>
#include <string.h>

#include "must.h"
#include "shared/label.h"

#define TEXT 4096

/* Whether the part `wanted` stands in the label by itself: the slow way. */
static int stands_in(const char *wanted, const char *label)
{
	size_t n = strlen(wanted), all = strlen(label);

	for (size_t i = 0; i + n <= all; i++)
		if (!memcmp(label + i, wanted, n) &&
		    (i == 0 || (i >= 3 && !memcmp(label + i - 3, "//&", 3))) &&
		    (i + n == all || !strncmp(label + i + n, "//&", 3)))
			return 1;
	return 0;
}

static void check_same(const char *asked)
{
	char text[2 * TEXT + 64];

	if (!*asked || strstr(asked, "//&"))
		return;
	/* but for a name that ends as if a mode came behind it */
	if (ct_label_length(asked) == strlen(asked))
		MUST(ct_label_holds(asked, asked));
	snprintf(text, sizeof(text), "%s (enforce)\n", asked);
	MUST(ct_label_length(text) == strlen(asked));
	MUST(ct_label_holds(asked, text));
	snprintf(text, sizeof(text), "%s//&unconfined (mixed)\n", asked);
	MUST(asked[strlen(asked) - 1] == '/' || ct_label_holds(asked, text));
	snprintf(text, sizeof(text), "%sx (enforce)\n", asked);
	MUST(!ct_label_holds(asked, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char asked[TEXT], got[TEXT], label[TEXT];
	const uint8_t *nl = memchr(data, '\n', size);
	size_t n = size, rest = 0, k;

	if (nl) {
		n = (size_t)(nl - data);
		rest = size - n - 1;
	}
	if (n >= TEXT || rest >= TEXT)
		return 0;
	memcpy(asked, data, n);
	asked[n] = '\0';
	memcpy(got, data + size - rest, rest);
	got[rest] = '\0';
	k = ct_label_length(got);
	MUST(k <= strcspn(got, "\n"));
	memcpy(label, got, k);
	label[k] = '\0';
	if (ct_label_holds(asked, got)) {
		MUST(*asked && k);
		if (!strstr(asked, "//&"))
			MUST(stands_in(asked, label));
	}
	check_same(asked);
	return 0;
}
