/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reboots of detached containers: their hooks and boot ids, frozen ones, loops, and a state
 * directory that is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

/* An init that reboots at SIGINT and exits with 5 at SIGTERM, once it has said that it
 * may be told so. */
#define INIT                                                                           \
	"trap 'exit 5' TERM; trap 'reboot -f' INT; echo x >>/var/log/boots; while :; " \
	"do sleep 0.02; done"

static ct_container *booting(const char *name)
{
	ct_container *c = box_handle(&box, name);

	rootfs_drop(&box.root, "var/log/boots");
	assert_int_equal(box_config(c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT",
				    "cap.drop", "sys_module", NULL),
			 0);
	return c;
}

static ct_process *start(ct_container *c, const char *script)
{
	return must_start(c, CT_START_DETACH, ARGV("/bin/sh", "-c", script));
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void hooks_in_order(void **state)
{
	static const char *const when[] = { "pre-start", "start-host", "stop", "post-stop" };
	char path[2 * PATH_MAX], entry[4 * PATH_MAX], key[64], text[4096] = "";
	ct_container *c = booting("hooked");
	ct_process *p;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/hooks.log", box.root.base);
	assert_ok(c, ct_set_config(c, "hook.version", "1"));
	for (size_t i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "hook.%s", when[i]);
		snprintf(entry, sizeof(entry),
			 "/bin/sh -c \"echo $LXC_HOOK_TYPE:$LXC_TARGET >> %s\"", path);
		assert_ok(c, ct_set_config(c, key, entry));
	}
	p = start(c, INIT);
	assert_int_equal(wait_for(has_booted, (void *)1, 30000), 1);
	assert_ok(c, ct_reboot(c, 30000));
	assert_int_equal(wait_for(has_booted, (void *)2, 30000), 1);
	assert_ok(c, ct_stop(c, 0, 30000));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_string_equal(text, "pre-start:\nstart-host:\nstop:reboot\npost-stop:reboot\n"
				  "pre-start:\nstart-host:\nstop:stop\npost-stop:stop\n");
	unlink(path);
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- boot ids -------------------------------------------------------------------------------- */

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Whether a character may stand where the form of a random UUID has `form`. */
static int fits(char form, char c)
{
	if (form == 'x')
		return strchr("0123456789abcdef", c) != NULL;
	if (form == 'y')
		return strchr("89ab", c) != NULL;
	return c == form;
}

/* The line `at` is of a random UUID, and of no other that is there. */
static void check_id(const char *text, const char *at)
{
	static const char form[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx\n";
	char id[38] = "";

	for (size_t i = 0; form[i]; i++)
		if (!fits(form[i], at[i]))
			fail_msg("no id of a boot: %s", at);
	memcpy(id, at, 37);
	assert_ptr_equal(strstr(text, id), at);
	assert_null(strstr(at + 1, id));
}

/* The file that inits have written their ids to, behind the host's. */
static char *ids(char *buf, size_t size)
{
	char path[PATH_MAX + 16];
	const char *const files[] = { BOOT_ID, path };
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/tmp/ids", box.root.path);
	for (int i = 0; i < 2; i++) {
		int fd = open(files[i], O_RDONLY | O_CLOEXEC);
		ssize_t got = fd < 0 ? -1 : read(fd, buf + n, size - 1 - n);

		assert_true(got > 0);
		close(fd);
		n += (size_t)got;
	}
	buf[n] = 0;
	return buf;
}

/* Each boot and reboot of a system has one of its own, which stays while it runs and cannot be
 * written; a program has the host's. */
static void boot_ids(void **state)
{
	char text[1024], *out = NULL;
	ct_container *c = booting("ids"), *system = box_handle(&box, NULL);
	ct_process *p;

	(void)state;
	rootfs_drop(&box.root, "tmp/ids");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(box_config(system, "init.cmd",
					    "/bin/sh -c \"cat " BOOT_ID " >>/tmp/ids; sleep 0\"",
					    NULL),
				 0);
		assert_ok(system, box_run(system, NULL, NULL, NULL, NULL));
	}
	p = start(c, "cat " BOOT_ID " >>/tmp/ids; " INIT);
	assert_int_equal(wait_for(has_booted, (void *)1, 30000), 1);
	assert_ok(c, ct_reboot(c, 30000));
	assert_int_equal(wait_for(has_booted, (void *)2, 30000), 1);
	assert_ok(c, box_attach(c, NULL,
				ARGV("/bin/sh", "-c",
				     "cat " BOOT_ID "; echo x 2>/dev/null >" BOOT_ID
				     " || echo kept; cat " BOOT_ID),
				&out, NULL));
	assert_ok(c, ct_stop(c, 0, 30000));
	ids(text, sizeof(text));
	assert_int_equal(strlen(text), 5 * 37);
	for (int i = 0; i < 5; i++)
		check_id(text, text + i * 37);
	assert_int_equal(strncmp(out, text + 4 * 37, 37), 0);
	assert_int_equal(strncmp(out + 37, "kept\n", 5), 0);
	assert_string_equal(out + 42, text + 4 * 37);
	free(out);
	assert_ok(system, box_run(system, NULL, ARGV("/bin/cat", BOOT_ID), &out, NULL));
	assert_int_equal(strncmp(out, text, 37), 0);
	free(out);
	ct_process_unref(p);
	ct_unref(system);
	ct_unref(c);
}

/* ---- frozen ---------------------------------------------------------------------------------- */

static void frozen(void **state)
{
	ct_container *c = booting("frozen");
	ct_process *p = start(c, INIT);
	long long began;

	(void)state;
	assert_int_equal(wait_for(has_booted, (void *)1, 30000), 1);
	if (ct_freeze(c, 10000) < 0)
		skip_because("no freezer here: %s", ct_last_error(c)->message);
	began = now_ms();
	assert_refused(c, ct_reboot(c, 30000), -EBUSY);
	assert_true(now_ms() - began < 10000);
	assert_ok(c, ct_unfreeze(c, 10000));
	/* nothing has been kept for the thaw */
	sleep_ms(300);
	assert_int_equal(ct_state(c), CT_STATE_RUNNING);
	assert_int_equal(box_boots(&box), 1);
	assert_ok(c, ct_reboot(c, 30000));
	assert_int_equal(wait_for(has_booted, (void *)2, 30000), 1);
	assert_ok(c, ct_stop(c, 0, 30000));
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- loops ----------------------------------------------------------------------------------- */

static int starting(void *c)
{
	return box_boots(&box) >= 5 && ct_state(c) == CT_STATE_STARTING;
}

static void loop(void **state)
{
	ct_container *c = booting("loop");
	ct_process *p = start(c, "echo x >>/var/log/boots; exec reboot -f");
	long long began = now_ms();
	ct_exit x = CT_EXIT_INIT;

	(void)state;
	assert_int_equal(wait_for(starting, c, 60000), 1);
	/* 0.1, 0.2, 0.4, 0.8 s */
	assert_true(now_ms() - began >= 1400);
	assert_ok(c, ct_stop(c, 0, 60000));
	assert_ok(c, ct_process_wait(p, &x, 10000));
	assert_int_equal(x.reason, CT_EXIT_STOPPED);
	assert_int_equal(ct_state(c), CT_STATE_STOPPED);
	/* on a busy host there is time for more of them */
	assert_true(box_boots(&box) <= 6 + (now_ms() - began) / 1000);
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- a full state directory ------------------------------------------------------------------ */

/* Fills what is left of the file system. */
static void fill(const char *dir)
{
	char path[2 * PATH_MAX], block[4096] = "x";
	int fd;

	snprintf(path, sizeof(path), "%s/filler", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void full(void **state)
{
	char options[64] = "size=256k,mode=700,nr_inodes=64", filler[2 * PATH_MAX];
	ct_container *c, *other;
	ct_exit x = CT_EXIT_INIT;
	ct_process *p;

	(void)state;
	assert_int_equal(mount("state", box.state, "tmpfs", 0, options), 0);
	c = booting("full");
	p = start(c, INIT);
	assert_int_equal(wait_for(has_booted, (void *)1, 30000), 1);
	fill(box.state);
	assert_ok(c, ct_reboot(c, 30000));
	assert_int_equal(wait_for(has_booted, (void *)2, 30000), 1);
	other = box_handle(&box, "full");
	assert_int_equal(ct_state(other), CT_STATE_RUNNING);
	assert_ok(c, ct_kill(c, SIGTERM));
	assert_ok(c, ct_process_wait(p, &x, 30000));
	assert_int_equal(x.code, 5);
	assert_int_equal(wait_for(is_at_rest, other, 10000), 1);
	/* another start needs room, and says so */
	ct_process_unref(p);
	snprintf(filler, sizeof(filler), "%s/filler", box.state);
	unlink(filler);
	p = start(c, "exit 3");
	assert_ok(c, ct_process_wait(p, &x, 30000));
	assert_int_equal(x.code, 3);
	assert_int_equal(wait_for(is_at_rest, other, 10000), 1);
	ct_process_unref(p);
	ct_unref(other);
	ct_unref(c);
	assert_int_equal(umount2(box.state, MNT_DETACH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_in_order), cmocka_unit_test(boot_ids),
		cmocka_unit_test(frozen),	  cmocka_unit_test(loop),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests_name("reboot", tests, box_setup_bare, box_teardown);
}
