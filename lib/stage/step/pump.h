/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The output pump copies what the payload prints, and counts it (limit.output). It is a process of
 * its own, so that neither the caller nor the supervisor waits for those who read the output. It
 * blocks in no write, so one sink does not hold up the other. A full sink blocks the payload, as
 * without a pump. A sink that is closed or fails closes the payload's pipe, and what is lost by
 * that is counted.
 */
#ifndef CT_STAGE_STEP_PUMP_H
#define CT_STAGE_STEP_PUMP_H

#include <stdint.h>

#include "wire/wire.h"

#define PUMP_WAYS 2
#define PUMP_BYTES 65536u /* buffer of one way */
#define PUMP_TICK_MS 50	  /* after the payload's end: time between two checks for a standstill */

enum pump_kind {
	PUMP_FILE, /* never full */
	PUMP_SOCKET,
	PUMP_STREAM, /* pipe, fifo, terminal, device */
};

/* From a pipe of the payload to a descriptor of the caller. Other processes share the flags of that
 * one, so they are not changed. */
struct pump_way {
	int from;     /* read end, O_NONBLOCK; -1: closed */
	int to;	      /* -1: closed */
	uint8_t kind; /* enum pump_kind */
	/* a pipe without a name, or a stream socket: its POLLERR or POLLHUP is final */
	uint8_t one_way;
	uint8_t plain;	/* the kernel has no RWF_NOWAIT for it: a timer interrupts the write */
	uint16_t piece; /* bytes in one write at most, 0: all */
	/* in buf: what is to be written next, and the end of what was read */
	uint32_t at, len;
	/* after the payload's end: bytes still to be read from the pipe; -1: no bound */
	int64_t rest;
	char *buf; /* PUMP_BYTES */
};

struct pump {
	struct ct_wire_output *told;
	uint64_t limit; /* 0: none */
	/* socket of the keeper or supervisor: told when the limit is passed; its end means the
	 * payload's; -1 */
	int keeper;
	uint32_t n;
	struct pump_way way[PUMP_WAYS];
	/* private: */
	int ending;	  /* the payload has ended: only what is in the pipes is copied */
	int over;	  /* the limit was passed */
	int64_t moved_at; /* time of the last successful write, milliseconds */
};

/* Copies until everything is written, or the sinks take no more. CT_PUMP_DONE or CT_PUMP_OVER. The
 * caller has blocked every signal but SIGALRM, which gets a handler. Closes the descriptors. */
int pump_run(struct pump *p);

#endif
