/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a key and a value as they are written to a checked line of the document. */
#include "model/document.h"

#include <errno.h>
#include <string.h>

#include "model/type.h"
#include "shared/weak.h"

#define KEY_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

/* Fails for a control character other than the tab, and for a value that is too long. */
static int check_characters(const char *value, struct ct_err *e)
{
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if ((*p >= 0x20 && *p != 0x7f) || *p == '\t' || ct_weak(CT_WEAK_CONTROL_CHARS))
			continue;
		if (*p == '\r')
			ct_err_hint(e, "convert the file to Unix line ends");
		return ct_fail(e, -EILSEQ, CT_ERR_CONTROL_CHARACTER, "config",
			       "byte %zu of the value is the control character \\x%02x",
			       (size_t)(p - (const unsigned char *)value) + 1, *p);
	}
	if (strlen(value) <= CT_VALUE_MAX)
		return 0;
	return ct_fail(e, -ERANGE, CT_ERR_RANGE, "config", "the value is longer than %u bytes",
		       CT_VALUE_MAX);
}

/* Records that there is no key of that name, and as a hint which one may be meant. */
static int unknown(const char *name, struct ct_err *e)
{
	const char *now = ct_key_renamed(name), *near = ct_key_suggest(name),
		   *one = ct_key_in_group(name);

	if (now)
		ct_err_hint(e, "use %s", now);
	else if (one)
		ct_err_hint(e, "name one of them, such as %s", one);
	else if (near)
		ct_err_hint(e, "did you mean %s?", near);
	if (one && !now)
		return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config",
			       "this is a group of keys, only clearing it is possible");
	return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config", "no such key");
}

/* Finds the row of a key as it was written. A group is found (with key NULL) when it
 * is to be cleared. */
static int find(struct ct_entry *entry, const char *written, struct ct_err *e)
{
	bool clear = !*entry->value;

	if (strlen(entry->name) > CT_NAME_MAX || entry->name[strspn(entry->name, KEY_LETTERS)])
		return ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config", "no such key");
	/* by the name as written: ct_key_find() takes one "lxc." off, a second one is no prefix */
	entry->key = ct_key_find(written, &entry->sub);
	if (entry->key || (clear && ct_key_in_group(written)))
		return 0;
	return unknown(written, e);
}

int ct_item_make(const char *key, const char *value, const char *text, const char *file, int line,
		 struct ct_item **out, struct ct_err *e)
{
	struct ct_entry entry = { .name = strncmp(key, "lxc.", 4) ? key : key + 4,
				  .sub = "",
				  .value = value,
				  .lxc = !strncmp(key, "lxc.", 4),
				  .at = { NULL, file, line } };
	enum ct_item_kind kind = CT_ITEM_SET;
	int r;

	entry.at.key = entry.name;
	r = find(&entry, key, e);
	if (r == 0)
		r = check_characters(value, e);
	if (r == 0 && !*value)
		kind = CT_ITEM_CLEAR;
	else if (r == 0)
		r = entry.key->type->parse(&entry, NULL, NULL, e);
	if (r < 0) {
		ct_err_origin(e, &entry.at);
		return r;
	}
	if (kind == CT_ITEM_SET && entry.key->type == &ct_type_include)
		kind = CT_ITEM_INCLUDE;
	*out = ct_item_new(kind, &entry, text);
	if (*out)
		return 0;
	return ct_oom(e);
}
