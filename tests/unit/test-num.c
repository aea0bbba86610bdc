/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/base/num.c: the edges by table, the bulk against an oracle that compares digit strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)
#define N_RANDOM 200000

/* What a parser of whole decimal numbers up to `max` (as digits) must say of s. */
static int oracle(const char *s, const char *max)
{
	size_t n = strlen(s);

	if (!n || strspn(s, "0123456789") != n)
		return -EINVAL;
	s += strspn(s, "0");
	n = strlen(s);
	if (n != strlen(max))
		return n < strlen(max) ? 0 : -ERANGE;
	return strcmp(s, max) <= 0 ? 0 : -ERANGE;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	return *state ^= *state << 5;
}

/* Mostly digits, so that many are nearly right. */
static void random_text(uint32_t *state, char *s, size_t size)
{
	static const char letters[] = "00123445678999999999294967295+- xe.";
	size_t n = next_random(state) % size;

	for (size_t i = 0; i < n; i++)
		s[i] = letters[next_random(state) %
			       (next_random(state) % 8 ? 29 : sizeof(letters) - 1)];
	s[n] = 0;
}

static void test_against_oracle(void **state)
{
	uint32_t seed = 20240229;
	char s[24], printed[24];

	(void)state;
	for (int i = 0; i < N_RANDOM; i++) {
		uint32_t id = 7, u32 = 7;
		uint64_t u64 = 7;

		random_text(&seed, s, sizeof(s) - 1);
		if (i % 2)
			s[11] = 0;
		assert_int_equal(ct_parse_id(s, &id), oracle(s, "4294967294"));
		assert_int_equal(ct_parse_u32(s, &u32), oracle(s, "4294967295"));
		assert_int_equal(ct_parse_u64(s, &u64), oracle(s, "18446744073709551615"));
		if (oracle(s, "18446744073709551615") == 0) {
			const char *bare = s + strspn(s, "0");

			snprintf(printed, sizeof(printed), "%llu", (unsigned long long)u64);
			assert_string_equal(printed, *bare ? bare : "0");
		} else {
			assert_int_equal(u64, 7);
		}
		if (oracle(s, "4294967294") == 0)
			assert_true(id == u64);
		else
			assert_int_equal(id, 7);
	}
}

struct row {
	const char *s;
	int result;
	uint64_t value;
};

static void test_id_edges(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "1000", 0, 1000 },
		{ "4294967294", 0, 4294967294u },
		{ "00012", 0, 12 },
		{ "4294967295", -ERANGE, 0 },
		{ "4294967296", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x0", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "root", -EINVAL, 0 },
		{ "1\n", -EINVAL, 0 },
		{ "99999999999999999999999999x", -EINVAL, 0 },
		{ "\xd9\xa1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t v = 42;

		assert_int_equal(ct_parse_id(rows[i].s, &v), rows[i].result);
		assert_int_equal(v, rows[i].result ? 42 : rows[i].value);
	}
}

