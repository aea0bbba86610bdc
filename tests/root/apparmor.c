/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Profiles of AppArmor. Where there is no AppArmor one that is asked for is refused by the name of
 * its key, and nothing is left. Where there is, in the guest: what a profile denies is denied to
 * the payload, to programs attached and to start hooks, whatever the payload's identity; a
 * generated profile goes with its container, however that ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

#define NAMED "ct-test-named"
#define COMPLAINS "ct-test-complains"
#define CALLER "ct-test-caller"
#define LIST "/sys/kernel/security/apparmor/profiles"
#define LABEL "/proc/self/attr/apparmor/current"
/* What the payload tells: its label, and whether the file that NAMED denies can be read. */
#define TELL "cat " LABEL "; cat /secret 2>/dev/null || echo denied"

#define ALL "  file, capability, network, unix, mount, umount, pivot_root, signal, ptrace,\n"
static const char profiles[] = "profile " NAMED " flags=(attach_disconnected) {\n" ALL
			       "  deny /secret r,\n}\n"
			       "profile " COMPLAINS " flags=(attach_disconnected,complain) {\n" ALL
			       "  deny /secret r,\n}\n"
			       "profile " CALLER " flags=(attach_disconnected) {\n" ALL
			       "  dbus, change_profile,\n}\n";

/* ---- the host -------------------------------------------------------------------------------- */

static bool has_apparmor(void)
{
	char on = 'N';
	int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, &on, 1) != 1)
		on = 'N';
	if (fd >= 0)
		close(fd);
	return on == 'Y';
}

/* The loaded profiles whose names begin so, one a line. The caller's to free. */
static char *loaded(const char *prefix)
{
	int fd = open(LIST, O_RDONLY | O_CLOEXEC);
	char *text = fd >= 0 ? read_all(fd, PATIENCE_MS) : NULL, *out, *end;

	assert_non_null(text);
	close(fd);
	out = calloc(1, strlen(text) + 1);
	assert_non_null(out);
	for (char *line = text; *line; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		if (!strncmp(line, prefix, strlen(prefix)))
			strncat(out, line, (size_t)(end - line) + (*end == '\n'));
	}
	free(text);
	return out;
}

/* No generated profile is loaded. For wait_until(). */
static int none_left(void *unused)
{
	char *text = loaded("ct.");
	int r = !*text;

	(void)unused;
	free(text);
	return r;
}

static void expect_none(void)
{
	if (!wait_until(none_left, NULL))
		fail_msg("left: %s", loaded("ct."));
}

static void parse(const char *how, const char *text)
{
	const char *const argv[] = { "/sbin/apparmor_parser", how, "--skip-cache", NULL };
	struct run_result r;

	if (run_tool(argv, text, PATIENCE_MS, &r) || r.status)
		fail_msg("apparmor_parser %s: %s", how, r.err);
	run_free(&r);
}

static int setup(void **state)
{
	if (box_setup_lived("web") || rootfs_file(&box.root, "secret", "secret\n", 0644))
		return -1;
	(void)state;
	if (has_apparmor())
		parse("--replace", profiles);
	return 0;
}

static int teardown(void **state)
{
	if (has_apparmor())
		parse("--remove", profiles);
	return box_teardown(state);
}

#define NEEDS_APPARMOR                                                    \
	do {                                                              \
		if (!has_apparmor())                                      \
			elsewhere_because("this kernel has no AppArmor"); \
	} while (0)

/* ---- without AppArmor ------------------------------------------------------------------------ */

static void refused_by_name(void **state)
{
	static const char *const values[] = { NAMED, "generated", "a//&b" };

	(void)state;
	if (has_apparmor())
		elsewhere_because("this kernel has AppArmor");
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		ct_start_opts o = CT_START_OPTS_INIT;
		ct_process *p = NULL;

		o.argv = ARGV("/bin/true");
		assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", values[i]));
		for (unsigned k = 0; k < 3; k++) {
			o.flags = k == 1 ? CT_START_DETACH : 0;
			assert_refused(box.c,
				       k == 2 ? ct_check(box.c, &o) : ct_start(box.c, &o, &p),
				       -EOPNOTSUPP);
			assert_string_equal(ct_last_error(box.c)->key, "apparmor.profile");
			assert_string_equal(ct_last_error(box.c)->backend, "apparmor");
			assert_non_null(ct_last_error(box.c)->hint);
		}
	}
	/* that everything is unconfined asks for nothing here */
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "unconfined"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL));
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "unchanged"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL));
}

