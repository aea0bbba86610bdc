/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors first: stdio, descriptors to keep, a program by descriptor, a rootfs and mounts by
 * descriptor whose paths are exchanged meanwhile, pseudo terminals.
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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

/* Text that can be read from a descriptor. */
static int text_fd(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void stdio_given(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int in = text_fd("from outside"), out = memfd_create("out", MFD_CLOEXEC),
	    err = memfd_create("err", MFD_CLOEXEC);
	char buf[64] = "";
	ct_process *p = NULL;

	(void)state;
	o.argv = ARGV("/bin/sh", "-c", "cat; echo problem >&2");
	o.stdio[0] = in;
	o.stdio[1] = out;
	o.stdio[2] = err;
	assert_ok(box.c, ct_start(box.c, &o, &p));
	assert_int_equal(must_end(p).code, 0);
	assert_int_equal(pread(out, buf, sizeof(buf), 0), 12);
	assert_memory_equal(buf, "from outside", 12);
	assert_int_equal(pread(err, buf, sizeof(buf), 0), 8);
	assert_memory_equal(buf, "problem\n", 8);
	close(in);
	close(out);
	close(err);
}

/* -1 is /dev/null of the host, not of the rootfs; the same descriptor three times is fine; a
 * closed one is refused. */
static void stdio_odd(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	int out = memfd_create("out", MFD_CLOEXEC);
	char want[64], *got = NULL, objects[512];
	ct_process *p = NULL;

	(void)state;
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/probe"), &got, NULL));
	snprintf(want, sizeof(want), "\"0: 20000 ");
	assert_non_null(strstr(probe_get(got, "fd_objects", objects, sizeof(objects)), want));
	free(got);
	o.argv = ARGV("/bin/sh", "-c", "echo one; echo two >&2");
	o.stdio[0] = o.stdio[1] = o.stdio[2] = out;
	assert_ok(box.c, ct_start(box.c, &o, &p));
	assert_int_equal(must_end(p).code, 0);
	assert_int_equal(lseek(out, 0, SEEK_END), 8);
	close(out);
	p = NULL;
	assert_refused(box.c, ct_start(box.c, &o, &p), -EBADF);
	assert_null(p);
	o.stdio[0] = -2;
	assert_refused(box.c, ct_start(box.c, &o, &p), -EBADF);
}

/* Descriptors that go along into a container that runs. */
static void keep_attached(const int fds[3])
{
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_process *p = must_start(box.c, 0, ARGV("/bin/sleep", "1000"));
	char *out = NULL;

	for (int i = 0; i < 3; i++)
		lseek(fds[i], 0, SEEK_SET);
	a.keep_fds = fds;
	a.n_keep_fds = 2;
	assert_ok(box.c,
		  box_attach(box.c, &a, ARGV("/bin/sh", "-c", "cat <&4; cat <&3; /bin/probe fds"),
			     &out, NULL));
	assert_string_equal(out, "fourthree{\"fds\": [0, 1, 2, 3, 4]}\n");
	free(out);
	ct_process_unref(p);
}

static void keep(void **state)
{
	int fds[3] = { text_fd("three"), text_fd("four"), text_fd("five") };
	ct_start_opts o = CT_START_OPTS_INIT;
	char *out = NULL, bad[1] = "";
	int wrong = 999, i;

	(void)state;
	(void)bad;
	o.keep_fds = fds;
	o.n_keep_fds = 3;
	assert_ok(box.c, box_run(box.c, &o,
				 ARGV("/bin/sh", "-c", "cat <&5; cat <&3; cat <&4; /bin/probe fds"),
				 &out, NULL));
	assert_string_equal(out, "fivethreefour{\"fds\": [0, 1, 2, 3, 4, 5]}\n");
	free(out);
	/* as often as one likes, in any order */
	for (i = 0; i < 3; i++)
		lseek(fds[i], 0, SEEK_SET);
	o.keep_fds = (const int[]){ fds[2], fds[2], fds[0], 1 };
	o.n_keep_fds = 4;
	assert_ok(box.c,
		  box_run(box.c, &o, ARGV("/bin/sh", "-c", "cat <&5; cat <&4; /bin/probe fds"),
			  &out, NULL));
	assert_string_equal(out, "threefive{\"fds\": [0, 1, 2, 3, 4, 5, 6]}\n");
	free(out);
	o.keep_fds = &wrong;
	o.n_keep_fds = 1;
	assert_refused(box.c, box_run(box.c, &o, ARGV("/bin/true"), NULL, NULL), -EBADF);
	o.keep_fds = fds;
	o.n_keep_fds = 100000;
	assert_true(box_run(box.c, &o, ARGV("/bin/true"), NULL, NULL) < 0);
	keep_attached(fds);
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

/* A program that is in no file system the container has. */
static void program_by_descriptor(void **state)
{
	const char *path = getenv("CT_PROBE");
	int in = open(path, O_RDONLY | O_CLOEXEC), fd = memfd_create("program", MFD_CLOEXEC);
	ct_start_opts o = CT_START_OPTS_INIT;
	char block[65536], *out = NULL, argv[64];
	ssize_t n;

	(void)state;
	assert_true(in >= 0 && fd >= 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(fd, block, (size_t)n), n);
	fchmod(fd, 0755);
	rootfs_drop(&box.root, "bin/probe");
	o.exec_fd = fd;
	assert_ok(box.c, box_run(box.c, &o, ARGV("just-a-name", "fds"), &out, NULL));
	assert_string_equal(out, "{\"fds\": [0, 1, 2]}\n");
	free(out);
	assert_ok(box.c, box_run(box.c, &o, ARGV("just-a-name"), &out, NULL));
	assert_string_equal(probe_get(out, "argv", argv, sizeof(argv)), "[\"just-a-name\"]");
	free(out);
	o.exec_fd = 998;
	assert_refused(box.c, box_run(box.c, &o, ARGV("x"), NULL, NULL), -EBADF);
	close(in);
	close(fd);
	assert_int_equal(rootfs_copy(&box.root, path, "bin/probe", 0755), 0);
}

static void put_at_zero(int fd)
{
	assert_true(fd > 0);
	assert_int_equal(dup2(fd, 0), 0);
	close(fd);
}

static void zero_kept_and_printed_to(void)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;
	char *out = NULL, text[16] = "";
	int end[2];

	put_at_zero(text_fd("zero"));
	o.keep_fds = (const int[]){ 0 };
	o.n_keep_fds = 1;
	o.stdio[0] = -1;
	assert_ok(box.c, box_run(box.c, &o, ARGV("/bin/sh", "-c", "cat <&3"), &out, NULL));
	assert_string_equal(out, "zero");
	free(out);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	put_at_zero(end[1]);
	for (int detached = 0; detached < 2; detached++) {
		ct_container *c = box_handle(&box, detached ? "zero" : NULL);

		o = (ct_start_opts)CT_START_OPTS_INIT;
		o.flags = detached ? CT_START_DETACH : 0;
		o.argv = ARGV("/bin/sh", "-c", "echo word >&2");
		o.stdio[0] = o.stdio[1] = -1;
		o.stdio[2] = CT_FD_ZERO;
		assert_ok(c, ct_start(c, &o, &p));
		assert_int_equal(ct_process_wait(p, NULL, 60000), 0);
		assert_int_equal(read(end[0], text, 5), 5);
		assert_string_equal(text, "word\n");
		ct_process_unref(p);
		ct_unref(c);
	}
	close(end[0]);
}

static void zero_executed_and_mounted(void)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_mount m = CT_MOUNT_INIT;
	ct_process *p = NULL;
	char *out = NULL;

	put_at_zero(open(getenv("CT_PROBE"), O_RDONLY | O_CLOEXEC));
	o.exec_fd = CT_FD_ZERO;
	o.stdio[0] = -1;
	assert_ok(box.c, box_run(box.c, &o, ARGV("name", "fds"), &out, NULL));
	assert_string_equal(out, "{\"fds\": [0, 1, 2]}\n");
	free(out);
	put_at_zero(open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC));
	m.source_fd = CT_FD_ZERO;
	m.target = "/mnt/etc";
	m.flags = CT_MOUNT_CREATE | CT_MOUNT_READONLY;
	assert_ok(box.c, ct_add_mount(box.c, &m));
	assert_ok(box.c,
		  box_run(box.c, NULL, ARGV("/bin/test", "-s", "/mnt/etc/passwd"), NULL, NULL));
	/* and when it is not open */
	close(0);
	assert_refused(box.c, ct_add_mount(box.c, &m), -EBADF);
	o.argv = ARGV("x");
	assert_refused(box.c, ct_start(box.c, &o, &p), -EBADF);
	o.exec_fd = 0;
	o.stdio[2] = CT_FD_ZERO;
	assert_refused(box.c, ct_start(box.c, &o, &p), -EBADF);
}

