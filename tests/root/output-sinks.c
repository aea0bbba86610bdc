/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output-sinks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* ---- sinks ----------------------------------------------------------------------------------- */

int high(int fd)
{
	int r = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	assert_true(r >= 3);
	close(fd);
	return r;
}

struct ends make_sink(enum sink kind)
{
	struct ends e;
	struct termios t;
	int pair[2];

	if (kind == PTY) {
		e.mine = high(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
		assert_int_equal(unlockpt(e.mine), 0);
		e.theirs = high(open(ptsname(e.mine), O_RDWR | O_NOCTTY | O_CLOEXEC));
		assert_int_equal(tcgetattr(e.theirs, &t), 0);
		cfmakeraw(&t);
		assert_int_equal(tcsetattr(e.theirs, TCSANOW, &t), 0);
		return e;
	}
	if (kind == REGULAR) {
		e.theirs = high(memfd_create("sink", MFD_CLOEXEC));
		e.mine = high(dup(e.theirs));
		return e;
	}
	if (kind == SOCKET)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	else
		assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	e = (struct ends){ high(pair[0]), high(pair[1]) };
	if (kind == TINY)
		assert_true(fcntl(e.theirs, F_SETPIPE_SZ, 4096) > 0);
	if (kind == NONBLOCK)
		assert_int_equal(fcntl(e.theirs, F_SETFL, O_NONBLOCK), 0);
	return e;
}

void close_both(struct ends *e)
{
	if (e->mine >= 0)
		close(e->mine);
	if (e->theirs >= 0)
		close(e->theirs);
	e->mine = e->theirs = -1;
}

/* ---- readers --------------------------------------------------------------------------------- */

static int check(struct reader *r, char *due, size_t *at, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!due[*at]) {
			snprintf(due, 32, "%lu\n", ++r->line);
			*at = 0;
		}
		if (p[i] != due[(*at)++])
			return -1;
	}
	return 0;
}

static void *read_seq(void *data)
{
	struct reader *r = data;
	char buf[65536], due[32] = "";
	unsigned seed = 7;
	size_t at = 0;
	ssize_t n;

	while ((n = read(r->fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		r->bytes += (uint64_t)n;
		if (check(r, due, &at, buf, (size_t)n)) {
			r->wrong = 1;
			break;
		}
		if (r->pause_us && rand_r(&seed) % 8 == 0)
			usleep(r->pause_us);
	}
	return NULL;
}

void begin_reading(struct reader *r, int fd, unsigned pause_us)
{
	*r = (struct reader){ .fd = fd, .pause_us = pause_us };
	assert_int_equal(pthread_create(&r->thread, NULL, read_seq, r), 0);
}

uint64_t end_reading(struct reader *r)
{
	pthread_join(r->thread, NULL);
	assert_int_equal(r->wrong, 0);
	return r->bytes;
}

/* How much "seq N" prints. */
uint64_t seq_bytes(unsigned long n)
{
	uint64_t sum = 0;
	unsigned long from = 1, digits = 1;

	for (; from <= n; from *= 10, digits++)
		sum += ((n < from * 10 ? n + 1 : from * 10) - from) * (digits + 1);
	return sum;
}
