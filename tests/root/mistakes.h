/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_TEST_MISTAKES_H
#define CT_TEST_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

#include "setup.h"

/* A mistake: a config that does not load, one that does not start, or a call. */
struct mistake {
	const char *name;
	const char *config;	 /* %B is the box's directory */
	bool start;		 /* it loads, but does not start */
	const char *key;	 /* that the message must name, with file and line */
	const char *const *argv; /* NULL: /bin/true */
	int (*call)(void);	 /* instead of a config; fills mistake_text, returns the error */
	void (*prepare)(void);
	void (*restore)(void);
	/* why nobody can know it before the start; NULL: ct_check() and ct_check_all() name
	 * it in the same words */
	const char *unseen;
	bool no_hint; /* nothing can be advised that the reason does not say already */
};

extern const struct mistake mistakes[];
extern const size_t n_mistakes;

extern char mistake_text[4096];

/* base/name, in buf. */
const char *mistake_path(const char *name, char *buf, size_t size);
/* Keeps the handle's message; returns err. */
int mistake_said(const ct_container *c, int err);
/* Writes base/name with %B expanded. 0 or negative errno. */
int mistake_write(const char *name, const char *text);

#endif
