/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filters that notify: the caller, in one thread, answers the calls of many payloads, and payloads
 * that die, fork or are interrupted in the middle of a call neither hang nor confuse it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "notify-help.h"
#include "run.h"
#include "setup.h"

/* Waits until no process has the filter any more. */
static void must_hang_up(int fd)
{
	struct pollfd look = { .fd = fd, .events = 0 };
	ct_notify n = CT_NOTIFY_INIT;

	assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
	assert_int_equal(look.revents, POLLHUP);
	assert_int_equal(ct_notify_receive(fd, &n), -EPIPE);
}

/* ---- many at once ---------------------------------------------------------------------------- */

#define AT_ONCE 40

/* Answers one request as "asker three" wants it. */
static void answer_three(int fd)
{
	ct_notify n = CT_NOTIFY_INIT;

	assert_int_equal(ct_notify_receive(fd, &n), 0);
	assert_int_equal(ct_notify_valid(fd, &n), 0);
	if (!strcmp(n.call, "mknodat")) {
		assert_int_equal(n.nr, SYS_mknodat);
		assert_int_equal(n.args[3], 1000);
		assert_int_equal(ct_notify_return(fd, &n, (int64_t)n.args[3]), 0);
	} else if (!strcmp(n.call, "mount")) {
		assert_int_equal(ct_notify_error(fd, &n, EXDEV), 0);
	} else {
		assert_string_equal(n.call, "connect");
		assert_int_equal(ct_notify_return(fd, &n, 1002), 0);
	}
	assert_true(ct_notify_error(fd, &n, EPERM) < 0);
}

/* Serves n listeners until all have hung up. The number of requests. */
static int serve(const int *listeners, int n)
{
	struct pollfd look[AT_ONCE];
	int open = n, answered = 0;

	for (int i = 0; i < n; i++)
		look[i] = (struct pollfd){ .fd = listeners[i], .events = POLLIN };
	while (open > 0) {
		assert_true(poll(look, (nfds_t)n, PATIENCE_MS) > 0);
		for (int i = 0; i < n; i++) {
			if (look[i].revents & POLLIN) {
				answer_three(look[i].fd);
				answered++;
			} else if (look[i].revents & POLLHUP) {
				look[i].fd = -1;
				open--;
			}
		}
	}
	return answered;
}

static void one_thread_answers_many(void **state)
{
	const int batches = getenv("CT_LONG") ? 1000 / AT_ONCE : 2;

	(void)state;
	for (int k = 0; k < batches; k++) {
		ct_container *c[AT_ONCE];
		ct_process *p[AT_ONCE];
		int fd[AT_ONCE];

		for (int i = 0; i < AT_ONCE; i++) {
			c[i] = handle(THREE);
			p[i] = ask(c[i], CT_START_NOTIFY | (i & 1 ? CT_START_NO_REAPER : 0),
				   "three");
			fd[i] = listener(p[i]);
		}
		assert_int_equal(serve(fd, AT_ONCE), 3 * AT_ONCE);
		for (int i = 0; i < AT_ONCE; i++) {
			assert_int_equal(code_of(p[i]), 0);
			ct_unref(c[i]);
		}
	}
}

/* ---- payloads that disturb ------------------------------------------------------------------- */

static void a_payload_that_dies(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = ask(c, CT_START_NOTIFY, "value");
	int fd = listener(p);
	ct_notify n = must_receive(fd);
	ct_exit x = CT_EXIT_INIT;

	(void)state;
	assert_int_equal(ct_notify_valid(fd, &n), 0);
	assert_int_equal(ct_process_kill(p, SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, &x, PATIENCE_MS), 0);
	assert_int_equal(x.reason, CT_EXIT_STOPPED);
	must_hang_up(fd);
	assert_int_equal(ct_notify_valid(fd, &n), -ENOENT);
	assert_int_equal(ct_notify_continue(fd, &n), -ENOENT);
	assert_int_equal(ct_notify_error(fd, &n, EPERM), -ENOENT);
	assert_int_equal(ct_notify_return(fd, &n, 0), -ENOENT);
	ct_process_unref(p);

	/* before its request was received */
	p = ask(c, CT_START_NOTIFY, "value");
	fd = listener(p);
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, PATIENCE_MS), 1);
	assert_int_equal(ct_process_kill(p, SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	must_hang_up(fd);
	ct_process_unref(p);
	ct_unref(c);
}

static void a_payload_that_forks(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = ask(c, CT_START_NOTIFY, "fork");
	int fd = listener(p);
	/* both wait before either is answered */
	ct_notify first = must_receive(fd), second = must_receive(fd);

	(void)state;
	assert_int_not_equal(first.pid, second.pid);
	assert_int_equal(ct_notify_return(fd, &second, (int64_t)second.args[3]), 0);
	assert_int_equal(ct_notify_return(fd, &first, (int64_t)first.args[3]), 0);
	assert_int_equal(code_of(p), 0);
	ct_unref(c);
}

static int is_stopped(void *data)
{
	const ct_notify *n = data;
	char path[64], text[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", n->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	return strstr(text, ") T ") || strstr(text, ") S ") || strstr(text, ") D ");
}

