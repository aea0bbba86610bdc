/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of cgroup files. */
#include <string.h>

#include "shared/keyed.h"

enum { NOTHING, FOUND, BAD };

/* Part of a text, or of a key. */
struct span {
	const char *p, *end;
};

static int span_is(struct span s, const char *word, size_t n)
{
	return (size_t)(s.end - s.p) == n && memcmp(s.p, word, n) == 0;
}

static int same(struct span a, struct span b)
{
	return span_is(a, b.p, (size_t)(b.end - b.p));
}

/* Takes what precedes the next `stop` out of *rest; all of it if there is none. */
static struct span cut(struct span *rest, char stop)
{
	const char *at = memchr(rest->p, stop, (size_t)(rest->end - rest->p));
	struct span head = *rest;

	if (!at) {
		rest->p = rest->end;
		return head;
	}
	head.end = at;
	rest->p = at + 1;
	return head;
}

static struct span key_span(const char *key)
{
	return (struct span){ key, key + strlen(key) };
}

/* Decimal digits and nothing else; absent: none, another character, or too great a number. */
static uint64_t digits(struct span s)
{
	uint64_t v = 0;

	if (s.p == s.end)
		return CT_ABSENT;
	for (; s.p < s.end; s.p++) {
		unsigned d = (unsigned)(unsigned char)*s.p - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return CT_ABSENT;
		v = v * 10 + d;
	}
	return v;
}

/* "12.34" is 1234; two digits after the point, no more and no less. */
static uint64_t hundredths(struct span s)
{
	struct span rest = s, whole = cut(&rest, '.');
	uint64_t v = digits(whole), part = digits(rest);

	if (rest.end - rest.p != 2 || part > 99 || v > UINT64_MAX / 100 - 1)
		return CT_ABSENT;
	return v * 100 + part;
}

/* Version 1 has the greatest signed number for "no limit", rounded down to its pages, which are
 * no larger than this. */
#define NO_LIMIT_PAGE 0x40000u

static uint64_t number(struct span s)
{
	struct span rest = s, line = cut(&rest, '\n');
	uint64_t v;

	/* more than one line */
	if (rest.p != rest.end)
		return CT_ABSENT;
	v = digits(line);
	if (v <= INT64_MAX && v > (uint64_t)INT64_MAX - NO_LIMIT_PAGE && v % 4096 == 0)
		return CT_ABSENT;
	return v;
}

static void found(struct ct_keyed *k, uint64_t v)
{
	if (v == CT_ABSENT || k->value > UINT64_MAX - v)
		k->state = BAD;
	else if (k->state == NOTHING)
		k->state = FOUND;
	k->value += v;
}

/* "KEY 12" */
static void feed_key(struct ct_keyed *k, struct span line)
{
	struct span word = cut(&line, ' ');

	if (same(word, key_span(k->key)))
		found(k, digits(line));
}

/* The same for the keys of a list, which are added up; of each the first line is taken. */
static void feed_keys(struct ct_keyed *k, struct span line)
{
	struct span word = cut(&line, ' '), keys = key_span(k->key);

	for (uint32_t bit = 1; keys.p < keys.end; bit <<= 1) {
		if (!same(word, cut(&keys, ' ')) || (k->seen & bit))
			continue;
		k->seen |= bit;
		found(k, digits(line));
	}
}

/* "NAME a=1 b=2" without its name */
static void feed_field(struct ct_keyed *k, struct span line, struct span key)
{
	while (line.p < line.end) {
		struct span value = cut(&line, ' '), name = cut(&value, '=');

		if (!same(name, key))
			continue;
		if (k->how == CT_KEYED_HUNDREDTHS)
			found(k, hundredths(value));
		else
			found(k, digits(value));
		return;
	}
}

static void feed_line(struct ct_keyed *k, struct span line)
{
	struct span name, key = key_span(k->key);

	switch (k->how) {
	case CT_KEYED_LINE:
	case CT_KEYED_TREE:
		feed_key(k, line);
		break;
	case CT_KEYED_LINES:
		feed_keys(k, line);
		break;
	case CT_KEYED_DEVICES:
		/* the first word is the device's name; on 5.15 a line may have several, of devices
		 * without counters, which are no fields */
		cut(&line, ' ');
		feed_field(k, line, key);
		break;
	case CT_KEYED_OPERATION:
		cut(&line, ' ');
		feed_key(k, line);
		break;
	case CT_KEYED_TOKEN:
	case CT_KEYED_HUNDREDTHS:
		name = cut(&key, ' ');
		if (same(cut(&line, ' '), name))
			feed_field(k, line, key);
		break;
	}
}

/* Whether no further line can matter: forms that are sums read all lines. */
static int settled(const struct ct_keyed *k)
{
	int sum = k->how == CT_KEYED_LINES || k->how == CT_KEYED_DEVICES ||
		  k->how == CT_KEYED_OPERATION;

	return k->state == BAD || (k->state == FOUND && !sum);
}

void ct_keyed_feed(struct ct_keyed *k, const char *text, size_t n)
{
	struct span rest;

	if (!n)
		return;
	rest = (struct span){ text, text + n };
	if (k->how == CT_KEYED_NUMBER) {
		/* a second piece: it is more than a number */
		if (k->state != NOTHING)
			k->state = BAD;
		else
			found(k, number(rest));
		return;
	}
	while (rest.p < rest.end && !settled(k))
		feed_line(k, cut(&rest, '\n'));
}

uint64_t ct_keyed_value(const struct ct_keyed *k)
{
	if (k->state != FOUND)
		return CT_ABSENT;
	return k->value;
}

int ct_keyed_unsaid(const struct ct_keyed *k)
{
	return k->state == NOTHING;
}

uint64_t ct_keyed_in(enum ct_keyed_how how, const char *text, size_t n, const char *key)
{
	struct ct_keyed k = { .key = key, .how = (uint8_t)how };

	ct_keyed_feed(&k, text, n);
	return ct_keyed_value(&k);
}

size_t ct_keyed_whole(const char *text, size_t n)
{
	while (n && text[n - 1] != '\n')
		n--;
	return n;
}

static int flag(const char *text, size_t n, const char *key)
{
	uint64_t v = ct_keyed_in(CT_KEYED_LINE, text, n, key);

	if (v > 1)
		return -1;
	return (int)v;
}

int ct_keyed_populated(const char *text, size_t n)
{
	return flag(text, n, "populated");
}

int ct_keyed_frozen(const char *text, size_t n)
{
	return flag(text, n, "frozen");
}

int ct_keyed_freezer(const char *text, size_t n)
{
	static const char words[][9] = {
		[CT_KEYED_THAWED] = "THAWED",
		[CT_KEYED_FREEZING] = "FREEZING",
		[CT_KEYED_FROZEN] = "FROZEN",
	};
	struct span rest, line;

	if (!n)
		return -1;
	rest = (struct span){ text, text + n };
	line = cut(&rest, '\n');
	for (int i = 0; i < 3; i++) {
		if (same(line, key_span(words[i])))
			return i;
	}
	return -1;
}