/* Descriptor 0, in each place that takes one. */
static void descriptor_zero(void **state)
{
	int mine = fcntl(0, F_DUPFD_CLOEXEC, 200);

	(void)state;
	assert_true(mine >= 0);
	zero_kept_and_printed_to();
	zero_executed_and_mounted();
	assert_int_equal(dup2(mine, 0), 0);
	close(mine);
	rootfs_drop(&box.root, "mnt/etc");
}

/* The rootfs is the descriptor's directory, whatever stands at its path by now. */
static void rootfs_by_descriptor(void **state)
{
	char real[2 * PATH_MAX], moved[2 * PATH_MAX];
	int fd, file;
	char *out = NULL;

	(void)state;
	snprintf(real, sizeof(real), "%s", box.root.path);
	snprintf(moved, sizeof(moved), "%s.moved", box.root.path);
	assert_int_equal(rootfs_file(&box.root, "marker", "the real one", 0644), 0);
	fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_ok(box.c, ct_set_rootfs_fd(box.c, fd));
	close(fd); /* it was duplicated */
	assert_int_equal(rename(real, moved), 0);
	assert_int_equal(symlink("/", real), 0);
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/cat", "/marker"), &out, NULL));
	assert_string_equal(out, "the real one");
	free(out);
	assert_int_equal(unlink(real), 0);
	assert_int_equal(rename(moved, real), 0);
	file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	assert_refused(box.c, ct_set_rootfs_fd(box.c, file), -ENOTDIR);
	close(file);
	assert_refused(box.c, ct_set_rootfs_fd(box.c, 999), -EBADF);
	assert_ok(box.c, ct_set_rootfs_fd(box.c, -1));
	assert_ok(box.c, box_run(box.c, NULL, ARGV("/bin/true"), NULL, NULL));
	rootfs_drop(&box.root, "marker");
}

