/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of a config document, shared by config*.c: its lines as they were written, and the
 * entries in effect. */
#ifndef CT_DOCUMENT_H
#define CT_DOCUMENT_H

#include <stdbool.h>

#include "model/config.h"

#define CT_VALUE_MAX 65535u /* bytes in a value */
#define CT_NAME_MAX 255u    /* bytes in a key */

enum ct_item_kind {
	CT_ITEM_TEXT, /* comment or blank line */
	CT_ITEM_SET,
	CT_ITEM_CLEAR, /* empty value: earlier lines with the key, also included, have no effect */
	CT_ITEM_INCLUDE
};

struct ct_items {
	struct ct_item **v;
	uint32_t n, cap;
};

struct ct_item {
	enum ct_item_kind kind;
	struct ct_entry entry;	/* but for TEXT; a CLEAR of a group has no entry.key */
	const char *text;	/* the line as written; NULL: made by a call */
	struct ct_items inside; /* INCLUDE: what the file or files hold */
	char storage[];		/* name, value and text */
};

struct ct_config {
	struct ct_items items;
	const struct ct_entry **effect; /* the entries in effect, in order */
	uint32_t n_effect;
	char **files; /* names of files, for origins; each once */
	uint32_t n_files;
};

/* A new item. Strings are copied but at->file, which lives as long as the config. NULL
 * without memory. */
struct ct_item *ct_item_new(enum ct_item_kind kind, const struct ct_entry *entry, const char *text);
void ct_item_free(struct ct_item *item);
/* Appends; takes the item, also on failure (-ENOMEM). */
int ct_items_add(struct ct_items *items, struct ct_item *item);
void ct_items_free(struct ct_items *items);

/* Looks up and checks key and value as written, and makes the item (CT_ITEM_INCLUDE still empty).
 * `text` may be NULL. 0 or a negative errno, recorded with origin. */
int ct_item_make(const char *key, const char *value, const char *text, const char *file, int line,
		 struct ct_item **out, struct ct_err *e);
/* The config's own copy of a file name; NULL without memory. */
const char *ct_config_file_name(struct ct_config *c, const char *file);
/* Determines the entries in effect again; -ENOMEM leaves them as they were. */
int ct_config_refresh(struct ct_config *c);
/* Fills an INCLUDE item from the file or directory it names; one with a relative path is replaced
 * by one with the absolute path. */
int ct_config_include(struct ct_config *c, struct ct_item **item, struct ct_err *e);
/* Whether `name` is `group` or begins with it and a dot. */
bool ct_name_is_below(const char *name, const char *group);

#endif
