/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings, memory, clocks and signals of the stage. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "stage/stage.h"
#include "stage/sys.h"

uint64_t clock_ns(int clock)
{
	struct timespec t;

	/* by the vDSO: after the phase CONFINE a filter may refuse the system call */
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t clock_ms(void)
{
	return (int64_t)(clock_ns(CLOCK_MONOTONIC) / 1000000);
}

#define ARENA_CHUNK (64u << 10)

/* Zeroed memory that is never freed; NULL without memory. */
void *stage_alloc(size_t n)
{
	static char *chunk;
	static size_t left;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (n > left) {
		size_t take = ARENA_CHUNK;

		if (n > ARENA_CHUNK / 2)
			take = n;
		p = mmap(NULL, take, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return NULL;
		if (take == n)
			return p;
		chunk = p;
		left = take;
	}
	p = chunk;
	chunk += n;
	left -= n;
	return p;
}

/* Copies src into dst[n], terminated; "..." at the end when it was cut. */
void str_cut(char *dst, size_t n, const char *src)
{
	size_t len = strlen(src);

	if (len < n) {
		memcpy(dst, src, len + 1);
		return;
	}
	memcpy(dst, src, n - 4);
	memcpy(dst + n - 4, "...", 4);
}

/* Appends src to the string in dst[n], as much as fits. Returns dst. */
char *str_add(char *dst, size_t n, const char *src)
{
	size_t at = strlen(dst), len = strlen(src);

	if (len > n - 1 - at)
		len = n - 1 - at;
	memcpy(dst + at, src, len);
	dst[at + len] = '\0';
	return dst;
}

/* Appends v in decimal. Returns dst. */
char *str_add_u64(char *dst, size_t n, uint64_t v)
{
	char digits[24], *p = digits + sizeof(digits);

	*--p = '\0';
	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	return str_add(dst, n, p);
}

/* Decimal digits only, the whole string, at most max. 0, -EINVAL or -ERANGE; *out is
 * untouched on failure. */
int str_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (digit > max || v > (max - digit) / 10)
			return -ERANGE;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

/* True when s begins with prefix. */
int str_begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Array of the n strings that follow each other at `first`, with `more` free places and a NULL at
 * its end. */
const char **str_vector(const char *first, uint32_t n, uint32_t more)
{
	const char **v = stage_alloc(((size_t)n + more + 1) * sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++) {
		v[i] = first;
		first += strlen(first) + 1;
	}
	return v;
}

/* In the order of the arguments that LXC gives to its stop hooks. */
const struct stage_ns stage_ns[STAGE_NS] = {
#define CT_NAMESPACE(bit, clone, name, alias, how) { clone, name, "LXC_" #bit "_NS" },
#include "shared/namespaces.def"
};

/* Writes all n bytes; 0 or a negative errno. */
int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		long r = sys3(SYS_write, fd, at, n);

		if (r == -EINTR)
			continue;
		if (r < 0)
			return (int)r;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

/* Reads until n bytes or the end; the number of bytes, or a negative errno. */
ssize_t read_full(int fd, void *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		long r = sys3(SYS_read, fd, (char *)p + got, n - got);

		if (r == -EINTR)
			continue;
		if (r < 0)
			return r;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* One signal to its default action. */
void signal_default(int sig)
{
	struct k_sigaction dfl = { { 0 } };

	sys4(SYS_rt_sigaction, sig, &dfl, NULL, K_NSIG / 8);
}

/* Every signal to its default action; the mask stays. */
void signals_reset(void)
{
	for (int sig = 1; sig <= K_NSIG; sig++)
		signal_default(sig);
}

static void signals_mask(uint64_t mask)
{
	sys4(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &mask, NULL, sizeof(mask));
}

/* None blocked. */
void signals_unblock(void)
{
	signals_mask(0);
}

/* All blocked. */
void signals_block(void)
{
	signals_mask(~(uint64_t)0);
}

/* Default actions, then none blocked. */
void signals_default(void)
{
	signals_reset();
	signals_unblock();
}
