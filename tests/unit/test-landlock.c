/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of Landlock: what keys and ABI make, and their text in the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/lsm/landlock-rules.h"
#include "model/config.h"
#include "shared/landlock.h"

/* The rules of a config on a kernel of this ABI; what ct_ll_rules_make() returns, or -EINVAL for a
 * config that cannot be read. */
static int make(const char *text, int abi, struct ct_arena *a, struct ct_ll_rules *out,
		struct ct_err *e)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	struct ct_host host = { .landlock = abi };
	struct ct_spec *spec;

	assert_non_null(c);
	ct_err_clear(e);
	if (ct_config_load_text(c, text, strlen(text), "c", e) < 0)
		return -EINVAL;
	spec = ct_spec_read(c, a, e);
	if (!spec)
		return -EINVAL;
	return ct_ll_rules_make(spec, &host, a, out, e);
}

/* What is handled, by ABI. */
static void strictest(void **state)
{
	static const struct {
		uint64_t fs, net, scope;
	} want[] = { { 0x1fff, 0, 0 }, { 0x3fff, 0, 0 }, { 0x7fff, 0, 0 }, { 0x7fff, 3, 0 },
		     { 0xffff, 3, 0 }, { 0xffff, 3, 3 }, { 0xffff, 3, 3 }, { 0xffff, 3, 3 } };

	(void)state;
	for (int abi = 1; abi <= 8; abi++) {
		CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
		struct ct_ll_rules rules;
		struct ct_err e;

		assert_int_equal(make("landlock.read = /usr\nlandlock.abi = 1\n", abi, a, &rules,
				      &e),
				 0);
		assert_int_equal(rules.fs, want[abi - 1].fs);
		assert_int_equal(rules.net, want[abi - 1].net);
		assert_int_equal(rules.scope, want[abi - 1].scope);
		assert_int_equal(rules.n, 1);
		assert_int_equal(rules.v[0].access, CT_LL_READ_FILE | CT_LL_READ_DIR);
	}
}

/* What is lacking is told by key, right and ABI. */
static void lacking(void **state)
{
	static const struct {
		const char *text;
		int abi;
		const char *key, *message; /* NULL: it is allowed */
	} rows[] = {
		{ "landlock.read = /\n", -ENOSYS, "landlock.read", "no Landlock" },
		{ "landlock.read = /\n", -EOPNOTSUPP, "landlock.read", "switched off" },
		{ "landlock.read = /\n", -EPERM, "landlock.read", "seccomp" },
		{ "landlock.read = /\n", 2, "landlock.read", "truncate needs ABI 3 of Landlock" },
		{ "landlock.read = /\n", 3, NULL, NULL },
		{ "landlock.abi = 2\n", 1, "landlock.abi", "ABI 2 of Landlock is wanted" },
		{ "landlock.abi = 2\n", 2, NULL, NULL },
		{ "landlock.tcp.bind = 80\n", 3, "landlock.tcp.bind", "bind_tcp needs ABI 4" },
		{ "landlock.tcp.bind = none\n", 3, "landlock.tcp.bind", "bind_tcp needs ABI 4" },
		{ "landlock.tcp.bind = any\n", 3, NULL, NULL },
		{ "landlock.tcp.bind = any\nlandlock.tcp.bind = 80\n", 3, NULL, NULL },
		{ "landlock.tcp.connect = 80\n", 4, NULL, NULL },
		{ "landlock.ioctl = /dev\n", 4, "landlock.ioctl", "ioctl_dev needs ABI 5" },
		{ "landlock.scope = signals\n", 5, "landlock.scope", "signals needs ABI 6" },
		{ "landlock.scope = signals\n", 6, NULL, NULL },
		{ "landlock.scope = none\n", 5, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
		struct ct_ll_rules rules;
		struct ct_err e;
		int r = make(rows[i].text, rows[i].abi, a, &rules, &e);

		if (!rows[i].key) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_int_equal(r, -EOPNOTSUPP);
		assert_int_equal(e.id, CT_ERR_LANDLOCK);
		assert_string_equal(e.key, rows[i].key);
		assert_non_null(strstr(e.message, rows[i].message));
		assert_true(*e.hint);
	}
}

/* Lists add up, "none" and "any" begin anew. */
static void lists(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_ll_rules rules;
	struct ct_err e;

	(void)state;
	assert_int_equal(make("landlock.read = /a\nlandlock.write = /b '/c d' try:/e\n"
			      "landlock.read = none /f\nlandlock.tcp.bind = 1 2\n"
			      "landlock.tcp.connect = 3\nlandlock.tcp.bind = any\n"
			      "landlock.scope = signals\n",
			      7, a, &rules, &e),
			 0);
	assert_int_equal(rules.n, 5);
	assert_string_equal(rules.v[0].path, "/b");
	assert_string_equal(rules.v[1].path, "/c d");
	assert_int_equal(rules.v[1].access, CT_LL_WRITE_FILE | CT_LL_TRUNCATE);
	assert_string_equal(rules.v[2].path, "/e");
	assert_true(rules.v[2].tried && !rules.v[1].tried);
	assert_string_equal(rules.v[3].path, "/f");
	assert_null(rules.v[4].path);
	assert_int_equal(rules.v[4].port, 3);
	assert_int_equal(rules.net, CT_LL_CONNECT_TCP);
	assert_int_equal(rules.scope, CT_LL_SIGNAL);
}

static void there_and_back(void **state)
{
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_ll_rules made, got;
	struct ct_err e;

	(void)state;
	assert_int_equal(make("landlock.read = /usr \"/a b\"\nlandlock.make = try:/\xc3\xa4\n"
			      "landlock.tcp.bind = 0 65535\n",
			      7, a, &made, &e),
			 0);
	assert_int_equal(ct_ll_rules_text(&made, &text), 0);
	assert_string_equal(ct_buf_text(&text), "ffff 3 3 c:2f757372 c:2f612062 3ff0?2fc3a4 1=0 "
						"1=ffff");
	assert_int_equal(ct_ll_rules_read(ct_buf_text(&text), a, &got), 0);
	assert_string_equal(got.digest, made.digest);
	assert_int_equal(got.n, made.n);
	assert_string_equal(got.v[2].path, "/\xc3\xa4");
}

static void hostile(void **state)
{
	static const char *const texts[] = {
		"",
		"ffff",
		"ffff 3",
		"ffff 3 ",
		"0 3 3",
		"10000 3 3",
		"ffff 4 3",
		"ffff 3 4",
		"ffff 3 3 ",
		"0ffff 3 3",
		"ffff 3 3 c",
		"ffff 3 3 c:",
		"ffff 3 3 c:2",
		"ffff 3 3 c:2F",
		"ffff 3 3 c:75",
		"ffff 3 3 c:2f00",
		"ffff 3 3 c:2f757372 ",
		"ffff 3 3  c:2f757372",
		"ffff 3 3 0:2f",
		"7fff 3 3 8000:2f",
		"ffff 1 3 2=50",
		"ffff 3 3 0=50",
		"ffff 3 3 1=10000",
		"ffff 3 3 1=",
		"ffff 3 3 1=50=50",
		"ffff 3 3 1=50:2f",
		"ffff 3 3 11111111111111111=50",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
		struct ct_ll_rules got;

		if (ct_ll_rules_read(texts[i], a, &got) != -ENODATA)
			fail_msg("\"%s\" is read", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strictest), cmocka_unit_test(lacking),
		cmocka_unit_test(lists),     cmocka_unit_test(there_and_back),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
