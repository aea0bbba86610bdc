/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where output goes in the tests of limit.output, and who reads it. */
#ifndef CT_TEST_OUTPUT_SINKS_H
#define CT_TEST_OUTPUT_SINKS_H

#include <pthread.h>
#include <stdint.h>

enum sink { PIPE, TINY, NONBLOCK, SOCKET, PTY, REGULAR, N_SINKS };

struct ends {
	int mine, theirs;
};

/* The descriptor moved above the low numbers, so that a leak of one is seen. */
int high(int fd);
/* Makes one; the test fails when it cannot. */
struct ends make_sink(enum sink kind);
void close_both(struct ends *e);

/* What seq(1) prints: checked byte by byte. */
struct reader {
	pthread_t thread;
	int fd;
	unsigned pause_us;  /* after each piece, at random */
	unsigned long line; /* out: the next that is due */
	uint64_t bytes;
	int wrong;
};

/* Begins a thread that reads what seq(1) prints from fd. */
void begin_reading(struct reader *r, int fd, unsigned pause_us);
/* Waits for its end: how many bytes it has read, all of them as they should be. */
uint64_t end_reading(struct reader *r);
/* How much "seq N" prints. */
uint64_t seq_bytes(unsigned long n);

#endif
