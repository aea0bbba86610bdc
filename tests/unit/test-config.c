/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config document: what is in effect, what a save keeps, includes, clearing; and what people
 * are told of mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

#define SET(c, key, value)                                   \
	do {                                                 \
		struct ct_err err_;                          \
		ct_err_clear(&err_);                         \
		if (ct_config_set(c, key, value, &err_) < 0) \
			fail_msg("%s", err_.message);        \
	} while (0)

static void check_text(const struct ct_config *c, const char *want)
{
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT;

	assert_int_equal(ct_config_print(c, true, &got), 0);
	assert_string_equal(ct_buf_text(&got), want);
}

static void check_get(const struct ct_config *c, const char *key, const char *want)
{
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT;
	struct ct_err e;

	ct_err_clear(&e);
	assert_int_equal(ct_config_get(c, key, &got, &e), 0);
	assert_string_equal(ct_buf_text(&got), want);
}

static void test_lines(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "lxc.uts.name = web\n"
				   "   \tlxc.rootfs.path=/srv/web   \n"
				   "\t# another\n"
				   "limit.time = '10 s'\n"
				   "environment = \"A=b c\"\n"
				   "environment = 'it''s'\n"
				   "environment = \"\n"
				   "lxc.environment = X=\"y\"\n"
				   "init.cmd = /bin/a 'b c\"\n";
	CT_CLEAN_CONFIG struct ct_config *c = NULL;
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	c = ct_config_new();
	/* "10 s" is no time, and the last one's quotes are not a pair: nothing of a file that
	 * has an error is taken */
	assert_int_equal(ct_config_load_text(c, text, sizeof(text) - 1, "c", &e), -EINVAL);
	assert_string_equal(e.message, "limit.time (c:6): \"10 s\" is not a time above 0 such as "
				       "1s, 250ms, 1.5s, 2m or 1h");
	assert_int_equal(ct_config_count(c), 0);
	check_text(c, "");
}

static void test_quotes_and_blanks(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = config_of("environment = \"A=b c\"\n"
							" environment\t=\t'B='\t\n"
							"lxc.environment=C=\"y\"\n"
							"environment = \"D=e'\n"
							"environment = \n"
							"environment = E=1 #2");

	(void)state;
	check_effect(c, "environment=E=1 #2\n");
	check_text(c, "environment = \"A=b c\"\n environment\t=\t'B='\t\nlxc.environment=C=\"y\"\n"
		      "environment = \"D=e'\n"
		      "environment = \nenvironment = E=1 #2\n");
	check_round_trip(c);
	/* values of calls are taken as they are, and quoted where a file would change them */
	SET(c, "environment", "\"F=g\"");
	SET(c, "environment", "G= h ");
	SET(c, "environment", "\"");
	check_effect(
		c, "environment=E=1 #2\nenvironment=\"F=g\"\nenvironment=G= h \nenvironment=\"\n");
	check_round_trip(c);
}

static void test_values_that_need_quotes(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();

	(void)state;
	SET(c, "apparmor.raw", "\"x\"");
	SET(c, "apparmor.raw", "'x'");
	SET(c, "apparmor.raw", " x");
	SET(c, "apparmor.raw", "x\t");
	SET(c, "apparmor.raw", "\"");
	SET(c, "apparmor.raw", "\"x'");
	check_text(c,
		   "lxc.apparmor.raw = \"\"x\"\"\nlxc.apparmor.raw = \"'x'\"\n"
		   "lxc.apparmor.raw = \" x\"\n"
		   "lxc.apparmor.raw = \"x\t\"\nlxc.apparmor.raw = \"\nlxc.apparmor.raw = \"x'\n");
	check_round_trip(c);
}

static void test_last_one_counts(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = config_of("uts.name = a\ncap.drop = chown\n"
							"uts.name = b\ncap.drop = kill\n"
							"prlimit.core = 0\nprlimit.nofile = 5\n"
							"prlimit.core = 1\n");

	(void)state;
	check_effect(c, "cap.drop=chown\nuts.name=b\ncap.drop=kill\nprlimit.nofile=5\n"
			"prlimit.core=1\n");
	check_get(c, "uts.name", "b");
	check_get(c, "lxc.cap.drop", "chown\nkill");
	check_get(c, "prlimit.core", "1");
	check_get(c, "prlimit.as", "");
	check_get(c, "init.cmd", "/sbin/init");
	check_get(c, "rootfs.path", "");
	SET(c, "uts.name", "c");
	SET(c, "cap.drop", "mknod");
	SET(c, "init.uid", "5");
	check_text(c, "uts.name = a\ncap.drop = chown\nlxc.uts.name = c\ncap.drop = kill\n"
		      "prlimit.core = 0\nprlimit.nofile = 5\nprlimit.core = 1\n"
		      "lxc.cap.drop = mknod\nlxc.init.uid = 5\n");
	check_round_trip(c);
}

