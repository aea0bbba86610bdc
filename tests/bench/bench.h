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

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Says what failed where the driver sees it, and ends. */
#define die(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

struct bench {
	uint64_t (*once)(void *data);			     /* one measured round: nanoseconds */
	void (*other)(void *data, const char *word, long n); /* another command; may be NULL */
	void *data;
};

/* Serves commands until the end of input. */
static inline void bench_serve(const struct bench *b)
{
	char line[128], word[32];
	long n;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		n = 0;
		if (sscanf(line, "%31s %ld", word, &n) < 1)
			continue;
		if (strcmp(word, "run") == 0)
			for (long i = 0; i < n; i++)
				printf("%llu ", (unsigned long long)b->once(b->data));
		else if (b->other)
			b->other(b->data, word, n);
		else
			die("unknown command %s", word);
		putchar('\n');
		fflush(stdout);
	}
}

#endif
