/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_serve(const struct bench *b)
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
