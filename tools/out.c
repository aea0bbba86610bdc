/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

#define EXIT_PIPE (128 + SIGPIPE)
#define PATIENCE_MS 2000 /* for a terminal that does not take an error message */

static int lost;      /* errno of the first write to standard output that failed */
static bool reported; /* its message is printed */

/* write(2) without SIGPIPE, which would end a tool that still has to clean up: end_by_signal()
 * raises it at the end. */
static ssize_t write_some(int fd, const char *buf, size_t n)
{
	sigset_t pipe, before, pending;
	ssize_t done;
	int err;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigemptyset(&pending);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	done = write(fd, buf, n);
	err = errno;
	if (done < 0 && err == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipe, NULL, &(struct timespec){ 0 });
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return done;
}

/* EAGAIN: the open file is shared, and another process has set O_NONBLOCK. */
static ssize_t write_all(int fd, const char *buf, size_t n)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	size_t done = 0;

	while (done < n) {
		ssize_t w = write_some(fd, buf + done, n - done);

		if (w >= 0)
			done += (size_t)w;
		else if (errno == EAGAIN)
			poll(&p, 1, -1);
		else if (errno != EINTR)
			return 0;
	}
	return (ssize_t)n;
}

static size_t put_code(char *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(out, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
	return 4;
}

/* Writes control characters as \xNN, since a payload chooses the names of its interfaces and files:
 * they could move the cursor, or make the terminal send keys. UTF-8 is left as it is, but its
 * control characters, U+0080 to U+009F: their first byte, 0xc2, is held until the next one comes,
 * as is a carriage return before a newline. At most 8 bytes for one. */
static size_t clean(const char *buf, size_t n, char *out)
{
	static unsigned char held;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)buf[i], before = held;
		bool c1 = before == 0xc2 && c >= 0x80 && c < 0xa0;
		bool whole = (before == 0xc2 && !c1) || (before == '\r' && c == '\n');

		held = 0;
		if (c == 0xc2 || c == '\r')
			held = c;
		if (before && whole)
			out[len++] = (char)before;
		else if (before)
			len += put_code(out + len, before);
		if (held)
			continue;
		if (c1 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t'))
			len += put_code(out + len, c);
		else
			out[len++] = (char)c;
	}
	return len;
}

/* The stream of all that a tool prints, but for the output of a session (pump.c). */
static ssize_t write_out(void *cookie, const char *buf, size_t n)
{
	char text[8 * 512 + 8];

	(void)cookie;
	for (size_t done = 0, part; done < n; done += part) {
		size_t len;

		part = n - done;
		if (part > 512)
			part = 512;
		len = clean(buf + done, part, text);
		if (len && !write_all(STDOUT_FILENO, text, len)) {
			if (!lost)
				lost = errno;
			return 0;
		}
	}
	return (ssize_t)n;
}

/* A terminal without a reader may be the reason to end: the message must not delay that. */
static void write_terminal(int fd, const char *buf, size_t n)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	while (n) {
		ssize_t w = write(fd, buf, n);

		if (w >= 0) {
			buf += w;
			n -= (size_t)w;
		} else if ((errno != EAGAIN && errno != EINTR) || poll(&p, 1, PATIENCE_MS) <= 0) {
			return;
		}
	}
}

static ssize_t write_err(void *cookie, const char *buf, size_t n)
{
	int own = -1;

	(void)cookie;
	if (isatty(STDERR_FILENO))
		own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return write_all(STDERR_FILENO, buf, n);
	write_terminal(own, buf, n);
	close(own);
	return (ssize_t)n;
}

void out_as_it_is(const char *text, size_t n)
{
	if (isatty(STDOUT_FILENO)) {
		fwrite(text, 1, n, stdout);
		return;
	}
	fflush(stdout);
	if (n && !write_all(STDOUT_FILENO, text, n) && !lost)
		lost = errno;
}

static int say_lost(const char *tool)
{
	if (lost == EPIPE)
		return EXIT_PIPE;
	if (!reported)
		fail_tool(tool, "cannot write: %s", strerror(lost));
	reported = true;
	return EXIT_OWN;
}

/* Ends as any program does whose reader has gone. Returns if SIGPIPE is ignored: then the exit code
 * tells. */
static void end_by_signal(void)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &pipe, NULL);
	raise(SIGPIPE);
}

static void at_end(void)
{
	fflush(stdout);
	/* some file systems report a failed write at the close */
	if (close(STDOUT_FILENO) < 0 && errno != EBADF && errno != EINTR && !lost)
		lost = errno;
	if (lost == EPIPE)
		end_by_signal();
	if (lost)
		_exit(say_lost(program_invocation_short_name));
}

int out_begin(void)
{
	FILE *out = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_out });
	FILE *err = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_err });

	if (!out || !err || atexit(at_end))
		return -ENOMEM;
	if (isatty(STDOUT_FILENO))
		setvbuf(out, NULL, _IOLBF, BUFSIZ);
	setvbuf(err, NULL, _IONBF, 0);
	stdout = out;
	stderr = err;
	return 0;
}

int out_flush(const struct args *a)
{
	if (!fflush(stdout) && !lost)
		return 0;
	if (!lost)
		lost = errno;
	if (!lost)
		lost = EIO;
	if (a->quiet)
		reported = true;
	return say_lost(a->tool->name);
}
