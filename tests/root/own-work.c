/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library does to set a container up, or to attach to it, is not done under the list of
 * devices that the payload gets: with a list that allows nothing there are nodes, terminals and
 * file systems on devices, in process, detached, after a reboot, in a user namespace, on either
 * version, and hooks of the host may use them; and the payload, who is attached, and what a hook
 * has left behind, can open none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cgroup-help.h"

/* What the payload finds: its terminal and its nodes, and that it may open none of these, nor make
 * one of a disk and open that. */
#define FIND                                                                         \
	"tty; test -t 0 && test -c /dev/console && test -c /dev/null && "            \
	"test -c /dev/zero && echo there; "                                          \
	"(: </dev/zero) 2>/dev/fd/9 && echo opened; (: <>/dev/ptmx) 2>/dev/fd/9 && " \
	"echo opened; "                                                              \
	"mknod /tmp/disk b 7 0 2>&1; (: </tmp/disk) 2>/dev/fd/9 && echo opened; echo end; "

static int device = -1; /* the loop device of a case */

struct way {
	const char *name;
	const char *config[14];
};

static const struct way ways[] = {
	{ "none", { "limit.devices", "none" } },
	{ "deny all", { "cgroup.devices.deny", "a" } },
	{ "none, version 2", { "limit.devices", "none", "cgroup.backend", "cgroup2" } },
	{ "none, user namespace",
	  { "limit.devices", "none", "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536" } },
	{ "none, user namespace, version 2",
	  { "limit.devices", "none", "cgroup.backend", "cgroup2", "idmap", "u 0 100000 65536",
	    "idmap", "g 0 100000 65536" } },
	{ "usual", { "limit.devices", "default" } },
};
static const struct way *way;

/* A hook of the host that opens a device, says so, and leaves a process that tries again when it is
 * told to. That has its files open already: the host's are out of its sight then. */
static int set_hook(void)
{
	char path[PATH_MAX + 16], entry[PATH_MAX + 32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/said", box.root.base);
	unlink(path);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", box.root.base, i ? "go" : "up");
		unlink(path);
		if (mkfifo(path, 0666) || chmod(path, 0666))
			return -1;
	}
	snprintf(path, sizeof(path), "%s/hook", box.root.base);
	snprintf(entry, sizeof(entry), "/bin/sh %s", path);
	f = fopen(path, "we");
	if (!f)
		return -1;
	fprintf(f,
		"cd /dev; exec 5>null 6>>%s/said 7<>%s/go 8<>%s/up; (: <zero) && echo hook >&6\n",
		box.root.base, box.root.base, box.root.base);
	/* a shell opens /dev/null for what it begins in the background */
	fprintf(f, "{ echo up >&8; read x; (: <zero) && echo opened >&6 || echo refused >&6; "
		   "} <&7 >&5 2>&5 &\nread x <&8\n");
	return fclose(f) || box_config(box.c, "hook.mount", entry, NULL) ? -1 : 0;
}

/* What was said to the file, from the hook on; 1 when it has the word. */
static int has_said(void *want)
{
	char path[PATH_MAX + 16], text[256] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/said", box.root.base);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return !strcmp(text, want);
}

static int setup(void **state)
{
	int r;

	way = *state;
	rootfs_drop(&box.root, "var/log/boots");
	r = cgroup_case_setup("own", "own") ||
	    box_config(box.c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT", "cap.drop",
		       "sys_module", NULL);
	for (int i = 0; way->config[i] && r == 0; i += 2)
		r = box_config(box.c, way->config[i], way->config[i + 1], NULL);
	return r ? r : set_hook();
}

/* The hook has had its device, and what it has left behind gets none. */
static void check_hook(const char *earlier)
{
	char path[PATH_MAX + 16], want[64];
	int fd;

	snprintf(path, sizeof(path), "%s/go", box.root.base);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x\n", 2), 2);
	close(fd);
	snprintf(want, sizeof(want), "%shook\n%s\n", earlier,
		 !strcmp(way->name, "usual") ? "opened" : "refused");
	if (!wait_until(has_said, want))
		fail_msg("%s: not said: %s", way->name, want);
}

static int teardown(void **state)
{
	case_stop();
	box.c = ct_unref(box.c);
	if (device >= 0)
		close(device);
	device = -1;
	return cgroup_case_teardown(state);
}

/* What was found at a terminal whose other end is `fd`. */
static void check_found(const char *who, int fd)
{
	bool usual = !strcmp(way->name, "usual");
	char text[4096] = "";

	if (!read_until(fd, "end", PATIENCE_MS, text, sizeof(text)) || !strstr(text, "/dev/pts/") ||
	    !strstr(text, "there"))
		fail_msg("%s, %s: %s", way->name, who, text);
	if (!!strstr(text, "opened") != usual)
		fail_msg("%s, %s: %s", way->name, who, text);
}

