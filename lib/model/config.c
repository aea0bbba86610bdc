/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config document: made, copied, changed by calls. */
#include "model/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/document.h"
#include "model/type.h"

struct ct_config *ct_config_new(void)
{
	return calloc(1, sizeof(struct ct_config));
}

void ct_config_free(struct ct_config *c)
{
	if (!c)
		return;
	ct_items_free(&c->items);
	for (uint32_t i = 0; i < c->n_files; i++)
		free(c->files[i]);
	free(c->files);
	free(c->effect);
	free(c);
}

static const char *or_empty(const char *s)
{
	if (!s)
		return "";
	return s;
}

struct ct_item *ct_item_new(enum ct_item_kind kind, const struct ct_entry *entry, const char *text)
{
	const char *name = or_empty(entry->name), *value = or_empty(entry->value);
	size_t n_name = strlen(name) + 1, n_value = strlen(value) + 1, n_text = 0;
	struct ct_item *item;
	char *p;

	if (text)
		n_text = strlen(text) + 1;
	item = calloc(1, sizeof(*item) + n_name + n_value + n_text);
	if (!item)
		return NULL;
	item->kind = kind;
	item->entry = *entry;
	p = item->storage;
	item->entry.name = item->entry.at.key = memcpy(p, name, n_name);
	/* `sub` is the end of the name */
	item->entry.sub = p + n_name - 1 - strlen(or_empty(entry->sub));
	item->entry.value = memcpy(p + n_name, value, n_value);
	if (text)
		item->text = memcpy(p + n_name + n_value, text, n_text);
	return item;
}

void ct_item_free(struct ct_item *item)
{
	if (!item)
		return;
	ct_items_free(&item->inside);
	free(item);
}

void ct_items_free(struct ct_items *items)
{
	for (uint32_t i = 0; i < items->n; i++)
		ct_item_free(items->v[i]);
	free(items->v);
	*items = (struct ct_items){ NULL, 0, 0 };
}

/* Room for `more` further items. */
static int reserve(struct ct_items *items, uint32_t more)
{
	uint32_t cap = items->cap;
	struct ct_item **v;

	if (!cap)
		cap = 16;
	while (cap < items->n + more)
		cap *= 2;
	if (cap == items->cap)
		return 0;
	v = realloc(items->v, cap * sizeof(struct ct_item *));
	if (!v)
		return -ENOMEM;
	items->v = v;
	items->cap = cap;
	return 0;
}

int ct_items_add(struct ct_items *items, struct ct_item *item)
{
	if (!item || reserve(items, 1) < 0) {
		ct_item_free(item);
		return -ENOMEM;
	}
	items->v[items->n++] = item;
	return 0;
}

const char *ct_config_file_name(struct ct_config *c, const char *file)
{
	char **files, *copy;

	for (uint32_t i = 0; i < c->n_files; i++) {
		if (!strcmp(c->files[i], file))
			return c->files[i];
	}
	files = realloc(c->files, (c->n_files + 1) * sizeof(char *));
	if (!files)
		return NULL;
	c->files = files;
	copy = strdup(file);
	if (copy)
		files[c->n_files++] = copy;
	return copy;
}

