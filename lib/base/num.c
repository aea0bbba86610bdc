/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/num.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "shared/user.h"

#define MODE_MAX 07777u

/* Reads digits of `base` and moves *s behind them. -EINVAL without any; -ERANGE, *s also behind
 * them, when the number needs more than 64 bits. */
static int digits(const char **s, unsigned base, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;
	bool over = false;

	for (; *p >= '0' && *p < (char)('0' + base); p++)
		over |= __builtin_mul_overflow(v, (uint64_t)base, &v) ||
			__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
	if (p == *s)
		return -EINVAL;
	*s = p;
	if (over)
		return -ERANGE;
	*out = v;
	return 0;
}

/* A whole string of digits, at most `max`. */
static int whole(const char *s, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	int r = digits(&s, base, &v);

	if (r == -EINVAL || *s)
		return -EINVAL;
	if (r < 0 || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int ct_parse_u64(const char *s, uint64_t *out)
{
	return whole(s, 10, UINT64_MAX, out);
}

int ct_parse_u32(const char *s, uint32_t *out)
{
	uint64_t v;
	int r = whole(s, 10, UINT32_MAX, &v);

	if (r == 0)
		*out = (uint32_t)v;
	return r;
}

int ct_parse_i64(const char *s, int64_t *out)
{
	bool minus = *s == '-';
	uint64_t v;
	int r = whole(s + minus, 10, (uint64_t)INT64_MAX + minus, &v);

	if (r < 0)
		return r;
	if (minus)
		v = 0 - v;
	*out = (int64_t)v;
	return 0;
}

int ct_parse_id(const char *s, uint32_t *out)
{
	return ct_user_number(s, strlen(s), out);
}

int ct_parse_mode(const char *s, uint32_t *out)
{
	uint64_t v;
	int r = whole(s, 8, MODE_MAX, &v);

	if (r == 0)
		*out = (uint32_t)v;
	return r;
}

int ct_parse_bool(const char *s, int *out)
{
	static const char *const words[] = { "0", "1", "no", "yes", "false", "true", "off", "on" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(s, words[i])) {
			*out = i & 1;
			return 0;
		}
	}
	return -EINVAL;
}

/* The unit of a size as a shift; -1: it is no unit. */
static int size_unit(const char *s)
{
	static const char letters[] = "KMGT";

	if (!*s || !strcasecmp(s, "b"))
		return 0;
	for (int i = 0; letters[i]; i++) {
		if (strncasecmp(s, &letters[i], 1) == 0 &&
		    (!s[1] || !strcasecmp(s + 1, "b") || !strcasecmp(s + 1, "ib")))
			return 10 * (i + 1);
	}
	return -1;
}

int ct_parse_size(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	int r = digits(&s, 10, &v), shift;

	if (r == -EINVAL || (s[0] == ' ' && !s[1]))
		return -EINVAL;
	shift = size_unit(s + (*s == ' '));
	if (shift < 0)
		return -EINVAL;
	if (r < 0 || v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}

struct unit {
	const char *name;
	uint64_t ns;
};

static const struct unit time_units[] = {
	{ "", 1000000000u },	 { "ns", 1u },
	{ "us", 1000u },	 { "ms", 1000000u },
	{ "s", 1000000000u },	 { "m", 60000000000u },
	{ "h", 3600000000000u }, { "d", 86400000000000u },
};

/* Nanoseconds in the unit called `name`, 0 when there is none. */
static uint64_t time_unit(const char *name)
{
	for (unsigned i = 0; i < sizeof(time_units) / sizeof(*time_units); i++) {
		if (!strcmp(name, time_units[i].name))
			return time_units[i].ns;
	}
	return 0;
}

/* Digits behind a decimal point as billionths. -EINVAL without any or with more than nine. */
static int fraction(const char **s, uint64_t *billionths)
{
	const char *start = *s;
	uint64_t v = 0;

	if (digits(s, 10, &v) < 0 || *s - start > 9)
		return -EINVAL;
	for (long i = *s - start; i < 9; i++)
		v *= 10;
	*billionths = v;
	return 0;
}

int ct_parse_duration_us(const char *s, uint64_t *out)
{
	unsigned __int128 total;
	uint64_t v = 0, billionths = 0, unit;
	int r = digits(&s, 10, &v);

	if (r == -EINVAL)
		return r;
	if (*s == '.') {
		s++;
		if (fraction(&s, &billionths) < 0)
			return -EINVAL;
	}
	unit = time_unit(s);
	if (!unit || !strcmp(s, "ns"))
		return -EINVAL;
	if (r < 0)
		return r;
	total = (unsigned __int128)unit * billionths;
	if (total % (1000u * UINT64_C(1000000000)))
		return -EINVAL; /* finer than a microsecond: rounded, it could be 0 */
	total = total / (1000u * UINT64_C(1000000000)) + (unsigned __int128)unit / 1000 * v;
	if (total > UINT64_MAX)
		return -ERANGE;
	*out = (uint64_t)total;
	return 0;
}

int ct_parse_offset_ns(const char *s, int64_t *out)
{
	bool minus = *s == '-';
	uint64_t v = 0, unit;
	int64_t ns;
	int r;

	s += minus;
	r = digits(&s, 10, &v);
	if (r == -EINVAL)
		return r;
	unit = time_unit(s);
	if (!unit || !strcmp(s, "d"))
		return -EINVAL;
	if (r < 0 || __builtin_mul_overflow(v, unit, &ns))
		return -ERANGE;
	if (minus)
		ns = -ns;
	*out = ns;
	return 0;
}

int ct_parse_hex(const char *s, unsigned max, uint64_t *out)
{
	uint64_t v = 0;
	unsigned n = 0;

	for (; n < max; n++) {
		char c = s[n];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A') + 10;
		else
			break;
		if (v >> 60)
			return -ERANGE;
		v = v << 4 | digit;
	}
	if (!n)
		return -EINVAL;
	*out = v;
	return 0;
}