static void check_attach(const char *who)
{
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_exit x = CT_EXIT_INIT;
	ct_process *p = NULL;

	a.flags = CT_ATTACH_PTY;
	a.argv = ARGV("/bin/sh", "-c", "exec 9>&1; rm -f /tmp/disk; " FIND);
	assert_ok(box.c, ct_attach(box.c, &a, &p));
	check_found(who, ct_process_pty(p));
	assert_int_equal(ct_process_wait(p, &x, PATIENCE_MS), 0);
	ct_process_unref(p);
	/* its input is /dev/null, which it could not open itself */
	a.flags = 0;
	a.stdio[0] = a.stdio[1] = a.stdio[2] = -1;
	a.argv = ARGV("/bin/sh", "-c", "! read x");
	assert_ok(box.c, ct_attach(box.c, &a, &p));
	assert_int_equal(ct_process_wait(p, &x, PATIENCE_MS), 0);
	assert_int_equal(x.code, 0);
	ct_process_unref(p);
}

static void in_process(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	(void)state;
	o.flags = CT_START_PTY;
	o.argv = ARGV("/bin/sh", "-c", "exec 9>&1; rm -f /tmp/disk; " FIND "read x");
	start_here(box.c, &o, &p);
	check_found("in process", ct_process_pty(p));
	check_attach("attached");
	check_hook("");
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	ct_process_unref(p);
}

/* A mount of its own file system on a device, where the host has loop devices; ends
 * with its last user. */
static int loop_device(char *path, size_t size)
{
	static const char *const mke2fs[] = { "mke2fs", "-q", "-F", "-t", "ext4", NULL, NULL };
	const char *argv[7];
	char file[PATH_MAX + 8];
	struct run_result r = { 0 };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), n, fd, image;

	snprintf(file, sizeof(file), "%s/disk", box.root.base);
	image = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	n = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	if (control >= 0)
		close(control);
	memcpy(argv, mke2fs, sizeof(argv));
	argv[5] = file;
	fd = -1;
	if (n >= 0 && image >= 0 && ftruncate(image, 4 << 20) == 0 &&
	    run_tool(argv, NULL, PATIENCE_MS, &r) == 0 && r.status == 0) {
		struct loop_config c = { .fd = (uint32_t)image,
					 .info.lo_flags = LO_FLAGS_AUTOCLEAR };

		snprintf(path, size, "/dev/loop%d", n);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &c)) {
			close(fd);
			fd = -1;
		}
	}
	run_free(&r);
	if (image >= 0)
		close(image);
	unlink(file);
	return fd;
}

static void mount_disk(void)
{
	char disk[32] = "", entry[80];

	device = loop_device(disk, sizeof(disk));
	if (device < 0)
		return;
	snprintf(entry, sizeof(entry), "%s mnt/disk ext4 rw,create=dir 0 0", disk);
	assert_ok(box.c, ct_set_config(box.c, "mount.entry", entry));
}

/* Each boot has its console, its disk and its list. */
static void detached(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	const char *script = "trap 'exit 5' TERM; trap 'reboot -f' INT; (: </dev/zero) && "
			     "echo opened >>/var/log/opened; "
			     "test -t 0 && echo x >>/var/log/boots; while :; do sleep 0.02; done";
	const bool usual = !strcmp(way->name, "usual");
	const char *hook = usual ? "hook\nopened\n" : "hook\nrefused\n";
	ct_exit x = CT_EXIT_INIT;
	ct_process *p = NULL;
	struct stat st;
	char path[PATH_MAX + 32];

	(void)state;
	mount_disk();
	rootfs_drop(&box.root, "var/log/opened");
	o.flags = CT_START_DETACH;
	o.argv = ARGV("/bin/sh", "-c", script);
	start_here(box.c, &o, &p);
	for (int boot = 1; boot <= 2; boot++) {
		assert_int_equal(wait_until(has_booted, (void *)(intptr_t)boot), 1);
		check_attach(boot == 1 ? "detached" : "after a reboot");
		check_hook(boot == 1 ? "" : hook);
		if (device >= 0)
			assert_ok(box.c, box_attach(box.c, NULL,
						    ARGV("/bin/test", "-d", "/mnt/disk/lost+found"),
						    NULL, &x));
		assert_int_equal(x.code, 0);
		if (boot == 1)
			assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	}
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	snprintf(path, sizeof(path), "%s/var/log/opened", box.root.path);
	assert_int_equal(stat(path, &st) == 0, usual);
	ct_process_unref(p);
	if (device < 0)
		print_message(
			"# no disk was mounted: the host has no loop devices, or no mke2fs\n");
}

static int group_setup(void **state)
{
	char log[PATH_MAX + 16];

	if (box_setup_bare(state))
		return -1;
	/* for root of any map */
	snprintf(log, sizeof(log), "%s/var/log", box.root.path);
	rootfs_mkdir(&box.root, "mnt/disk", 0755);
	rootfs_mkdir(&box.root, "tmp", 0777);
	return chmod(log, 0777) || chmod(box.root.base, 0777) || chmod(box.root.path, 0755);
}

int main(void)
{
	static struct CMUnitTest tests[2 * sizeof(ways) / sizeof(*ways)];
	static char names[2 * sizeof(ways) / sizeof(*ways)][80];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		for (int d = 0; d < 2; d++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s, %s", ways[i].name,
				 d ? "detached" : "in process");
			tests[n] = (struct CMUnitTest){ names[n], d ? detached : in_process, setup,
							teardown, (void *)(uintptr_t)&ways[i] };
		}
	}
	return cmocka_run_group_tests_name("own-work", tests, group_setup, box_teardown);
}
