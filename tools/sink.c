/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define HELPER_SIZE 16384

/* ---- a descriptor of our own for the same file ----------------------------------------------- */

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* True for a descriptor that can be opened by /proc as another open file of the same pipe or
 * terminal. */
static bool is_reopenable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(fd));
}

/* Writes to /dev/null and its like (major number 1) never block. */
static bool is_quick(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 1;
}

/* -1 with errno if that fails: no /proc, another user's terminal or pipe, a pipe without a reader
 * (ENXIO). */
static int reopen(int fd, int mode)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* ---- reading --------------------------------------------------------------------------------- */

void source_open(struct source *s, int fd)
{
	int own = -1;

	*s = (struct source){ .fd = fd, .socket = fd >= 0 && is_socket(fd) };
	if (fd >= 0 && is_reopenable(fd))
		own = reopen(fd, O_RDONLY);
	if (own < 0)
		return;
	s->fd = own;
	s->own = true;
}

int source_own(struct source *s, int fd)
{
	*s = (struct source){ .fd = fd, .socket = fd >= 0 && is_socket(fd) };
	if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0)
		return 0;
	return -errno;
}

ssize_t source_read(struct source *s, void *buf, size_t size)
{
	if (s->socket)
		return recv(s->fd, buf, size, MSG_DONTWAIT);
	return read(s->fd, buf, size);
}

void source_close(struct source *s)
{
	if (s->own && s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- the thread that writes ------------------------------------------------------------------ */

struct helper {
	pthread_t thread;
	int fd, go, done; /* go: an eventfd that the thread waits for; done: one that we poll */
	bool busy, quit;  /* busy: ours alone; the rest is the thread's from go to done */
	size_t n;
	ssize_t result;
	int err;
	char buf[HELPER_SIZE];
};

static ssize_t write_patiently(int fd, const char *buf, size_t n)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	ssize_t done;

	while ((done = write(fd, buf, n)) < 0 && (errno == EAGAIN || errno == EINTR))
		poll(&p, 1, -1);
	return done;
}

static void *write_for_us(void *arg)
{
	struct helper *h = arg;
	uint64_t one = 1;

	for (;;) {
		if (read(h->go, &one, sizeof(one)) != (ssize_t)sizeof(one) || h->quit)
			return NULL;
		h->result = write_patiently(h->fd, h->buf, h->n);
		h->err = 0;
		if (h->result < 0)
			h->err = errno;
		one = 1;
		if (write(h->done, &one, sizeof(one)) != (ssize_t)sizeof(one))
			return NULL;
	}
}

static void helper_free(struct helper *h)
{
	close(h->go);
	close(h->done);
	free(h);
}

static struct helper *helper_begin(int fd)
{
	struct helper *h = calloc(1, sizeof(*h));
	sigset_t all, before;
	int err;

	if (!h)
		return NULL;
	h->fd = fd;
	h->go = eventfd(0, EFD_CLOEXEC);
	h->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = EMFILE;
	if (h->go >= 0 && h->done >= 0)
		err = pthread_create(&h->thread, NULL, write_for_us, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		return h;
	helper_free(h);
	return NULL;
}

static void helper_end(struct helper *h)
{
	uint64_t one = 1;

	if (h->busy && read(h->done, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
		/* it is blocked for good: it ends with the tool, and needs its memory until then */
		pthread_detach(h->thread);
		return;
	}
	one = 1;
	h->quit = true;
	if (write(h->go, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(h->thread, NULL);
	helper_free(h);
}

static ssize_t helper_write(struct helper *h, const void *buf, size_t n)
{
	uint64_t one = 1;

	if (h->busy) {
		if (read(h->done, &one, sizeof(one)) != (ssize_t)sizeof(one))
			return -1; /* EAGAIN */
		h->busy = false;
		errno = h->err;
		return h->result;
	}
	h->n = n;
	if (h->n > sizeof(h->buf))
		h->n = sizeof(h->buf);
	memcpy(h->buf, buf, h->n);
	if (write(h->go, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return -1;
	h->busy = true;
	errno = EAGAIN;
	return -1;
}

/* ---- writing --------------------------------------------------------------------------------- */

int sink_open(struct sink *s, int fd)
{
	int own;

	*s = (struct sink){ .fd = fd };
	if (fd < 0)
		return 0;
	s->socket = is_socket(fd);
	if (s->socket || is_quick(fd))
		return 0;
	if (is_reopenable(fd)) {
		own = reopen(fd, O_WRONLY);
		if (own >= 0) {
			s->fd = own;
			s->own = true;
			return 0;
		}
		if (errno == ENXIO || errno == EIO) {
			s->fd = -1;
			return -EPIPE;
		}
	}
	s->helper = helper_begin(fd);
	if (s->helper)
		return 0;
	return -ENOMEM;
}

int sink_own(struct sink *s, int fd)
{
	*s = (struct sink){ .fd = fd, .socket = fd >= 0 && is_socket(fd) };
	if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0)
		return 0;
	return -errno;
}

ssize_t sink_write(struct sink *s, const void *buf, size_t n)
{
	if (s->helper)
		return helper_write(s->helper, buf, n);
	if (s->socket)
		return send(s->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(s->fd, buf, n);
}

int sink_poll(const struct sink *s, short *events)
{
	if (s->helper) {
		*events = POLLIN;
		return s->helper->done;
	}
	*events = POLLOUT;
	return s->fd;
}

void sink_close(struct sink *s)
{
	if (s->helper)
		helper_end(s->helper);
	if (s->own && s->fd >= 0)
		close(s->fd);
	*s = (struct sink){ .fd = -1 };
}