/* A stop while its call waits: the request stays, or comes again, and the answer arrives. */
static void a_payload_that_is_stopped(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = ask(c, CT_START_NOTIFY, "value");
	int fd = listener(p), r;
	ct_notify n = must_receive(fd);

	(void)state;
	assert_int_equal(kill(n.pid, SIGSTOP), 0);
	assert_true(wait_until(is_stopped, &n));
	assert_int_equal(kill(n.pid, SIGCONT), 0);
	for (r = ct_notify_return(fd, &n, 7); r == -ENOENT; r = ct_notify_return(fd, &n, 7))
		n = must_receive(fd);
	assert_int_equal(r, 0);
	assert_int_equal(code_of(p), 7);
	ct_unref(c);
}

/* A signal while its call waits interrupts it, but where the kernel can let it wait: then it is
 * asked again as often as it was interrupted. */
static void a_payload_that_is_interrupted(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = ask(c, CT_START_NOTIFY, "again");
	int fd = listener(p), interrupted = 0;
	ct_notify n = must_receive(fd);

	(void)state;
	assert_int_equal(kill(n.pid, SIGALRM), 0);
	for (; ct_notify_return(fd, &n, 0) == -ENOENT; interrupted++)
		n = must_receive(fd);
	assert_int_equal(code_of(p), interrupted);
	ct_unref(c);
}

/* ---- who serves ------------------------------------------------------------------------------ */

static void nobody_serves(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = ask(c, 0, "errno");

	(void)state;
	/* no listener: the kernel answers, as with LXC */
	assert_int_equal(ct_process_notify_fd(p), -ENOENT);
	assert_int_equal(code_of(p), ENOSYS);
	/* nothing to serve */
	put_profile("2\ndenylist\n[all]\nmknodat errno 1\n");
	p = ask(c, CT_START_NOTIFY, "errno");
	assert_int_equal(ct_process_notify_fd(p), -ENOENT);
	assert_int_equal(code_of(p), 1);
	assert_ok(c, ct_set_config(c, "seccomp.profile", "none"));
	p = ask(c, CT_START_NOTIFY, "none");
	assert_int_equal(ct_process_notify_fd(p), -ENOENT);
	assert_int_equal(code_of(p), 0);
	ct_unref(c);
}

static void a_listener_that_is_closed(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = ask(c, CT_START_NOTIFY, "errno");
	int fd = dup(listener(p)), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ct_notify n = must_receive(fd);

	(void)state;
	/* what is served by another descriptor is served */
	assert_true(dup2(null, listener(p)) >= 0);
	assert_int_equal(ct_notify_valid(fd, &n), 0);
	close(null);
	close(fd);
	assert_int_equal(code_of(p), ENOSYS);
	ct_unref(c);
}

static void wrong_arguments(void **state)
{
	ct_notify n = CT_NOTIFY_INIT, none = CT_NOTIFY_INIT;
	int pair[2];

	(void)state;
	none.size = 0;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(ct_notify_receive(pair[0], &n), -ENOTTY);
	assert_int_equal(ct_notify_receive(pair[0], NULL), -EINVAL);
	assert_int_equal(ct_notify_receive(pair[0], &none), -EINVAL);
	assert_int_equal(ct_notify_valid(pair[0], &n), -ENOTTY);
	assert_int_equal(ct_notify_error(pair[0], &n, 0), -EINVAL);
	assert_int_equal(ct_notify_error(pair[0], &n, 4096), -EINVAL);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(ct_notify_receive(pair[0], &n), -EBADF);
	assert_int_equal(ct_notify_continue(-1, &n), -EBADF);
	assert_int_equal(ct_process_notify_fd(NULL), -EINVAL);
}

/* ---- memory and descriptors ------------------------------------------------------------------ */

#define FILES "2\ndenylist\n[all]\nopenat notify\ngetcwd notify\nmknodat notify\n"

