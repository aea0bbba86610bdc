/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ct_audit(): what weakens a config as a start with these options would have it, on this host. What
 * it says of a container is what the container then is: the empty list goes with one that has a
 * user namespace, a filter and limits when it runs. (Each rule by itself: tests/unit/test-audit.c.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leak.h"
#include "run.h"
#include "setup.h"

#define WAITING ARGV("/bin/sleep", "1000")
#define SOUND                                                                            \
	"idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536", "limit.memory", "64M", \
		"limit.pids", "50", "limit.cpu", "1"

/* Nothing of the caller's own is handed over. */
static ct_start_opts closed(void)
{
	ct_start_opts o = CT_START_OPTS_INIT;

	o.stdio[0] = o.stdio[1] = o.stdio[2] = -1;
	return o;
}

/* The list as text, to be freed; *n: how many. */
static char *list_of(ct_container *c, const ct_start_opts *o, int least, int *n)
{
	char *text = NULL;

	*n = ct_audit(c, o, least, CT_FORMAT_TEXT, &text);
	assert_ok(c, *n);
	assert_non_null(text);
	return text;
}

/* Whether there is a line of that level and name. */
static int has(const char *text, const char *level, const char *name)
{
	char form[128];

	for (int comma = 0; comma < 2; comma++) {
		snprintf(form, sizeof(form), "%-8s  %s%c", level, name, ":,"[comma]);
		if (!strncmp(text, form, strlen(form)))
			return 1;
		snprintf(form, sizeof(form), "\n%-8s  %s%c", level, name, ":,"[comma]);
		if (strstr(text, form))
			return 1;
	}
	return 0;
}

static void expect_list(ct_container *c, const ct_start_opts *o, const char *level,
			const char *name, int there)
{
	int n;
	char *text = list_of(c, o, CT_SEVERITY_LOW, &n);

	if (has(text, level, name) != there)
		fail_msg("%s %s is%s in\n%s", level, name, there ? " not" : "", text);
	free(text);
}

/* The container that is to be had for hostile code: nothing to tell, and it runs so. */
static void empty_for_a_sound_one(void **state)
{
	struct leak *before = leak_take();
	ct_container *c = must_open(NULL);
	ct_start_opts o = closed();
	char *text, *json = NULL;
	ct_process *p;
	int n;

	(void)state;
	assert_int_equal(box_config(c, SOUND, NULL), 0);
	text = list_of(c, &o, CT_SEVERITY_LOW, &n);
	assert_string_equal(text, "");
	assert_int_equal(n, 0);
	free(text);
	assert_int_equal(ct_audit(c, &o, CT_SEVERITY_LOW, CT_FORMAT_JSON, &json), 0);
	assert_string_equal(json, "{\"weaknesses\": [\n]}\n");
	ct_free(json);
	p = must_start(c, 0, WAITING);
	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
	assert_null(strstr(text, "\n! "));
	assert_non_null(strstr(text, "filter, "));
	assert_non_null(strstr(text, "0, on the host 100000"));
	ct_free(text);
	ct_process_kill(p, 9);
	must_end(p);
	ct_unref(c);
	assert_untouched(before, LEAK_NO_RSS);
	leak_free(before);
}

/* A program has a filter by default, a system has none. */
static void as_it_is_started(void **state)
{
	ct_container *program = must_open(NULL), *system = must_open("system");
	ct_start_opts o = closed();

	(void)state;
	assert_int_equal(box_config(program, SOUND, NULL), 0);
	assert_int_equal(box_config(system, SOUND, NULL), 0);
	expect_list(program, &o, "medium", "seccomp-none", 0);
	expect_list(system, &o, "medium", "seccomp-none", 1);
	o.flags = CT_START_EXECUTE;
	expect_list(system, &o, "medium", "seccomp-none", 0);
	ct_unref(program);
	ct_unref(system);
}

/* What is not in the config counts, too: mounts and the root by descriptor, the flag. */
static void not_only_the_config(void **state)
{
	ct_container *c = must_open(NULL);
	ct_mount mount = CT_MOUNT_INIT;
	ct_start_opts o = closed();
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(box_config(c, SOUND, "init.uid", "1000", NULL), 0);
	expect_list(c, &o, "low", "no-new-privs", 1);
	o.flags = CT_START_NO_NEW_PRIVS;
	expect_list(c, &o, "low", "no-new-privs", 0);
	mount.source = "/etc";
	mount.target = "/host";
	mount.flags = CT_MOUNT_CREATE;
	assert_ok(c, ct_add_mount(c, &mount));
	expect_list(c, &o, "high", "mount-etc", 1);
	expect_list(c, &o, "high", "mount-root", 0);
	mount.source = NULL;
	mount.source_fd = fd;
	assert_ok(c, ct_add_mount(c, &mount));
	expect_list(c, &o, "high", "mount-root", 1);
	expect_list(c, &o, "high", "rootfs-host-rw", 0);
	assert_ok(c, ct_set_rootfs_fd(c, fd));
	expect_list(c, &o, "high", "rootfs-host-rw", 1);
	close(fd);
	ct_unref(c);
}

/* As many as it says, most serious first, and of at least the level that is asked for. */
static void levels(void **state)
{
	static const char *const names[] = { "?", "low", "medium", "high", "critical", "?" };
	ct_container *c = must_open(NULL);
	ct_start_opts o = closed();
	int before = 1000;

	(void)state;
	assert_int_equal(box_config(c, "cap.drop", "sys_module", "keyring.session", "0", NULL), 0);
	for (int level = CT_SEVERITY_LOW - 1; level <= CT_SEVERITY_CRITICAL + 1; level++)
		assert_string_equal(ct_severity_name(level), names[level]);
	for (int level = CT_SEVERITY_LOW; level <= CT_SEVERITY_CRITICAL; level++) {
		int n, lines = 0, last = CT_SEVERITY_CRITICAL;
		char *text = list_of(c, &o, level, &n);

		for (char *line = text; *line; line = strchr(line, '\n') + 1, lines++) {
			int at = CT_SEVERITY_CRITICAL;

			while (at > 0 && strncmp(line, names[at], strlen(names[at])))
				at--;
			assert_true(at >= level && at <= last);
			assert_non_null(strstr(line, ". Mend: "));
			last = at;
		}
		assert_int_equal(lines, n);
		assert_true(n > 0 && n < before);
		before = n;
		free(text);
	}
	ct_unref(c);
}

static void refused(void **state)
{
	ct_container *c = must_open(NULL);
	ct_start_opts o = closed();
	char *text = NULL;

	(void)state;
	assert_refused(c, ct_audit(c, &o, CT_SEVERITY_LOW, 77, &text), -EINVAL);
	assert_refused(c, ct_audit(c, &o, 0, CT_FORMAT_TEXT, &text), -EINVAL);
	assert_refused(c, ct_audit(c, &o, 5, CT_FORMAT_TEXT, &text), -EINVAL);
	assert_refused(c, ct_audit(c, &o, CT_SEVERITY_LOW, CT_FORMAT_TEXT, NULL), -EINVAL);
	o.flags = UINT64_C(1) << 63;
	assert_refused(c, ct_audit(c, &o, CT_SEVERITY_LOW, CT_FORMAT_TEXT, &text), -EINVAL);
	assert_int_equal(ct_audit(NULL, NULL, CT_SEVERITY_LOW, CT_FORMAT_TEXT, &text), -EINVAL);
	/* a change that has failed unread: the config may lack what it was to set */
	assert_int_equal(ct_set_config(c, "limit.memori", "1M"), -ENOENT);
	assert_int_equal(ct_audit(c, NULL, CT_SEVERITY_LOW, CT_FORMAT_TEXT, &text), -ENOENT);
	assert_non_null(strstr(ct_last_error(c)->message, "limit.memori"));
	/* keys that go not together */
	assert_int_equal(box_config(c, "cap.keep", "chown", "cap.drop", "kill", NULL), 0);
	assert_refused(c, ct_audit(c, NULL, CT_SEVERITY_LOW, CT_FORMAT_TEXT, &text), -EINVAL);
	assert_null(text);
	ct_unref(c);
}

/* Who may change the files of a defined container, and what its root leaves behind. */
static void files_of_a_container(void **state)
{
	ct_container *c = must_open("files");
	ct_start_opts o = closed();
	char path[4096];

	(void)state;
	assert_int_equal(box_config(c, SOUND, "seccomp.profile", "default", NULL), 0);
	assert_ok(c, ct_create(c, NULL));
	snprintf(path, sizeof(path), "%s/config", ct_path(c));
	assert_ok(c, ct_clear_config(c, NULL));
	assert_ok(c, ct_load_config(c, NULL));
	expect_list(c, &o, "critical", "config-others", 0);
	assert_int_equal(chmod(path, 0666), 0);
	expect_list(c, &o, "critical", "config-others", 1);
	assert_int_equal(chmod(path, 0640), 0);
	expect_list(c, &o, "critical", "config-others", 0);
	assert_int_equal(chown(path, 12345, 0), 0);
	expect_list(c, &o, "critical", "config-others", 1);
	assert_int_equal(chown(path, 0, 12345), 0);
	expect_list(c, &o, "critical", "config-others", 0);
	assert_int_equal(chmod(path, 0660), 0);
	expect_list(c, &o, "critical", "config-others", 1);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(ct_path(c), 0777), 0);
	expect_list(c, &o, "critical", "config-others", 1);
	assert_int_equal(chmod(ct_path(c), 0711), 0);
	assert_ok(c, ct_destroy(c, 0));
	ct_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_for_a_sound_one),
		cmocka_unit_test(as_it_is_started),
		cmocka_unit_test(not_only_the_config),
		cmocka_unit_test(levels),
		cmocka_unit_test(refused),
		cmocka_unit_test(files_of_a_container),
	};

	return cmocka_run_group_tests_name("audit", tests, box_setup, box_teardown);
}
