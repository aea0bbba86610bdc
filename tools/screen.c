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
#include <termios.h>
#include <unistd.h>

#include "quantity.h"

#define ENTER "\033[?1049h\033[?25l"	/* the other screen, without a cursor */
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static struct termios saved_mode;
static bool taken;
static int signal_fd = -1;

bool screen_here(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void screen_size(unsigned *rows, unsigned *cols)
{
	struct winsize w = { 0 };
	bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_row && w.ws_col;

	*rows = known ? w.ws_row : 24;
	*cols = known ? w.ws_col : 80;
}

/* Straight to the descriptor, so that it works with whatever is still in the stream's buffer. */
static void put(const char *text)
{
	size_t n = strlen(text);

	while (n) {
		ssize_t done = write(STDOUT_FILENO, text, n);

		if (done < 0 && errno != EINTR)
			return;
		text += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
}

void screen_end(void)
{
	if (!taken)
		return;
	taken = false;
	put(LEAVE);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_mode);
}

static int take_terminal(void)
{
	struct termios mode;

	if (tcgetattr(STDIN_FILENO, &saved_mode) < 0)
		return -errno;
	mode = saved_mode;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) < 0)
		return -errno;
	taken = true;
	put(ENTER);
	return 0;
}

int screen_begin(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT };
	static bool registered;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	if (signal_fd < 0)
		signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return -errno;
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!registered && atexit(screen_end))
		return -ENOMEM;
	registered = true;
	return take_terminal();
}

int screen_draw(const char *text)
{
	char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	if (!f)
		return -EIO;
	fputs("\033[H", f);
	while (*text) {
		size_t n = strcspn(text, "\n");
		bool last = !text[n] || !text[n + 1];

		/* cleared before it is written: behind a full line the last character would go. No newline behind the last
		 * one: it would move the screen. */
		fprintf(f, "%s%.*s\033[0m%s", last ? "\033[J" : "\033[2K", (int)n, text, last ? "" : "\r\n");
		text += n + (text[n] != '\0');
	}
	if (fclose(f)) {
		free(all);
		return -EIO;
	}
	put(all);
	free(all);
	return 0;
}

/* What a signal means: an answer of screen_wait(), or 0 to go on waiting. */
static int take_signal(int *sig)
{
	struct signalfd_siginfo si;

	if (read(signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return 0;
	switch (si.ssi_signo) {
	case SIGTSTP:
		screen_end();
		raise(SIGSTOP);
		return take_terminal() < 0 ? SCREEN_CLOSED : SCREEN_AGAIN;
	case SIGWINCH:
	case SIGCONT:
		return SCREEN_AGAIN;
	default:
		*sig = (int)si.ssi_signo;
		return SCREEN_CLOSED;
	}
}

int screen_wait(int64_t until_ms, int *sig)
{
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };

	*sig = 0;
	for (;;) {
		int64_t left = until_ms - clock_ms();
		int n = poll(p, 2, left > 0 ? (int)(left < 60000 ? left : 60000) : 0);
		unsigned char key;
		int said;

		if (n < 0 && errno != EINTR)
			return SCREEN_CLOSED;
		if (n == 0 && left <= 0)
			return SCREEN_TIME_UP;
		said = n > 0 && p[1].revents ? take_signal(sig) : 0;
		if (said)
			return said;
		if (n > 0 && p[0].revents)
			return read(STDIN_FILENO, &key, 1) == 1 ? key : SCREEN_CLOSED;
	}
}
