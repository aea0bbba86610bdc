/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares the text of a cgroup's file with what was written into it, which the kernel may have
 * rounded, sorted or extended. */
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/cgroup.h"
#include "backend/cgroup/cpulist.h"
#include "base/num.h"
#include "model/type.h"

enum way {
	AT_MOST,  /* a number that limits */
	AT_LEAST, /* a number that protects, and may have been rounded to pages */
	WITHIN,	  /* a list of processors or nodes */
	EXACTLY	  /* words */
};

/* How a file is compared, by a part of its name: the first that fits. */
static const struct {
	const char *part;
	enum way way;
} ways[] = {
	{ "memory.low", AT_LEAST }, { "memory.min", AT_LEAST },	   { "soft_limit", AT_LEAST },
	{ "cpuset.cpus", WITHIN },  { "cpuset.mems", WITHIN },	   { ".max", AT_MOST },
	{ ".high", AT_MOST },	    { "limit_in_bytes", AT_MOST }, { "quota_us", AT_MOST },
	{ "burst", AT_MOST },
};

static enum way way_of(const char *file)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *at = strstr(file, ways[i].part);

		/* "cpuset.cpus.partition" is no list */
		if (at && (ways[i].way != WITHIN || !at[strlen(ways[i].part)]))
			return ways[i].way;
	}
	return EXACTLY;
}

/* A word as a number: "max" and -1 are the greatest one. False: it is no number. */
static bool number(struct ct_span word, uint64_t *out)
{
	char text[32] = "";

	if (!word.n || word.n >= sizeof(text))
		return false;
	memcpy(text, word.s, word.n);
	*out = UINT64_MAX;
	return !strcmp(text, "max") || !strcmp(text, "-1") || ct_parse_u64(text, out) == 0 ||
	       ct_parse_size(text, out) == 0;
}

static bool next_line(const char **s, struct ct_span *line)
{
	return ct_next_word(s, "\n", line);
}

/* The n-th word, from 0, of a line. */
static struct ct_span word_of(struct ct_span line, unsigned n)
{
	const char *end = line.s + line.n, *p = line.s;

	for (;; n--) {
		struct ct_span word = { p, 0 };

		while (word.s < end && (*word.s == ' ' || *word.s == '\t'))
			word.s++;
		while (word.s + word.n < end && word.s[word.n] != ' ' && word.s[word.n] != '\t')
			word.n++;
		if (!n || !word.n)
			return word;
		p = word.s + word.n;
	}
}

static bool equal(struct ct_span a, struct ct_span b)
{
	return a.n == b.n && !memcmp(a.s, b.s, a.n);
}

/* Whether a list has more than was wanted. An empty one means all that the cgroup above has. */
static bool is_beyond(const char *wanted, const char *got)
{
	struct ct_cpulist want, have, both;

	ct_cpulist_read(wanted, &want);
	ct_cpulist_read(got, &have);
	ct_cpulist_both(&want, &have, &both);
	return ct_cpulist_is_empty(&have) || !ct_cpulist_equal(&both, &have);
}

/* A word that limits nothing: "wbps=max", or "0" where that removes a limit. */
static bool is_idle(struct ct_span word)
{
	return ct_span_is(word, "max") || ct_span_is(word, "0") ||
	       (word.n > 4 && !memcmp(word.s + word.n - 4, "=max", 4));
}

/* Whether no line of `got` has all words of `wanted`. When no line begins with the same word, words
 * that limit nothing are not missed: the kernel has no line for those. */
static bool lacks_words(struct ct_span wanted, const char *got)
{
	struct ct_span line;
	unsigned n = 0;

	while (word_of(wanted, n).n)
		n++;
	while (next_line(&got, &line)) {
		unsigned found = 0;

		for (unsigned i = 0; i < n; i++) {
			struct ct_span word = word_of(wanted, i);
			bool there = i && is_idle(word);

			for (unsigned k = 0; !there && word_of(line, k).n; k++)
				there = equal(word, word_of(line, k));
			found += there;
		}
		if (found == n)
			return false;
		if (n > 1 && equal(word_of(wanted, 0), word_of(line, 0)))
			return true;
	}
	for (unsigned i = 1; i < n; i++)
		if (!is_idle(word_of(wanted, i)))
			return true;
	return n < 2;
}

/* Whether a limit is greater. Quota and period are compared by their quotient. */
static bool is_greater(struct ct_span wanted, struct ct_span got)
{
	uint64_t w = 0, g = 0, w_per, g_per;

	number(word_of(wanted, 0), &w);
	number(word_of(got, 0), &g);
	if (w == UINT64_MAX || g == UINT64_MAX || !number(word_of(wanted, 1), &w_per) ||
	    !number(word_of(got, 1), &g_per) || !w_per || !g_per)
		return g > w;
	return (double)g / (double)g_per > (double)w / (double)w_per * 1.000001;
}

bool ct_cg_weaker(const char *file, const char *wanted, const char *got)
{
	struct ct_span want = { wanted, strcspn(wanted, "\n") }, have = { got, strcspn(got, "\n") };
	enum way way = way_of(file);
	uint64_t w, g, page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (way == WITHIN)
		return is_beyond(wanted, got);
	if (way == EXACTLY || !number(word_of(want, 0), &w) || !number(word_of(have, 0), &g))
		return lacks_words(want, got);
	if (way == AT_MOST)
		return is_greater(want, have);
	return g < w && w - g >= page && !(w == UINT64_MAX && g >= (uint64_t)INT64_MAX - page);
}
