/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configs in LXC's style, ours and those that the distribution ships: loaded, saved,
 * loaded back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

/* Loads, checks and saves one file. */
static void check_file(const char *path)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_err e;

	ct_err_clear(&e);
	if (ct_config_load(c, path, &e) < 0 || !ct_spec_read(c, a, &e))
		fail_msg("%s", e.message);
	check_round_trip(c);
}

/* All files of a pattern; how many. */
static size_t check_all(const char *pattern)
{
	glob_t found;
	size_t n = 0;

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (n = 0; n < found.gl_pathc; n++)
			check_file(found.gl_pathv[n]);
	}
	globfree(&found);
	return n;
}

static void test_ours(void **state)
{
	char pattern[400];

	(void)state;
	assert_non_null(getenv("CT_SOURCE"));
	snprintf(pattern, sizeof(pattern), "%s/tests/data/lxc/*.conf", getenv("CT_SOURCE"));
	assert_int_equal(check_all(pattern), 4);
}

static void test_shipped(void **state)
{
	(void)state;
	if (access("/usr/share/lxc/config/common.conf", R_OK) < 0) {
		print_message("lxc is not installed: its own configs are not tried\n");
		skip();
	}
	assert_in_range(check_all("/usr/share/lxc/config/*.conf"), 10, 1000);
	check_all("/usr/share/lxc/config/common.conf.d/*.conf");
	check_all("/etc/lxc/default.conf");
	check_all("/usr/share/doc/lxc/examples/lxc-*.conf");
}

/* What the busybox template of the distribution writes, put together as its shell code does. */
static void test_template(void **state)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	FILE *f = fopen("/usr/share/lxc/templates/lxc-busybox", "re");
	char line[1024];
	int inside = 0;

	(void)state;
	if (!f)
		skip();
	ct_buf_str(&text, "lxc.rootfs.path = dir:/var/lib/lxc/x/rootfs\n");
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, ">> \"${path}/config\" << EOF") ||
		    strstr(line, "<<EOF >> \"${path}/config\"") ||
		    strstr(line, "cat <<EOF >> \"${path}/config\""))
			inside = 1;
		else if (!strcmp(line, "EOF\n"))
			inside = 0;
		else if (inside && !strchr(line, '$'))
			ct_buf_str(&text, line);
		else if (inside && !strncmp(line, "lxc.uts.name", 12))
			ct_buf_str(&text, "lxc.uts.name = \"x\"\n");
	}
	fclose(f);
	assert_non_null(strstr(ct_buf_text(&text), "lxc.mount.auto"));
	{
		CT_CLEAN_CONFIG struct ct_config *c = config_of(ct_buf_text(&text));

		assert_in_range(ct_config_count(c), 8, 100);
		check_round_trip(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_template),
	};

	return cmocka_run_group_tests_name("lxc-files", tests, NULL, NULL);
}