/* ---- a named profile ------------------------------------------------------------------------- */

static const struct who {
	const char *uid, *nnp, *caps, *reaper, *filter;
	bool mapped;
} whos[] = {
	{ "0", "0", NULL, "0", "none", false },	      { "0", "1", NULL, "0", "default", false },
	{ "0", "0", "none", "1", "default", false },  { "1000", "0", NULL, "1", "none", false },
	{ "1000", "1", NULL, "1", "default", false }, { "0", "0", NULL, "1", "default", true },
	{ "1000", "0", NULL, "0", "none", true },     { "1000", "1", "none", "1", "default", true },
};

static ct_container *as(const struct who *w, const char *profile)
{
	ct_container *c = must_open(NULL);

	if (box_config(c, "init.uid", w->uid, "init.gid", w->uid, "no_new_privs", w->nnp,
		       "init.reaper", w->reaper, "seccomp.profile", w->filter, "apparmor.profile",
		       profile, NULL))
		fail();
	if (w->caps)
		assert_ok(c, ct_set_config(c, "cap.keep", w->caps));
	if (w->mapped &&
	    box_config(c, "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536", NULL))
		fail();
	return c;
}

static void expect(const char *what, size_t i, char *got, const char *want)
{
	if (!got || strcmp(got, want) != 0)
		fail_msg("%s, %zu: %s, and not %s", what, i, got, want);
	ct_free(got);
}

static void start_and_attach(void **state)
{
	(void)state;
	NEEDS_APPARMOR;
	for (size_t i = 0; i < sizeof(whos) / sizeof(whos[0]); i++) {
		ct_container *c = as(&whos[i], "unchanged");
		ct_attach_opts elevated = CT_ATTACH_OPTS_INIT;
		ct_process *p;
		char *out = NULL;

		/* the file can be read, but for the profile */
		assert_ok(c, box_run(c, NULL, ARGV("/bin/sh", "-c", TELL), &out, NULL));
		expect("without", i, out, "unconfined\nsecret\n");
		ct_unref(c);
		c = as(&whos[i], NAMED);
		assert_ok(c, box_run(c, NULL, ARGV("/bin/sh", "-c", TELL), &out, NULL));
		expect("start", i, out, NAMED " (enforce)\ndenied\n");
		p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
		/* what runs decides */
		assert_ok(c, ct_set_config(c, "apparmor.profile", "unchanged"));
		assert_ok(c, box_attach(c, NULL, ARGV("/bin/sh", "-c", TELL), &out, NULL));
		expect("attach", i, out, NAMED " (enforce)\ndenied\n");
		assert_ok(c, box_attach(c, NULL, ARGV("/bin/cat", "/proc/1/attr/apparmor/current"),
					&out, NULL));
		expect("pid 1", i, out, NAMED " (enforce)\n");
		elevated.flags = CT_ATTACH_ELEVATED;
		assert_ok(c, box_attach(c, &elevated, ARGV("/bin/sh", "-c", TELL), &out, NULL));
		expect("elevated", i, out, "unconfined\nsecret\n");
		assert_ok(c, ct_process_kill(p, SIGKILL));
		must_end(p);
		ct_unref(c);
	}
}

