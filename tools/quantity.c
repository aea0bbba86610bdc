/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options.h"

#define YEAR_US (UINT64_C(366) * 24 * 3600 * 1000000)

void size_text(char *out, size_t size, uint64_t bytes, bool raw)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	unsigned u = 0;

	for (; v >= 1024 && u < 4; u++)
		v /= 1024;
	if (raw)
		snprintf(out, size, "%" PRIu64, bytes);
	else
		snprintf(out, size, "%.*f %s", u ? 2 : 0, v, units[u]);
}

static const struct {
	const char *name;
	uint64_t us;
} time_units[] = {
	{ "", 1000000 }, { "s", 1000000 },  { "sec", 1000000 },	 { "ms", 1000 },
	{ "us", 1 },	 { "m", 60000000 }, { "min", 60000000 }, { "h", UINT64_C(3600000000) },
};

int parse_time(const char *text, uint64_t *us)
{
	size_t digits = strspn(text, "0123456789"), point = text[digits] == '.', after = 0;
	size_t i, n = sizeof(time_units) / sizeof(*time_units);
	uint64_t whole = 0, value, scale;
	const char *unit;

	if (point)
		after = strspn(text + digits + 1, "0123456789");
	unit = text + digits + point + after;
	for (i = 0; i < n && strcmp(time_units[i].name, unit); i++)
		;
	if (i == n || !digits || (point && !after))
		return -EINVAL;
	for (size_t k = 0; k < digits && whole <= YEAR_US; k++)
		whole = whole * 10 + (uint64_t)(text[k] - '0');
	scale = time_units[i].us;
	if (whole > YEAR_US / scale)
		return -ERANGE;
	value = whole * scale;
	for (size_t k = 0; k < after && scale; k++) {
		scale /= 10;
		value += (uint64_t)(text[digits + 1 + k] - '0') * scale;
	}
	if (!value)
		return -ERANGE;
	*us = value;
	return 0;
}

int parse_timeout(const char *text, int *ms)
{
	unsigned long seconds;
	int err;

	if (!strcmp(text, "-1")) {
		*ms = -1;
		return 0;
	}
	err = number(text, INT_MAX / 1000, &seconds);
	if (err)
		return err;
	*ms = (int)seconds * 1000;
	return 0;
}

int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
