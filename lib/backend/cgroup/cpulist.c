/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/cgroup/cpulist.h"

#include <string.h>

#include "base/num.h"
#include "model/type.h"

/* The number in s[0..n). */
static bool number(const char *s, size_t n, uint64_t *out)
{
	char text[24] = "";

	if (!n || n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	return ct_parse_u64(text, out) == 0;
}

/* "3", or "0-3". */
static bool read_range(struct ct_span range, uint64_t *first, uint64_t *last)
{
	const char *dash = memchr(range.s, '-', range.n);
	size_t n;

	if (!dash) {
		if (!number(range.s, range.n, first))
			return false;
		*last = *first;
		return true;
	}
	n = (size_t)(dash - range.s);
	return number(range.s, n, first) && number(dash + 1, range.n - n - 1, last);
}

bool ct_cpulist_read(const char *text, struct ct_cpulist *out)
{
	struct ct_span range;
	bool good = true;

	memset(out, 0, sizeof(*out));
	while (ct_next_word(&text, ", \n", &range)) {
		uint64_t first, last;

		if (!read_range(range, &first, &last)) {
			good = false;
			continue;
		}
		good = good && first <= last && last < CT_CPULIST_MAX;
		for (uint64_t n = first; n <= last && n < CT_CPULIST_MAX; n++)
			out->v[n / 64] |= UINT64_C(1) << (n % 64);
	}
	return good;
}

static bool has(const struct ct_cpulist *l, unsigned n)
{
	return n < CT_CPULIST_MAX && (l->v[n / 64] >> (n % 64) & 1);
}

void ct_cpulist_print(const struct ct_cpulist *l, struct ct_buf *out)
{
	const char *between = "";

	for (unsigned n = 0; n < CT_CPULIST_MAX; n++) {
		unsigned first = n;

		if (!has(l, n))
			continue;
		while (has(l, n + 1))
			n++;
		if (n > first)
			ct_buf_printf(out, "%s%u-%u", between, first, n);
		else
			ct_buf_printf(out, "%s%u", between, n);
		between = ",";
	}
}

bool ct_cpulist_is_empty(const struct ct_cpulist *l)
{
	static const struct ct_cpulist none;

	return ct_cpulist_equal(l, &none);
}

bool ct_cpulist_equal(const struct ct_cpulist *a, const struct ct_cpulist *b)
{
	return !memcmp(a->v, b->v, sizeof(a->v));
}

void ct_cpulist_both(const struct ct_cpulist *a, const struct ct_cpulist *b, struct ct_cpulist *out)
{
	for (unsigned i = 0; i < CT_CPULIST_WORDS; i++)
		out->v[i] = a->v[i] & b->v[i];
}

void ct_cpulist_either(const struct ct_cpulist *a, const struct ct_cpulist *b,
		       struct ct_cpulist *out)
{
	for (unsigned i = 0; i < CT_CPULIST_WORDS; i++)
		out->v[i] = a->v[i] | b->v[i];
}
