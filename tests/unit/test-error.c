/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/base/error.c: the form of messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/origin.h"

static void test_all_parts(void **state)
{
	struct ct_origin at = { "mount.entry", "web.conf", 14 };
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	ct_err_origin(&e, &at);
	ct_err_syscall(&e, "move_mount");
	ct_err_object(&e, "/data");
	ct_err_hint(&e, "the target must exist; add %s", "create=dir");
	assert_int_equal(ct_fail(&e, -EINVAL, CT_ERR_STEP, "stage", "%s", ""), -EINVAL);
	assert_string_equal(e.message, "mount.entry (web.conf:14): move_mount \"/data\": "
				       "Invalid argument. Hint: the target must exist; "
				       "add create=dir");
	ct_err_step(&e, 7, "mount.attach");
	ct_err_kernel(&e, "tmpfs: Bad value for 'size'");
	assert_string_equal(e.message, "mount.entry (web.conf:14): mount.attach \"/data\": "
				       "Invalid argument (tmpfs: Bad value for 'size'). "
				       "Hint: the target must exist; add create=dir");
	assert_int_equal(e.step, 7);
	assert_int_equal(e.id, CT_ERR_STEP);
	assert_string_equal(e.where, "stage");
}

static void test_few_parts(void **state)
{
	struct ct_origin call = { "limit.time", NULL, 0 }, line = { NULL, "a.conf", 3 };
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "api", "no name");
	assert_string_equal(e.message, "no name");
	ct_err_clear(&e);
	ct_err_origin(&e, &call);
	ct_fail(&e, -EINVAL, CT_ERR_BAD_VALUE, "config", "\"x\" is no time");
	assert_string_equal(e.message, "limit.time: \"x\" is no time");
	ct_err_clear(&e);
	ct_err_origin(&e, &line);
	ct_fail(&e, -EINVAL, CT_ERR_SYNTAX, "config", "no \"=\"");
	assert_string_equal(e.message, "a.conf:3: no \"=\"");
	ct_err_clear(&e);
	ct_err_object(&e, "/x");
	ct_err_syscall(&e, "open");
	ct_fail(&e, -ENOENT, CT_ERR_CONFIG_FILE, "config", "the config");
	assert_string_equal(e.message, "open \"/x\": the config: No such file or directory");
	ct_err_clear(&e);
	ct_fail(&e, -EPERM, CT_ERR_PRIVILEGE, "plan", "it ends in a period.");
	ct_err_hint(&e, "run as root");
	assert_string_equal(e.message, "it ends in a period. Hint: run as root");
	ct_err_clear(&e);
	assert_int_equal(ct_oom(&e), -ENOMEM);
	assert_string_equal(e.message, "out of memory");
}

static void test_first_is_kept(void **state)
{
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(e.step, -1);
	ct_fail(&e, -ENOENT, CT_ERR_CONFIG_FILE, "config", "the cause");
	assert_int_equal(ct_fail(&e, -EIO, CT_ERR_STAGE, "start", "what follows"), -EIO);
	assert_int_equal(e.err, -ENOENT);
	assert_string_equal(e.message, "the cause");
	ct_err_clear(&e);
	assert_int_equal(e.err, 0);
	assert_string_equal(e.message, "");
}

/* One fault, at a line of a file. */
static int fault(struct ct_err *e, const char *key, int line, const char *reason)
{
	struct ct_origin at = { .key = key, .file = "c", .line = line };

	ct_err_origin(e, &at);
	return ct_err_go_on(e, ct_fail(e, -EINVAL, CT_ERR_RANGE, "config", "%s", reason));
}

/* A line is told of once, the same words without a line, too, and nothing that only follows from a
 * value that was taken out. */
