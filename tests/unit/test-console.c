/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's terminals, and peers that do not behave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <contain/contain.h>

#include "run.h"
#include "stage/super/supervisor.h"
#include "super-box.h"

/* ---- the parts by themselves ----------------------------------------------------------------- */

static void ring_keeps_the_last(void **state)
{
	char store[8], *copy = NULL;
	struct super s = { .ring = { store, sizeof(store), 0, 0 } };
	static const struct {
		const char *add, *holds;
	} rows[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "defgh", "abcdefgh" },
		{ "i", "bcdefghi" },
		{ "jklmn", "ghijklmn" },
		{ "0123456789", "23456789" },
		{ "abcdefgh", "abcdefgh" },
		{ "xyz", "defghxyz" },
	};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sup_ring_add(&s.ring, rows[i].add, strlen(rows[i].add));
		assert_int_equal(sup_ring_copy(&s, &copy, &len, 0), 0);
		assert_int_equal(len, strlen(rows[i].holds));
		if (len) {
			assert_memory_equal(copy, rows[i].holds, len);
			munmap(copy, len);
		}
	}
	s.ring.size = 0;
	assert_int_equal(sup_ring_copy(&s, &copy, &len, 0), -ENODATA);
}

/* ---- a console that is used ------------------------------------------------------------------ */

/* Reads n bytes of the stream within 5 s; their number. */
static size_t take(int fd, char *buf, size_t n)
{
	size_t got = 0;

	while (got < n) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r;

		if (poll(&p, 1, 5000) != 1)
			break;
		r = read(fd, buf + got, n - got);
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	return got;
}

static void last_words_are_kept(struct super_box *b, int fd)
{
	CT_CLEAN_BUF struct ct_buf log = CT_BUF_INIT;
	int again;

	/* one at a time */
	assert_int_equal(ct_ctl_console(b->dirfd, 0, &again, NULL, &b->e), -EBUSY);
	ct_err_clear(&b->e);
	/* what is typed before going still arrives; what comes after it is kept */
	assert_int_equal(write(fd, "!", 1), 1);
	close(fd);
	for (int i = 0; i < PATIENCE_MS / 10 && b->shared->echoes < 6; i++)
		sleep_ms(10);
	nothing_happens_for(30);
	assert_int_equal(ct_ctl_console_log(b->dirfd, 1, &log, &b->e), 0);
	assert_string_equal(ct_buf_text(&log), ">h>e>l>l>o>!");
	assert_int_equal(ct_ctl_console_log(b->dirfd, 0, &log, &b->e), 0);
	assert_int_equal(log.len, 12);
}

static void console_speaks(void **state)
{
	struct super_box b;
	unsigned number = 9;
	char buf[16];
	int fd;

	(void)state;
	super_new(&b);
	b.console = 1;
	b.ttys = 2;
	b.w.console_buffer = 4096;
	b.play[0] = PLAY_ECHO;
	super_run(&b);
	assert_int_equal(ct_ctl_console(b.dirfd, 0, &fd, &number, &b.e), 0);
	assert_int_equal(number, 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(take(fd, buf, 10), 10);
	assert_memory_equal(buf, ">h>e>l>l>o", 10);
	last_words_are_kept(&b, fd);
	assert_int_equal(ct_ctl_console(b.dirfd, 0, &fd, NULL, &b.e), 0);
	close(fd);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, NULL, &b.e), 0);
	super_free(&b);
}

/* A client that was there before the console was has all that it prints, stays over a reboot,
 * and hears of the end. */
static void console_from_the_first_byte(void **state)
{
	struct super_box b;
	char buf[4];
	int again;

	(void)state;
	super_new(&b);
	b.console = b.early = b.pid_ns = 1;
	b.play[0] = b.play[1] = PLAY_ECHO;
	super_run(&b);
	assert_int_equal(ct_ctl_console(b.dirfd, 0, &again, NULL, &b.e), -EBUSY);
	ct_err_clear(&b.e);
	for (int boot = 1; boot <= 2; boot++) {
		assert_int_equal(write(b.stream, "1", 1), 1);
		assert_int_equal(take(b.stream, buf, 2), 2);
		assert_memory_equal(buf, ">1", 2);
		if (boot == 1)
			assert_int_equal(ct_ctl_reboot(b.dirfd, 5000, NULL, &b.e), 0);
	}
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, NULL, &b.e), 0);
	assert_int_equal(take(b.stream, buf, 1), 0);
	close(b.stream);
	super_free(&b);
}

