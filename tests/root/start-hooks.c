/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start hooks are programs of the rootfs: they, and what they leave behind, have what the payload
 * gets and no more. A hook that has ended holds nobody, whatever still writes. Hooks that run with
 * the host's rights are never looked up in the rootfs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

struct row {
	const char *name;
	unsigned uid;
	const char *keep; /* cap.keep, NULL: nothing said */
	int nnp, mapped, nosuid;
	int root; /* the hook is expected to be root of the container */
};

static const struct row rows[] = {
	{ "root", 0, NULL, 0, 0, 0, 1 },
	{ "root, no capability", 0, "none", 0, 0, 0, 1 },
	{ "root, three capabilities", 0, "chown setuid sys_ptrace", 0, 0, 0, 1 },
	{ "root, no_new_privs", 0, "none", 1, 0, 0, 1 },
	{ "user", 1000, NULL, 0, 0, 0, 1 },
	{ "user, no capability", 1000, "none", 0, 0, 0, 1 },
	{ "user, may trace", 1000, "chown sys_ptrace", 0, 0, 0, 1 },
	{ "user, no_new_privs", 1000, "none", 1, 0, 0, 0 },
	{ "user, no_new_privs, capabilities", 1000, "chown sys_ptrace", 1, 0, 0, 0 },
	{ "user, nosuid", 1000, NULL, 0, 0, 1, 0 },
	{ "mapped root", 0, NULL, 0, 1, 0, 1 },
	{ "mapped root, no capability", 0, "none", 1, 1, 0, 1 },
	{ "mapped user", 1000, "none", 0, 1, 0, 1 },
	{ "mapped user, no_new_privs", 1000, NULL, 1, 1, 0, 0 },
};

static ct_container *make(const struct row *r)
{
	ct_container *c = must_open(NULL);
	char id[16];

	snprintf(id, sizeof(id), "%u", r->uid);
	assert_int_equal(box_config(c, "init.uid", id, "init.gid", id, "init.groups", "2000",
				    "prlimit.nofile", "77:99", "prlimit.core", "0", NULL),
			 0);
	if (r->keep)
		assert_ok(c, ct_set_config(c, "cap.keep", r->keep));
	if (r->nnp)
		assert_ok(c, ct_set_config(c, "no_new_privs", "1"));
	if (r->nosuid)
		assert_ok(c, ct_set_config(c, "rootfs.options", "nosuid"));
	if (r->mapped)
		assert_int_equal(box_config(c, "idmap", "u 0 100000 65536", "idmap",
					    "g 0 100000 65536", NULL),
				 0);
	return c;
}

/* A file below the rootfs, whole; NULL when it is not there. */
static char *read_inside(const char *path)
{
	char full[PATH_MAX + 64];
	int fd;
	char *text;

	snprintf(full, sizeof(full), "%s/%s", box.root.path, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = read_all(fd, 10000);
	close(fd);
	return text;
}

static void same(const struct row *r, const char *hook, const char *payload, const char *key)
{
	char a[256], b[256];

	probe_get(hook, key, a, sizeof(a));
	probe_get(payload, key, b, sizeof(b));
	if (!a[0] || strcmp(a, b) != 0)
		fail_msg("%s: the hook's %s is %s, the payload's %s", r->name, key, a, b);
}

static unsigned long long caps_of(const char *report, const char *key)
{
	char text[64];

	probe_get(report, key, text, sizeof(text));
	return strtoull(text[0] == '"' ? text + 1 : text, NULL, 16);
}

static void check_caps(const struct row *r, const char *hook, const char *payload)
{
	const char *const sets[] = { "cap_permitted", "cap_effective", "cap_bounding" };
	unsigned long long allowed = caps_of(payload, "cap_bounding");
	size_t i;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (caps_of(hook, sets[i]) & ~allowed)
			fail_msg("%s: the hook's %s is %llx, more than the payload's %llx", r->name,
				 sets[i], caps_of(hook, sets[i]), allowed);
	/* init, which it could trace, has more until it has the payload's user */
	if (r->uid && r->root)
		assert_true(!(caps_of(hook, "cap_effective") & 1ull << 19) &&
			    !(caps_of(hook, "cap_bounding") & 1ull << 19));
	if (r->root && r->keep && !strcmp(r->keep, "none"))
		assert_true(caps_of(hook, "cap_permitted") == 0 &&
			    caps_of(hook, "cap_bounding") == 0);
	if (!r->root)
		assert_true(caps_of(hook, "cap_permitted") == 0);
	same(r, hook, payload, "cap_inheritable");
	same(r, hook, payload, "cap_ambient");
}

static void check_uid(const struct row *r, const char *hook)
{
	const uint32_t uid = r->root ? 0 : (uint32_t)r->uid;
	char want[64], got[64];

	snprintf(want, sizeof(want), "[%u, %u, %u]", uid, uid, uid);
	probe_get(hook, "uid", got, sizeof(got));
	if (strcmp(got, want) != 0)
		fail_msg("%s: the hook's uid is %s, not %s", r->name, got, want);
}

/* What a hook has, against what the payload has. */
static void rights(void **state)
{
	const struct row *r = *state;
	const char *const keys[] = {
		"gid",	    "groups", "no_new_privs", "securebits", "session_keyring", "limit_7",
		"limit_4",  "ns_mnt", "ns_pid",	      "ns_user",    "ns_net",	       "ns_uts",
		"hostname", "fds",    "personality",  "policy"
	};
	ct_container *c = make(r);
	char *payload = NULL, *hook, want[64], got[64];
	long mine = syscall(SYS_keyctl, 0, -3, 0);
	size_t i;

	rootfs_drop(&box.root, "tmp/hook");
	assert_ok(c, ct_set_config(c, "hook.start", "/bin/sh -c \"exec /bin/probe > /tmp/hook\""));
	assert_ok(c, box_run(c, NULL, ARGV("/bin/probe"), &payload, NULL));
	hook = read_inside("tmp/hook");
	assert_non_null(hook);
	check_uid(r, hook);
	for (i = r->uid && r->root; i < sizeof(keys) / sizeof(keys[0]); i++)
		same(r, hook, payload, keys[i]);
	check_caps(r, hook, payload);
	snprintf(want, sizeof(want), "%ld", mine);
	probe_get(hook, "session_keyring", got, sizeof(got));
	if (!strcmp(got, want))
		fail_msg("%s: the hook is in the caller's session keyring", r->name);
	free(hook);
	free(payload);
	ct_unref(c);
}

/* What a hook leaves behind is seen from the payload, and has no more either. */
static void left_behind(void **state)
{
	const struct row r = { .name = "left behind", .uid = 1000, .keep = "none", .nnp = 1 };
	ct_container *c = make(&r);
	char *out = NULL, *at;

	(void)state;
	assert_ok(c, ct_set_config(c, "hook.start",
				   "/bin/sh -c \"sleep 1000 > /dev/null 2>&1 & "
				   "until grep -q sleep /proc/$!/comm; do :; "
				   "done\""));
	assert_ok(c, box_run(c, NULL,
			     ARGV("/bin/sh", "-c",
				  "for p in /proc/[0-9]*; do grep -q "
				  "sleep $p/comm && cat $p/status "
				  "$p/limits; done"),
			     &out, NULL));
	assert_non_null(strstr(out, "Name:\tsleep"));
	for (at = out; (at = strstr(at, "\nCap")); at++)
		if (strncmp(strchr(at, ':') + 1, "\t0000000000000000", 17) != 0)
			fail_msg("it has capabilities: %.40s", at + 1);
	assert_non_null(strstr(out, "NoNewPrivs:\t1"));
	assert_non_null(strstr(out, "Uid:\t1000\t1000\t1000\t1000"));
	at = strstr(out, "Max open files");
	assert_non_null(at);
	assert_non_null(strstr(at, "77 "));
	free(out);
	ct_unref(c);
}

/* A hook that has ended, with its output flooded by what it left behind: of the rootfs
 * and of the host. */
static void flooded(void **state)
{
	const char *const hooks[] = { "hook.start", "hook.pre-start", "hook.pre-mount" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		ct_container *c = box_handle(&box, NULL);
		ct_exit ex = { sizeof(ex), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
		char command[256];

		/* the host's ends by itself: what a hook of the host leaves there is nobody's */
		snprintf(command, sizeof(command),
			 "/bin/sh -c \"timeout 60 yes & timeout 60 yes 2>&1 & exit 0\"");
		assert_ok(c, ct_set_config(c, hooks[i], command));
		assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, &ex));
		assert_int_equal(ex.reason, CT_EXIT_EXITED);
		if (ex.wall_us > 50000000u)
			fail_msg("%s: the start was held", hooks[i]);
		ct_unref(c);
	}
}