/* Deep copy of items into `c`, which must know all their files. */
static int copy_items(struct ct_config *c, const struct ct_items *from, struct ct_items *to)
{
	for (uint32_t i = 0; i < from->n; i++) {
		const struct ct_item *old = from->v[i];
		struct ct_item *item = ct_item_new(old->kind, &old->entry, old->text);

		if (item && old->entry.at.file) {
			item->entry.at.file = ct_config_file_name(c, old->entry.at.file);
			if (!item->entry.at.file) {
				ct_item_free(item);
				return -ENOMEM;
			}
		}
		if (ct_items_add(to, item) < 0 || copy_items(c, &old->inside, &item->inside) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct ct_config *ct_config_copy(const struct ct_config *c)
{
	CT_CLEAN_CONFIG struct ct_config *new = ct_config_new();
	struct ct_config *r = new;

	if (!new || copy_items(new, &c->items, &new->items) < 0 || ct_config_refresh(new) < 0)
		return NULL;
	new = NULL;
	return r;
}

/* The top-level item that is in effect for a name; NULL when there is none or it comes
 * from an included file. */
static struct ct_item **own_item(struct ct_config *c, const char *name)
{
	const struct ct_entry *found = NULL;

	for (uint32_t i = c->n_effect; !found && i > 0; i--) {
		if (!strcmp(c->effect[i - 1]->name, name))
			found = c->effect[i - 1];
	}
	for (uint32_t i = c->items.n; found && i > 0; i--) {
		if (&c->items.v[i - 1]->entry == found)
			return &c->items.v[i - 1];
	}
	return NULL;
}

/* Puts a new value in the place of the old. Takes the item, also on failure. */
static int replace(struct ct_config *c, struct ct_item **place, struct ct_item *item)
{
	struct ct_item *old = *place;

	*place = item;
	if (ct_config_refresh(c) < 0) {
		*place = old;
		ct_item_free(item);
		return -ENOMEM;
	}
	ct_item_free(old);
	return 0;
}

/* Adds at the end. Takes the item, also on failure. */
static int append(struct ct_config *c, struct ct_item *item)
{
	if (ct_items_add(&c->items, item) < 0)
		return -ENOMEM;
	if (ct_config_refresh(c) < 0) {
		ct_item_free(c->items.v[--c->items.n]);
		return -ENOMEM;
	}
	return 0;
}

int ct_config_set(struct ct_config *c, const char *key, const char *value, struct ct_err *e)
{
	struct ct_item *item = NULL, **place = NULL;
	int r;

	if (!value || !*value)
		return ct_config_clear(c, key, e);
	r = ct_item_make(key, value, NULL, NULL, 0, &item, e);
	if (r < 0)
		return r;
	if (item->kind == CT_ITEM_INCLUDE) {
		r = ct_config_include(c, &item, e);
		if (r < 0) {
			ct_item_free(item);
			return r;
		}
	}
	if (!(item->entry.key->flags & CT_KF_LIST))
		place = own_item(c, item->entry.name);
	if (place)
		r = replace(c, place, item);
	else
		r = append(c, item);
	if (r < 0)
		return ct_oom(e);
	return 0;
}

/* Whether a clear of `what` removes the item. */
static bool is_cleared(const struct ct_item *item, const struct ct_entry *what)
{
	if (item->kind == CT_ITEM_TEXT)
		return false;
	if (what->key && !(what->key->flags & CT_KF_ANY))
		return !strcmp(item->entry.name, what->name);
	return ct_name_is_below(item->entry.name, what->name);
}

/* Whether anything that a clear of `what` should remove is still in effect: it comes from an
 * included file. */
static bool is_left(const struct ct_config *c, const struct ct_entry *what)
{
	for (uint32_t i = 0; i < c->n_effect; i++) {
		struct ct_item item = { .kind = CT_ITEM_SET, .entry = *c->effect[i] };

		if (is_cleared(&item, what))
			return true;
	}
	return false;
}

/* Copies the items of `from` that a clear removes to `gone`, the others to `kept`. */
static int divide(const struct ct_items *from, const struct ct_entry *what, struct ct_items *kept,
		  struct ct_items *gone)
{
	if (reserve(kept, from->n + 1) < 0 || reserve(gone, from->n + 1) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->n; i++) {
		struct ct_items *to = kept;

		if (is_cleared(from->v[i], what))
			to = gone;
		to->v[to->n++] = from->v[i];
	}
	return 0;
}

/* Removes the document's own lines that `clear` is about; it is added as a line itself only where
 * included files have such lines. Takes `clear`. */
static int clear_items(struct ct_config *c, struct ct_item *clear)
{
	struct ct_items old = c->items, kept = { NULL, 0, 0 }, gone = { NULL, 0, 0 };
	int r = divide(&old, &clear->entry, &kept, &gone);

	c->items = kept;
	if (r == 0)
		r = ct_config_refresh(c);
	if (r == 0 && is_left(c, &clear->entry)) {
		c->items.v[c->items.n++] = clear;
		r = ct_config_refresh(c);
		if (r == 0)
			clear = NULL;
		else
			c->items.n--;
	}
	if (r < 0) {
		/* back to the old lines, and to what they come to */
		free(c->items.v);
		free(gone.v);
		c->items = old;
		ct_config_refresh(c);
		ct_item_free(clear);
		return -ENOMEM;
	}
	free(old.v);
	ct_items_free(&gone);
	ct_item_free(clear);
	return 0;
}

int ct_config_clear(struct ct_config *c, const char *key, struct ct_err *e)
{
	struct ct_item *item = NULL;
	int r;

	if (!key) {
		ct_items_free(&c->items);
		c->n_effect = 0;
		return 0;
	}
	r = ct_item_make(key, "", NULL, NULL, 0, &item, e);
	if (r < 0)
		return r;
	if (clear_items(c, item) < 0)
		return ct_oom(e);
	return 0;
}

uint32_t ct_config_count(const struct ct_config *c)
{
	return c->n_effect;
}

const struct ct_entry *ct_config_entry(const struct ct_config *c, uint32_t i)
{
	if (i < c->n_effect)
		return c->effect[i];
	return NULL;
}