/* The memory of a call that opens /no/such/file. */
static void path_is_read(int fd, const ct_notify *n)
{
	char text[64] = "";

	assert_int_equal(ct_notify_read_string(fd, n, n->args[1], text, sizeof(text)), 13);
	assert_string_equal(text, "/no/such/file");
	assert_int_equal(ct_notify_read_string(fd, n, n->args[1], text, 13), -ENAMETOOLONG);
	assert_string_equal(text, "");
	assert_int_equal(ct_notify_read(fd, n, n->args[1], text, 4), 4);
	assert_memory_equal(text, "/no/", 4);
	assert_int_equal(ct_notify_read(fd, n, 1, text, 4), -EFAULT);
	assert_int_equal(ct_notify_read_string(fd, n, ~(uint64_t)0, text, 4), -EFAULT);
}

static void a_path_is_read_and_a_file_given(void **state)
{
	ct_container *c = handle(FILES);
	ct_start_opts o = CT_START_OPTS_INIT;
	char text[64] = "";
	int out[2], fd, file = memfd_create("given", MFD_CLOEXEC);
	ct_process *p;
	ct_notify n;

	(void)state;
	assert_int_equal(write(file, "given", 5), 5);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	assert_int_equal(pipe(out), 0);
	o.flags = CT_START_NOTIFY;
	o.argv = ARGV("asker", "path", "/no/such/file");
	o.exec_fd = asker;
	o.stdio[1] = out[1];
	assert_ok(c, ct_start(c, &o, &p));
	close(out[1]);
	fd = listener(p);
	n = must_receive(fd);
	assert_string_equal(n.call, "openat");
	path_is_read(fd, &n);
	assert_int_equal(ct_notify_add_fd(fd, &n, -1, 0), -EBADF);
	assert_int_equal(ct_notify_add_fd(fd, &n, file, 0x100), -EINVAL);
	/* one that it does not learn of, and the one that open(2) gives it */
	assert_int_equal(ct_notify_add_fd(fd, &n, file, CT_NOTIFY_ADD_CLOEXEC), 3);
	assert_int_equal(ct_notify_add_fd(fd, &n, file, CT_NOTIFY_ADD_ANSWER), 4);
	assert_true(ct_notify_error(fd, &n, EPERM) < 0);
	assert_int_equal(read(out[0], text, sizeof(text)), 5);
	assert_memory_equal(text, "given", 5);
	assert_int_equal(code_of(p), 0);
	close(out[0]);
	close(file);
	ct_unref(c);
}

static void memory_that_ends(void **state)
{
	ct_container *c = handle(FILES);
	ct_process *p = ask(c, CT_START_NOTIFY, "edge");
	int fd = listener(p);
	ct_notify n = must_receive(fd);
	char text[100];

	(void)state;
	assert_int_equal(ct_notify_read(fd, &n, n.args[1], text, sizeof(text)), 10);
	assert_memory_equal(text, "xxxxxxxxxx", 11);
	assert_int_equal(ct_notify_read_string(fd, &n, n.args[1], text, sizeof(text)), -EFAULT);
	assert_int_equal(ct_notify_write(fd, &n, n.args[1], "y", 1), 1);
	assert_int_equal(ct_notify_read(fd, &n, n.args[1], text, 2), 2);
	assert_memory_equal(text, "yx", 2);
	assert_int_equal(ct_notify_write(fd, &n, n.args[1] + 10, "y", 1), -EFAULT);
	assert_int_equal(ct_notify_error(fd, &n, ENAMETOOLONG), 0);
	assert_int_equal(code_of(p), ENAMETOOLONG);

	p = ask(c, CT_START_NOTIFY, "cwd");
	fd = listener(p);
	n = must_receive(fd);
	assert_int_equal(ct_notify_write(fd, &n, n.args[0], "/here", 6), 6);
	assert_int_equal(ct_notify_return(fd, &n, 6), 0);
	assert_int_equal(code_of(p), 0);
	ct_unref(c);
}

/* A copy of this process with a number that another one had; it ends with 0 when its memory is as
 * it was once `go` is at its end. */
static pid_t copy_with(pid_t number, const int go[2], const char *secret)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&number,
				   .set_tid_size = 1 };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	char c;

	if (pid)
		return pid;
	close(go[1]);
	(void)!read(go[0], &c, 1);
	_exit(strcmp(secret, "secret") != 0);
}