static void resizes_are_checked(struct super_box *b)
{
	assert_int_equal(ct_ctl_resize(b->dirfd, 1, 30, 100, &b->e), 0);
	assert_int_equal(ct_ctl_resize(b->dirfd, 0, 30, 100, &b->e), -ENOTTY);
	ct_err_clear(&b->e);
	assert_int_equal(ct_ctl_resize(b->dirfd, 1, 70000, 100, &b->e), -EINVAL);
	ct_err_clear(&b->e);
}

static void any_is_the_next_free(struct super_box *b, int fd[2])
{
	int none;
	unsigned n;

	assert_int_equal(ct_ctl_console(b->dirfd, CT_CTL_TTY_ANY, &fd[0], &n, &b->e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ct_ctl_console(b->dirfd, CT_CTL_TTY_ANY, &fd[1], &n, &b->e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(ct_ctl_console(b->dirfd, CT_CTL_TTY_ANY, &none, &n, &b->e), -EBUSY);
	ct_err_clear(&b->e);
	close(fd[0]);
	sleep_ms(30);
	assert_int_equal(ct_ctl_console(b->dirfd, CT_CTL_TTY_ANY, &fd[0], &n, &b->e), 0);
	assert_int_equal(n, 1);
}

static void ttys_are_given_out(void **state)
{
	struct super_box b;
	int fd[2];
	unsigned n;

	(void)state;
	super_new(&b);
	b.ttys = 2;
	super_run(&b);
	assert_int_equal(ct_ctl_console(b.dirfd, 0, &fd[0], &n, &b.e), -ENOTTY);
	assert_int_equal(b.e.id, CT_ERR_CONSOLE);
	ct_err_clear(&b.e);
	assert_int_equal(ct_ctl_console(b.dirfd, 3, &fd[0], &n, &b.e), -ENOTTY);
	ct_err_clear(&b.e);
	any_is_the_next_free(&b, fd);
	resizes_are_checked(&b);
	assert_int_equal(ct_ctl_console_log(b.dirfd, 0, NULL, &b.e), -ENODATA);
	/* the end of the container is the end of the stream */
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, NULL, &b.e), -0);
	assert_int_equal(take(fd[0], (char[1]){ 0 }, 1), 0);
	close(fd[0]);
	close(fd[1]);
	super_free(&b);
}

static off_t size_of(const struct super_box *b, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", b->base, name);
	return stat(path, &st) ? -1 : st.st_size;
}

static void log_is_written_and_rotated(void **state)
{
	struct super_box b;

	(void)state;
	for (int rotate = 0; rotate < 2; rotate++) {
		super_new(&b);
		b.console = 1;
		b.log_path = "log";
		b.w.console_log_size = 10000;
		b.w.console_rotate = (uint32_t)rotate;
		b.w.limit_output = 100000;
		b.play[0] = PLAY_FLOOD;
		super_run(&b);
		assert_int_equal(super_reap(&b), 0);
		assert_in_range(size_of(&b, "log"), 1, 10000);
		if (rotate)
			assert_in_range(size_of(&b, "log.1"), 1, 10000);
		else
			assert_int_equal(size_of(&b, "log.1"), -1);
		super_free(&b);
	}
}

static void the_last_words_are_kept(void **state)
{
	struct super_box b;

	(void)state;
	super_new(&b);
	b.console = 1;
	b.log_path = "log";
	b.w.limit_output = 3000;
	b.play[0] = PLAY_FLOOD;
	super_run(&b);
	assert_int_equal(super_reap(&b), 0);
	/* more than the limit: all that the terminal still held */
	assert_in_range(size_of(&b, "log"), 3001, 200000);
	super_free(&b);
}

static void one_who_does_not_read(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;
	long long t = now_ms();
	int fd;

	(void)state;
	super_new(&b);
	b.console = 1;
	b.play[0] = PLAY_FLOOD;
	b.w.limit_output = 20 << 20;
	super_run(&b);
	assert_int_equal(ct_ctl_console(b.dirfd, 0, &fd, NULL, &b.e), 0);
	/* others are served meanwhile */
	while (now_ms() - t < 500) {
		long long before = now_ms();

		assert_int_equal(ct_ctl_status(b.dirfd, &r, NULL, &b.e), 0);
		assert_in_range(now_ms() - before, 0, 200);
	}
	assert_int_equal(r.state, CT_STATE_RUNNING);
	/* and after a while its output is let go, so that the limit is found */
	assert_int_equal(ct_ctl_wait(b.dirfd, CT_STATE_STOPPED, 15000, &r, &b.e), 0);
	assert_int_equal(r.verdict.reason, CT_EXIT_OUTPUT);
	close(fd);
	super_free(&b);
}

/* The starter's terminal is the program's own: it waits for who does not read, and what it said
 * before its end is all there. */
static void the_starter_misses_nothing(void **state)
{
	static char buf[65536];
	long long size, got = 0;
	struct super_box b;
	ssize_t n;

	(void)state;
	super_new(&b);
	b.console = b.early = 1;
	b.log_path = "log";
	b.play[0] = PLAY_FLOOD;
	super_run(&b);
	/* longer than anybody else would be waited for */
	sleep_ms(SUP_LAG_MS + 500);
	size = size_of(&b, "log");
	sleep_ms(500);
	assert_in_range(size, 1, 1 << 20);
	assert_int_equal(size_of(&b, "log"), size);
	/* a part of it, then no more until the end has come and gone */
	while (got < 300000 && (n = read(b.stream, buf, sizeof(buf))) > 0)
		got += n;
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, NULL, &b.e), 0);
	assert_int_equal(super_reap(&b), 0);
	while ((n = read(b.stream, buf, sizeof(buf))) > 0)
		got += n;
	assert_int_equal(n, 0);
	assert_int_equal(got, size_of(&b, "log"));
	close(b.stream);
	super_free(&b);
}

