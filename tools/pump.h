/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One direction of a session: a bounded buffer between a source and its sinks. A full buffer stops
 * the reading, nothing else. */
#ifndef CT_TOOLS_PUMP_H
#define CT_TOOLS_PUMP_H

#include <poll.h>
#include <stdint.h>

#include "sink.h"

#define PUMP_SIZE 16384
#define PUMP_POLLS 3 /* descriptors that one waits for, at most */

/* One of a pump's two ways out: the terminal, and the log of the same output. */
struct outlet {
	struct sink sink;
	size_t at;	    /* offset in the buffer of what it has not got yet */
	int64_t wait_until; /* it polled writable, but took nothing: no attempt before then */
	int err;	    /* why bytes were lost: errno; 0: none were */
	bool terminal;	    /* EIO means that it has hung up */
	bool reader_gone;   /* what comes is discarded */
	bool blocked;	    /* poll it before the next attempt */
};

enum { PUMP_OUT, PUMP_LOG, PUMP_OUTLETS };

struct pump {
	struct source from; /* fd < 0: not used */
	struct outlet to[PUMP_OUTLETS];
	size_t end;  /* of what is in the buffer */
	uint64_t in; /* bytes read so far */
	bool eof;    /* the source is at its end */
	bool hold;   /* do not read for now */
	char buf[PUMP_SIZE];
};

/* Sets up a pump without source and sinks. */
void pump_init(struct pump *p);
/* Closes its source and sinks. */
void pump_close(struct pump *p);
/* True when an outlet has not got everything. */
bool pump_pending(const struct pump *p);
/* True when there is room and the source is to be read. */
bool pump_wants(const struct pump *p);
/* Reads once. Returns the bytes read, now at the buffer's end; 0 at the end (eof is set then);
 * -EAGAIN; or another negative errno, which is the end, too. */
ssize_t pump_read(struct pump *p);
/* Writes what its outlets take. Does not block. */
void pump_write(struct pump *p);
/* Discards what comes for this outlet from now on: its reader has gone. */
void pump_cut(struct pump *p, int outlet);
/* Fills in up to PUMP_POLLS descriptors to poll; returns how many. *wait_ms is lowered if an
 * outlet is to be tried again before. */
unsigned pump_polls(const struct pump *p, struct pollfd *fds, int *wait_ms);
/* Handles the result of the poll. True when the source can be read. */
bool pump_polled(struct pump *p, const struct pollfd *fds, unsigned n);

#endif
