/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Detached containers: a supervisor keeps them, any handle in any process finds them; orderly stop,
 * force, reboot, console, definition and destruction.
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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "run.h"
#include "setup.h"

/* An init that goes at SIGTERM, reboots at SIGINT, and says on the console what it does. */
#define INIT                                                                          \
	"trap 'echo bye; exit 3' TERM; trap 'echo again; reboot -f' INT; echo boot; " \
	"echo x >>/var/log/boots; while :; do sleep 0.05; done"

static int teardown(void **state)
{
	char children[256];
	int n;

	case_stop();
	box.c = ct_unref(box.c);
	wait_until(no_orphans, children);
	n = case_teardown(state);
	rootfs_drop(&box.root, "var/log/boots");
	return n;
}

/* Of a program that may have ended by now. */
static void start_brief(const char *const argv[])
{

	assert_ok(box.c, box_detach(box.c, argv));
}

static void start(const char *const argv[])
{
	start_brief(argv);
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
}

static void start_init(void)
{
	/* a system that may reboot itself: cap.drop alone drops from the full set */
	assert_int_equal(box_config(box.c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT",
				    "console.buffer.size", "64KB", "cap.drop", "sys_module", NULL),
			 0);
	start(ARGV("/bin/sh", "-c", INIT));
}

/* What the console's ring buffer holds contains the word. */
static int console_says(void *word)
{
	char *text = NULL;
	size_t len = 0;
	int found = ct_console_log(box.c, 0, &text, &len) == 0 &&
		    memmem(text, len, word, strlen(word)) != NULL;

	ct_free(text);
	return found;
}

static int console_is_open(void *nothing)
{
	int fd = ct_console_open(box.c, 0);

	(void)nothing;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Init has set its traps before. It says "boot" on the console first, and a signal then may be
 * earlier than the mark of the boot. */
static int booted(void *n)
{
	return box_boots(&box) == (int)(intptr_t)n;
}

static void from_another_handle(void **state)
{
	ct_container *other;
	char *out = NULL, *names = NULL;
	pid_t pid;

	(void)state;
	start_init();
	pid = ct_init_pid(box.c);
	assert_true(pid > 0);
	other = box_handle(&box, "web");
	assert_int_equal(ct_state(other), CT_STATE_RUNNING);
	assert_int_equal(ct_init_pid(other), pid);
	assert_ok(other, box_attach(other, NULL, ARGV("/bin/hostname"), &out, NULL));
	assert_string_equal(out, "web\n");
	free(out);
	assert_int_equal(ct_list(&box.where, CT_LIST_RUNNING, &names), 1);
	assert_string_equal(names, "web\n");
	ct_free(names);

	assert_refused(other, box_detach(other, ARGV("/bin/true")), -EBUSY);
	assert_ok(other, ct_stop(other, 0, PATIENCE_MS));
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	assert_int_equal(ct_list(&box.where, CT_LIST_RUNNING, &names), 0);
	ct_free(names);
	ct_unref(other);
}

/* From another process, which then goes: the container stays. */
static void caller_goes(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		ct_container *c = box_handle(&box, "web");

		_exit(box_detach(c, ARGV("/bin/sleep", "1000")) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	nothing_happens_for(100);
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
}

static void stop_orderly(void **state)
{
	ct_process *p = NULL;
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_exit ex = CT_EXIT_INIT;

	(void)state;
	assert_int_equal(box_config(box.c, "signal.halt", "SIGTERM", "console.buffer.size", "64KB",
				    NULL),
			 0);
	o.flags = CT_START_DETACH;
	o.argv = ARGV("/bin/sh", "-c", INIT);
	assert_ok(box.c, ct_start(box.c, &o, &p));
	assert_int_equal(wait_until(console_says, (void *)(uintptr_t) "boot"), 1);
	assert_ok(box.c, ct_stop(box.c, 0, PATIENCE_MS));
	assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
	assert_int_equal(ex.code, 3);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	ct_process_unref(p);
}

static void stop_by_force(void **state)
{
	ct_process *p = NULL;
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_exit ex = CT_EXIT_INIT;
	long long began;

	(void)state;
	assert_int_equal(box_config(box.c, "signal.halt", "SIGUSR1", "console.buffer.size", "64KB",
				    NULL),
			 0);
	o.flags = CT_START_DETACH;
	o.argv = ARGV("/bin/sh", "-c", "trap '' USR1; echo trapped; while :; do sleep 0.1; done");
	assert_ok(box.c, ct_start(box.c, &o, &p));
	assert_int_equal(wait_until(console_says, (void *)(uintptr_t) "trapped"), 1);
	began = now_ms();
	assert_refused(box.c, ct_stop(box.c, CT_STOP_NO_KILL, 300), -ETIMEDOUT);
	assert_true(now_ms() - began >= 280);
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_NO_WAIT | CT_STOP_NO_KILL, 0));
	assert_ok(box.c, ct_stop(box.c, 0, 200));
	assert_int_equal(ct_process_wait(p, &ex, PATIENCE_MS), 0);
	assert_int_equal(ex.signal, SIGKILL);
	assert_int_equal(ex.reason, CT_EXIT_STOPPED);
	ct_process_unref(p);
}

