/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device of console.path. It gets all that the console prints; where it is a terminal, what is
 * typed on it goes to the console. A device that takes no output holds the console up for a bounded
 * time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "stage/super/supervisor.h"

#define TYPED 64 /* bytes moved at once: a terminal that polls writable takes as many */

/* Takes the device. A terminal goes into raw mode: the console itself echoes and makes signals. */
void sup_device_init(struct sup_device *d, int fd)
{
	struct termios raw;

	d->fd = fd;
	if (fd < 0 || tcgetattr(fd, &d->found))
		return;
	d->terminal = 1;
	raw = d->found;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSANOW, &raw);
}

/* Restores a terminal's mode, and closes the device. */
void sup_device_close(struct sup_device *d)
{
	if (d->fd >= 0 && d->terminal)
		tcsetattr(d->fd, TCSANOW, &d->found);
	sup_close(&d->fd);
}

uint32_t sup_device_size(const struct sup_device *d)
{
	struct winsize w;

	if (d->fd < 0 || !d->terminal || ioctl(d->fd, TIOCGWINSZ, &w))
		return 0;
	return (uint32_t)w.ws_row << 16 | w.ws_col;
}

/* Writes what is held, as far as the device takes it. 1: all of it, or the device is broken; 0: not
 * yet. */
static int flush(struct sup_device *d)
{
	while (d->at < d->end) {
		ssize_t n = write(d->fd, d->held + d->at, d->end - d->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			break;
		d->at += (size_t)n;
	}
	d->at = d->end = 0;
	d->lagging = 0;
	return 1;
}

int sup_device_can_take(struct super *s, int closing)
{
	struct sup_device *d = &s->device;

	if (d->fd < 0 || flush(d) || closing)
		return 1;
	if (!d->lagging) {
		d->lagging = 1;
		d->lag_since = s->now;
	}
	return s->now >= d->lag_since + SUP_LAG_MS || (s->phase != SUP_PHASE_BOOT && !s->init);
}

/* Writes output, and holds what the device does not take. */
void sup_device_add(struct sup_device *d, const char *p, size_t n)
{
	if (d->fd < 0 || n > sizeof(d->held))
		return;
	memcpy(d->held, p, n);
	d->at = 0;
	d->end = n;
	flush(d);
}

int sup_device_held(const struct super *s)
{
	return s->device.fd >= 0 && s->device.lagging && s->now < s->device.lag_since + SUP_LAG_MS;
}

/* Polls the device in the next turn. */
void sup_device_watch(struct super *s)
{
	short events = 0;

	if (s->device.terminal && s->tty[0].master >= 0)
		events |= POLLIN;
	if (sup_device_held(s))
		events |= POLLOUT;
	if (events)
		sup_watch(s, s->device.fd, events, SUP_WATCH_DEVICE, 0);
}

/* The device can take output, was typed on, or has hung up. */
void sup_on_device(struct super *s, short events)
{
	struct sup_device *d = &s->device;
	struct pollfd room = { .fd = s->tty[0].master, .events = POLLOUT };
	char typed[TYPED];
	ssize_t n;

	if (d->fd < 0)
		return;
	if (events & POLLOUT)
		flush(d);
	/* a terminal that has hung up does not come back */
	if (events & (POLLHUP | POLLERR)) {
		sup_close(&d->fd);
		return;
	}
	/* what is typed while the console's terminal is full is lost, as at an unplugged one */
	if (!(events & POLLIN))
		return;
	n = read(d->fd, typed, sizeof(typed));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		sup_close(&d->fd);
	if (n > 0 && poll(&room, 1, 0) > 0 && (room.revents & POLLOUT) &&
	    write(room.fd, typed, (size_t)n) > 0)
		sup_interrupt(s, &s->tty[0], typed, (size_t)n);
}
