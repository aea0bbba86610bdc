/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsers for the texts of single cgroup files, by shared/keyed.c. */
#include "backend/cgroup/usage.h"
#include "shared/keyed.h"

uint64_t ct_usage_keyed(const char *text, size_t n, const char *key)
{
	return ct_keyed_in(CT_KEYED_LINE, text, n, key);
}

uint64_t ct_usage_io(const char *text, size_t n, const char *field)
{
	return ct_keyed_in(CT_KEYED_DEVICES, text, n, field);
}

uint64_t ct_usage_blkio(const char *text, size_t n, const char *operation)
{
	return ct_keyed_in(CT_KEYED_OPERATION, text, n, operation);
}

uint64_t ct_usage_number(const char *text, size_t n)
{
	return ct_keyed_in(CT_KEYED_NUMBER, text, n, "");
}

void ct_usage_pressure(const char *text, size_t n, ct_pressure *out)
{
	out->some_avg10 = ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "some avg10");
	out->some_avg60 = ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "some avg60");
	out->some_avg300 = ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "some avg300");
	out->some_total_us = ct_keyed_in(CT_KEYED_TOKEN, text, n, "some total");
	out->full_avg10 = ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "full avg10");
	out->full_avg60 = ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "full avg60");
	out->full_avg300 = ct_keyed_in(CT_KEYED_HUNDREDTHS, text, n, "full avg300");
	out->full_total_us = ct_keyed_in(CT_KEYED_TOKEN, text, n, "full total");
}
