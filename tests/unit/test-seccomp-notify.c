/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of calls that notify, put into policies; programs that do; names of calls by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <seccomp.h>

#include "backend/seccomp/calls.h"
#include "backend/seccomp/notify.h"
#include "base/buf.h"
#include "base/fd.h"

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* The policy of a text, with `calls` made notifying. 0 or the errno. */
static int make(const char *text, const char *calls, struct ct_arena *arena,
		struct ct_filter_policy *out, struct ct_err *e)
{
	struct ct_str_item item[8];
	struct ct_strs names = { item, 0 };
	char words[128];

	memset(item, 0, sizeof(item));
	snprintf(words, sizeof(words), "%s", calls);
	for (char *save, *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		item[names.n++].value = w;
	ct_err_clear(e);
	assert_int_equal(ct_filter_read_lxc(text, strlen(text), "text", arena, out, e), 0);
	return ct_filter_notify(out, &names, arena, e);
}

/* Rules, and whether the compiled program notifies. */
static void rules_are_replaced(void **state)
{
	static const struct {
		const char *text, *calls;
		unsigned rules;
	} rows[] = {
		{ "2\ndenylist\n", "mknod", 1 },
		{ "2\ndenylist\n", "mknod mount mknod", 2 },
		{ "2\ndenylist\n[all]\nmknod errno 1\nmkdir errno 1\n", "mknod", 2 },
		{ "2\ndenylist\n[all]\nmknod errno 1 [0,5,SCMP_CMP_EQ]\nmknod kill\n", "mknod", 1 },
		{ "2\nallowlist\n[x86_64]\nread\n[x86]\nmknod\n", "mknod connect", 3 },
		/* by number: read, and mknod of x86-64 */
		{ "1\nallowlist\n0\n133\n", "mknod", 2 },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
		struct ct_arena *arena = ct_arena_new();
		struct ct_filter_policy p;
		struct ct_err e;

		if (seccomp_arch_native() != SCMP_ARCH_X86_64)
			skip();
		assert_int_equal(make(rows[i].text, rows[i].calls, arena, &p, &e), 0);
		if (p.n_rules != rows[i].rules)
			fail_msg("row %zu: %u rules", i, p.n_rules);
		assert_true(p.notifies);
		assert_int_equal(ct_filter_compile(&p, "text", &program, &e), 0);
		assert_true(ct_filter_notifies(program.data, program.len));
		ct_arena_free(arena);
	}
}

static void other_programs_do_not_notify(void **state)
{
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	struct ct_arena *arena = ct_arena_new();
	struct ct_filter_policy p;
	struct ct_err e;

	(void)state;
	assert_int_equal(make("2\ndenylist\n[all]\nmknod errno 1\n", "", arena, &p, &e), 0);
	assert_false(p.notifies);
	assert_int_equal(ct_filter_compile(&p, "text", &program, &e), 0);
	assert_false(ct_filter_notifies(program.data, program.len));
	assert_false(ct_filter_notifies("", 0));
	ct_arena_free(arena);
}

static void a_wrong_name(void **state)
{
	struct ct_arena *arena = ct_arena_new();
	struct ct_filter_policy p;
	struct ct_err e;

	(void)state;
	assert_int_equal(make("2\ndenylist\n", "mknod mknodta", arena, &p, &e), -EINVAL);
	assert_non_null(strstr(e.hint, "mknodat"));
	ct_arena_free(arena);
}

static void calls_by_number(void **state)
{
	static const struct {
		uint32_t arch;
		int nr;
		const char *name;
	} rows[] = {
		{ SCMP_ARCH_X86_64, 133, "mknod" },   { SCMP_ARCH_X86, 14, "mknod" },
		{ SCMP_ARCH_X86_64, 462, "mseal" },   { SCMP_ARCH_X86_64, 0x40000085, "mknod" },
		{ SCMP_ARCH_AARCH64, 33, "mknodat" }, { SCMP_ARCH_X86_64, 9999, "" },
		{ SCMP_ARCH_X86_64, -1, "" },	      { 0xdead, 1, "" },
	};
	char name[40], small[4];

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		ct_filter_call_name(rows[i].arch, rows[i].nr, name, sizeof(name));
		assert_string_equal(name, rows[i].name);
	}
	ct_filter_call_name(SCMP_ARCH_X86_64, 133, small, sizeof(small));
	assert_string_equal(small, "mkn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_replaced),
		cmocka_unit_test(other_programs_do_not_notify),
		cmocka_unit_test(a_wrong_name),
		cmocka_unit_test(calls_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
