/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seccomp.notify.proxy: requests of the filter go to a proxy by LXC's protocol, in starts, attaches
 * and boots; a proxy that is away, slow, or answers with nonsense hangs nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify-help.h"
#include "run.h"
#include "setup.h"

#define COOKIE "cookie"

/* As lxc-start and its proxies have it. */
struct proxy_message {
	uint64_t reserved;
	pid_t monitor, init;
	struct seccomp_notif_sizes sizes;
	uint64_t n_cookie;
	struct seccomp_notif request;
	struct seccomp_notif_resp answer;
	char cookie[64];
};
#define PROXY_ANSWER offsetof(struct proxy_message, cookie)

static int proxy_listen(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(proxy_path);
	memcpy(at.sun_path, proxy_path, sizeof(at.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static int proxy_accept(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	int to;

	assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
	to = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(to >= 0);
	return to;
}

/* Receives a request with its descriptors: the process's directory in /proc, its memory, the
 * listener. Its size. */
static ssize_t proxy_take(int to, struct proxy_message *m, int got[3])
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(3 * sizeof(int))];
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = room,
			    .msg_controllen = sizeof(room) };
	struct pollfd look = { .fd = to, .events = POLLIN };
	ssize_t n;

	memset(m, 0, sizeof(*m));
	assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
	n = recvmsg(to, &h, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n;
	assert_non_null(CMSG_FIRSTHDR(&h));
	assert_int_equal(CMSG_FIRSTHDR(&h)->cmsg_len, CMSG_LEN(3 * sizeof(int)));
	memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&h)), 3 * sizeof(int));
	return n;
}

/* Takes a request and checks all that comes with it. */
static void proxy_expect(int to, struct proxy_message *m)
{
	int got[3];
	char text[64];

	assert_int_equal(proxy_take(to, m, got), PROXY_ANSWER + strlen(COOKIE));
	assert_int_equal(m->reserved, 0);
	assert_true(m->monitor > 0 && m->init > 0);
	assert_int_equal(m->sizes.seccomp_notif, sizeof(struct seccomp_notif));
	assert_int_equal(m->sizes.seccomp_notif_resp, sizeof(struct seccomp_notif_resp));
	assert_int_equal(m->n_cookie, strlen(COOKIE));
	assert_memory_equal(m->cookie, COOKIE, strlen(COOKIE));
	assert_int_equal(m->request.data.nr, SYS_mknodat);
	assert_int_equal(m->answer.id, m->request.id);
	/* the path that it asks for, by the descriptor of its memory; its status, by the other */
	assert_int_equal(pread(got[1], text, 6, (off_t)m->request.data.args[1]), 6);
	assert_string_equal(text, "/node");
	assert_int_equal(faccessat(got[0], "status", R_OK, 0), 0);
	for (int i = 0; i < 3; i++)
		close(got[i]);
}

static void proxy_answer(int to, struct proxy_message *m, int64_t value)
{
	m->answer.val = value;
	m->answer.error = 0;
	m->answer.flags = 0;
	assert_int_equal(send(to, m, PROXY_ANSWER, MSG_NOSIGNAL), PROXY_ANSWER);
}

static ct_container *proxied(const char *name)
{
	char value[PATH_MAX + 64];
	ct_container *c = named(name, "mknodat");

	snprintf(value, sizeof(value), "unix:%s", proxy_path);
	assert_ok(c, ct_set_config(c, "seccomp.notify.proxy", value));
	assert_ok(c, ct_set_config(c, "seccomp.notify.cookie", COOKIE));
	return c;
}

static void a_proxy_answers(void **state)
{
	static const char *const reapers[] = { "0", "1" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = proxy_listen(), to;
		ct_container *c = proxied(NULL);
		struct proxy_message m;
		ct_process *p, *in;

		assert_ok(c, ct_set_config(c, "init.reaper", reapers[i]));
		p = ask(c, 0, "value");
		assert_int_equal(ct_process_notify_fd(p), -ENOENT);
		to = proxy_accept(fd);
		proxy_expect(to, &m);
		proxy_answer(to, &m, 11);
		assert_int_equal(code_of(p), 11);
		/* with the container the process ends that has asked */
		assert_int_equal(proxy_take(to, &m, NULL), 0);
		close(to);

		/* an attach has one of its own */
		p = must_start(c, 0, ARGV("/bin/sleep", "1000"));
		in = ask_inside(c, 0, "value");
		to = proxy_accept(fd);
		proxy_expect(to, &m);
		proxy_answer(to, &m, 12);
		assert_int_equal(code_of(in), 12);
		close(to);
		/* the caller's flag goes first */
		in = ask_inside(c, CT_ATTACH_NOTIFY, "value");
		assert_true(listener(in) >= 0);
		close(fd);
		ct_process_unref(in);
		ct_process_unref(p);
		ct_unref(c);
	}
	unlink(proxy_path);
}

