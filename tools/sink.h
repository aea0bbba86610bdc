/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading from and writing to descriptors that other processes have, too, without ever blocking.
 * O_NONBLOCK belongs to the open file, which is shared: it is set only on one that is ours alone.
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
	int fd; /* -1: none, or it has no reader any more */
	bool socket, own;
	struct helper *helper; /* a thread that writes, because the descriptor itself would block */
};

/* Reads from fd, a descriptor of the caller's that stays open. A terminal or a pipe is opened once
 * more, with O_NONBLOCK. */
void source_open(struct source *s, int fd);
/* The same for a descriptor that no other process has, which gets O_NONBLOCK. 0 or a negative
 * errno. */
int source_own(struct source *s, int fd);
/* As read(2), but does not block: -1 with EAGAIN. A descriptor that cannot be opened once more is
 * read as it is: poll it first. */
ssize_t source_read(struct source *s, void *buf, size_t size);
void source_close(struct source *s);

/* Writes to fd, a descriptor of the caller's that stays open: a terminal or a pipe is opened once
 * more, a socket is written with MSG_DONTWAIT, for anything else, such as a file on a slow disk, a
 * thread writes. Returns 0, or a negative errno; -EPIPE: it has no reader. */
int sink_open(struct sink *s, int fd);
/* As source_own(). */
int sink_own(struct sink *s, int fd);
/* As write(2), but does not block: -1 with EAGAIN until sink_poll() is ready. Then the call is to
 * be made again with the same bytes, which more may follow. A pipe raises SIGPIPE: block it. */
ssize_t sink_write(struct sink *s, const void *buf, size_t n);
/* The descriptor, and in *events the events, to poll for when sink_write() can go on. */
int sink_poll(const struct sink *s, short *events);
/* Releases it; a thread whose write still blocks ends with the tool. */
void sink_close(struct sink *s);

#endif
