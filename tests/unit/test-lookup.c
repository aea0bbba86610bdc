/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users of the container: what a user may be called, and what is believed of passwd and group. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stage/step/steps.h"

static const struct {
	const char *spec;
	int err, by_name, has_gid;
	uint32_t uid, gid;
} queries[] = {
	{ "root", 0, 1, 0, 0, 0 },
	{ "www-data", 0, 1, 0, 0, 0 },
	{ "3com", 0, 1, 0, 0, 0 },
	{ "0x0", 0, 1, 0, 0, 0 }, /* a name, and never zero */
	{ "0", 0, 0, 0, 0, 0 },
	{ "1", 0, 0, 0, 1, 0 },
	{ "1000", 0, 0, 0, 1000, 0 },
	{ "007", 0, 0, 0, 7, 0 },
	{ "1000:5", 0, 0, 1, 1000, 5 },
	{ "0:0", 0, 0, 1, 0, 0 },
	{ "2147483648", 0, 0, 0, 2147483648u, 0 },
	{ "4294967294", 0, 0, 0, 4294967294u, 0 },
	{ "4294967295", -ERANGE, 0, 0, 0, 0 },
	{ "4294967296", -ERANGE, 0, 0, 0, 0 },
	{ "18446744073709551616", -ERANGE, 0, 0, 0, 0 },
	{ "99999999999999999999999999999999", -ERANGE, 0, 0, 0, 0 },
	{ "1:4294967295", -ERANGE, 0, 0, 0, 0 },
	{ "", -EINVAL, 0, 0, 0, 0 },
	{ "-1", -EINVAL, 0, 0, 0, 0 },
	{ "+1", -EINVAL, 0, 0, 0, 0 },
	{ " 1", -EINVAL, 0, 0, 0, 0 },
	{ "1:", -EINVAL, 0, 0, 0, 0 },
	{ ":1", -EINVAL, 0, 0, 0, 0 },
	{ ":", -EINVAL, 0, 0, 0, 0 },
	{ "1:2:3", -EINVAL, 0, 0, 0, 0 },
	{ "root:5", -EINVAL, 0, 0, 0, 0 },
	{ "5:wheel", -EINVAL, 0, 0, 0, 0 },
};

static void test_query(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		struct ct_user_query q;
		int err = ct_user_parse(queries[i].spec, &q);

		assert_int_equal(err, queries[i].err);
		if (err)
			continue;
		assert_int_equal(q.by_name, queries[i].by_name);
		assert_int_equal(q.has_gid, queries[i].has_gid);
		assert_int_equal(q.uid, queries[i].uid);
		assert_int_equal(q.gid, queries[i].gid);
	}
}

static int look_up(const char *passwd, const char *spec, struct stage_user *u)
{
	char text[1024];
	struct ct_user_query q;

	assert_true(strlen(passwd) < sizeof(text));
	memcpy(text, passwd, strlen(passwd) + 1);
	memset(u, 0, sizeof(*u));
	assert_int_equal(ct_user_parse(spec, &q), 0);
	return user_in_passwd(text, &q, u);
}

static void test_passwd(void **state)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\n"
				   "short:x:5:5\n"
				   "long:x:6:6:::/bin/sh:more\n"
				   ":x:7:7::/:/bin/sh\n"
				   "plus:x:+8:8::/:/bin/sh\n"
				   "big:x:4294967296:0::/:/bin/sh\n"
				   "none:x:4294967295:0::/:/bin/sh\n"
				   "1000:x:0:0:not by this number:/:/bin/sh\n"
				   "bob:x:1000:100:Bob:/home/bob:/bin/ash\n"
				   "bob:x:0:0:again:/root:/bin/sh\n"
				   "odd:x:9:9:\x01:relative:also\n"
				   "last:x:10:10::/l:/bin/l";
	struct stage_user u;

	(void)state;
	assert_true(look_up(text, "bob", &u));
	assert_int_equal(u.uid, 1000);
	assert_int_equal(u.gid, 100);
	assert_string_equal(u.home, "/home/bob");
	assert_string_equal(u.shell, "/bin/ash");
	assert_true(look_up(text, "1000", &u));
	assert_string_equal(u.name, "bob");
	assert_true(look_up(text, "odd", &u));
	assert_string_equal(u.home, "/");
	assert_string_equal(u.shell, "/bin/sh");
	assert_true(look_up(text, "last", &u));
	assert_string_equal(u.shell, "/bin/l");
	static const char *const not_there[] = { "short",  "long", "plus", "big", "none",
						 "nobody", "7",	   "8",	   "6" };

	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		assert_false(look_up(text, not_there[i], &u));
	assert_false(look_up("", "root", &u));
	assert_false(look_up("\n\n:::::::\n", "root", &u));
}

static void test_group(void **state)
{
	static const char text[] = "root:x:0:bob2\nbob:x:100:bob\nvideo:x:44:alice,bob\n"
				   "audio:x:29:bob,alice\nagain:x:44:bob\n"
				   "almost:x:50:bobby,abob,bo\nbad:x:-1:bob\nshort:x:51\n"
				   "more:x:52:bob:bob\nempty:x:53:\n";
	uint32_t gids[3] = { 100 };
	struct stage_user u = { .groups = gids, .n_groups = 1, .name = "bob" };
	char copy[sizeof(text)];

	(void)state;
	memcpy(copy, text, sizeof(copy));
	assert_int_equal(user_in_group(copy, &u, 3), 0);
	assert_int_equal(u.n_groups, 3);
	assert_int_equal(gids[1], 44);
	assert_int_equal(gids[2], 29);
	u.n_groups = 1;
	memcpy(copy, text, sizeof(copy));
	assert_int_equal(user_in_group(copy, &u, 2), -E2BIG);
}

static void test_number(void **state)
{
	uint64_t v = 5;

	(void)state;
	assert_int_equal(str_u64("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(str_u64("18446744073709551616", UINT64_MAX, &v), -ERANGE);
	assert_int_equal(str_u64("99999999999999999999", UINT64_MAX, &v), -ERANGE);
	assert_int_equal(str_u64("4", 3, &v), -ERANGE);
	assert_int_equal(str_u64("13", 12, &v), -ERANGE);
	assert_int_equal(str_u64("012", 12, &v), 0);
	assert_true(v == 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_passwd),
		cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