static void start_hooks(void **state)
{
	char *out = NULL;

	(void)state;
	NEEDS_APPARMOR;
	if (box_config(box.c, "apparmor.profile", NAMED, "seccomp.profile", "default", "hook.start",
		       "/bin/sh -c 'cat " LABEL " >/told; cat /secret >>/told'", NULL))
		fail();
	/* the hook fails, for it may not read the file */
	assert_true(box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL) < 0);
	assert_int_equal(ct_last_error(box.c)->id, CT_ERR_HOOK);
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "unchanged"));
	assert_ok(box.c, ct_clear_config(box.c, "hook.start"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/cat", "/told"), &out, NULL));
	expect("start hook", 0, out, NAMED " (enforce)\n");
	rootfs_drop(&box.root, "told");
}

/* What the table of protections says of the label: a '!' is before what does not hold. */
static void expect_row(char mark, const char *label)
{
	char *text = NULL, *line;

	assert_ok(box.c, ct_protections(box.c, CT_FORMAT_TEXT, &text));
	line = strstr(text, "security label");
	assert_non_null(line);
	line[strcspn(line, "\n")] = '\0';
	while (line > text && line[-1] != '\n')
		line--;
	if (*line != mark || !strstr(line, label))
		fail_msg("no %c, or no %s in: %s", mark, label, line);
	ct_free(text);
}

static void not_as_asked(void **state)
{
	static const struct {
		const char *profile;
		int err;
		const char *text;
	} rows[] = {
		{ "ct-test-nobody", -ENOENT, "no profile of this name is loaded" },
		/* the kernel says it, when all is set up */
		{ NAMED "//&ct-test-nobody", -ENOENT, "has no such profile" },
		{ ":nowhere:web", -ENOENT, "has no such profile" },
	};
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p;

	(void)state;
	NEEDS_APPARMOR;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", rows[i].profile));
		o.argv = ARGV("/bin/true");
		assert_refused(box.c, ct_start(box.c, &o, &p), rows[i].err);
		assert_string_equal(ct_last_error(box.c)->key, "apparmor.profile");
		assert_non_null(strstr(ct_last_error(box.c)->message, rows[i].text));
	}
	assert_ok(box.c, ct_set_config(box.c, "apparmor.raw", "deny /x r,"));
	assert_refused(box.c, ct_start(box.c, &o, &p), -EINVAL);
	assert_string_equal(ct_last_error(box.c)->key, "apparmor.raw");
	/* what the parser does not take */
	if (box_config(box.c, "apparmor.profile", "generated", "apparmor.raw", "no rule", NULL))
		fail();
	assert_true(ct_start(box.c, &o, &p) < 0);
	assert_string_equal(ct_last_error(box.c)->key, "apparmor.profile");
	assert_non_null(strstr(ct_last_error(box.c)->message, "parser error"));
	assert_true(none_left(NULL));
}

/* A profile that only complains is no protection, and nobody is told that it is. */
static void complains(void **state)
{
	(void)state;
	NEEDS_APPARMOR;
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", COMPLAINS));
	assert_ok(box.c, box_detach(box.c, ARGV("/bin/sleep", "1000")));
	expect_row('!', COMPLAINS " (complain)");
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", NAMED));
	assert_ok(box.c, box_detach(box.c, ARGV("/bin/sleep", "1000")));
	expect_row(' ', NAMED " (enforce)");
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
}

/* A kernel without rules about mounts, as far as its list of features says. */
static void incomplete(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;
	int hidden;

	(void)state;
	NEEDS_APPARMOR;
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", NAMED));
	o.argv = ARGV("/bin/true");
	hidden = mount("none", "/sys/kernel/security/apparmor/features/mount", "tmpfs", 0, NULL);
	assert_int_equal(hidden, 0);
	hidden = ct_start(box.c, &o, &p);
	assert_int_equal(hidden, -EOPNOTSUPP);
	assert_non_null(strstr(ct_last_error(box.c)->message, "rules about mounts"));
	assert_ok(box.c, ct_set_config(box.c, "apparmor.allow_incomplete", "1"));
	hidden = box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL);
	umount2("/sys/kernel/security/apparmor/features/mount", MNT_DETACH);
	assert_ok(box.c, hidden);
}

/* ---- a caller that is confined itself -------------------------------------------------------- */

