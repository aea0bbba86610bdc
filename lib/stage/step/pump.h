/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output pump: passes on what the payload prints, and counts it (limit.output). It is a process
 * of its own, so that neither the caller nor who ends the container ever waits for whoever reads.
 *
 * No sink is waited for in a write: none holds up the other. The payload is held up by a full sink
 * as it would be without a pump. A sink that is closed or fails closes the payload's pipe, and what
 * is lost by that is told.
 */
#ifndef CT_STAGE_STEP_PUMP_H
#define CT_STAGE_STEP_PUMP_H

#include <stdint.h>

#include "wire/wire.h"

#define PUMP_WAYS 2
#define PUMP_BYTES 65536u /* held of one way at most, beyond what is in its pipe */
#define PUMP_TICK_MS 50	  /* after the payload's end: how often to look how much patience is left */

enum pump_kind {
	PUMP_FILE, /* always takes */
	PUMP_SOCKET,
	PUMP_STREAM, /* pipe, fifo, terminal, device */
};

/* From a pipe of the payload's to a descriptor of the caller's, whose flags are everybody's
 * and stay as they are. */
struct pump_way {
	int from;     /* read end, O_NONBLOCK; -1: nothing more comes */
	int to;	      /* -1: nothing more goes */
	uint8_t kind; /* enum pump_kind */
	/* a pipe without a name, or a socket: when it says that its peer is gone, it is for good */
	uint8_t one_way;
	uint8_t plain;	/* it cannot be asked not to block by call: by a timer */
	uint16_t piece; /* bytes in one write at most, 0: all */
	/* of buf: to be written next; read */
	uint32_t at, len;
	/* after the end: how much is still taken from the pipe; -1: whatever comes */
	int64_t rest;
	char *buf; /* PUMP_BYTES */
};

struct pump {
	struct ct_wire_output *told;
	uint64_t limit; /* 0: none */
	/* socket; what passes the limit is told there at once, and its end is the payload's; -1 */
	int keeper;
	uint32_t n;
	struct pump_way way[PUMP_WAYS];
	/* private */
	/* the payload has ended, or is to: what is there goes out, no more is waited for */
	int ending;
	int over;
	int64_t moved_at; /* since when nothing has gone out, milliseconds */
};

/* Passes on until everything has gone, or nobody takes it. CT_PUMP_DONE or CT_PUMP_OVER. Every
 * signal but SIGALRM is to be blocked, SIGALRM gets a handler. Takes the descriptors over. */
int pump_run(struct pump *p);

#endif
