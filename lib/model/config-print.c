/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document as text: as a file, and one key's value. */
#include "model/document.h"

#include <errno.h>
#include <string.h>

#include "model/type.h"

/* Whether a reader would strip blanks or quotes from the value. */
static bool needs_quotes(const char *value)
{
	size_t n = strlen(value);

	if (!n)
		return false;
	return strchr(" \t", value[0]) || strchr(" \t", value[n - 1]) ||
	       (n > 1 && strchr("\"'", value[0]) && value[0] == value[n - 1]);
}

/* Whether the key is written with "lxc.". For LXC those are that it knows: it ignores lines without
 * the prefix, so that it can read the file. */
static bool has_prefix(const struct ct_entry *entry, bool for_lxc)
{
	if (!for_lxc)
		return entry->lxc;
	return !entry->key || !(entry->key->flags & CT_KF_OURS);
}

/* A line that was made by a call and was in no file. */
static void print_made(const struct ct_item *item, bool for_lxc, struct ct_buf *out)
{
	const char *value = item->entry.value;

	if (has_prefix(&item->entry, for_lxc))
		ct_buf_str(out, "lxc.");
	ct_buf_printf(out, "%s =", item->entry.name);
	if (needs_quotes(value))
		ct_buf_printf(out, " \"%s\"", value);
	else if (*value)
		ct_buf_printf(out, " %s", value);
}

int ct_config_print(const struct ct_config *c, bool for_lxc, struct ct_buf *out)
{
	for (uint32_t i = 0; i < c->items.n; i++) {
		const struct ct_item *item = c->items.v[i];

		if (item->text)
			ct_buf_str(out, item->text);
		else
			print_made(item, for_lxc, out);
		ct_buf_char(out, '\n');
	}
	return ct_buf_error(out);
}

/* One value of a list, on a line of its own. */
static void print_value(struct ct_buf *out, const char *value, size_t start)
{
	if (out->len > start)
		ct_buf_char(out, '\n');
	ct_buf_str(out, value);
}

int ct_config_get(const struct ct_config *c, const char *key, struct ct_buf *out, struct ct_err *e)
{
	size_t start = out->len;
	struct ct_item *item = NULL;
	int r = ct_item_make(key, "", NULL, NULL, 0, &item, e);

	if (r < 0)
		return r;
	if (!item->entry.key) {
		r = ct_fail(e, -ENOENT, CT_ERR_UNKNOWN_KEY, "config",
			    "this is a group of keys, ask for one of them");
		ct_err_origin(e, &item->entry.at);
		ct_item_free(item);
		return r;
	}
	for (uint32_t i = 0; i < c->n_effect; i++) {
		if (!strcmp(c->effect[i]->name, item->entry.name))
			print_value(out, c->effect[i]->value, start);
	}
	for (uint32_t i = 0; item->entry.key->type == &ct_type_include && i < c->items.n; i++) {
		if (c->items.v[i]->kind == CT_ITEM_INCLUDE)
			print_value(out, c->items.v[i]->entry.value, start);
	}
	if (out->len == start && item->entry.key->dflt)
		ct_buf_str(out, item->entry.key->dflt);
	ct_item_free(item);
	if (ct_buf_error(out))
		return ct_oom(e);
	return 0;
}