static void test_our_keys_without_prefix(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();

	(void)state;
	SET(c, "lxc.limit.time", "1s");
	SET(c, "uts.name", "x");
	check_text(c, "limit.time = 1s\nlxc.uts.name = x\n");
}

static void test_clear(void **state)
{
	struct ct_err e;
	CT_CLEAN_CONFIG struct ct_config *c = config_of("# net\nnet.0.type = veth\n"
							"net.0.link = br0\nnet.10.type = empty\n"
							"selinux.context = a:b:c\n"
							"selinux.context.keyring = b:c:d\n"
							"cgroup.dir = x\ncgroup.relative = 1\n"
							"cgroup.memory.limit = 5\n"
							"hook.start = /a\nhook.stop = /b\n");

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_config_clear(c, "net.1", &e), 0);
	assert_int_equal(ct_config_count(c), 10);
	assert_int_equal(ct_config_clear(c, "net.0", &e), 0);
	assert_int_equal(ct_config_clear(c, "selinux.context", &e), 0);
	assert_int_equal(ct_config_clear(c, "lxc.hook", &e), 0);
	check_effect(c, "net.10.type=empty\nselinux.context.keyring=b:c:d\ncgroup.dir=x\n"
			"cgroup.relative=1\n"
			"cgroup.memory.limit=5\n");
	assert_int_equal(ct_config_clear(c, "cgroup.memory", &e), 0);
	check_text(c,
		   "# net\nnet.10.type = empty\nselinux.context.keyring = b:c:d\ncgroup.dir = x\n"
		   "cgroup.relative = 1\n");
	assert_int_equal(ct_config_clear(c, "cgroup", &e), 0);
	assert_int_equal(ct_config_clear(c, "net", &e), 0);
	check_effect(c, "selinux.context.keyring=b:c:d\n");
	assert_int_equal(ct_config_set(c, "selinux.context.keyring", "", &e), 0);
	check_effect(c, "");
	assert_int_equal(ct_config_clear(c, NULL, &e), 0);
	check_text(c, "");
	assert_int_equal(ct_config_clear(c, "nothing", &e), -ENOENT);
	assert_string_equal(e.message, "nothing: no such key");
}

static void test_clear_in_files(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = config_of("cap.drop = chown\nnet.0.type = veth\n"
							"net.0.link = x\nuts.name = a\n"
							"lxc.cap.drop =\nlxc.net =\n"
							"uts.name =\"\"\ncap.drop = kill\n"
							"net.0.type = empty\n");

	(void)state;
	check_effect(c, "cap.drop=kill\nnet.0.type=empty\n");
	check_round_trip(c);
}

/* A directory with files, which goes at the end. */
struct tree {
	char path[64];
	char names[32][64];
	int n;
};

static void put_file(struct tree *t, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", t->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	snprintf(t->names[t->n++], sizeof(t->names[0]), "%s", name);
}

static void put_dir(struct tree *t, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", t->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(t->names[t->n++], sizeof(t->names[0]), "%s", name);
}

static int set_up(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	snprintf(t->path, sizeof(t->path), "/tmp/ct-test-config.XXXXXX");
	*state = t;
	return mkdtemp(t->path) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct tree *t = *state;
	char path[160];

	for (int i = t->n - 1; i >= 0; i--) {
		snprintf(path, sizeof(path), "%s/%s", t->path, t->names[i]);
		remove(path);
	}
	rmdir(t->path);
	free(t);
	return 0;
}

/* Loads PATH/name; NULL when it must not work, with the message in *e. */
static struct ct_config *load(struct tree *t, const char *name, struct ct_err *e)
{
	struct ct_config *c = ct_config_new();
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", t->path, name);
	ct_err_clear(e);
	if (ct_config_load(c, path, e) == 0)
		return c;
	assert_int_equal(ct_config_count(c), 0);
	ct_config_free(c);
	return NULL;
}

/* Checks a message, in which % stands for the directory. */
static void check_message(struct tree *t, const struct ct_err *e, const char *want)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;

	for (; *want; want++) {
		if (*want == '%')
			ct_buf_str(&text, t->path);
		else
			ct_buf_char(&text, *want);
	}
	assert_string_equal(e->message, ct_buf_text(&text));
}

static void put_included(struct tree *t)
{
	put_dir(t, "d");
	put_file(t, "d/20.conf", "cap.drop = mknod\n");
	put_file(t, "d/10.conf", "# in d\ncap.drop = kill\ninclude = ../deep\n");
	put_file(t, "d/30.conf.bak", "nonsense\n");
	put_file(t, "d/.hidden.conf", "nonsense\n");
	put_dir(t, "d/40.conf");
	put_file(t, "deep", "cap.drop = setuid\nuts.name = deep\n");
}

