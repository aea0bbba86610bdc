/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of security modules against what was asked for, and against those of who
 * started the container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/protect/protections.h"

static const struct {
	const char *asked, *starter, *got;
	bool ok;
} labels[] = {
	/* nothing was asked for: that of who started it, or one where that had none */
	{ NULL, "unconfined", "unconfined", true },
	{ "unchanged", "unconfined", "unconfined", true },
	{ "", "unconfined", "unconfined", true },
	{ NULL, "service (enforce)", "service (enforce)", true },
	{ NULL, "unconfined", "service (enforce)", true },
	{ NULL, "flag (unconfined)", "unconfined", true },
	{ NULL, "service (enforce)", "unconfined", false },
	{ "unchanged", "service (enforce)", "other (enforce)", false },
	{ NULL, "service (enforce)", "service (complain)", false },
	{ NULL, "system_u:system_r:init_t:s0", "system_u:system_r:init_t:s0", true },
	{ NULL, "system_u:system_r:container_t:s0", "system_u:system_r:init_t:s0", false },
	{ NULL, "u:r:unconfined_t:s0", "system_u:system_r:container_t:s0", true },
	{ NULL, "_", "_", true },
	{ NULL, "starter", "_", false },
	{ NULL, NULL, "service (enforce)", true },
	/* asked to be without: everything is more */
	{ "unconfined", "service (enforce)", "unconfined", true },
	{ "unconfined", "service (enforce)", "service (enforce)", true },
	{ "unconfined_t", NULL, "system_u:system_r:init_t:s0", true },
	/* a name: that one and no other, and not one that only complains, whatever
	 * who started it has */
	{ "web", "unconfined", "web (enforce)", true },
	{ "web", "web (enforce)", "web (kill)", true },
	{ "web", "unconfined", "web", true },
	{ "web", "unconfined", "web (complain)", false },
	{ "web", "unconfined", "web2 (enforce)", false },
	{ "web", "unconfined", "unconfined", false },
	{ "generated", "unconfined", "unconfined", false },
	{ "container_t", "u:r:init_t:s0", "system_u:system_r:container_t:s0:c1,c2", true },
	{ "container_t", "u:r:init_t:s0", "system_u:system_r:container_t", true },
	{ "container_t", "u:r:init_t:s0", "system_u:system_r:container_t2:s0", false },
	{ "container_t", "u:r:init_t:s0", "system_u:container_t:init_t:s0", false },
	{ "system_u:system_r:container_t:s0:c1", NULL, "system_u:system_r:container_t:s0:c1",
	  true },
	{ "system_u:system_r:container_t:s0:c1", NULL, "system_u:system_r:container_t:s0:c2",
	  false },
};

static void test_labels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (ct_protect_label_ok(labels[i].asked, labels[i].starter, labels[i].got) !=
		    labels[i].ok)
			fail_msg("asked %s, started by %s, got %s: not %d", labels[i].asked,
				 labels[i].starter, labels[i].got, labels[i].ok);
}

static void test_names(void **state)
{
	(void)state;
	assert_false(ct_protect_names_label(NULL));
	assert_false(ct_protect_names_label(""));
	assert_false(ct_protect_names_label("unchanged"));
	assert_false(ct_protect_names_label("unconfined"));
	assert_false(ct_protect_names_label("unconfined_t"));
	assert_true(ct_protect_names_label("generated"));
	assert_true(ct_protect_names_label("web"));
}

/* One of its own beyond those that who started it had. */
static void test_filters(void **state)
{
	(void)state;
	assert_true(ct_protect_filters_ok(2, 1, 0));
	assert_true(ct_protect_filters_ok(2, 3, 2));
	assert_true(ct_protect_filters_ok(2, 4, 2));
	assert_false(ct_protect_filters_ok(2, 2, 2));
	assert_false(ct_protect_filters_ok(2, 1, 2));
	assert_false(ct_protect_filters_ok(0, 0, 0));
	assert_false(ct_protect_filters_ok(1, 0, 0));
	/* not known how many */
	assert_true(ct_protect_filters_ok(2, 0, UINT32_MAX));
	assert_false(ct_protect_filters_ok(0, 0, UINT32_MAX));
}

/* A process against what is asked of each. */
static void test_bounds(void **state)
{
	static const struct {
		struct ct_bound bound;
		bool weaker;
	} rows[] = {
		{ { .field = "CapEff", .most = 0x21 }, false },
		{ { .field = "CapEff", .most = 0x1 }, true },
		{ { .field = "CapEff", .most = 0x1, .of_userns = true }, false },
		{ { .field = "NoNewPrivs", .most = 1, .least = 1 }, false },
		{ { .field = "Seccomp", .most = 2, .least = 2 }, true },
		{ { .field = "CapInh", .most = 0xff }, true },
		{ { .ns = 7, .kind = 1 }, true },
		{ { .ns = 8, .kind = 1 }, false },
	};
	struct ct_protect t = { .user_ns = 5 };
	struct ct_member m = { .status = "Name:\tx\nCapEff:\t0000000000000021\n"
					 "NoNewPrivs:\t1\nSeccomp:\t0\n" };

	(void)state;
	m.ns[1].st_ino = 7;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (ct_protect_is_weaker(&t, &m, &rows[i].bound) != rows[i].weaker)
			fail_msg("row %zu is not %d", i, rows[i].weaker);
}

static void test_groups(void **state)
{
	static const char text[] = "4:cpu,cpuacct:/ct.payload.web/a\n3:memory:/x/ct.payload.web\n"
				   "2:name=systemd:/\n1:pids:/ct.payload.web2\n0::/top/sub\n";
	static const struct {
		uint8_t version;
		const char *tree, *path;
		uint32_t keep;
		bool in;
	} rows[] = {
		{ 1, "cpu,cpuacct", "/sys/fs/cgroup/cpu/ct.payload.web", 18, true },
		{ 1, "cpuacct,cpu", "/sys/fs/cgroup/cpu/ct.payload.web", 18, true },
		{ 1, "cpu", "/sys/fs/cgroup/cpu/ct.payload.web", 18, true },
		{ 1, "memory", "/sys/fs/cgroup/memory/x/ct.payload.web", 23, true },
		{ 1, "memory", "/sys/fs/cgroup/memory/x/ct.payload.w", 23, false },
		{ 1, "pids", "/sys/fs/cgroup/pids/ct.payload.web", 19, false },
		{ 1, "name=systemd", "/sys/fs/cgroup/systemd/ct.payload.web", 22, false },
		{ 1, "name", "/sys/fs/cgroup/systemd", 14, false },
		{ 1, "freezer", "/sys/fs/cgroup/freezer/ct.payload.web", 22, false },
		{ 2, "unified", "/sys/fs/cgroup/unified/top/sub", 22, true },
		{ 2, "unified", "/sys/fs/cgroup/unified/top", 26, true },
		{ 2, "unified", "/sys/fs/cgroup/unified/top/other", 22, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ct_cg_group g = { .version = rows[i].version,
					 .tree = (char *)rows[i].tree,
					 .path = (char *)rows[i].path,
					 .keep = rows[i].keep };

		if (ct_protect_in_group(text, &g) != rows[i].in)
			fail_msg("row %zu is not %d", i, rows[i].in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_labels),
					    cmocka_unit_test(test_names),
					    cmocka_unit_test(test_filters),
					    cmocka_unit_test(test_bounds),
					    cmocka_unit_test(test_groups) };

	return cmocka_run_group_tests_name("protections", tests, NULL, NULL);
}
