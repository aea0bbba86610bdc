/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mode.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct termios found; /* the mode as we found it */
static bool is_found, wanted;

bool mode_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}

/* TCSANOW, because any other action would wait for the terminal's reader. */
int mode_set(const struct termios *mode)
{
	sigset_t ttou, before;
	int err = 0;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &ttou, &before);
	if (tcsetattr(STDIN_FILENO, TCSANOW, mode) < 0)
		err = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static int take(void)
{
	struct termios raw;

	if (!mode_foreground(STDIN_FILENO))
		return 0;
	if (!is_found && tcgetattr(STDIN_FILENO, &found) < 0) {
		if (errno == ENOTTY)
			return 0;
		return -errno;
	}
	is_found = true;
	raw = found;
	cfmakeraw(&raw);
	return mode_set(&raw);
}

int mode_raw(void)
{
	static bool registered;

	if (!registered && atexit(mode_restore))
		return -ENOMEM;
	registered = true;
	wanted = true;
	return take();
}

void mode_check(void)
{
	if (wanted)
		take();
}

void mode_pause(void)
{
	if (is_found && mode_foreground(STDIN_FILENO))
		mode_set(&found);
}

void mode_restore(void)
{
	mode_pause();
	is_found = wanted = false;
}