/* By path, a file, and a new file system. */
static void mount_by_path(void)
{
	ct_mount m = CT_MOUNT_INIT;
	char *out = NULL;

	ct_unref(box.c);
	box.c = box_handle(&box, NULL);
	m.source = "/etc/hostname";
	m.target = "/tmp/host";
	m.flags = CT_MOUNT_CREATE | CT_MOUNT_NOEXEC;
	if (access(m.source, F_OK) == 0)
		assert_ok(box.c, ct_add_mount(box.c, &m));
	m = (ct_mount)CT_MOUNT_INIT;
	m.fstype = "tmpfs";
	m.source = "none";
	m.options = "size=64k,mode=700";
	m.target = "/home";
	assert_ok(box.c, ct_add_mount(box.c, &m));
	assert_ok(box.c,
		  box_run(box.c, NULL,
			  ARGV("/bin/sh", "-c", "stat -c %a /home; grep ' /home ' /proc/mounts"),
			  &out, NULL));
	assert_non_null(strstr(out, "700\n"));
	assert_non_null(strstr(out, "size=64k"));
	free(out);
}

static void mount_by_descriptor(void **state)
{
	ct_mount m = CT_MOUNT_INIT;
	char dir[2 * PATH_MAX], file[2 * PATH_MAX + 16], moved[2 * PATH_MAX];
	char *out = NULL;
	int fd;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/given", box.root.base);
	snprintf(moved, sizeof(moved), "%s/moved", box.root.base);
	snprintf(file, sizeof(file), "%s/it", dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "given", 5), 5);
	close(fd);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	m.source_fd = fd;
	m.target = "/mnt/new/deep";
	m.flags = CT_MOUNT_CREATE | CT_MOUNT_READONLY;
	assert_ok(box.c, ct_add_mount(box.c, &m));
	close(fd);
	assert_int_equal(rename(dir, moved), 0);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_ok(box.c, box_run(box.c, NULL,
				 ARGV("/bin/sh", "-c",
				      "cat /mnt/new/deep/it; touch /mnt/new/deep/x "
				      "2>&1 | tr -d '\\n'"),
				 &out, NULL));
	assert_non_null(strstr(out, "given"));
	assert_non_null(strstr(out, "Read-only"));
	free(out);
	rmdir(dir);
	tree_remove(moved);
	mount_by_path();
	rootfs_drop(&box.root, "mnt/new");
	rootfs_drop(&box.root, "tmp/host");
}

