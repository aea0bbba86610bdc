/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config document: entries in order with their origin, comments and includes kept
 * for saving. */
#ifndef CT_CONFIG_H
#define CT_CONFIG_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/key.h"
#include "model/origin.h"

struct ct_config;

struct ct_entry {
	const struct ct_key *key; /* row of the table */
	const char *name;	  /* full name without "lxc.", "prlimit.nofile" */
	const char *sub;	  /* the part a "*" row leaves open, "nofile"; "" otherwise */
	const char *value;	  /* never empty */
	bool lxc;		  /* written with "lxc." in front */
	struct ct_origin at;
};

/* New empty document, NULL without memory. */
struct ct_config *ct_config_new(void);
void ct_config_free(struct ct_config *c);
static inline void ct_config_freep(struct ct_config **c)
{
	ct_config_free(*c);
}

#define CT_CLEAN_CONFIG __attribute__((cleanup(ct_config_freep)))
/* A deep copy; NULL without memory. */
struct ct_config *ct_config_copy(const struct ct_config *c);

/* What the public calls of the same name do. 0 or negative errno, recorded in e. */
int ct_config_set(struct ct_config *c, const char *key, const char *value, struct ct_err *e);
int ct_config_get(const struct ct_config *c, const char *key, struct ct_buf *out, struct ct_err *e);
int ct_config_clear(struct ct_config *c, const char *key, struct ct_err *e);
/* Reads a file on top; all or nothing. */
int ct_config_load(struct ct_config *c, const char *path, struct ct_err *e);
/* The same from text; `name` stands for the file in messages. Includes are resolved. (For
 * fuzzing and tests.) */
int ct_config_load_text(struct ct_config *c, const char *text, size_t len, const char *name,
			struct ct_err *e);
/* The document as the text of a file. `for_lxc`: lines that were set by calls get names that LXC
 * can read; else the names that they were set by. */
int ct_config_print(const struct ct_config *c, bool for_lxc, struct ct_buf *out);

/* Entries in effect, in order of appearance, entries of included files in place. */
uint32_t ct_config_count(const struct ct_config *c);
const struct ct_entry *ct_config_entry(const struct ct_config *c, uint32_t i);

#endif
