/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Terminals. The supervisor holds the masters. It always reads the console's: for the ring buffer,
 * the log, the device, and the stream of a client if there is one. It reads the others only for a
 * client; without one their output waits in the terminal.
 *
 * The starter of a container in the foreground is a special client, for the console is its
 * program's terminal. While it does not read, the console is not read either, and the program
 * waits. At the end all that the terminal still holds goes into the starter's stream, which has
 * room for it, so that nothing is lost and the supervisor need not wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "stage/super/supervisor.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif
#define RING_MAX (64ull << 20)

static int take_slot(struct stage *st, int16_t slot)
{
	int fd;

	if (slot < 0)
		return -1;
	fd = st->slot[slot];
	st->slot[slot] = -1;
	return fd;
}

int sup_console_init(struct super *s)
{
	const struct ct_wire_super *w = s->w;

	s->log.fd = take_slot(s->st, w->console_log);
	s->log.dir = take_slot(s->st, w->console_log_dir);
	s->log.limit = w->console_log_size;
	s->log.path = pool_str(s->st, w->console_log_path);
	s->log.rotate = !!w->console_rotate;
	sup_log_open(&s->log);
	sup_device_init(&s->device, take_slot(s->st, w->console_device));
	if (!w->console_buffer)
		return 0;
	if (w->console_buffer > RING_MAX)
		return -E2BIG;
	s->ring.size = (size_t)w->console_buffer;
	s->ring.data = mmap(NULL, s->ring.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	if (s->ring.data == MAP_FAILED)
		return -ENOMEM;
	return 0;
}

void sup_take_console(struct super *s)
{
	const int room = SUP_STREAM_SIZE;
	int fd = take_slot(s->st, s->w->console);

	if (fd >= 0 && sys3(SYS_fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK))
		sup_close(&fd);
	/* without CAP_NET_ADMIN: as much as the host allows */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	s->tty[0].stream = fd;
	s->tty[0].starters = fd >= 0;
}

/* While the peer is open here, the master does not hang up when the last getty closes its own. */
static void open_peer(struct sup_tty *t)
{
	if (t->peer < 0)
		t->peer = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int set_size(const struct sup_tty *t)
{
	struct winsize w = { .ws_row = (uint16_t)(t->size >> 16), .ws_col = (uint16_t)t->size };

	return (int)sys3(SYS_ioctl, t->master, TIOCSWINSZ, &w);
}

void sup_tty_new(struct super *s, uint32_t number, int master)
{
	struct sup_tty *t;

	if (master < 0)
		return;
	if (number > s->n_ttys || s->tty[number].master >= 0) {
		close(master);
		return;
	}
	t = &s->tty[number];
	t->master = master;
	t->retry_at = 0;
	t->in_full = t->lagging = 0;
	/* a blocking terminal could stop the supervisor */
	if (sys3(SYS_fcntl, master, F_SETFL, O_RDWR | O_NONBLOCK)) {
		sup_close(&t->master);
		return;
	}
	if (!t->size && number == 0)
		t->size = sup_device_size(&s->device);
	if (t->size)
		set_size(t);
	open_peer(t);
}

static void end_stream(struct sup_tty *t)
{
	sup_close(&t->stream);
	t->in_full = t->lagging = t->starters = 0;
}

/* Sends what is held for the starter, as far as its stream takes it. 1: all of it, 0: not yet. */
static int flush_held(struct super *s, struct sup_tty *t)
{
	while (s->held_at < s->held_end) {
		ssize_t n = send(t->stream, s->held + s->held_at, s->held_end - s->held_at,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			s->held_at += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM))
			return 0;
		end_stream(t);
		break;
	}
	s->held_at = s->held_end = 0;
	return 1;
}

static void send_output(struct super *s, struct sup_tty *t, const char *p, size_t n, int closing)
{
	if (t->stream < 0)
		return;
	if (t->starters) {
		memcpy(s->held, p, n);
		s->held_at = 0;
		s->held_end = n;
		flush_held(s, t);
		return;
	}
	if (t->lagging && !closing)
		return;
	if (send(t->stream, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN &&
	    errno != EINTR)
		end_stream(t);
}

static void count_output(struct super *s, size_t n)
{
	s->output += n;
	if (s->w->limit_output && s->output > s->w->limit_output)
		sup_output_over(s);
}

/* 1 when the client can take the next output, or is to lose it; 0 to leave that in the terminal. */
static int stream_can_take(struct super *s, struct sup_tty *t, int closing)
{
	struct pollfd p = { .fd = t->stream, .events = POLLOUT };

	if (t->stream < 0)
		return 1;
	if (t->starters && !flush_held(s, t)) {
		t->lagging = 1;
		return 0;
	}
	if (t->stream < 0 || closing)
		return 1;
	if (poll(&p, 1, 0) > 0) {
		t->lagging = 0;
		return 1;
	}
	if (!t->lagging) {
		t->lagging = 1;
		t->lag_since = s->now;
	}
	if (t->starters)
		return 0;
	/* after init's end nothing waits for the client */
	return s->now >= t->lag_since + SUP_LAG_MS || (s->phase != SUP_PHASE_BOOT && !s->init);
}

/* Moves one chunk of output; `closing`: the last chance. 1: moved, 0: nothing there or not now. */
static int move_output(struct super *s, uint32_t number, int closing)
{
	struct sup_tty *t = &s->tty[number];
	char buf[SUP_CHUNK];
	ssize_t n;

	if (t->master < 0 || !stream_can_take(s, t, closing) ||
	    (number == 0 && !sup_device_can_take(s, closing)))
		return 0;
	n = read(t->master, buf, sizeof(buf));
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			/* the last process has closed the terminal, and ours was hung up: open it
			 * again later */
			t->retry_at = s->now + SUP_RETRY_MS;
			sup_close(&t->peer);
		}
		return 0;
	}
	if (number == 0) {
		sup_ring_add(&s->ring, buf, (size_t)n);
		sup_log_add(&s->log, buf, (size_t)n);
		sup_device_add(&s->device, buf, (size_t)n);
	}
	send_output(s, t, buf, (size_t)n, closing);
	if (number == 0)
		count_output(s, (size_t)n);
	return 1;
}