static void a_terminal_that_is_full(void **state)
{
	static char much[200000];
	struct ct_ctl_reply r;
	struct super_box b;
	int fd;

	(void)state;
	super_new(&b);
	b.ttys = 1;
	super_run(&b);
	assert_int_equal(ct_ctl_console(b.dirfd, 1, &fd, NULL, &b.e), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	memset(much, 'x', sizeof(much));
	/* nobody reads the terminal inside */
	for (int i = 0; i < 20; i++) {
		assert_true(write(fd, much, sizeof(much)) > 0 || errno == EAGAIN);
		assert_int_equal(ct_ctl_status(b.dirfd, &r, NULL, &b.e), 0);
	}
	close(fd);
	sleep_ms(50);
	assert_int_equal(ct_ctl_console(b.dirfd, 1, &fd, NULL, &b.e), 0);
	close(fd);
	super_free(&b);
}

/* ---- peers that do not behave ---------------------------------------------------------------- */

static int cpu_ms(pid_t pid)
{
	char path[64], text[512] = "", *p;
	int fd, user, system;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	p = strrchr(text, ')');
	assert_non_null(p);
	assert_int_equal(sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %d %d", &user,
				&system),
			 2);
	return (int)((user + system) * 1000 / sysconf(_SC_CLK_TCK));
}

/* Descriptors that nobody asked for; two requests in one connection; no wish to hear the reply. */
static void send_descriptors(struct super_box *b)
{
	struct ct_ctl_request rq = { CT_CTL_MAGIC, CT_CTL_WAIT, CT_STATE_STOPPED, CT_CTL_FOREVER };
	int sock, fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (int i = 0; i < 200; i++) {
		char buf[CMSG_SPACE(2 * sizeof(int))] = "";
		struct iovec iov = { &rq, sizeof(rq) };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = buf,
				    .msg_controllen = sizeof(buf) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(2 * sizeof(int));
		memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
		assert_int_equal(ct_ctl_connect(b->dirfd, &sock, &b->e), 0);
		/* one of so many may be turned away before it has spoken */
		assert_true(sendmsg(sock, &m, MSG_NOSIGNAL) == sizeof(rq) || errno == EPIPE);
		(void)!sendmsg(sock, &m, MSG_NOSIGNAL);
		shutdown(sock, SHUT_RDWR);
		close(sock);
	}
	close(fds[0]);
	close(fds[1]);
}