/* The number of a process that has gone is another's: that one is not read, and not written to. */
static void a_number_that_is_used_again(void **state)
{
	static char secret[] = "secret";
	ct_container *c = handle(FILES);
	ct_process *p = ask(c, CT_START_NOTIFY, "value");
	int fd = dup(listener(p)), go[2], status;
	ct_notify n = must_receive(fd);
	char text[16];
	pid_t pid;

	(void)state;
	assert_int_equal(ct_process_kill(p, SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, NULL, PATIENCE_MS), 0);
	ct_process_unref(p);
	memset(text, 'x', sizeof(text));
	assert_int_equal(ct_notify_read(fd, &n, (uintptr_t)secret, text, sizeof(text)), -ENOENT);
	assert_int_equal(ct_notify_write(fd, &n, (uintptr_t)secret, "public", 6), -ENOENT);
	assert_int_equal(ct_notify_add_fd(fd, &n, 0, 0), -ENOENT);
	assert_int_equal(pipe(go), 0);
	pid = copy_with(n.pid, go, secret);
	assert_int_equal(pid, n.pid);
	close(go[0]);
	assert_int_equal(ct_notify_read(fd, &n, (uintptr_t)secret, text, sizeof(text)), -ENOENT);
	assert_int_equal(text[0], 0);
	assert_int_equal(ct_notify_read_string(fd, &n, (uintptr_t)secret, text, sizeof(text)),
			 -ENOENT);
	assert_int_equal(text[0], 0);
	assert_int_equal(ct_notify_write(fd, &n, (uintptr_t)secret, "public", 6), -ENOENT);
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	ct_unref(c);
}

/* ---- attach, and the start itself ------------------------------------------------------------ */

static void attach_has_its_own(void **state)
{
	ct_container *c = handle(THREE);
	ct_process *p = must_start(c, CT_START_NOTIFY, ARGV("/bin/sleep", "1000"));
	ct_process *in = ask_inside(c, CT_ATTACH_NOTIFY, "value");
	int fd = listener(in);
	ct_notify n = must_receive(fd);

	(void)state;
	assert_int_not_equal(fd, listener(p));
	assert_int_equal(ct_notify_return(fd, &n, 9), 0);
	assert_int_equal(code_of(in), 9);
	assert_int_equal(code_of(ask_inside(c, 0, "errno")), ENOSYS);
	in = ask_inside(c, CT_ATTACH_ELEVATED | CT_ATTACH_NOTIFY, "none");
	assert_int_equal(ct_process_notify_fd(in), -ENOENT);
	assert_int_equal(code_of(in), 0);
	assert_int_equal(ct_notify_receive(listener(p), &n), -EAGAIN);
	ct_process_unref(p);
	ct_unref(c);
}

static void pass_all(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	ct_notify n = CT_NOTIFY_INIT;

	for (;;) {
		assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
		if (!(look.revents & POLLIN))
			return;
		assert_int_equal(ct_notify_receive(fd, &n), 0);
		/* the program's own, and not what the library did before */
		assert_string_not_equal(n.call, "execve");
		assert_string_not_equal(n.call, "execveat");
		assert_int_equal(ct_notify_continue(fd, &n), 0);
	}
}