/* The terminal turns ^C into SIGINT, which the kernel discards when the program is process 1 of its
 * namespace and has no handler for it. Outside of a container the program would end, so it is
 * killed here. */
void sup_interrupt(struct super *s, const struct sup_tty *t, const char *typed, size_t n)
{
	const uint64_t bit = 1ull << (SIGINT - 1);
	struct termios mode;
	pid_t foreground;

	if (!(s->w->flags & CT_SUPER_PROGRAM) || !s->pid_ns || s->phase != SUP_PHASE_RUN ||
	    t != s->tty || tcgetattr(t->master, &mode))
		return;
	if (!(mode.c_lflag & ISIG) || mode.c_cc[VINTR] == _POSIX_VDISABLE ||
	    !memchr(typed, mode.c_cc[VINTR], n))
		return;
	if (ioctl(t->master, TIOCGPGRP, &foreground) || foreground != s->init)
		return;
	if ((sup_caught(s->init) | sup_ignored(s->init)) & bit)
		return;
	s->interrupted = 1;
	sys4(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
}

/* Moves input as far as the terminal takes it; what it does not take stays in the socket. */
static void move_input(struct super *s, struct sup_tty *t)
{
	char buf[1024];
	ssize_t n, w;

	n = recv(t->stream, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_stream(t);
		return;
	}
	w = write(t->master, buf, (size_t)n);
	if (w < 0 && errno == EAGAIN) {
		t->in_full = 1;
		return;
	}
	/* no process has the terminal open: the input is lost, as at an unplugged one */
	if (w < 0)
		w = n;
	t->in_full = 0;
	recv(t->stream, buf, (size_t)w, MSG_DONTWAIT);
	sup_interrupt(s, t, buf, (size_t)w);
}

void sup_ttys_close(struct super *s, int for_good)
{
	for (uint32_t i = 0; i <= s->n_ttys; i++) {
		struct sup_tty *t = &s->tty[i];

		/* the last output; no more than a terminal can hold */
		for (int turn = 0; turn < 64 && move_output(s, i, 1); turn++)
			;
		if (for_good)
			end_stream(t);
		sup_close(&t->peer);
		sup_close(&t->master);
		t->retry_at = 0;
	}
	if (for_good)
		sup_device_close(&s->device);
}

/* Polls the stream of tty i for both directions: for input unless the terminal is full, for room
 * while the client holds output up. What to poll the master for. */
static short watch_stream(struct super *s, const struct sup_tty *t, uint32_t i)
{
	int held = t->lagging && (t->starters || s->now < t->lag_since + SUP_LAG_MS);
	short stream = 0, master = 0;

	if (t->in_full)
		master |= POLLOUT;
	else
		stream |= POLLIN;
	if (held)
		stream |= POLLOUT;
	else
		master |= POLLIN;
	sup_watch(s, t->stream, stream, SUP_WATCH_STREAM, i);
	return master;
}

/* Polls terminals, streams and the device in the next turn. */
void sup_tty_watch(struct super *s)
{
	for (uint32_t i = 0; i <= s->n_ttys; i++) {
		struct sup_tty *t = &s->tty[i];
		short events = 0;

		if (t->master < 0)
			continue;
		if (t->stream >= 0)
			events = watch_stream(s, t, i);
		else if (i == 0)
			events = POLLIN;
		if (i == 0 && sup_device_held(s))
			events &= (short)~POLLIN;
		if (events && s->now >= t->retry_at)
			sup_watch(s, t->master, events, SUP_WATCH_MASTER, i);
	}
	sup_device_watch(s);
}

/* A terminal has output, takes input, or has hung up. */
void sup_on_master(struct super *s, uint32_t number, short events)
{
	struct sup_tty *t = &s->tty[number];

	if (t->master < 0)
		return;
	open_peer(t);
	if (t->stream >= 0 && (events & POLLOUT))
		move_input(s, t);
	if (events & (POLLIN | POLLHUP | POLLERR))
		move_output(s, number, 0);
}

/* A client has input, takes output, or has gone. */
void sup_on_stream(struct super *s, uint32_t number, short events)
{
	struct sup_tty *t = &s->tty[number];

	if (t->master < 0 || t->stream < 0)
		return;
	if (events & POLLOUT)
		t->lagging = 0;
	if (events & (POLLHUP | POLLERR)) {
		/* what it sent before still goes to the terminal, as far as it fits */
		move_input(s, t);
		if (t->in_full || t->stream < 0)
			end_stream(t);
		return;
	}
	if (events & POLLIN)
		move_input(s, t);
}

int sup_tty_open(struct super *s, uint64_t number, uint32_t *got, int *fd)
{
	uint32_t n = (uint32_t)number;
	int pair[2], r;

	if (number == CT_CTL_TTY_FREE) {
		if (!s->n_ttys)
			return -ENOTTY;
		for (n = 1; n <= s->n_ttys && (s->tty[n].master < 0 || s->tty[n].stream >= 0); n++)
			;
		if (n > s->n_ttys)
			return -EBUSY;
	} else if (number > s->n_ttys || s->tty[n].master < 0) {
		return -ENOTTY;
	}
	if (s->tty[n].stream >= 0)
		return -EBUSY;
	r = (int)sys4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	if (r)
		return r;
	s->tty[n].stream = pair[0];
	s->tty[n].lagging = s->tty[n].in_full = 0;
	*got = n;
	*fd = pair[1];
	return 0;
}

/* Sets a window's size, rows << 16 | columns; later boots get it, too. 0 or a negative errno. */
int sup_tty_resize(struct super *s, uint64_t number, uint64_t size)
{
	if (number > s->n_ttys || s->tty[number].master < 0)
		return -ENOTTY;
	s->tty[number].size = (uint32_t)size;
	return set_size(&s->tty[number]);
}