static void reboot_it(void **state)
{
	pid_t first;

	(void)state;
	start_init();
	assert_int_equal(wait_until(booted, (void *)1), 1);
	first = ct_init_pid(box.c);
	assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_true(ct_init_pid(box.c) > 0 && ct_init_pid(box.c) != first);
	assert_int_equal(wait_until(console_says, (void *)(uintptr_t) "again"), 1);
	assert_int_equal(wait_until(booted, (void *)2), 1);
	assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	assert_int_equal(wait_until(booted, (void *)3), 1);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
}

/* A system that lives in groups of its own below its own, and gives on what it can, as systemd
 * does: says which it finds there. */
#define MANAGER                                                                                    \
	"for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -L $d ] || [ ! -e $d/cgroup.procs ] || { " \
	"[ ! -d $d/first ] || echo old $d;"                                                        \
	"mkdir -p $d/first/second; echo 1 >$d/first/cgroup.procs; for c in $(cat "                 \
	"$d/cgroup.controllers); do"                                                               \
	" echo +$c >$d/cgroup.subtree_control && echo given $c; done; }; done 2>/dev/null; "

/* Version 2 takes no process into a group that gives controllers on: each boot finds its
 * groups as the first did. */
static void reboot_in_groups(void **state)
{
	(void)state;
	assert_int_equal(box_config(box.c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT",
				    "console.buffer.size", "64KB", "cap.drop", "sys_module",
				    "mount.auto", "proc sys cgroup:rw", "limit.pids", "try:50",
				    "limit.hugetlb.2MB", "try:4M", NULL),
			 0);
	start(ARGV("/bin/sh", "-c", MANAGER INIT));
	for (intptr_t boot = 1; boot < 4; boot++) {
		assert_int_equal(wait_until(booted, (void *)boot), 1);
		assert_false(console_says("old /"));
		if (boot < 3)
			assert_ok(box.c, ct_reboot(box.c, PATIENCE_MS));
	}
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		assert_true(console_says("given pids"));
	assert_ok(box.c, ct_stop(box.c, 0, PATIENCE_MS));
}

static void wait_states(void **state)
{
	(void)state;
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, 0), CT_STATE_STOPPED);
	start(ARGV("/bin/sleep", "1000"));
	assert_refused(box.c, ct_wait(box.c, CT_STATE_STOPPED, 20), -ETIMEDOUT);
	assert_int_equal(ct_wait(box.c, CT_STATE_RUNNING, 0), CT_STATE_RUNNING);
	assert_ok(box.c, ct_kill(box.c, SIGKILL));
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	assert_refused(box.c, ct_wait(box.c, 0x4000, 5), -EINVAL);
	assert_refused(box.c, ct_wait(box.c, 0, 5), -EINVAL);
}