static void test_signed(void **state)
{
	int64_t v = 5;

	(void)state;
	assert_int_equal(ct_parse_i64("-9223372036854775808", &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(ct_parse_i64("9223372036854775807", &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(ct_parse_i64("-0", &v), 0);
	assert_true(v == 0);
	v = 5;
	assert_int_equal(ct_parse_i64("9223372036854775808", &v), -ERANGE);
	assert_int_equal(ct_parse_i64("-9223372036854775809", &v), -ERANGE);
	assert_int_equal(ct_parse_i64("--1", &v), -EINVAL);
	assert_int_equal(ct_parse_i64("-", &v), -EINVAL);
	assert_int_equal(ct_parse_i64("+1", &v), -EINVAL);
	assert_true(v == 5);
}

static void test_mode(void **state)
{
	uint32_t v = 9;

	(void)state;
	assert_int_equal(ct_parse_mode("0755", &v), 0);
	assert_int_equal(v, 0755);
	assert_int_equal(ct_parse_mode("7777", &v), 0);
	assert_int_equal(v, 07777);
	assert_int_equal(ct_parse_mode("10000", &v), -ERANGE);
	assert_int_equal(ct_parse_mode("758", &v), -EINVAL);
	assert_int_equal(ct_parse_mode("u=rwx", &v), -EINVAL);
	assert_int_equal(v, 07777);
}

static void test_bool(void **state)
{
	static const char *const yes[] = { "1", "yes", "true", "on" }, *const no[] = { "0", "no",
										       "false",
										       "off" };
	int v;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(ct_parse_bool(yes[i], &v), 0);
		assert_int_equal(v, 1);
		assert_int_equal(ct_parse_bool(no[i], &v), 0);
		assert_int_equal(v, 0);
	}
	v = 3;
	assert_int_equal(ct_parse_bool("2", &v), -EINVAL);
	assert_int_equal(ct_parse_bool("Yes", &v), -EINVAL);
	assert_int_equal(ct_parse_bool("", &v), -EINVAL);
	assert_int_equal(v, 3);
}

typedef int (*parse_u64)(const char *s, uint64_t *out);

static void check_rows(parse_u64 parse, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = UNTOUCHED;
		int r = parse(rows[i].s, &v);

		if (r != rows[i].result || v != (r ? UNTOUCHED : rows[i].value))
			fail_msg("\"%s\": %d, %llu", rows[i].s, r, (unsigned long long)v);
	}
}

static void test_size(void **state)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "500000", 0, 500000 },
		{ "1B", 0, 1 },
		{ "4k", 0, 4096 },
		{ "4K", 0, 4096 },
		{ "4KB", 0, 4096 },
		{ "4kB", 0, 4096 },
		{ "4KiB", 0, 4096 },
		{ "4 kib", 0, 4096 },
		{ "2m", 0, 2097152 },
		{ "1G", 0, 1073741824 },
		{ "3 TiB", 0, UINT64_C(3) << 40 },
		{ "16777215T", 0, UINT64_C(16777215) << 40 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "16777216T", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551615k", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "1P", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "-1k", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1  k", -EINVAL, 0 },
		{ "1 k ", -EINVAL, 0 },
		{ "1iB", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
	};

	(void)state;
	check_rows(ct_parse_size, rows, sizeof(rows) / sizeof(*rows));
}

static void test_duration(void **state)
{
	static const struct row rows[] = {
		{ "1", 0, 1000000 },
		{ "1s", 0, 1000000 },
		{ "250ms", 0, 250000 },
		{ "1.5s", 0, 1500000 },
		{ "0.25", 0, 250000 },
		{ "2m", 0, 120000000 },
		{ "1h", 0, UINT64_C(3600000000) },
		{ "3d", 0, UINT64_C(259200000000) },
		{ "10us", 0, 10 },
		{ "0s", 0, 0 },
		{ "0.000001s", 0, 1 },
		{ "1.000000001h", -EINVAL, 0 },
		{ "0.0000001s", -EINVAL, 0 },
		{ "1.5us", -EINVAL, 0 },
		{ "1.0000000000s", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "1ns", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1w", -EINVAL, 0 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "18446744073709551615us", 0, UINT64_MAX },
		{ "18446744073709551616us", -ERANGE, 0 },
		{ "99999999999999999999x", -EINVAL, 0 },
	};

	(void)state;
	check_rows(ct_parse_duration_us, rows, sizeof(rows) / sizeof(*rows));
}

static int parse_offset(const char *s, uint64_t *out)
{
	int64_t v;
	int r = ct_parse_offset_ns(s, &v);

	if (r == 0)
		*out = (uint64_t)v;
	return r;
}

static void test_offset(void **state)
{
	static const struct row rows[] = {
		{ "1", 0, 1000000000 },
		{ "-3m", 0, (uint64_t)-180000000000 },
		{ "7ns", 0, 7 },
		{ "-9us", 0, (uint64_t)-9000 },
		{ "2h", 0, UINT64_C(7200000000000) },
		{ "5ms", 0, 5000000 },
		{ "9223372036854775807ns", 0, INT64_MAX },
		{ "9223372036854775808ns", -ERANGE, 0 },
		{ "9223372037s", -ERANGE, 0 },
		{ "1d", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "+1s", -EINVAL, 0 },
		{ "--1s", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
	};

	(void)state;
	check_rows(parse_offset, rows, sizeof(rows) / sizeof(*rows));
}

static void test_hex(void **state)
{
	uint64_t v = 1;

	(void)state;
	assert_int_equal(ct_parse_hex("ffFFx", 8, &v), 0);
	assert_int_equal(v, 0xffff);
	assert_int_equal(ct_parse_hex("123456", 2, &v), 0);
	assert_int_equal(v, 0x12);
	assert_int_equal(ct_parse_hex("ffffffffffffffff", 32, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(ct_parse_hex("10000000000000000", 32, &v), -ERANGE);
	assert_int_equal(ct_parse_hex("x", 8, &v), -EINVAL);
	assert_true(v == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_oracle),
		cmocka_unit_test(test_id_edges),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