static void check_clears(struct ct_config *copy)
{
	struct ct_err e;

	/* what an include brought in stays away after a clear, also in the saved file; the
	 * includes themselves can go */
	assert_int_equal(ct_config_clear(copy, "cap.drop", &e), 0);
	SET(copy, "cap.drop", "sys_time");
	check_effect(copy, "uts.name=deep\ncap.drop=sys_time\n");
	check_round_trip(copy);
	SET(copy, "uts.name", "mine");
	check_effect(copy, "cap.drop=sys_time\nuts.name=mine\n");
	check_round_trip(copy);
	assert_int_equal(ct_config_clear(copy, "include", &e), 0);
	check_text(copy, "uts.name = first\n# between\nlxc.cap.drop =\nlxc.cap.drop = sys_time\n"
			 "lxc.uts.name = mine\n");
}

static void test_includes(void **state)
{
	struct tree *t = *state;
	CT_CLEAN_CONFIG struct ct_config *c = NULL, *copy = NULL;
	char text[400];
	struct ct_err e;

	put_included(t);
	snprintf(text, sizeof(text),
		 "uts.name = first\nlxc.include = %s/d\n# between\n"
		 "include = missing.d/\ninclude = deep\n"
		 "cap.drop = chown\n",
		 t->path);
	put_file(t, "main", text);
	c = load(t, "main", &e);
	assert_non_null(c);
	check_effect(c, "cap.drop=kill\ncap.drop=setuid\ncap.drop=mknod\ncap.drop=setuid\n"
			"uts.name=deep\ncap.drop=chown\n");
	assert_int_equal(ct_config_entry(c, 1)->at.line, 1);
	assert_string_equal(strrchr(ct_config_entry(c, 0)->at.file, '/'), "/10.conf");
	assert_int_equal(ct_config_entry(c, 0)->at.line, 2);
	check_round_trip(c);
	/* relative ones are saved whole, so that the file may be saved elsewhere */
	snprintf(text, sizeof(text),
		 "uts.name = first\nlxc.include = %s/d\n# between\n"
		 "lxc.include = %s/missing.d/\n"
		 "lxc.include = %s/deep\ncap.drop = chown\n",
		 t->path, t->path, t->path);
	check_text(c, text);
	snprintf(text, sizeof(text), "%s/d\n%s/missing.d/\n%s/deep", t->path, t->path, t->path);
	check_get(c, "include", text);
	copy = ct_config_copy(c);
	ct_config_free(c);
	c = NULL;
	assert_int_equal(ct_config_entry(copy, 0)->at.line, 2);
	assert_string_equal(strrchr(ct_config_entry(copy, 0)->at.file, '/'), "/10.conf");
	check_round_trip(copy);
	check_clears(copy);
}

static void test_include_by_call(void **state)
{
	struct tree *t = *state;
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	char path[160], here[1000];
	struct ct_err e;

	put_file(t, "inc", "uts.name = x\n");
	snprintf(path, sizeof(path), "%s/inc", t->path);
	SET(c, "include", path);
	check_effect(c, "uts.name=x\n");
	check_round_trip(c);
	check_get(c, "include", path);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(t->path), 0);
	SET(c, "include", "inc");
	assert_int_equal(chdir(here), 0);
	snprintf(here, sizeof(here), "%s\n%s", path, path);
	check_get(c, "include", here);
	ct_err_clear(&e);
	snprintf(path, sizeof(path), "%s/none", t->path);
	assert_int_equal(ct_config_set(c, "include", path, &e), -ENOENT);
	check_message(t, &e,
		      "include: open \"%/none\": No such file or directory. "
		      "Hint: make the file, or mend its path");
	check_effect(c, "uts.name=x\n");
}

static void test_include_mistakes(void **state)
{
	struct tree *t = *state;
	struct ct_err e;

	put_file(t, "circle", "\ninclude = circle\n");
	assert_null(load(t, "circle", &e));
	check_message(t, &e,
		      "include (%/circle:2): include goes deeper than 16. "
		      "Hint: does a file include itself?");
	assert_int_equal(e.err, -ELOOP);
	assert_int_equal(e.id, CT_ERR_INCLUDE_DEPTH);
	put_file(t, "gone", "uts.name = x\nlxc.include = nowhere\n");
	assert_null(load(t, "gone", &e));
	check_message(t, &e,
		      "include (%/gone:2): open \"%/nowhere\": No such file or directory. "
		      "Hint: make the file, or mend its path");
	put_file(t, "bad", "uts.name = a b\n");
	put_file(t, "outer", "include = bad\n");
	assert_null(load(t, "outer", &e));
	check_message(t, &e,
		      "uts.name (%/bad:1): \"a b\" is not a name of at most 64 bytes "
		      "without blanks and slashes");
	put_file(t, "device", "include = /dev/null\n");
	assert_null(load(t, "device", &e));
	check_message(t, &e, "include (%/device:1): \"/dev/null\": neither a file nor a directory");
	assert_null(load(t, "absent", &e));
	check_message(t, &e,
		      "open \"%/absent\": No such file or directory. "
		      "Hint: make the file, or mend its path");
	assert_null(load(t, "", &e));
	check_message(t, &e, "\"%/\": a directory; a config is a file");
}