static int start_confined(void *data)
{
	int fd = open("/proc/self/attr/apparmor/current", O_WRONLY | O_CLOEXEC);
	ct_container *c = must_open(NULL);
	char *out = NULL;
	bool both;

	(void)data;
	if (fd < 0 || write(fd, "changeprofile " CALLER, strlen("changeprofile " CALLER)) < 0)
		return 1;
	close(fd);
	if (ct_set_config(c, "apparmor.profile", NAMED) < 0 ||
	    box_run(c, NULL, ARGV("/bin/sh", "-c", TELL), &out, NULL) < 0)
		return box_failed(c, "start");
	both = strstr(out, NAMED) && strstr(out, CALLER) && strstr(out, "//&") &&
	       strstr(out, "\ndenied\n");
	if (!both)
		print_message("# %s", out);
	ct_free(out);
	ct_unref(c);
	return both ? 0 : 3;
}

static void stacked(void **state)
{
	(void)state;
	NEEDS_APPARMOR;
	assert_int_equal(in_process_of_its_own(start_confined, NULL), 0);
}

/* ---- a generated profile --------------------------------------------------------------------- */

/* Does what a container without user namespace could, with all capabilities and a writable /proc.
 */
#define DEEDS                                                                                  \
	"echo h 2>/dev/null >/proc/sysrq-trigger && echo sysrq || echo no sysrq;"              \
	"echo 1 2>/dev/null >/proc/sys/vm/drop_caches && echo vm || echo no vm;"               \
	"echo box 2>/dev/null >/proc/sys/kernel/hostname && echo name || echo no name;"        \
	"mount -t tmpfs none /tmp 2>/dev/null && echo tmpfs || echo no tmpfs;"                 \
	"mkdir -p /tmp/p; mount -t proc none /tmp/p 2>/dev/null && echo proc || echo no proc;" \
	"mount -o bind /bin /tmp/p 2>/dev/null && echo bind || echo no bind;"                  \
	"cat /secret 2>/dev/null || echo no secret"

static void wide_open(ct_container *c)
{
	if (box_config(c, "mount.auto", "proc:rw sys:rw", "cap.drop", "none", NULL))
		fail();
	assert_ok(c, rootfs_mkdir(&box.root, "tmp", 0777));
}

static void generated(void **state)
{
	char *out = NULL;

	(void)state;
	NEEDS_APPARMOR;
	wide_open(box.c);
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "unchanged"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/sh", "-c", DEEDS), &out, NULL));
	expect("unchanged", 0, out, "sysrq\nvm\nname\ntmpfs\nproc\nbind\nsecret\n");
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "generated"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/sh", "-c", DEEDS), &out, NULL));
	expect("generated", 0, out, "no sysrq\nno vm\nname\ntmpfs\nno proc\nbind\nsecret\n");
	assert_true(none_left(NULL));
	if (box_config(box.c, "apparmor.allow_nesting", "1", "apparmor.raw", "deny /secret r,",
		       NULL))
		fail();
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/sh", "-c", DEEDS), &out, NULL));
	expect("nested", 0, out, "no sysrq\nno vm\nname\ntmpfs\nproc\nbind\nno secret\n");
	assert_true(none_left(NULL));
}

/* The profile that the container has, which is loaded. */
static void expect_loaded(const char *name)
{
	char *text = loaded(name), *out = NULL, want[512];

	if (strchr(text, '\n') != strrchr(text, '\n') || !strstr(text, " (enforce)\n"))
		fail_msg("not one of %s: %s", name, text);
	snprintf(want, sizeof(want), "%s%s", text, text);
	assert_ok(box.c,
		  box_attach(box.c, NULL, ARGV("/bin/cat", LABEL, "/proc/1/attr/apparmor/current"),
			     &out, NULL));
	expect("attach", 0, out, want);
	free(text);
}

static void detached(void **state)
{
	(void)state;
	NEEDS_APPARMOR;
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "generated"));
	for (int round = 0; round < 2; round++) {
		assert_ok(box.c,
			  box_detach(box.c, ARGV("/bin/sh", "-c", "while :; do sleep 1; done")));
		expect_loaded("ct.web-");
		expect_row(' ', "ct.web-");
		if (round == 1) {
			assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
			expect_loaded("ct.web-");
		}
		assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
		/* by the supervisor */
		expect_none();
	}
}