/* Also what init does between its filter and its exec: with all identities and ways to start. */
static void a_policy_that_notifies_all(void **state)
{
	static const struct {
		const char *uid, *nnp, *reaper;
		bool mapped;
	} rows[] = { { "0", "0", "0", false },	  { "0", "1", "1", false },
		     { "1000", "0", "1", false }, { "1000", "1", "0", false },
		     { "0", "0", "1", true },	  { "1000", "0", "0", true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ct_container *c = handle(ALL);
		ct_process *p;

		if (box_config(c, "init.uid", rows[i].uid, "init.gid", rows[i].uid, "no_new_privs",
			       rows[i].nnp, "init.reaper", rows[i].reaper, NULL))
			fail();
		if (rows[i].mapped &&
		    box_config(c, "idmap", "u 0 100000 65536", "idmap", "g 0 100000 65536", NULL))
			fail();
		p = ask(c, CT_START_NOTIFY, "none");
		pass_all(listener(p));
		assert_int_equal(code_of(p), 0);
		ct_unref(c);
	}
}

static void a_start_that_is_not_waited_for(void **state)
{
	ct_container *c = handle(ALL);
	ct_process *p = ask(c, CT_START_NOTIFY | CT_START_NOWAIT, "none");
	int r;

	(void)state;
	assert_int_equal(ct_process_notify_fd(p), -EINPROGRESS);
	while ((r = ct_process_started(p, 0)) == -EINPROGRESS) {
		struct pollfd look = { .fd = ct_process_start_fd(p), .events = POLLIN };

		assert_int_equal(ct_process_notify_fd(p), -EINPROGRESS);
		assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
	}
	assert_int_equal(r, 0);
	pass_all(listener(p));
	assert_int_equal(code_of(p), 0);
	ct_unref(c);
}

/* What fails behind the filter is told as ever. */
static void a_start_that_fails(void **state)
{
	ct_container *c = handle(ALL);
	ct_start_opts o = CT_START_OPTS_INIT;
	ct_process *p = NULL;

	(void)state;
	o.flags = CT_START_NOTIFY;
	o.argv = ARGV("/bin/no-such-program");
	assert_refused(c, ct_start(c, &o, &p), -ENOENT);
	assert_null(p);
	o.flags = CT_START_NOTIFY | CT_START_DETACH;
	o.argv = ARGV("/bin/true");
	ct_unref(c);
	c = must_open("detached");
	assert_refused(c, ct_start(c, &o, NULL), -EINVAL);
	ct_unref(c);
}

/* ---- by the config --------------------------------------------------------------------------- */

/* Whatever the profile says about the calls, which may be a file, our own, or none. */
static void names_in_the_config(void **state)
{
	const char *const profiles[] = { NULL, "none", "default", profile };

	(void)state;
	put_profile("2\ndenylist\n[all]\nmknodat errno 1\nmknodat errno 2 [0,5,SCMP_CMP_EQ]\n");
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		ct_container *c = named(NULL, "mknod mknodat");
		ct_process *p, *in;
		ct_notify n;

		if (profiles[i])
			assert_ok(c, ct_set_config(c, "seccomp.profile", profiles[i]));
		p = must_start(c, CT_START_NOTIFY, ARGV("/bin/sleep", "1000"));
		in = ask_inside(c, CT_ATTACH_NOTIFY, "value");
		n = must_receive(listener(in));
		assert_string_equal(n.call, "mknodat");
		assert_int_equal(ct_notify_return(listener(in), &n, 5), 0);
		assert_int_equal(code_of(in), 5);
		assert_int_equal(code_of(ask_inside(c, 0, "errno")), ENOSYS);
		ct_process_unref(p);
		ct_unref(c);
	}
}

static void names_that_are_refused(void **state)
{
	ct_container *c = named(NULL, "mknod mkndoat");
	ct_process *p = NULL;

	(void)state;
	assert_refused(c, box_start(c, CT_START_NOTIFY, ARGV("/bin/true"), &p), -EINVAL);
	assert_string_equal(ct_last_error(c)->key, "seccomp.notify");
	assert_non_null(strstr(ct_last_error(c)->hint, "mknodat"));
	/* nobody would answer */
	assert_ok(c, ct_set_config(c, "seccomp.notify", ""));
	assert_ok(c, ct_set_config(c, "seccomp.notify", "mknod"));
	assert_refused(c, box_start(c, 0, ARGV("/bin/true"), &p), -EINVAL);
	assert_string_equal(ct_last_error(c)->key, "seccomp.notify");
	assert_non_null(strstr(ct_last_error(c)->hint, "seccomp.notify.proxy"));
	assert_refused(c, ct_set_config(c, "seccomp.notify.proxy", "/run/x"), -EINVAL);
	assert_refused(c, ct_set_config(c, "seccomp.notify.proxy", "unix:x"), -EINVAL);
	ct_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_answers_many),
		cmocka_unit_test(a_payload_that_dies),
		cmocka_unit_test(a_payload_that_forks),
		cmocka_unit_test(a_payload_that_is_stopped),
		cmocka_unit_test(a_payload_that_is_interrupted),
		cmocka_unit_test(nobody_serves),
		cmocka_unit_test(a_listener_that_is_closed),
		cmocka_unit_test(wrong_arguments),
		cmocka_unit_test(a_path_is_read_and_a_file_given),
		cmocka_unit_test(memory_that_ends),
		cmocka_unit_test(a_number_that_is_used_again),
		cmocka_unit_test(attach_has_its_own),
		cmocka_unit_test(a_policy_that_notifies_all),
		cmocka_unit_test(a_start_that_is_not_waited_for),
		cmocka_unit_test(a_start_that_fails),
		cmocka_unit_test(names_in_the_config),
		cmocka_unit_test(names_that_are_refused),
	};

	return cmocka_run_group_tests(tests, notify_setup, notify_teardown);
}
