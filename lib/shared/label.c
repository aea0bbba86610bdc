/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/label.h"

#include <string.h>

#define BETWEEN (sizeof(CT_LABEL_STACK) - 1)

size_t ct_label_length(const char *text)
{
	size_t n = strcspn(text, "\n"), at = n;

	if (n < 4 || text[n - 1] != ')')
		return n;
	for (at = n - 2; at > 1 && text[at] >= 'a' && text[at] <= 'z'; at--)
		;
	if (at == n - 2 || text[at] != '(' || text[at - 1] != ' ')
		return n;
	return at - 1;
}

/* The length of the first part of a stacked label. */
static size_t part(const char *label, size_t n)
{
	for (size_t i = 0; i + BETWEEN <= n; i++)
		if (!memcmp(label + i, CT_LABEL_STACK, BETWEEN))
			return i;
	return n;
}

/* Whether a label has this part. */
static int has(const char *label, size_t n, const char *wanted, size_t len)
{
	for (;;) {
		size_t k = part(label, n);

		if (k == len && !memcmp(label, wanted, len))
			return 1;
		if (k == n)
			return 0;
		label += k + BETWEEN;
		n -= k + BETWEEN;
	}
}

int ct_label_holds(const char *asked, const char *text)
{
	size_t n = ct_label_length(text), left = strlen(asked);

	for (;;) {
		size_t k = part(asked, left);

		if (!k || !has(text, n, asked, k))
			return 0;
		if (k == left)
			return 1;
		asked += k + BETWEEN;
		left -= k + BETWEEN;
	}
}