static void bad_packets(void **state)
{
	static char large[70000];
	struct ct_ctl_request rq = { CT_CTL_MAGIC, 99, 0, 0 };
	struct ct_ctl_reply r;
	struct super_box b;
	int sock, err = -EAGAIN;

	(void)state;
	super_new(&b);
	super_run(&b);
	/* an unknown type, a wrong size, nothing, much */
	assert_int_equal(ct_ctl_connect(b.dirfd, &sock, &b.e), 0);
	assert_int_equal(ct_ctl_call(sock, &rq, 1000, &r, NULL, &b.e), -EOPNOTSUPP);
	close(sock);
	ct_err_clear(&b.e);
	for (size_t n = 0; n < sizeof(large); n = n * 3 + 1) {
		assert_int_equal(ct_ctl_connect(b.dirfd, &sock, &b.e), 0);
		assert_int_equal(send(sock, large, n, MSG_NOSIGNAL), (ssize_t)n);
		close(sock);
	}
	send_descriptors(&b);
	/* it may still be busy with them */
	for (int i = 0;
	     i < PATIENCE_MS / 10 && (err = ct_ctl_status(b.dirfd, &r, NULL, &b.e)) == -EAGAIN; i++)
		sleep_ms(10);
	assert_int_equal(err, 0);
	assert_int_equal(r.state, CT_STATE_RUNNING);
	super_free(&b);
}

static int has_room(void *data)
{
	struct super_box *b = data;
	struct ct_ctl_reply r;

	ct_err_clear(&b->e);
	return ct_ctl_status(b->dirfd, &r, NULL, &b->e) == 0;
}

static void silent_ones_are_dropped(void **state)
{
	struct ct_ctl_reply r;
	struct super_box b;
	int sock[SUP_CLIENTS], cpu;
	long long t;
	char c;

	(void)state;
	super_new(&b);
	super_run(&b);
	cpu = cpu_ms(b.pid);
	t = now_ms();
	for (int i = 0; i < SUP_CLIENTS; i++)
		assert_int_equal(ct_ctl_connect(b.dirfd, &sock[i], &b.e), 0);
	/* full: one more is turned away, not kept waiting */
	assert_int_equal(ct_ctl_status(b.dirfd, &r, NULL, &b.e), -EAGAIN);
	assert_in_range(now_ms() - t, 0, 1000);
	/* there is room again once it has seen that one has gone */
	close(sock[0]);
	assert_int_equal(wait_until(has_room, &b), 1);
	/* and none of them for ever */
	for (int i = 1; i < SUP_CLIENTS; i++) {
		struct pollfd p = { .fd = sock[i], .events = POLLIN };

		assert_int_equal(poll(&p, 1, 7000), 1);
		assert_int_equal(recv(sock[i], &c, 1, MSG_DONTWAIT), 0);
		close(sock[i]);
	}
	assert_in_range(now_ms() - t, SUP_CLIENT_MS - 100, SUP_CLIENT_MS + 3000);
	/* it slept meanwhile */
	assert_in_range(cpu_ms(b.pid) - cpu, 0, 500);
	super_free(&b);
}

static void waiters_leave_room(void **state)
{
	struct ct_ctl_request rq = { CT_CTL_MAGIC, CT_CTL_WAIT, CT_STATE_STOPPED, CT_CTL_FOREVER };
	int sock[SUP_CLIENTS], waiting = 0, refused = 0;
	struct ct_ctl_reply r;
	struct super_box b;

	(void)state;
	super_new(&b);
	super_run(&b);
	for (int i = 0; i < SUP_CLIENTS - 4; i++) {
		assert_int_equal(ct_ctl_connect(b.dirfd, &sock[i], &b.e), 0);
		assert_int_equal(send(sock[i], &rq, sizeof(rq), 0), sizeof(rq));
	}
	sleep_ms(100);
	for (int i = 0; i < SUP_CLIENTS - 4; i++) {
		ssize_t n = recv(sock[i], &r, sizeof(r), MSG_DONTWAIT);

		waiting += n < 0;
		refused += n == sizeof(r) && r.err == -EAGAIN;
	}
	assert_int_equal(waiting, SUP_WAITERS);
	assert_int_equal(refused, SUP_CLIENTS - 4 - SUP_WAITERS);
	assert_int_equal(ct_ctl_stop(b.dirfd, CT_STOP_KILL, -1, &r, &b.e), 0);
	for (int i = 0; i < SUP_CLIENTS - 4; i++)
		close(sock[i]);
	super_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_keeps_the_last),
		cmocka_unit_test(console_speaks),
		cmocka_unit_test(console_from_the_first_byte),
		cmocka_unit_test(ttys_are_given_out),
		cmocka_unit_test(log_is_written_and_rotated),
		cmocka_unit_test(the_last_words_are_kept),
		cmocka_unit_test(one_who_does_not_read),
		cmocka_unit_test(the_starter_misses_nothing),
		cmocka_unit_test(a_terminal_that_is_full),
		cmocka_unit_test(bad_packets),
		cmocka_unit_test(silent_ones_are_dropped),
		cmocka_unit_test(waiters_leave_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
