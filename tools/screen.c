/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "mode.h"
#include "quantity.h"
#include "sink.h"

#define ENTER "\033[?1049h\033[?25l" /* the other screen, without a cursor */
#define LEAVE "\033[0m\033[?25h\033[?1049l"

#define CHECK_MS 1000 /* in the background: how often to check whether we still are */
#define PART_MS 1000  /* for a terminal that does not take its last line */

static struct termios saved_mode;
static bool taken, away; /* away: in the background; the terminal is left alone */
static int signal_fd = -1;
static struct source keys = { .fd = -1 };
static struct sink out = { .fd = -1 };
static sigset_t signals, before; /* those that are read from signal_fd, and the mask before */

bool screen_here(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

void screen_size(unsigned *rows, unsigned *cols)
{
	struct winsize w;

	*rows = 24;
	*cols = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_row || !w.ws_col)
		return;
	*rows = w.ws_row;
	*cols = w.ws_col;
}

/* Writes to the terminal, past the stream and its buffer. Ends early when a signal comes, or after
 * wait_ms without progress (-1: never): 0, -EINTR, -ETIMEDOUT, or -EIO when the terminal has hung
 * up. */
static int put(const char *text, int wait_ms)
{
	size_t n = strlen(text);

	while (n) {
		ssize_t done = sink_write(&out, text, n);
		struct pollfd p[2] = { { .fd = -1 }, { signal_fd, POLLIN, 0 } };
		int ready;

		if (done >= 0) {
			text += done;
			n -= (size_t)done;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -EIO;
		p[0].fd = sink_poll(&out, &p[0].events);
		ready = poll(p, 2, wait_ms);
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready > 0 && p[1].revents)
			return -EINTR;
	}
	return 0;
}

static void give_terminal(void)
{
	if (!taken)
		return;
	taken = false;
	if (!mode_foreground(STDIN_FILENO))
		return;
	put(LEAVE, PART_MS);
	mode_set(&saved_mode);
}

void screen_end(void)
{
	const struct timespec now = { 0, 0 };

	give_terminal();
	if (signal_fd < 0)
		return;
	close(signal_fd);
	signal_fd = -1;
	source_close(&keys);
	sink_close(&out);
	while (sigtimedwait(&signals, NULL, &now) > 0)
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int take_terminal(void)
{
	struct termios mode;
	int err;

	away = !mode_foreground(STDIN_FILENO);
	if (away)
		return 0;
	if (tcgetattr(STDIN_FILENO, &saved_mode) < 0)
		return -errno;
	mode = saved_mode;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	err = mode_set(&mode);
	if (err < 0)
		return err;
	taken = true;
	put(ENTER, PART_MS);
	return 0;
}

int screen_begin(void)
{
	static const int taken_over[] = { SIGINT,  SIGTERM,  SIGHUP, SIGQUIT,
					  SIGTSTP, SIGWINCH, SIGCONT };
	static bool registered;
	int err;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(taken_over) / sizeof(*taken_over); i++)
		if (!is_ignored(taken_over[i]))
			sigaddset(&signals, taken_over[i]);
	if (signal_fd < 0)
		signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return -errno;
	sigaddset(&signals, SIGPIPE);
	sigaddset(&signals, SIGTTIN);
	sigaddset(&signals, SIGTTOU);
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (!registered && atexit(screen_end))
		return -ENOMEM;
	registered = true;
	source_open(&keys, STDIN_FILENO);
	err = sink_open(&out, STDOUT_FILENO);
	if (err < 0)
		return err;
	return take_terminal();
}

int screen_draw(const char *text)
{
	char *all = NULL;
	size_t len;
	FILE *f;
	int err;

	if (away)
		return 0;
	f = open_memstream(&all, &len);
	if (!f)
		return -EIO;
	fputs("\033[H", f);
	while (*text) {
		size_t n = strcspn(text, "\n");
		bool last = !text[n] || !text[n + 1];

		/* A line is cleared before it is written: after a full one the clearing would
		 * remove its last character. A newline after the last one would scroll. */
		if (last)
			fprintf(f, "\033[J%.*s\033[0m", (int)n, text);
		else
			fprintf(f, "\033[2K%.*s\033[0m\r\n", (int)n, text);
		text += n + (text[n] != '\0');
	}
	if (fclose(f)) {
		free(all);
		return -EIO;
	}
	err = put(all, -1);
	free(all);
	/* -EINTR: screen_wait() reads the signal */
	if (err == -EIO)
		return err;
	return 0;
}

/* Stops the tool with the terminal in its own mode, as any full-screen program does. */
static void stop_here(void)
{
	give_terminal();
	stop_self();
}

/* Handles a signal. What screen_wait() returns, or 0 to go on waiting. */
static int take_signal(int *sig)
{
	struct signalfd_siginfo si;

	if (read(signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return 0;
	switch (si.ssi_signo) {
	case SIGTSTP:
		stop_here();
		if (take_terminal() < 0)
			return SCREEN_CLOSED;
		return SCREEN_AGAIN;
	case SIGCONT:
		if (!taken && take_terminal() < 0)
			return SCREEN_CLOSED;
		return SCREEN_AGAIN;
	case SIGWINCH:
		return SCREEN_AGAIN;
	default:
		*sig = (int)si.ssi_signo;
		return SCREEN_CLOSED;
	}
}

/* A key, SCREEN_CLOSED, or 0: another process has read it. */
static int take_key(void)
{
	unsigned char key;
	ssize_t n = source_read(&keys, &key, 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno == EIO && !mode_foreground(STDIN_FILENO)) {
		away = true;
		return 0;
	}
	if (n == 1)
		return key;
	return SCREEN_CLOSED;
}

/* Takes the terminal again if we have come to the foreground. As take_signal(). */
static int come_back(void)
{
	if (!away || !mode_foreground(STDIN_FILENO))
		return 0;
	if (take_terminal() < 0)
		return SCREEN_CLOSED;
	return SCREEN_AGAIN;
}

/* How long to poll: in the background there is no event when we come to the foreground. */
static int poll_time(int64_t left)
{
	int64_t most = 60000;

	if (away)
		most = CHECK_MS;
	if (left < 0)
		return 0;
	if (left > most)
		return (int)most;
	return (int)left;
}

int screen_wait(int64_t until_ms, int *sig)
{
	*sig = 0;
	for (;;) {
		struct pollfd p[] = { { keys.fd, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };
		int64_t left = until_ms - clock_ms();
		int n, answer;

		if (away)
			p[0].events = 0;
		n = poll(p, 2, poll_time(left));
		if (n < 0 && errno != EINTR)
			return SCREEN_CLOSED;
		if (n == 0 && left <= 0)
			return SCREEN_TIME_UP;
		if (n > 0 && p[1].revents)
			answer = take_signal(sig);
		else if (n > 0 && p[0].revents && away)
			answer = SCREEN_CLOSED;
		else if (n > 0 && p[0].revents)
			answer = take_key();
		else
			answer = come_back();
		if (answer)
			return answer;
	}
}
