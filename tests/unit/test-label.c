/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels as the kernel prints them against those asked for, and the text of a generated profile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/apparmor/profile.h"
#include "backend/lsm/record.h"
#include "base/arena.h"
#include "base/fd.h"
#include "shared/label.h"

static const struct {
	const char *asked, *text;
	int holds;
} labels[] = {
	{ "web", "web (enforce)\n", 1 },
	{ "web", "web", 1 },
	{ "web", "web (complain)\n", 1 },
	{ "unconfined", "unconfined\n", 1 },
	{ "web", "unconfined\n", 0 },
	{ "web", "web2 (enforce)\n", 0 },
	{ "web2", "web (enforce)\n", 0 },
	{ "web", "", 0 },
	{ "web", "\nweb (enforce)\n", 0 },
	{ "", "", 0 },
	{ "", "web (enforce)", 0 },
	/* names may have blanks and parentheses; the mode is the last word */
	{ "a (b)", "a (b) (enforce)\n", 1 },
	{ "a", "a (b) (enforce)\n", 0 },
	{ "a (enforce)", "a (enforce)\n", 0 },
	{ "a", "a ()\n", 0 },
	{ "a", "a (Enforce)\n", 0 },
	{ "a", "a(enforce)\n", 0 },
	{ "", " (enforce)", 0 },
	/* a stack confines at least as its parts do */
	{ "web", "web//&unconfined (enforce)\n", 1 },
	{ "web", "/usr/bin/x//&web (enforce)\n", 1 },
	{ "a//&b", "b//&a (enforce)\n", 1 },
	{ "a//&b", "b//&c//&a (mixed)\n", 1 },
	{ "a//&b", "a (enforce)\n", 0 },
	{ "a//&", "a (enforce)\n", 0 },
	{ "//&a", "a (enforce)\n", 0 },
	{ "we", "web//&unconfined (enforce)\n", 0 },
	{ "web//child", "web//child (enforce)\n", 1 },
	{ "web", "web//child (enforce)\n", 0 },
	/* SELinux */
	{ "u:r:t:s0:c1,c2", "u:r:t:s0:c1,c2", 1 },
	{ "u:r:t:s0:c1,c2", "u:r:t:s0:c1", 0 },
	{ "u:r:t:s0", "u:r:t:s0-s0:c0.c1023", 0 },
};

static void test_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (ct_label_holds(labels[i].asked, labels[i].text) != labels[i].holds)
			fail_msg("asked %s, got %s: not %d", labels[i].asked, labels[i].text,
				 labels[i].holds);
}

static void test_record(void **state)
{
	struct ct_undo u = CT_UNDO_INIT;
	struct ct_arena *arena = ct_arena_new();
	struct ct_err e = { 0 };

	(void)state;
	assert_non_null(arena);
	assert_null(ct_label_kept("", "apparmor.label", arena));
	assert_int_equal(ct_undo_before(&u, "apparmor", "ct.web", &e), 0);
	assert_null(ct_label_kept(ct_buf_text(&u.text), "apparmor.label", arena));
	assert_int_equal(ct_label_keep(&u, "apparmor.label", "a//&ct.web", &e), 0);
	assert_string_equal(ct_label_kept(ct_buf_text(&u.text), "apparmor.label", arena),
			    "a//&ct.web");
	/* the profile that is to be removed is another record's */
	assert_true(ct_undo_names(&u, "apparmor"));
	assert_null(ct_label_kept(ct_buf_text(&u.text), "selinux.label", arena));
	assert_null(ct_label_kept("apparmor.label\t\n", "apparmor.label", arena));
	ct_undo_free(&u);
	ct_arena_free(arena);
}

static void test_name(void **state)
{
	char name[CT_AA_NAME_MAX + 1], longest[300];

	(void)state;
	ct_aa_name(name, "web", "-1a.2b");
	assert_string_equal(name, "ct.web-1a.2b");
	assert_true(ct_aa_is_ours(name));
	ct_aa_name(name, "", "@1.2.3.4.5");
	assert_string_equal(name, "ct.@1.2.3.4.5");
	assert_true(ct_aa_is_ours(name));
	/* nothing of a container's name is a pattern, a quote, a namespace or another's mark */
	ct_aa_name(name, "a*b?{c}[d]\"e\\f g:h@1.2.3.4.5//&i^", "");
	assert_string_equal(name, "ct.a_b__c__d__e_f_g_h_1.2.3.4.5___i_");
	assert_true(ct_aa_is_ours(name));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ct_aa_name(name, longest, "@ffffffff.7fffffff.ffffffffffffffff.ffffffffffffffff.7fffffff");
	assert_true(ct_aa_is_ours(name));
	assert_non_null(strstr(name, "x@ffffffff.7fffffff.ffffffffffffffff"));
	assert_false(ct_aa_is_ours(""));
	assert_false(ct_aa_is_ours("ct."));
	assert_false(ct_aa_is_ours("web"));
	assert_false(ct_aa_is_ours("ct.web//child"));
	assert_false(ct_aa_is_ours(":ct:web"));
	assert_false(ct_aa_is_ours("ct.we b"));
}

/* A line of the profile. */
static void has(const struct ct_buf *text, const char *line, int there)
{
	if ((strstr(ct_buf_text(text), line) != NULL) != there)
		fail_msg("%s: %d in\n%s", line, !there, ct_buf_text(text));
}

static void test_profile(void **state)
{
	struct ct_str_item raw[] = { { { 0 }, "deny /srv/** w," }, { { 0 }, "userns," } };
	struct ct_spec spec = { .apparmor_profile = "generated" };
	struct ct_buf plain = CT_BUF_INIT, more = CT_BUF_INIT;
	const char *text;

	(void)state;
	assert_int_equal(ct_aa_profile(&spec, "ct.web", &plain), 0);
	text = ct_buf_text(&plain);
	assert_int_equal(strncmp(text, "profile \"ct.web\" flags=(", 24), 0);
	assert_string_equal(text + plain.len - 2, "}\n");
	has(&plain, "\n  deny /{,**/}sysrq-trigger rwklx,\n", 1);
	has(&plain, "\n  deny /{,**/}kcore rwklx,\n", 1);
	has(&plain, "\n  deny /proc/sys/[^fkn]** wklx,\n", 1);
	has(&plain, "\n  deny /sys/kernel/{debug,security,tracing}/** rwklx,\n", 1);
	has(&plain, "\n  mount fstype=proc -> /proc/,\n", 1);
	has(&plain, "\n  signal peer=\"ct.web\",\n  ptrace peer=\"ct.web\",\n", 1);
	/* neither any mount, nor a way to another profile */
	has(&plain, "\n  mount,\n", 0);
	has(&plain, "change_profile", 0);
	spec.apparmor_nesting = true;
	spec.apparmor_raw = (struct ct_strs){ raw, 2 };
	assert_int_equal(ct_aa_profile(&spec, "ct.web", &more), 0);
	has(&more, "\n  mount,\n", 1);
	has(&more, "\n  deny /{,**/}sysrq-trigger rwklx,\n", 1);
	has(&more, "change_profile", 0);
	has(&more, "\n  deny /srv/** w,\n  userns,\n}\n", 1);
	ct_buf_free(&plain);
	ct_buf_free(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
