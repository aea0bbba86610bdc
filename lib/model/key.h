/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key table: one row per key decides parsing, printing, clearing, the man page and the
 * bindings' constants. */
#ifndef CT_KEY_H
#define CT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/origin.h"

struct ct_spec;
struct ct_key;
struct ct_entry;

/* One type of value: checks a value, and parses it into a field of the spec. */
struct ct_type {
	const char *name; /* for the manual: "size", "list of capabilities" */
	/* Parses entry's value into `field` (the spec's field of the row), adding for list types.
	 * NULL field: check only, `spec` may then be NULL, too. 0, or a negative errno with the
	 * reason recorded (without origin: the caller adds it). */
	int (*parse)(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		     struct ct_err *e);
	/* what a value looks like, after `"x" is not ...`: "a size such as 64K" */
	const char *form;
	uint64_t min, max;	  /* of types that are numbers */
	const char *const *words; /* of types with a fixed set of words; ends in NULL */
};

#define CT_KF_LIST 1u	   /* setting appends */
#define CT_KF_STORED 2u	   /* kept and saved; not honoured yet: goes to spec->unsupported */
#define CT_KF_OURS 4u	   /* not an LXC key */
#define CT_KF_ANY 8u	   /* name ends in ".*": takes a name in that place */
#define CT_KF_HARMLESS 16u /* STORED, but a start may ignore it (log.syslog, start.*) */

/* needs the supervisor of a detached container: an in-process start refuses it */
#define CT_KF_SUPERVISED 32u

struct ct_key {
	const char *name; /* without "lxc.": "rootfs.path", "prlimit.*", "net.*.type" */
	const struct ct_type *type;
	uint32_t flags;	  /* CT_KF_* */
	const char *dflt; /* as text, NULL for none */
	size_t field;	  /* offsetof(struct ct_spec, ...); SIZE_MAX: stored only */
	const char *help; /* one sentence */
	/* STORED, SUPERVISED: values that ask for nothing, "0|no"; NULL: there are none */
	const char *idle;
};

extern const struct ct_key ct_keys[];
extern const uint32_t ct_n_keys;

/* Row for a name with or without "lxc."; *sub points at the free part inside `name` (or at
 * ""). NULL: unknown. */
const struct ct_key *ct_key_find(const char *name, const char **sub);
/* The first key that begins with name and a dot ("hook", "net.0"); NULL: the name is no group. */
const char *ct_key_in_group(const char *name);
/* What takes the place of a key of LXC 2 ("utsname": "uts.name"), or is meant by a name that is
 * often tried; NULL: nothing is known. */
const char *ct_key_renamed(const char *name);
/* The known key nearest to a wrong one, for "did you mean"; NULL when none is near. */
const char *ct_key_suggest(const char *name);

#endif
