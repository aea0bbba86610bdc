/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of calls that notify, put into policies; programs that do; names of calls by number; the
 * calls for keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <seccomp.h>

#include "backend/seccomp/calls.h"
#include "backend/seccomp/actions.h"
#include "backend/seccomp/keys.h"
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

/* ---- the calls for keys ---------------------------------------------------------------------- */

/* Rules behind it, whether the program refuses the calls before, and after. */
static const struct {
	const char *text;
	bool bare;
	unsigned rules;
	bool before, after;
} keys_rows[] = {
	{ "2\ndenylist\n", true, 5, false, true },
	{ "2\ndenylist\n", false, 3, false, true },
	{ "2\ndenylist\n[all]\nkeyctl errno 38\n", false, 3, false, true },
	{ "2\ndenylist\n[all]\nkeyctl kill\nadd_key errno 1\nrequest_key trap\n", false, 3, true,
	  true },
	{ "2\ndenylist\n[all]\nkeyctl errno 1 [0,11,SCMP_CMP_EQ]\n", false, 4, false, true },
	{ "2\ndenylist\n[all]\nkeyctl notify\n", false, 3, false, true },
	{ "2\nallowlist errno 1\n[all]\nread\n", false, 1, true, true },
	{ "2\nallowlist errno 1\n[all]\nread\nkeyctl\nadd_key\n", false, 1, false, true },
	{ "2\nallowlist errno 1\n[all]\nkeyctl [0,0,SCMP_CMP_EQ]\n", false, 0, false, true },
	/* allowed for one argument alone, which is not 0 */
	{ "2\nallowlist errno 1\n[all]\nkeyctl [0,11,SCMP_CMP_EQ]\n", false, 0, false, true },
	{ "2\ndenylist\n[all]\nkeyctl errno 1\nadd_key errno 1\nrequest_key errno 1\nioctl errno 1 "
	  "[1,5,SCMP_CMP_EQ]\n",
	  false, 4, true, true },
	{ "2\nallowlist log\n[all]\nread\n", false, 4, false, true },
};

static bool refuses(const struct ct_filter_policy *p)
{
	CT_CLEAN_BUF struct ct_buf program = CT_BUF_INIT;
	struct ct_err e;

	ct_err_clear(&e);
	if (ct_filter_compile(p, "text", &program, &e) < 0)
		fail_msg("%s", e.message);
	return ct_filter_refuses_keys(program.data, program.len);
}

static void keys_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(keys_rows); i++) {
		const char *text = keys_rows[i].text;
		struct ct_arena *arena = ct_arena_new();
		struct ct_filter_policy p;
		struct ct_err e;

		ct_err_clear(&e);
		if (ct_filter_read_lxc(text, strlen(text), "text", arena, &p, &e) < 0)
			fail_msg("row %zu: %s", i, e.message);
		if (refuses(&p) != keys_rows[i].before)
			fail_msg("row %zu: before", i);
		assert_int_equal(ct_filter_refuse_keys(&p, keys_rows[i].bare, arena, &e), 0);
		if (refuses(&p) != keys_rows[i].after || p.n_rules != keys_rows[i].rules)
			fail_msg("row %zu: %u rules, refuses %d", i, p.n_rules, refuses(&p));
		ct_arena_free(arena);
	}
}

/* What is no program of ours refuses nothing, and is not read beyond its end. */
static void no_programs(void **state)
{
	static const struct sock_filter odd[][3] = {
		{ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) },
		{ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1000) },
		{ BPF_JUMP(BPF_JMP | BPF_JA, 0xffffffff, 0, 0) },
		{ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 255) },
		{ BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD) },
	};

	(void)state;
	assert_false(ct_filter_refuses_keys(odd, 0));
	for (size_t i = 0; i < N_ROWS(odd); i++)
		assert_false(ct_filter_refuses_keys(odd[i], sizeof(odd[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_replaced),
		cmocka_unit_test(other_programs_do_not_notify),
		cmocka_unit_test(a_wrong_name),
		cmocka_unit_test(calls_by_number),
		cmocka_unit_test(keys_are_refused),
		cmocka_unit_test(no_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