/* Waits until fd has said the word. */
static void expect_word(int fd, const char *word)
{
	char text[4096] = "";
	size_t len = 0;
	long long end = now_ms() + PATIENCE_MS;

	while (now_ms() < end && !strstr(text, word)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n = poll(&p, 1, 200) > 0 ? read(fd, text + len, sizeof(text) - 1 - len) : 0;

		len += n > 0 ? (size_t)n : 0;
	}
	if (!strstr(text, word))
		fail_msg("no \"%s\" in \"%s\"", word, text);
}

/* Opens the console, once it is not somebody's. */
static int console_had(void *data)
{
	int *fd = data;

	*fd = ct_console_open(box.c, 0);
	return *fd >= 0;
}

static void console(void **state)
{
	int fd, second;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "console.buffer.size", "64KB"));
	start(ARGV("/bin/sh", "-c", "echo ready; while read x; do echo got $x; stty size; done"));
	assert_int_equal(wait_until(console_says, (void *)(uintptr_t) "ready"), 1);
	fd = ct_console_open(box.c, 0);
	assert_ok(box.c, fd);
	second = ct_console_open(box.c, 0);
	assert_int_equal(second, -EBUSY);
	assert_ok(box.c, ct_console_resize(box.c, 0, 17, 71));
	assert_int_equal(write(fd, "word\n", 5), 5);
	expect_word(fd, "got word");
	assert_int_equal(write(fd, "more\n", 5), 5);
	expect_word(fd, "17 71");
	close(fd);
	/* given back, it can be had again */
	fd = -EBUSY;
	assert_int_equal(wait_until(console_had, &fd), 1);
	close(fd);
	assert_refused(box.c, ct_console_open(box.c, 40), -ENOTTY);
}

static void console_ring(void **state)
{
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "console.buffer.size", "4096"));
	start(ARGV("/bin/sh", "-c", "seq 1 5000; echo the end; sleep 1000"));
	/* with the line's own end, which the terminal may give later */
	assert_int_equal(wait_until(console_says, (void *)(uintptr_t) "the end\r\n"), 1);
	assert_ok(box.c, ct_console_log(box.c, CT_CONSOLE_LOG_CLEAR, &text, &len));
	assert_true(len <= 4096 && len > 3000);
	assert_non_null(memmem(text, len, "5000", 4));
	ct_free(text);
	text = NULL;
	assert_ok(box.c, ct_console_log(box.c, 0, &text, &len));
	assert_int_equal(len, 0);
	ct_free(text);
}

static void console_file(void **state)
{
	char path[2 * PATH_MAX], buf[64] = "";
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/console.log", box.root.base);
	assert_ok(box.c, ct_set_config(box.c, "console.logfile", path));
	start(ARGV("/bin/sh", "-c", "echo into the file; sleep 0.3"));
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, buf, sizeof(buf) - 1) > 0);
	assert_non_null(strstr(buf, "into the file"));
	close(fd);
	unlink(path);
}

/* A terminal that the console goes to, its master in *fd; its name. */
static const char *terminal(int *fd)
{
	*fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*fd >= 0 && !grantpt(*fd) && !unlockpt(*fd));
	return ptsname(*fd);
}

/* A terminal that nobody reads holds nothing up for long, nor does one that goes away. */
static void unread_console_device(void)
{
	int fd;

	assert_ok(box.c, ct_set_config(box.c, "console.path", terminal(&fd)));
	assert_ok(box.c, box_detach(box.c, ARGV("/bin/sh", "-c", "seq 1 40000")));
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	close(fd);
	assert_ok(box.c, ct_set_config(box.c, "console.path", terminal(&fd)));
	start(ARGV("/bin/sh", "-c", "read a; echo; exit 0"));
	close(fd);
	assert_ok(box.c, ct_stop(box.c, CT_STOP_KILL, PATIENCE_MS));
}

/* console.path is a terminal of the host: what is printed is shown there, what is typed there is
 * read, and its mode is as it was at the end. */
