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

/* One of a pump's two ways out: the terminal, and the log of what it says. */
struct outlet {
	struct sink sink;
	size_t at;	    /* what it has not got yet begins there in the buffer */
	int64_t wait_until; /* it did not take anything although it was said to: not before then */
	int err;	    /* why bytes were lost: errno; 0: none were */
	bool terminal;	    /* an input/output error means that it has gone */
	bool reader_gone;   /* nobody reads it any more: what comes is thrown away */
	bool blocked;	    /* poll it before the next try */
};

enum { PUMP_OUT, PUMP_LOG, PUMP_OUTLETS };

struct pump {
	struct source from; /* fd < 0: not used */
	struct outlet to[PUMP_OUTLETS];
	size_t end;  /* of what is in the buffer */
	uint64_t in; /* bytes read so far */
	bool eof;    /* nothing comes any more */
	bool hold;   /* do not read for now */
	char buf[PUMP_SIZE];
};

/* Makes one that is not used. */
void pump_init(struct pump *p);
/* Lets go of its source and sinks. */
void pump_close(struct pump *p);
/* True when an outlet has not got everything. */
bool pump_pending(const struct pump *p);
/* True when there is room and something may come. */
bool pump_wants(const struct pump *p);
/* Reads once. Returns the bytes read, now at the buffer's end; 0 at the end (eof is set then);
 * -EAGAIN; or another negative errno, which is the end, too. */
ssize_t pump_read(struct pump *p);
/* Writes what its outlets take. Never waits. */
void pump_write(struct pump *p);
/* Nobody reads this outlet any more. */
void pump_cut(struct pump *p, int outlet);
/* Fills in up to PUMP_POLLS descriptors to poll; returns how many. *wait_ms is lowered when it is
 * to be looked at earlier. */
unsigned pump_polls(const struct pump *p, struct pollfd *fds, int *wait_ms);
/* What came of it. True when it is to be read. */
bool pump_polled(struct pump *p, const struct pollfd *fds, unsigned n);

#endif