/* The last words of a hook that fails are told although others write. */
static void last_words(void **state)
{
	ct_container *c = box_handle(&box, NULL);

	(void)state;
	assert_ok(c, ct_set_config(c, "hook.start", "/bin/sh -c \"echo the reason; exit 3\""));
	assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), -ECANCELED);
	assert_non_null(strstr(ct_last_error(c)->message, "exit code 3: the reason"));
	ct_unref(c);
	/* its limits are set before it is executed, and say so when they cannot be */
	c = box_handle(&box, NULL);
	assert_int_equal(box_config(c, "hook.start", "/bin/nowhere", NULL), 0);
	assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), -ENOENT);
	assert_string_equal(ct_last_error(c)->syscall_name, "execve");
	ct_unref(c);
}

/* With the host's rights only programs of the host. */
static void not_of_the_rootfs(void **state)
{
	const char *const hooks[] = { "hook.pre-mount", "hook.mount", "hook.autodev" };
	char path[PATH_MAX + 32], mount[PATH_MAX];
	size_t i, k;

	(void)state;
	snprintf(mount, sizeof(mount), "%s/mnt", box.root.base);
	mkdir(mount, 0755);
	for (i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		for (k = 0; k < 2; k++) {
			ct_container *c = box_handle(&box, NULL);

			if (k)
				assert_ok(c, ct_set_config(c, "rootfs.mount", mount));
			snprintf(path, sizeof(path), "%s/bin/true", k ? mount : box.root.path);
			assert_ok(c, ct_set_config(c, hooks[i], path));
			assert_refused(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL), -EINVAL);
			ct_unref(c);
			c = box_handle(&box, NULL);
			assert_int_equal(box_config(c, hooks[i], "/bin/true", NULL), 0);
			assert_ok(c, box_run(c, NULL, ARGV("/bin/true"), NULL, NULL));
			ct_unref(c);
		}
}

static int group_setup(void **state)
{
	int err = box_open(&box, NULL);

	(void)state;
	/* a session keyring of the caller's own, so that another one can be told from it */
	if (!err && syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL) < 0)
		err = -errno;
	return err;
}

int main(void)
{
	enum { N = sizeof(rows) / sizeof(rows[0]) };
	const struct CMUnitTest single[] = { cmocka_unit_test(left_behind),
					     cmocka_unit_test(flooded),
					     cmocka_unit_test(last_words),
					     cmocka_unit_test(not_of_the_rootfs) };
	static struct CMUnitTest tests[N + 4];
	size_t i;

	for (i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, rights, NULL, NULL,
						(void *)&rows[i] };
	memcpy(tests + N, single, sizeof(single));
	return _cmocka_run_group_tests("start-hooks", tests, N + 4, group_setup, box_teardown);
}
