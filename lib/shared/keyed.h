/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small texts of cgroup files, read by the library and by the stage alike: one number; lines of
 * a key and a number; lines of fields for each device. Pure. A text is n bytes, not terminated and
 * not trusted: what does not have its form is absent.
 */
#ifndef CT_SHARED_KEYED_H
#define CT_SHARED_KEYED_H

#include <stddef.h>
#include <stdint.h>

#include <contain/contain.h> /* CT_ABSENT */

/* The form that a number has in its text. */
enum ct_keyed_how {
	/* all of it; "max" and version 1's "no limit" are absent */
	CT_KEYED_NUMBER,
	CT_KEYED_LINE,	/* "KEY 12": of the first line with that key */
	CT_KEYED_TREE,	/* the same; struct ct_figure reads it in cgroups below, too */
	CT_KEYED_LINES, /* several keys with blanks between them: the sum of those that occur */
	/* io.stat, "8:0 rbytes=1 wbytes=2": the sum of a field over all lines */
	CT_KEYED_DEVICES,
	/* blkio, "8:0 Read 12": the sum of an operation over all lines */
	CT_KEYED_OPERATION,
	/* "some total", "some avg10=0.12 total=7": a field of the first line of that name */
	CT_KEYED_TOKEN,
	/* the same, "0.12" is 12 */
	CT_KEYED_HUNDREDTHS
};

/* A search for one number in a text that comes in pieces. Set how and key, the rest is 0. */
struct ct_keyed {
	const char *key;
	uint64_t value;
	uint32_t seen; /* LINES: which keys have occurred */
	uint8_t how;   /* enum ct_keyed_how */
	uint8_t state; /* private */
};

/* The next piece: whole lines, but for the last piece, whose last line may lack its end. */
void ct_keyed_feed(struct ct_keyed *k, const char *text, size_t n);
/* What was found; CT_ABSENT: nothing, or something that does not have its form. */
uint64_t ct_keyed_value(const struct ct_keyed *k);
/* True when the text does not have the key. */
int ct_keyed_unsaid(const struct ct_keyed *k);
/* All of it for a text in one piece. */
uint64_t ct_keyed_in(enum ct_keyed_how how, const char *text, size_t n, const char *key);
/* How many of n bytes are whole lines. */
size_t ct_keyed_whole(const char *text, size_t n);

/* cgroup.events: 1, 0, or -1 when it does not have that. */
int ct_keyed_populated(const char *text, size_t n);
int ct_keyed_frozen(const char *text, size_t n);
/* freezer.state of version 1: one of these, or -1. */
#define CT_KEYED_THAWED 0
#define CT_KEYED_FREEZING 1
#define CT_KEYED_FROZEN 2
int ct_keyed_freezer(const char *text, size_t n);

#endif