static void mount_refused(void **state)
{
	ct_mount m = CT_MOUNT_INIT;
	struct {
		ct_mount m;
		char tail[16];
	} longer = { CT_MOUNT_INIT, { 0 } };

	(void)state;
	assert_refused(box.c, ct_add_mount(box.c, &m), -EINVAL); /* no target */
	m.target = "/mnt";
	m.source_fd = 999;
	assert_refused(box.c, ct_add_mount(box.c, &m), -EBADF);
	m.source_fd = 0;
	m.source = "/etc";
	m.flags = 1ull << 40;
	assert_refused(box.c, ct_add_mount(box.c, &m), -EINVAL);
	m.flags = CT_MOUNT_PRIVATE | CT_MOUNT_SHARED;
	assert_refused(box.c, ct_add_mount(box.c, &m), -EINVAL);
	m.flags = 0;
	longer.m = m;
	longer.m.size = sizeof(longer);
	assert_ok(box.c, ct_add_mount(box.c, &longer.m));
	longer.tail[3] = 1;
	assert_refused(box.c, ct_add_mount(box.c, &longer.m), -E2BIG);
	longer.m.size = 1;
	assert_refused(box.c, ct_add_mount(box.c, &longer.m), -EINVAL);
}

/* ---- terminals ------------------------------------------------------------------------------- */

/* A process without one. */
static void no_terminal(void)
{
	ct_process *p = must_start(box.c, 0, ARGV("/bin/true"));

	assert_int_equal(ct_process_pty(p), -ENOTTY);
	assert_int_equal(ct_process_resize(p, 10, 10), -ENOTTY);
	must_end(p);
}

static void terminal(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	struct winsize w = { 0 };
	ct_process *p = NULL;
	char *out, value[64], text[65536] = "";
	int master;

	(void)state;
	o.flags = CT_START_PTY;
	o.argv = ARGV("/bin/sh", "-c",
		      "/bin/probe; stty size; read x; echo got $x; stty size; tty");
	o.rows = 31;
	o.cols = 101;
	assert_ok(box.c, ct_start(box.c, &o, &p));
	master = ct_process_pty(p);
	assert_true(master > 2);
	assert_true(fcntl(master, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ioctl(master, TIOCGWINSZ, &w), 0);
	assert_int_equal(w.ws_row, 31);
	assert_int_equal(w.ws_col, 101);
	assert_true(read_until(master, "31 101", PATIENCE_MS, text, sizeof(text)));
	assert_int_equal(ct_process_resize(p, 50, 120), 0);
	assert_int_equal(write(master, "word\n", 5), 5);
	out = read_all(master, PATIENCE_MS);
	assert_non_null(out);
	assert_non_null(strstr(out, "got word"));
	assert_non_null(strstr(out, "50 120"));
	assert_non_null(strstr(out, "/dev/pts/"));
	assert_non_null(strstr(text, "{\"controlling_tty\": true}"));
	assert_non_null(strstr(text, "{\"tty0\": true}"));
	assert_non_null(strstr(text, "{\"fds\": [0, 1, 2]}"));
	(void)probe_get(text, "session", value, sizeof(value));
	free(out);
	assert_int_equal(ct_process_resize(p, 70000, 1), -EINVAL);
	assert_int_equal(must_end(p).code, 0);
	no_terminal();
}

static void terminal_attach(void **state)
{
	ct_attach_opts a = CT_ATTACH_OPTS_INIT;
	ct_process *p = NULL, *q = NULL;
	char *out;

	(void)state;
	p = must_start(box.c, 0, ARGV("/bin/sleep", "1000"));
	a.flags = CT_ATTACH_PTY;
	a.argv = ARGV("/bin/sh", "-c", "stty size; tty; read x; echo got $x");
	a.rows = 12;
	a.cols = 34;
	assert_ok(box.c, ct_attach(box.c, &a, &q));
	assert_int_equal(write(ct_process_pty(q), "w\n", 2), 2);
	out = read_all(ct_process_pty(q), PATIENCE_MS);
	assert_non_null(out);
	assert_non_null(strstr(out, "12 34"));
	assert_non_null(strstr(out, "/dev/pts/"));
	assert_non_null(strstr(out, "got w"));
	free(out);
	assert_int_equal(must_end(q).code, 0);
	ct_process_unref(p);
}

/* Letting go of all of it ends the payload, terminal or not. */
static void terminal_hangup(void **state)
{
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;
	pid_t pid;

	(void)state;
	o.flags = CT_START_PTY;
	o.argv = ARGV("/bin/cat");
	assert_ok(box.c, ct_start(box.c, &o, &p));
	pid = ct_process_pid(p);
	ct_process_unref(p);
	box.c = ct_unref(box.c);
	assert_true(kill(pid, 0) < 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, case_setup, case_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(stdio_given),	     CASE(stdio_odd),	    CASE(keep),
		CASE(program_by_descriptor), CASE(descriptor_zero), CASE(rootfs_by_descriptor),
		CASE(mount_by_descriptor),   CASE(mount_refused),   CASE(terminal),
		CASE(terminal_attach),	     CASE(terminal_hangup),
	};

	return cmocka_run_group_tests_name("descriptors", tests, box_setup_used, box_teardown);
}
