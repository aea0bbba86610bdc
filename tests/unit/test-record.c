/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of a filter, and its digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/seccomp/record.h"
#include "base/sha256.h"

/* From FIPS 180-4's examples; one of each length around a block's end by another implementation. */
static const struct {
	size_t n;
	const char *text, *hex;
} digests[] = {
	{ 0, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ 3, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ 56, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ 55, NULL, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
	{ 63, NULL, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
	{ 64, NULL, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
	{ 119, NULL, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb" },
	{ 1000, NULL, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3" },
};

static void digest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		uint8_t got[CT_SHA256_BYTES];
		char many[1000], hex[2 * CT_SHA256_BYTES + 1];

		memset(many, 'a', sizeof(many));
		ct_sha256(digests[i].text ? digests[i].text : many, digests[i].n, got);
		for (size_t k = 0; k < sizeof(got); k++)
			snprintf(hex + 2 * k, 3, "%02x", got[k]);
		assert_string_equal(hex, digests[i].hex);
	}
}

static void there_and_back(void **state)
{
	struct ct_filter_record made = CT_FILTER_RECORD_INIT, got = CT_FILTER_RECORD_INIT;

	(void)state;
	for (int i = 0; i < 256; i++)
		ct_buf_char(&made.program, (char)i);
	assert_int_equal(ct_filter_record_make(&made, 4000000000u), 0);
	assert_int_equal(ct_filter_record_read(&got, ct_buf_text(&made.text)), 0);
	assert_int_equal(got.rules, 4000000000u);
	assert_string_equal(got.digest, made.digest);
	assert_int_equal(got.program.len, made.program.len);
	assert_memory_equal(got.program.data, made.program.data, got.program.len);
	ct_filter_record_free(&made);
	ct_filter_record_free(&got);
}

static void hostile(void **state)
{
	static const char *const texts[] = {
		"",
		"1",
		"1 ",
		"1 40b2a31e1a78576b",
		"1 40b2a31e1a78576b ",
		"1 40b2a31e1a78576b 06",
		"1 40b2a31e1a78576b 060000000000ff7",
		"1 40b2a31e1a78576b 060000000000ff7g",
		"1 40b2a31e1a78576b 060000000000ff7f ",
		"1 5f2b51ca2fdc5ba 060000000000ff7f",
		"1 40b2a31e1a78576ba 060000000000ff7f",
		"-1 40b2a31e1a78576b 060000000000ff7f",
		"4294967296 40b2a31e1a78576b 060000000000ff7f",
		"11111111111111111 40b2a31e1a78576b 060000000000ff7f",
		"060000000000ff7f",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ct_filter_record got = CT_FILTER_RECORD_INIT;

		if (ct_filter_record_read(&got, texts[i]) != -ENODATA)
			fail_msg("read: %s", texts[i]);
		ct_filter_record_free(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