static void console_device(void **state)
{
	struct winsize size = { .ws_row = 41, .ws_col = 97 };
	struct termios mode, then;
	char text[4096] = "";
	int fd;

	(void)state;
	assert_ok(box.c, ct_set_config(box.c, "console.path", terminal(&fd)));
	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(fd, &mode), 0);
	start(ARGV("/bin/sh", "-c",
		   "echo to the terminal; stty size; read a; echo got $a; read b"));
	assert_int_equal(read_until(fd, "41 97", PATIENCE_MS, text, sizeof(text)), 1);
	if (!strstr(text, "to the terminal\r\n"))
		fail_msg("it shows %s", text);
	assert_int_equal(write(fd, "typed\r", 6), 6);
	assert_int_equal(read_until(fd, "got typed", PATIENCE_MS, text, sizeof(text)), 1);
	/* others may look, too */
	assert_int_equal(wait_until(console_is_open, NULL), 1);
	assert_int_equal(write(fd, "end\r", 4), 4);
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	assert_int_equal(tcgetattr(fd, &then), 0);
	assert_int_equal(then.c_lflag, mode.c_lflag);
	close(fd);
	unread_console_device();
}

/* console.path is a file: it is made, and appended to. */
static void console_plain_file(void **state)
{
	char path[2 * PATH_MAX], text[256] = "";
	ct_start_opts o = CT_START_OPTS_INIT;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/console.out", box.root.base);
	assert_ok(box.c, ct_set_config(box.c, "console.path", path));
	o.flags = CT_START_DETACH;
	for (int i = 0; i < 2; i++) {
		o.argv = ARGV("/bin/sh", "-c", "echo one more");
		assert_ok(box.c, ct_start(box.c, &o, NULL));
		assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "one more\r\none more\r\n");
	close(fd);
	unlink(path);
	assert_ok(box.c, ct_set_config(box.c, "console.path", "/no/such/terminal"));
	assert_refused(box.c, ct_start(box.c, &o, NULL), -ENOENT);
	assert_string_equal(ct_last_error(box.c)->key, "console.path");
}

/* The log of the hooks has the last one's line. */
static int has_line(void *path)
{
	char text[4096] = "";
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return strstr(text, "post-stop:web\n") != NULL;
}