/* Two files that include each other twice would be read 2^16 times. */
static void test_include_bomb(void **state)
{
	struct tree *t = *state;
	struct ct_err e;

	put_file(t, "a", "include = b\ninclude = b\n");
	for (char c = 'b'; c < 'p'; c++) {
		char name[2] = { c, 0 }, text[64];

		snprintf(text, sizeof(text), "include = %c\ninclude = %c\n", c + 1, c + 1);
		put_file(t, name, text);
	}
	put_file(t, "p", "uts.name = x\n");
	assert_null(load(t, "a", &e));
	assert_int_equal(e.err, -ELOOP);
	assert_non_null(strstr(e.message, "more than 1024 files are included"));
}

static void test_big_file(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	while (text.len < (1u << 20) - 100)
		ct_buf_str(&text, "net.0.ipv4.address = 10.0.0.1/24\nnet =\nprlimit.core = 0\n");
	assert_int_equal(ct_config_load_text(c, text.data, text.len, "c", &e), 0);
	assert_int_equal(ct_config_count(c), 1);
	while (text.len <= 1u << 20)
		ct_buf_char(&text, '\n');
	assert_int_equal(ct_config_load_text(c, text.data, text.len, "c", &e), -EFBIG);
	assert_string_equal(e.message, "\"c\": the file is bigger than 1 MiB");
}

struct mistake {
	const char *text, *message;
	int err, id;
};

/* Exactly what a person is told. */
static void test_messages(void **state)
{
	static const struct mistake rows[] = {
#define MISTAKE(text, err, id, message) { text, message, -err, CT_ERR_##id },
#include "mistakes.def"
#undef MISTAKE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
		CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
		struct ct_err e;
		int r;

		ct_err_clear(&e);
		r = ct_config_load_text(c, rows[i].text, strlen(rows[i].text), "c", &e);
		if (r == 0)
			r = ct_spec_read(c, a, &e) ? 0 : e.err;
		if (strcmp(e.message, rows[i].message))
			fail_msg("%s\n got: %s\nwant: %s", rows[i].text, e.message,
				 rows[i].message);
		assert_int_equal(r, rows[i].err);
		assert_int_equal(e.id, rows[i].id);
		assert_string_equal(e.where, "config");
	}
}

static void test_bytes(void **state)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	static const char nul[] = "uts.name = a\0b\n", high[] = "apparmor.raw = \xff\xfe\xc3\xa9\n";
	struct ct_err e;

	(void)state;
	ct_err_clear(&e);
	assert_int_equal(ct_config_load_text(c, nul, sizeof(nul) - 1, "c", &e), -EILSEQ);
	assert_string_equal(e.message, "c:1: the line has a NUL byte");
	ct_err_clear(&e);
	assert_int_equal(ct_config_load_text(c, high, sizeof(high) - 1, "c", &e), 0);
	assert_int_equal(ct_config_set(c, "uts.name", "a\nb", &e), -EILSEQ);
	assert_string_equal(e.message,
			    "uts.name: byte 2 of the value is the control character \\x0a");
	ct_err_clear(&e);
	assert_int_equal(ct_config_set(c, "sysctl.a\nb", "x", &e), -ENOENT);
	assert_string_equal(e.message, "sysctl.a\\x0ab: no such key");
	ct_err_clear(&e);
	assert_int_equal(ct_config_set(c, "hook", "x", &e), -ENOENT);
	assert_string_equal(e.message, "hook: this is a group of keys, only clearing it is "
				       "possible. Hint: name one of them, such as hook.version");
	ct_err_clear(&e);
	assert_int_equal(ct_config_set(c, "", "x", &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_quotes_and_blanks),
		cmocka_unit_test(test_values_that_need_quotes),
		cmocka_unit_test(test_last_one_counts),
		cmocka_unit_test(test_our_keys_without_prefix),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_clear_in_files),
		cmocka_unit_test_setup_teardown(test_includes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_include_by_call, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_include_mistakes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_include_bomb, set_up, tear_down),
		cmocka_unit_test(test_big_file),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