static void test_collected(void **state)
{
	struct ct_faults all = { .text = CT_BUF_INIT, .keys = CT_BUF_INIT };
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(fault(&e, "a.key", 1, "nobody collects"), -EINVAL);
	ct_err_clear(&e);
	e.all = &all;
	assert_int_equal(fault(&e, "idmap", 3, "no map"), 0);
	assert_int_equal(fault(&e, "idmap", 3, "met again"), 0);
	assert_int_equal(fault(&e, "idmap", 33, "another line"), 0);
	assert_int_equal(all.n, 2);
	assert_int_equal(ct_err_go_on(&e, ct_fail(&e, -EINVAL, CT_ERR_RANGE, "config", "no line")),
			 0);
	assert_int_equal(ct_err_go_on(&e, ct_fail(&e, -EINVAL, CT_ERR_RANGE, "config", "no line")),
			 0);
	assert_int_equal(all.n, 3);
	all.derived = true;
	assert_int_equal(fault(&e, "init.uid", 4, "idmap does not map it"), 0);
	assert_int_equal(all.n, 3);
	assert_int_equal(fault(&e, "uts.name", 5, "of its own"), 0);
	assert_string_equal(ct_buf_text(&all.text), "idmap (c:3): no map\nidmap (c:33): another "
						    "line\nno line\nuts.name (c:5): of its own\n");
	/* what is not recorded cannot be collected */
	assert_int_equal(ct_err_go_on(&e, -EINVAL), -EINVAL);
	ct_faults_free(&all);
}

static void test_nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(ct_fail(NULL, -EIO, CT_ERR_STEP, "x", "y"), -EIO);
	ct_err_clear(NULL);
	ct_err_origin(NULL, NULL);
	ct_err_object(NULL, "x");
	ct_err_hint(NULL, "x");
	ct_err_kernel(NULL, NULL);
}

/* What comes from outside must not move a terminal's cursor nor begin a line. */
static void test_one_clean_line(void **state)
{
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	ct_err_object(&e, "a\nb\x1b[2J\x7f\xc2\x9b\xc3\xa9");
	ct_fail(&e, -EIO, CT_ERR_STEP, "x", "r");
	assert_string_equal(e.message, "\"a\\x0ab\\x1b[2J\\x7f\\xc2\\x9b\xc3\xa9\": r");
}

static void test_cut(void **state)
{
	char big[4096];
	struct ct_err e;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	ct_err_clear(&e);
	ct_err_object(&e, big);
	assert_int_equal(strlen(e.object), sizeof(e.object) - 1);
	assert_string_equal(e.object + strlen(e.object) - 5, "xx...");
	ct_fail(&e, -EIO, CT_ERR_STEP, "where is longer than its field", "%s", big);
	assert_string_equal(e.reason + strlen(e.reason) - 5, "xx...");
	ct_err_kernel(&e, big);
	ct_err_hint(&e, "%s", big);
	assert_string_equal(e.hint + strlen(e.hint) - 5, "xx...");
	assert_in_range(strlen(e.message), 900, sizeof(e.message) - 1);
	/* not in the middle of a character */
	for (size_t i = 0; i + 2 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xa9", 2);
	ct_err_clear(&e);
	ct_err_object(&e, big);
	assert_string_equal(e.object + strlen(e.object) - 5, "\xc3\xa9...");
}

static void test_errno_text(void **state)
{
	(void)state;
	assert_string_equal(ct_errno_text(EINVAL), "Invalid argument");
	assert_string_equal(ct_errno_text(EWOULDBLOCK), "Resource temporarily unavailable");
	assert_string_equal(ct_errno_text(0), "Success");
	assert_string_equal(ct_errno_text(-1), "Unknown error");
	assert_string_equal(ct_errno_text(100000), "Unknown error");
	for (int i = 1; i < 134; i++)
		assert_true(*ct_errno_text(i));
}

static void test_errno_number(void **state)
{
	(void)state;
	assert_int_equal(ct_errno_number("EPERM"), EPERM);
	assert_int_equal(ct_errno_number("ENOSYS"), ENOSYS);
	assert_int_equal(ct_errno_number("EHWPOISON"), EHWPOISON);
	assert_int_equal(ct_errno_number("ENOTSUP"), ENOTSUP);
	assert_int_equal(ct_errno_number("EWOULDBLOCK"), EWOULDBLOCK);
	assert_int_equal(ct_errno_number("eperm"), -1);
	assert_int_equal(ct_errno_number("EPER"), -1);
	assert_int_equal(ct_errno_number(""), -1);
	/* each that has a sentence has its name, as the C library has it */
	for (int i = 1; i < 140; i++) {
		const char *name = strerrorname_np(i);

		if (name)
			assert_int_equal(ct_errno_number(name), i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_few_parts),
		cmocka_unit_test(test_first_is_kept),
		cmocka_unit_test(test_collected),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_one_clean_line),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_errno_text),
		cmocka_unit_test(test_errno_number),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
