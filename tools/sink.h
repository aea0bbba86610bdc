/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading from and writing to descriptors that others have, too, without ever being held by them.
 * O_NONBLOCK belongs to the open file, which is shared: it is set only on what is our own.
 */
#ifndef CT_TOOLS_SINK_H
#define CT_TOOLS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct source {
	int fd;		  /* -1: none */
	bool socket, own; /* own: closed with it */
};

struct helper;
struct sink {
	int fd; /* -1: none, or nobody reads it any more */
	bool socket, own;
	struct helper *helper; /* writes in our place, because the descriptor itself would block */
};

/* What is read from fd, a descriptor of the caller's that stays open. A terminal or a pipe is
 * opened once more, not to block. */
void source_open(struct source *s, int fd);
/* The same for a descriptor that nobody else has: it is made one that does not block. 0
 * or a negative errno. */
int source_own(struct source *s, int fd);
/* As read(2), but never waits: -1 with EAGAIN. What cannot be opened once more is read as it
 * is: poll it first. */
ssize_t source_read(struct source *s, void *buf, size_t size);
void source_close(struct source *s);

/* Where fd, a descriptor of the caller's that stays open, leads to: a terminal or a pipe is opened
 * once more, a socket is asked not to wait, for anything else, such as a file on a slow disk, a
 * thread writes. Returns 0, or a negative errno; -EPIPE: nobody reads. */
int sink_open(struct sink *s, int fd);
/* As source_own(). */
int sink_own(struct sink *s, int fd);
/* As write(2), but never waits: -1 with EAGAIN until sink_poll() is answered. Then the call is made
 * again with the same bytes; more may follow them. No SIGPIPE but from a pipe: block it. */
ssize_t sink_write(struct sink *s, const void *buf, size_t n);
/* What to poll to learn when sink_write() goes on, with the events in *events. */
int sink_poll(const struct sink *s, short *events);
/* Lets go of it; a thread that is still held by what it writes to ends with the tool. */
void sink_close(struct sink *s);

#endif
