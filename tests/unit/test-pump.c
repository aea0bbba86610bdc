/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The output pump with every kind of sink, and with every kind of reader behind it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "stage/step/pump.h"

#define SECOND 1000

static struct {
	struct ct_wire_output *told;
	int keeper;	   /* ours */
	int in[PUMP_WAYS]; /* where the payload writes */
	pid_t pid;
} box;

static _Noreturn void become_pump(struct pump *p, int keeper, const int *from, const int *sink)
{
	static char buf[PUMP_WAYS][PUMP_BYTES];
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* no other end of anything */
	p->told = box.told;
	p->keeper = fcntl(keeper, F_DUPFD, 200);
	for (uint32_t i = 0; i < p->n; i++)
		p->way[i] = (struct pump_way){ .from = fcntl(from[i], F_DUPFD, 200),
					       .to = fcntl(sink[i], F_DUPFD, 200),
					       .buf = buf[i] };
	close_range(3, 199, 0);
	_exit(pump_run(p));
}

/* A pump of n ways to these sinks, which it gets copies of. */
static void begin(uint64_t limit, uint32_t n, const int *sink)
{
	struct pump p = { .limit = limit, .n = n };
	int pair[2], from[PUMP_WAYS];

	box.told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(box.told, MAP_FAILED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	box.keeper = pair[0];
	for (uint32_t i = 0; i < n; i++) {
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
		from[i] = ends[0];
		box.in[i] = ends[1];
	}
	box.pid = fork();
	assert_true(box.pid >= 0);
	if (box.pid == 0) {
		become_pump(&p, pair[1], from, sink);
	}
	close(pair[1]);
	for (uint32_t i = 0; i < n; i++)
		close(from[i]);
}

/* The payload has ended, as whoever keeps it says. */
static void end_as(uint32_t how)
{
	__atomic_store_n(&box.told->ended, how, __ATOMIC_RELEASE);
	shutdown(box.keeper, SHUT_WR);
}

static int over(void)
{
	int status;

	assert_int_equal(waitpid(box.pid, &status, 0), box.pid);
	box.pid = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int teardown(void **state)
{
	(void)state;
	if (box.pid > 0) {
		kill(box.pid, SIGKILL);
		waitpid(box.pid, NULL, 0);
	}
	box.pid = 0;
	for (int i = 0; i < PUMP_WAYS; i++) {
		if (box.in[i] > 0)
			close(box.in[i]);
		box.in[i] = 0;
	}
	close(box.keeper);
	munmap(box.told, 4096);
	return 0;
}

static void close_in(int i)
{
	close(box.in[i]);
	box.in[i] = 0;
}

/* A byte stream that can be checked at any place. */
static unsigned char byte_at(uint64_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

/* Writes n bytes of the stream in a process of its own; it ends without a word when
 * nobody takes them. */
static pid_t writer(int fd, uint64_t n)
{
	pid_t pid = fork();
	unsigned char buf[10007];

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	if (fd != 3)
		dup2(fd, 3);
	close_range(4, ~0u, 0);
	fd = 3;
	for (uint64_t at = 0; at < n;) {
		size_t k = n - at < sizeof(buf) ? n - at : sizeof(buf);
		ssize_t r;

		for (size_t i = 0; i < k; i++)
			buf[i] = byte_at(at + i);
		r = write(fd, buf, k);
		if (r < 0)
			_exit(errno);
		at += (uint64_t)r;
	}
	_exit(0);
}

static int ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Reads to the end, slowly when `pause_us`; every byte must be the stream's. */
static uint64_t read_all(int fd, unsigned pause_us)
{
	unsigned char buf[30011];
	uint64_t at = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		/* the master of a terminal whose other end is closed */
		if (n < 0 && errno == EIO)
			break;
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(buf[i], byte_at(at + (uint64_t)i));
		at += (uint64_t)n;
		if (pause_us)
			usleep(pause_us);
	}
	return at;
}

enum sink { PIPE, TINY, NONBLOCK, STREAM, PACKET, PTY, FILE_SINK };

/* Both ends of a sink; ours first. */
static void make_sink(enum sink kind, int pair[2])
{
	switch (kind) {
	case STREAM:
	case PACKET:
		assert_int_equal(socketpair(AF_UNIX,
					    (kind == STREAM ? SOCK_STREAM : SOCK_SEQPACKET) |
						    SOCK_CLOEXEC,
					    0, pair),
				 0);
		break;
	case PTY: {
		struct termios t;

		pair[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(pair[0] >= 0);
		assert_int_equal(unlockpt(pair[0]), 0);
		pair[1] = open(ptsname(pair[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(pair[1] >= 0);
		assert_int_equal(tcgetattr(pair[1], &t), 0);
		cfmakeraw(&t);
		assert_int_equal(tcsetattr(pair[1], TCSANOW, &t), 0);
		break;
	}
	case FILE_SINK:
		pair[1] = memfd_create("sink", MFD_CLOEXEC);
		pair[0] = dup(pair[1]);
		break;
	default:
		assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
		if (kind == TINY)
			assert_true(fcntl(pair[1], F_SETPIPE_SZ, 4096) > 0);
		if (kind == NONBLOCK)
			assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	}
}

/* Every byte arrives, in order, whatever the sink, and the sink's flags are what they were. */
static void every_byte(void **state)
{
	(void)state;
	for (int kind = PIPE; kind <= FILE_SINK; kind++) {
		const uint64_t n = kind == PTY ? 300000 : 3000000;
		int pair[2], flags;
		pid_t pid;

		make_sink((enum sink)kind, pair);
		flags = fcntl(pair[1], F_GETFL);
		begin(0, 1, &pair[1]);
		pid = writer(box.in[0], n);
		close_in(0);
		if (kind == FILE_SINK) {
			assert_int_equal(over(), CT_PUMP_DONE);
			assert_int_equal(lseek(pair[0], 0, SEEK_SET), 0);
		}
		assert_int_equal(fcntl(pair[1], F_GETFL), flags);
		close(pair[1]);
		assert_int_equal(read_all(pair[0], kind == PIPE ? 500 : 0), n);
		assert_int_equal(ended(pid), 0);
		if (kind != FILE_SINK)
			assert_int_equal(over(), CT_PUMP_DONE);
		assert_int_equal(box.told->delivered, n);
		assert_int_equal(box.told->taken, n);
		assert_int_equal(box.told->lost, 0);
		assert_int_equal(box.told->error, 0);
		close(pair[0]);
		teardown(NULL);
	}
}

/* Exactly the limit's bytes arrive, whoever keeps the payload is told, and the
 * payload's pipe is closed. */
static void over_limit(void **state)
{
	static const struct {
		uint64_t limit, written;
		int code;
	} rows[] = {
		{ 1, 1, CT_PUMP_DONE },
		{ 1, 2, CT_PUMP_OVER },
		{ 65536, 65536, CT_PUMP_DONE },
		{ 65536, 65537, CT_PUMP_OVER },
		{ 100000, 10000000, CT_PUMP_OVER },
		{ 1 << 20, 1 << 20, CT_PUMP_DONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ct_keep r = { 0 };
		int pair[2], code;
		pid_t pid;

		make_sink(PIPE, pair);
		begin(rows[i].limit, 1, &pair[1]);
		close(pair[1]);
		pid = writer(box.in[0], rows[i].written);
		close_in(0);
		assert_int_equal(read_all(pair[0], 0),
				 rows[i].written < rows[i].limit ? rows[i].written : rows[i].limit);
		code = over();
		assert_int_equal(code, rows[i].code);
		assert_int_equal(box.told->over, code == CT_PUMP_OVER);
		assert_int_equal(recv(box.keeper, &r, sizeof(r), MSG_DONTWAIT),
				 code == CT_PUMP_OVER ? (ssize_t)sizeof(r) : 0);
		assert_int_equal(r.type, code == CT_PUMP_OVER ? CT_KEEP_OUTPUT : 0);
		assert_int_equal(box.told->lost, 0);
		ended(pid);
		close(pair[0]);
		teardown(NULL);
	}
}

/* The two ways have one limit between them. */
static void shared_limit(void **state)
{
	int out[2], err[2];
	pid_t a, b;

	(void)state;
	make_sink(PIPE, out);
	make_sink(PIPE, err);
	begin(100000, 2, (int[]){ out[1], err[1] });
	close(out[1]);
	close(err[1]);
	a = writer(box.in[0], 60000);
	b = writer(box.in[1], 60000);
	close_in(0);
	close_in(1);
	assert_int_equal(read_all(out[0], 0) + read_all(err[0], 0), 100000);
	assert_int_equal(over(), CT_PUMP_OVER);
	ended(a);
	ended(b);
	close(out[0]);
	close(err[0]);
}

/* A sink that nobody reads holds up its own way, and no other; once it is read,
 * nothing is missing. */
static void unread(void **state)
{
	int out[2], err[2];
	pid_t a, b;

	(void)state;
	for (int kind = PIPE; kind <= PTY; kind++) {
		make_sink((enum sink)kind, out);
		make_sink(PIPE, err);
		begin(0, 2, (int[]){ out[1], err[1] });
		close(out[1]);
		close(err[1]);
		a = writer(box.in[0], 1000000);
		close_in(0);
		b = writer(box.in[1], 1000000);
		close_in(1);
		assert_int_equal(read_all(err[0], 0), 1000000);
		assert_int_equal(ended(b), 0);
		/* it is held up */
		assert_int_equal(waitpid(a, NULL, WNOHANG), 0);
		assert_int_equal(read_all(out[0], 0), 1000000);
		assert_int_equal(ended(a), 0);
		assert_int_equal(over(), CT_PUMP_DONE);
		assert_int_equal(box.told->lost, 0);
		close(out[0]);
		close(err[0]);
		teardown(NULL);
	}
}

/* With nothing on the way. */
static void idle_reader_goes(enum sink kind)
{
	struct pollfd p;
	int pair[2];

	make_sink(kind, pair);
	begin(0, 1, &pair[1]);
	close(pair[1]);
	assert_int_equal(write(box.in[0], "x", 1), 1);
	p = (struct pollfd){ .fd = pair[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 30 * SECOND), 1);
	close(pair[0]);
	p = (struct pollfd){ .fd = box.in[0] };
	assert_int_equal(poll(&p, 1, 30 * SECOND), 1);
	assert_true(p.revents & POLLERR);
	assert_int_equal(over(), CT_PUMP_DONE);
	assert_int_equal(box.told->lost, 0);
	assert_int_equal(box.told->error, 0);
	teardown(NULL);
}

/* A reader that goes: the payload sees a broken pipe, as without a pump, and what was
 * on the way is told. */
static void reader_goes(void **state)
{
	int pair[2], status;
	pid_t pid;

	(void)state;
	for (int kind = PIPE; kind <= STREAM; kind++) {
		idle_reader_goes((enum sink)kind);
		/* in mid-run */
		make_sink((enum sink)kind, pair);
		begin(0, 1, &pair[1]);
		close(pair[1]);
		pid = writer(box.in[0], 10000000);
		close_in(0);
		assert_int_equal(read(pair[0], &status, 1), 1);
		close(pair[0]);
		status = ended(pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGPIPE);
		assert_int_equal(over(), CT_PUMP_DONE);
		assert_int_equal(box.told->lost ? -EPIPE : 0, box.told->error);
		teardown(NULL);
	}
}

/* A sink that fails. */
static void sink_fails(void **state)
{
	struct {
		const char *path;
		int flags, error;
	} rows[] = {
		{ "/dev/full", O_WRONLY, -ENOSPC },
		{ "/dev/null", O_RDONLY, -EBADF },
		{ "/proc/self/comm", O_RDONLY, -EBADF },
	};
	int status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = open(rows[i].path, rows[i].flags | O_CLOEXEC);

		assert_true(fd >= 0);
		begin(0, 1, &fd);
		close(fd);
		pid = writer(box.in[0], 1000000);
		close_in(0);
		status = ended(pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
		assert_int_equal(over(), CT_PUMP_DONE);
		assert_int_equal(box.told->error, rows[i].error);
		assert_true(box.told->lost > 0);
		assert_int_equal(box.told->delivered, 0);
		teardown(NULL);
	}
}

/* Who has inherited the pipe and lives on does not hold the end, be it silent or never quiet. */
static void held_open(void **state)
{
	(void)state;
	for (int flood = 0; flood < 2; flood++) {
		int pair[2];
		pid_t pid = 0;
		char c;

		make_sink(PIPE, pair);
		begin(0, 1, &pair[1]);
		close(pair[1]);
		if (flood)
			pid = writer(box.in[0], UINT64_MAX);
		else
			assert_int_equal(write(box.in[0], "\0", 1), 1);
		assert_int_equal(read(pair[0], &c, 1), 1);
		end_as(CT_OUTPUT_ENDED);
		while (read(pair[0], &c, 1) > 0)
			;
		assert_int_equal(over(), CT_PUMP_DONE);
		assert_int_equal(box.told->lost, 0);
		if (pid)
			assert_int_equal(WTERMSIG(ended(pid)), SIGPIPE);
		close(pair[0]);
		teardown(NULL);
	}
}

/* Until the sink, the pump and the pipe have taken all they can. */
static void wait_stuck(void)
{
	struct pollfd p = { .fd = box.in[0], .events = POLLOUT };
	uint64_t before = UINT64_MAX;

	for (int same = 0; same < 50; usleep(1000)) {
		uint64_t now = __atomic_load_n(&box.told->delivered, __ATOMIC_RELAXED);

		same = now == before && poll(&p, 1, 0) == 0 ? same + 1 : 0;
		before = now;
	}
}

/* Nobody reads after the end: it is waited for as long as it is due, and then told. */
static void given_up(void **state)
{
	(void)state;
	for (int kind = PIPE; kind <= PTY; kind++) {
		for (uint32_t how = CT_OUTPUT_KILLED; how <= CT_OUTPUT_NOW; how++) {
			int pair[2];
			pid_t pid;

			make_sink((enum sink)kind, pair);
			begin(0, 1, &pair[1]);
			close(pair[1]);
			/* more than there is room for on the way */
			pid = writer(box.in[0], 10000000);
			wait_stuck();
			kill(pid, SIGKILL);
			ended(pid);
			end_as(how);
			assert_int_equal(over(), CT_PUMP_DONE);
			assert_true(box.told->lost > 0);
			assert_int_equal(box.told->error, -ETIMEDOUT);
			assert_int_equal(box.told->waiting, 0);
			close(pair[0]);
			teardown(NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte),
		cmocka_unit_test(over_limit),
		cmocka_unit_test_teardown(shared_limit, teardown),
		cmocka_unit_test(unread),
		cmocka_unit_test(reader_goes),
		cmocka_unit_test(sink_fails),
		cmocka_unit_test(held_open),
		cmocka_unit_test(given_up),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