/* A system boots under it, and is what it was told to be. */
static void boots(void **state)
{
	(void)state;
	NEEDS_APPARMOR;
	wide_open(box.c);
	assert_int_equal(rootfs_mkdir(&box.root, "var/log", 0755), 0);
	assert_int_equal(rootfs_file(&box.root, "etc/inittab",
				     "::sysinit:/bin/mount -t tmpfs none /tmp\n"
				     "::sysinit:/bin/hostname inner\n"
				     "::sysinit:/bin/sh -c 'echo x >>/var/log/boots'\n"
				     "::respawn:/bin/sleep 1000\n",
				     0644),
			 0);
	if (box_config(box.c, "apparmor.profile", "generated", "init.cmd", "/bin/busybox init",
		       "signal.halt", "SIGUSR2", NULL))
		fail();
	assert_ok(box.c, box_detach(box.c, NULL));
	assert_true(wait_until(has_booted, (void *)(intptr_t)1));
	expect_loaded("ct.web-");
	assert_ok(box.c, ct_stop(box.c, 0, PATIENCE_MS));
	expect_none();
	rootfs_drop(&box.root, "etc/inittab");
	rootfs_drop(&box.root, "var/log/boots");
}

/* A start that fails behind it takes it back. */
static void failed(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p;

	(void)state;
	NEEDS_APPARMOR;
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "generated"));
	o.argv = ARGV("/no/such");
	for (int k = 0; k < 2; k++) {
		o.flags = k ? CT_START_DETACH : 0;
		assert_refused(box.c, ct_start(box.c, &o, &p), -ENOENT);
		expect_none();
	}
}

static int is_cleared(void *c)
{
	return is_at_rest(c) && none_left(NULL);
}

/* Killed with the container: the next call takes the profile back. */
static void killed_supervisor(void **state)
{
	int pid;

	(void)state;
	NEEDS_APPARMOR;
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "generated"));
	assert_ok(box.c, box_detach(box.c, ARGV("/bin/sleep", "1000")));
	assert_false(none_left(NULL));
	pid = parent_of(ct_init_pid(box.c));
	assert_true(pid > 1 && pid != getpid());
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* a call may come before the supervisor has ended */
	assert_true(wait_until(is_cleared, box.c));
}

static int start_and_die(void *data)
{
	ct_container *c = must_open(NULL);

	(void)data;
	if (ct_set_config(c, "apparmor.profile", "generated") < 0)
		return box_failed(c, "profile");
	must_start(c, 0, ARGV("/bin/sleep", "1000"));
	raise(SIGKILL);
	return 0;
}

static void killed_caller(void **state)
{
	char text[256];

	(void)state;
	NEEDS_APPARMOR;
	assert_int_equal(in_process_of_its_own(start_and_die, NULL), 128 + SIGKILL);
	assert_true(wait_until(no_orphans, text));
	assert_false(none_left(NULL));
	/* the next start removes it, and leaves its own */
	assert_ok(box.c, ct_set_config(box.c, "apparmor.profile", "generated"));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL));
	assert_true(none_left(NULL));
}

/* Processes whose parents were killed, or have ended, come to us. */
static int reap_and_teardown(void **state)
{
	char text[256];

	case_stop();
	if (!wait_until(no_orphans, text))
		return -1;
	return case_teardown(state);
}

#define CASE(f, name) \
	cmocka_unit_test_prestate_setup_teardown(f, case_setup, reap_and_teardown, name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(refused_by_name, "web"), CASE(start_and_attach, NULL),
		CASE(start_hooks, NULL),      CASE(not_as_asked, NULL),
		CASE(complains, "web"),	      CASE(incomplete, NULL),
		CASE(stacked, NULL),	      CASE(generated, NULL),
		CASE(detached, "web"),	      CASE(boots, "web"),
		CASE(failed, "web"),	      CASE(killed_supervisor, "web"),
		CASE(killed_caller, NULL),
	};

	return cmocka_run_group_tests_name("apparmor", tests, setup, teardown);
}
