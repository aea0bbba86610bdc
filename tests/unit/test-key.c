/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key table: every row, found by its name, takes its samples and refuses the others, and what
 * is set can be got, saved and loaded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "samples.h"

static void test_rows(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const struct ct_key *key = &ct_keys[i];
		char prefixed[160];
		const char *sub = NULL;

		assert_ptr_equal(ct_key_find(sample_name(key), &sub), key);
		snprintf(prefixed, sizeof(prefixed), "lxc.%s", sample_name(key));
		assert_ptr_equal(ct_key_find(prefixed, &sub), key);
		assert_true(strchr(key->name, '*') ? *sub : !*sub);
		assert_true(*key->help && key->help[strlen(key->help) - 1] != '.');
		assert_true(*key->type->name && *key->type->form);
		assert_int_equal(!!(key->flags & CT_KF_ANY),
				 key->name[strlen(key->name) - 1] == '*');
		/* stored means: there is no field, or the start may do without; idle values
		 * need nobody's help */
		assert_true(!key->idle || key->flags & (CT_KF_STORED | CT_KF_SUPERVISED));
		assert_true(key->flags & CT_KF_STORED || key->field != SIZE_MAX ||
			    key->type == &ct_type_include);
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(key->name, ct_keys[j].name);
	}
}

static void test_unknown_names(void **state)
{
	static const char *const names[] = {
		"",	     "lxc.",	   "lxc",	 "nothing",	     "init",
		"init.",     "init.cmd.",  "init.cmd.x", ".init.cmd",	     "prlimit",
		"prlimit.",  "net.x.type", "net..type",	 "net.01.type",	     "net.0",
		"net.0.typ", "net.*.type", "INIT.CMD",	 "lxc.lxc.init.cmd",
	};
	const char *sub;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_null(ct_key_find(names[i], &sub));
}

static void test_groups(void **state)
{
	static const char *const groups[] = { "net",	    "net.0",	       "net.17",
					      "net.0.ipv4", "net.0.veth.vlan", "hook",
					      "cgroup2",    "cgroup",	       "prlimit",
					      "namespace",  "namespace.share", "init",
					      "lxc.console" };
	static const char *const none[] = { "",	     "lxc.",	   "n",		 "net.",
					    "net.x", "net.0.type", "hook.start", "nothing" };

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		assert_non_null(ct_key_in_group(groups[i]));
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_null(ct_key_in_group(none[i]));
}

struct guess {
	const char *name, *key;
};

static void test_suggestions(void **state)
{
	static const struct guess rows[] = {
		{ "rootfs.pth", "rootfs.path" },
		{ "lxc.uts.nmae", "uts.name" },
		{ "mount.entrys", "mount.entry" },
		{ "hook.prestart", "hook.pre-start" },
		{ "cap_drop", "cap.drop" },
		{ "net.0.lnik", "net.*.link" },
		{ "net.12.tpye", "net.*.type" },
		{ "prlimits.nofile", "prlimit.*" },
		{ "sysctrl.net.core.x", "sysctl.*" },
		{ "environmnet", "environment" },
		{ "limit.memroy", "limit.memory" },
		{ "limit.cpuset.cpu", "limit.cpuset.cpus" },
		{ "limit.hugetbl.2MB", "limit.hugetlb.*" },
		{ "zzz", NULL },
		{ "x", NULL },
		{ "", NULL },
		{ "a.name.that.is.longer.than.any.key.there.is.and.so.is.near.to.no.one.of.them",
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *got = ct_key_suggest(rows[i].name);

		if (!rows[i].key)
			assert_null(got);
		else if (!got || strcmp(got, rows[i].key))
			fail_msg("%s: %s", rows[i].name, got ? got : "none");
	}
	assert_string_equal(ct_key_renamed("lxc.utsname"), "uts.name");
	assert_string_equal(ct_key_renamed("limit.nofile"), "prlimit.*");
	assert_string_equal(ct_key_renamed("limit.memory.swap"), "limit.swap");
	assert_string_equal(ct_key_renamed("lxc.network.type"),
			    "net.N.*, with a number N for each network");
	assert_null(ct_key_renamed("uts.name"));
}

/* Set, get, set what was got, save, load: the same. */
static void check_value(const struct ct_key *key, const char *value)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new(), *copy = NULL,
					 *other = ct_config_new();
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT;
	const char *name = sample_name(key);
	struct ct_err e;

	ct_err_clear(&e);
	if (ct_config_set(c, name, value, &e) < 0)
		fail_msg("%s = %s: %s", name, value, e.message);
	assert_int_equal(ct_config_count(c), 1);
	assert_ptr_equal(ct_config_entry(c, 0)->key, key);
	assert_int_equal(ct_config_get(c, name, &got, &e), 0);
	assert_string_equal(ct_buf_text(&got), value);
	assert_int_equal(ct_config_set(other, name, ct_buf_text(&got), &e), 0);
	assert_string_equal(ct_config_entry(other, 0)->value, value);
	check_round_trip(c);
	copy = ct_config_copy(c);
	assert_non_null(copy);
	assert_int_equal(ct_config_clear(c, name, &e), 0);
	assert_int_equal(ct_config_count(c), 0);
	assert_string_equal(ct_config_entry(copy, 0)->value, value);
	assert_string_equal(ct_config_entry(copy, 0)->sub, ct_config_entry(other, 0)->sub);
}

static void test_every_key(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const struct samples *s = samples_of(ct_keys[i].type);

		if (ct_keys[i].type == &ct_type_include)
			continue;
		assert_non_null(s);
		for (int j = 0; j < SAMPLES_MAX && s->good[j]; j++)
			check_value(&ct_keys[i], s->good[j]);
	}
}

static void test_every_refusal(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const struct samples *s = samples_of(ct_keys[i].type);

		for (int j = 0; s && j < SAMPLES_MAX && s->bad[j]; j++) {
			CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
			const char *name = sample_name(&ct_keys[i]);
			struct ct_err e;
			int r;

			ct_err_clear(&e);
			r = ct_config_set(c, name, s->bad[j], &e);
			if (r != -EINVAL && r != -ERANGE)
				fail_msg("%s = %s: %d", name, s->bad[j], r);
			assert_int_equal(e.id, r == -EINVAL ? CT_ERR_BAD_VALUE : CT_ERR_RANGE);
			assert_string_equal(e.key, name);
			assert_int_equal(ct_config_count(c), 0);
		}
	}
}

/* Each sample also goes into the spec, alone with what it needs. */
static void test_every_field(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ct_n_keys; i++) {
		const struct samples *s = samples_of(ct_keys[i].type);

		for (int j = 0; s && j < SAMPLES_MAX && s->good[j]; j++) {
			CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
			CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
			struct ct_err e;

			ct_err_clear(&e);
			assert_int_equal(ct_config_set(c, sample_name(&ct_keys[i]), s->good[j], &e),
					 0);
			if (!strncmp(ct_keys[i].name, "net.", 4) &&
			    strcmp(ct_keys[i].name, "net.*.type"))
				assert_int_equal(ct_config_set(c, "net.0.type", "veth", &e), 0);
			/* what is refused is a relation to a key that is not there, or
			 * a file that is not */
			if (!ct_spec_read(c, a, &e) && e.id != CT_ERR_CONFLICT &&
			    e.id != CT_ERR_CONFIG_FILE)
				fail_msg("%s = %s: %s", ct_keys[i].name, s->good[j], e.message);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	    cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_groups),	    cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_every_key),   cmocka_unit_test(test_every_refusal),
		cmocka_unit_test(test_every_field),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
