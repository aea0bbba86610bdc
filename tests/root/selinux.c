/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Contexts of SELinux through the library: refused by name where there is none; under the policy of
 * the tests (tests/vm/selinux/policy.cil, which tests/scenario/selinux.py has loaded in a guest)
 * those of starts and attaches in process, and what ct_protections() says of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define DOMAIN(type) "ct_u:ct_r:ct_" type "_t:s0"
#define SHOW ARGV("/bin/cat", "/proc/self/attr/current")
#define WAIT ARGV("/bin/sleep", "1000")

static const char *const keys[] = { "selinux.context", "selinux.context.keyring",
				    "selinux.mount.context" };

static bool has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* The policy of the tests is loaded and enforced. */
static void need_policy(void)
{
	char own[64] = "", on[4] = "";
	FILE *f = fopen("/proc/thread-self/attr/current", "re");
	FILE *g = fopen("/sys/fs/selinux/enforce", "re");
	bool there = f && g && fgets(own, sizeof(own), f) && fgets(on, sizeof(on), g) &&
		     !strcmp(own, DOMAIN("caller")) && on[0] == '1';

	if (f)
		fclose(f);
	if (g)
		fclose(g);
	if (!there)
		elsewhere_because("no policy of the tests is enforced here");
}

static ct_container *with(const char *key, const char *value)
{
	ct_container *c = must_open(NULL);

	assert_ok(c, ct_set_config(c, key, value));
	return c;
}

static void refused(ct_container *c, int r, int want, const char *key, const char *text)
{
	const ct_error *e = ct_last_error(c);

	assert_int_equal(r, want);
	assert_int_equal(e->err, want);
	assert_string_equal(e->key, key);
	assert_string_equal(e->backend, "selinux");
	assert_true(e->hint[0] != 0);
	if (!strstr(e->message, text))
		fail_msg("%s: not with %s", e->message, text);
}

static void without_selinux(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	(void)state;
	if (has_selinux())
		elsewhere_because("this kernel has SELinux");
	o.argv = ARGV("/bin/true");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		ct_container *c = with(keys[i], "system_u:system_r:container_t:s0");

		refused(c, ct_check(c, &o), -EOPNOTSUPP, keys[i], "SELinux is not switched on");
		refused(c, ct_start(c, &o, &p), -EOPNOTSUPP, keys[i], "SELinux is not switched on");
		assert_null(p);
		ct_unref(c);
	}
}

/* What asks for nothing needs no SELinux; what is no context is none in any kernel. */
static void nothing_asked(void **state)
{
	ct_container *c = with(keys[0], "unconfined_t");
	ct_exit ex = CT_EXIT_INIT;

	(void)state;
	assert_ok(c, ct_set_config(c, keys[1], "unconfined_t"));
	assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, &ex));
	assert_int_equal(ex.code, 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_refused(c, ct_set_config(c, keys[i], "container_t"), -EINVAL);
	ct_unref(c);
}

static void says(ct_container *c, ct_process *p, const char *want)
{
	char *out = NULL;

	if (p)
		assert_ok(c, box_attach(c, NULL, SHOW, &out, NULL));
	else
		assert_ok(c, box_run(c, NULL, SHOW, &out, NULL));
	assert_string_equal(out, want);
	ct_free(out);
}

static void reported(ct_container *c, const char *want)
{
	char *text = NULL, *line;

	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
	line = strstr(text, "security label");
	assert_non_null(line);
	line[strcspn(line, "\n")] = 0;
	/* "!" stands before a row that is not as asked */
	if (!strstr(line, want) || line[-2] != ' ')
		fail_msg("%s, not %s", line - 2, want);
	ct_free(text);
}

/* With the small init, which keeps the caller's, and without. What an attach gets, and what is
 * reported, is what runs, whatever the config says by then. */
static void in_process(void **state)
{
	(void)state;
	need_policy();
	for (int reaper = 0; reaper < 2; reaper++) {
		ct_container *c = with(keys[0], DOMAIN("box") ":c2,c0");
		ct_process *p;

		assert_ok(c, ct_set_config(c, "init.reaper", reaper ? "1" : "0"));
		says(c, NULL, DOMAIN("box") ":c0,c2");
		p = must_start(c, 0, WAIT);
		says(c, p, DOMAIN("box") ":c0,c2");
		reported(c, DOMAIN("box") ":c0,c2");
		assert_ok(c, ct_set_config(c, keys[0], ""));
		says(c, p, DOMAIN("box") ":c0,c2");
		reported(c, DOMAIN("box") ":c0,c2");
		ct_process_kill(p, 9);
		must_end(p);
		ct_unref(c);
	}
}

static void not_allowed(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	(void)state;
	need_policy();
	o.argv = ARGV("/bin/true");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *bad = i == 2 ? "ct_u:object_r:ct_secret_t:s0" : DOMAIN("shut");
		ct_container *c = with(keys[i], bad);

		refused(c, ct_check(c, &o), -EACCES, keys[i], "SELinux does not allow");
		refused(c, ct_start(c, &o, &p), -EACCES, keys[i], bad);
		assert_null(p);
		ct_unref(c);
		c = with(keys[i], "ct_u:ct_r:ct_none_t:s0");
		refused(c, ct_start(c, &o, &p), -EINVAL, keys[i], "no such context");
		ct_unref(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_selinux),
		cmocka_unit_test(nothing_asked),
		cmocka_unit_test(in_process),
		cmocka_unit_test(not_allowed),
	};

	return cmocka_run_group_tests_name("selinux", tests, box_setup_bare, box_teardown);
}