/* Nobody there; one that goes away in the middle, with nonsense, or before the next request. */
static void a_proxy_that_is_away(void **state)
{
	ct_container *c = proxied(NULL);
	struct proxy_message m;
	ct_process *p;
	int fd, to;

	(void)state;
	unlink(proxy_path);
	assert_int_equal(code_of(ask(c, 0, "errno")), ENOSYS);
	fd = proxy_listen();
	for (int i = 0; i < 4; i++) {
		p = ask(c, 0, "errno");
		to = proxy_accept(fd);
		proxy_expect(to, &m);
		m.reserved = i == 1;
		m.answer.id += i == 2;
		if (i == 3)
			assert_int_equal(send(to, &m, 10, 0), 10);
		else if (i > 0)
			proxy_answer(to, &m, 0);
		close(to);
		assert_int_equal(code_of(p), ENOSYS);
	}
	/* the second request of one process comes by a new connection */
	p = ask(c, 0, "twice");
	to = proxy_accept(fd);
	proxy_expect(to, &m);
	proxy_answer(to, &m, (int64_t)m.request.data.args[3]);
	close(to);
	assert_int_equal(ct_process_kill(p, SIGUSR1), 0);
	to = proxy_accept(fd);
	proxy_expect(to, &m);
	proxy_answer(to, &m, (int64_t)m.request.data.args[3]);
	assert_int_equal(code_of(p), 0);
	close(to);
	close(fd);
	unlink(proxy_path);
	ct_unref(c);
}

/* A payload that is killed while its request is with the proxy keeps nobody waiting. */
static void a_proxy_that_is_slow(void **state)
{
	int fd = proxy_listen(), to;
	ct_container *c = proxied(NULL);
	struct proxy_message m;
	ct_process *p = ask(c, 0, "errno");

	(void)state;
	to = proxy_accept(fd);
	proxy_expect(to, &m);
	assert_int_equal(ct_process_kill(p, SIGKILL), 0);
	assert_int_equal(ct_process_wait(p, NULL, 10000), 0);
	ct_process_unref(p);
	close(to);
	/* half a minute, as with LXC; then the call fails */
	p = ask(c, 0, "errno");
	to = proxy_accept(fd);
	proxy_expect(to, &m);
	assert_int_equal(code_of(p), ENOSYS);
	close(to);
	close(fd);
	unlink(proxy_path);
	ct_unref(c);
}

/* Each boot of a detached container has the proxy, and a policy that notifies all starts. */
static void a_proxy_of_boots(void **state)
{
	int fd = proxy_listen(), to;
	ct_container *c = proxied("proxied");
	ct_start_opts o = CT_START_OPTS_INIT;
	struct proxy_message m;

	(void)state;
	assert_int_equal(box_config(c, "signal.halt", "SIGTERM", "signal.reboot", "SIGINT", NULL),
			 0);
	o.flags = CT_START_DETACH;
	o.argv = ARGV("asker", "system");
	o.exec_fd = asker;
	assert_ok(c, ct_start(c, &o, NULL));
	for (int boot = 1; boot <= 2; boot++) {
		to = proxy_accept(fd);
		proxy_expect(to, &m);
		proxy_answer(to, &m, 0);
		if (boot == 1)
			assert_ok(c, ct_reboot(c, PATIENCE_MS));
		close(to);
	}
	assert_ok(c, ct_stop(c, CT_STOP_KILL, PATIENCE_MS));
	close(fd);
	unlink(proxy_path);
	ct_unref(c);
}

/* Init's own calls do not come to the proxy, and do not wait for it. */
static void a_proxy_of_all_calls(void **state)
{
	int fd = proxy_listen(), to, got[3];
	ct_container *c = proxied(NULL);
	struct proxy_message m;
	ct_process *p;

	(void)state;
	assert_ok(c, ct_set_config(c, "seccomp.notify", ""));
	put_profile(ALL);
	assert_ok(c, ct_set_config(c, "seccomp.profile", profile));
	p = ask(c, 0, "none");
	to = proxy_accept(fd);
	while (proxy_take(to, &m, got) > 0) {
		for (int i = 0; i < 3; i++)
			close(got[i]);
		assert_int_not_equal(m.request.data.nr, SYS_execve);
		assert_int_not_equal(m.request.data.nr, SYS_execveat);
		m.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		(void)!send(to, &m, PROXY_ANSWER, MSG_NOSIGNAL);
	}
	assert_int_equal(code_of(p), 0);
	close(to);
	close(fd);
	unlink(proxy_path);
	ct_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proxy_answers),	cmocka_unit_test(a_proxy_that_is_away),
		cmocka_unit_test(a_proxy_that_is_slow), cmocka_unit_test(a_proxy_of_boots),
		cmocka_unit_test(a_proxy_of_all_calls),
	};

	return cmocka_run_group_tests(tests, notify_setup, notify_teardown);
}
