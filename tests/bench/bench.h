/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the measured programs share: each stays and does what it reads on its standard input,
 * so that the driver can take turns between them in one run. One command a line: "run N"
 * measures N times and answers with N nanosecond figures in one line; what else there is, is
 * the program's own.
 */
#ifndef CT_BENCH_H
#define CT_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The monotonic clock. */
uint64_t now_ns(void);

/* Says what failed where the driver sees it, and ends. */
#define die(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

struct bench {
	uint64_t (*once)(void *data);			     /* one measured round: nanoseconds */
	void (*other)(void *data, const char *word, long n); /* another command; may be NULL */
	void *data;
};

/* Serves commands until the end of input. */
void bench_serve(const struct bench *b);

#endif