static void hooks(void **state)
{
	char path[2 * PATH_MAX], entry[4 * PATH_MAX], text[4096] = "";
	const char *const when[] = { "pre-start", "start-host", "stop", "post-stop" };
	size_t i;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/hooks.log", box.root.base);
	assert_ok(box.c, ct_set_config(box.c, "hook.version", "1"));
	for (i = 0; i < 4; i++) {
		char key[64];

		snprintf(key, sizeof(key), "hook.%s", when[i]);
		snprintf(entry, sizeof(entry), "/bin/sh -c \"echo $LXC_HOOK_TYPE:$LXC_NAME >> %s\"",
			 path);
		assert_ok(box.c, ct_set_config(box.c, key, entry));
	}
	start_brief(ARGV("/bin/true"));
	assert_int_equal(ct_wait(box.c, CT_STATE_STOPPED, PATIENCE_MS), CT_STATE_STOPPED);
	/* the last hook runs when it has ended */
	assert_int_equal(wait_until(has_line, path), 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_string_equal(text, "pre-start:web\nstart-host:web\nstop:web\npost-stop:web\n");
	unlink(path);
}

/* ---- definition ------------------------------------------------------------------------------ */

/* Another handle of what was defined. */
static ct_container *change_definition(void)
{
	char value[64], *names = NULL;
	ct_container *d = box_handle(&box, "defined");

	assert_refused(d, ct_create(d, NULL), -EEXIST);
	assert_ok(d, ct_load_config(d, NULL));
	assert_int_equal(ct_get_config(d, "uts.name", value, sizeof(value)), 4);
	assert_string_equal(value, "kept");
	assert_ok(d, ct_set_config(d, "uts.name", "changed"));
	assert_ok(d, ct_save_config(d, NULL));
	assert_int_equal(ct_list(&box.where, CT_LIST_DEFINED, &names), 1);
	assert_string_equal(names, "defined\n");
	ct_free(names);
	return d;
}

static void define_and_destroy(void **state)
{
	char config[2 * PATH_MAX], rootfs[2 * PATH_MAX], *names = NULL;
	ct_create_opts o = CT_CREATE_OPTS_INIT;
	ct_container *c = box_handle(&box, "defined"), *d;

	(void)state;
	snprintf(rootfs, sizeof(rootfs), "%s/new-root", box.root.base);
	assert_int_equal(mkdir(rootfs, 0755), 0);
	o.rootfs = rootfs;
	assert_ok(c, ct_set_config(c, "uts.name", "kept"));
	assert_ok(c, ct_create(c, &o));
	assert_true(access(rootfs, F_OK) != 0);
	snprintf(config, sizeof(config), "%s/defined/config", box.dir);
	assert_int_equal(access(config, F_OK), 0);
	assert_string_equal(ct_path(c) + strlen(box.dir), "/defined");
	d = change_definition();
	assert_ok(c, ct_destroy(c, 0));
	assert_true(access(config, F_OK) != 0);
	assert_refused(d, ct_destroy(d, 0), -ENOENT);
	assert_int_equal(ct_list(&box.where, CT_LIST_DEFINED, &names), 0);
	ct_free(names);
	ct_unref(c);
	ct_unref(d);
}

static void destroy_running(void **state)
{
	(void)state;
	assert_ok(box.c, ct_create(box.c, NULL));
	start(ARGV("/bin/sleep", "1000"));
	assert_refused(box.c, ct_destroy(box.c, 0), -EBUSY);
	assert_int_equal(ct_state(box.c), CT_STATE_RUNNING);
	assert_ok(box.c, ct_destroy(box.c, CT_DESTROY_FORCE));
	assert_int_equal(ct_state(box.c), CT_STATE_STOPPED);
	/* the rootfs was not its own: it is still there */
	assert_int_equal(access(box.root.path, F_OK), 0);
}

static void many(void **state)
{
	enum { N = 20 };
	ct_container *c[N];
	char name[32], *names = NULL;
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		c[i] = box_handle(&box, name);
		assert_ok(c[i], box_detach(c[i], ARGV("/bin/sleep", "1000")));
	}
	assert_int_equal(ct_list(&box.where, CT_LIST_RUNNING, &names), N);
	ct_free(names);
	for (i = 0; i < N; i++) {
		assert_ok(c[i], ct_stop(c[i], CT_STOP_KILL, PATIENCE_MS));
		ct_unref(c[i]);
	}
	assert_int_equal(ct_list(&box.where, CT_LIST_RUNNING, &names), 0);
	ct_free(names);
}

/* The socket stands in a directory that is only ours; nothing of ours is in the
 * abstract name space. */
static void socket_place(void **state)
{
	struct stat st;
	char line[512];
	FILE *f;

	(void)state;
	start(ARGV("/bin/sleep", "1000"));
	assert_int_equal(stat(box.state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	f = fopen("/proc/net/unix", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, " @") && (strstr(line, "contain") || strstr(line, "web")))
			fail_msg("an abstract socket: %s", line);
	}
	fclose(f);
}

#define CASE(f)                                    \
	{                                          \
#f, f, case_setup, teardown, "web" \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(from_another_handle),
		CASE(caller_goes),
		CASE(stop_orderly),
		CASE(stop_by_force),
		CASE(reboot_it),
		CASE(reboot_in_groups),
		CASE(wait_states),
		CASE(console),
		CASE(console_ring),
		CASE(console_file),
		CASE(console_device),
		CASE(console_plain_file),
		CASE(hooks),
		CASE(define_and_destroy),
		CASE(destroy_running),
		CASE(many),
		CASE(socket_place),
	};

	return cmocka_run_group_tests_name("detached", tests, box_setup_used, box_teardown);
}
