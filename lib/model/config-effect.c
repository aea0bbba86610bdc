/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which entries of a document are in effect. Its lines are walked backwards, included ones in their
 * place: an entry is in effect unless a later line clears its key, or sets it again when the key
 * holds one value only. One walk with a set of names finds them.
 */
#include "model/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A name, and whether it stands for all that begins with it, too. */
struct done_name {
	const char *name;
	size_t len;
	bool group;
};

struct done {
	struct done_name *v;
	uint32_t size; /* a power of two, at least twice the names */
};

static struct done_name *slot(const struct done *d, const char *name, size_t len, bool group)
{
	uint32_t hash = 2166136261u + group;
	struct done_name *s;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	for (;; hash++) {
		s = &d->v[hash & (d->size - 1)];
		if (!s->name || (s->group == group && s->len == len && !memcmp(s->name, name, len)))
			return s;
	}
}

static bool has(const struct done *d, const char *name, size_t len, bool group)
{
	return slot(d, name, len, group)->name != NULL;
}

static void add(struct done *d, const char *name, bool group)
{
	struct done_name *s = slot(d, name, strlen(name), group);

	*s = (struct done_name){ name, strlen(name), group };
}

/* Whether a later line has cleared the name, or set it again. */
static bool is_done(const struct done *d, const char *name)
{
	if (has(d, name, strlen(name), false))
		return true;
	for (const char *p = name; *p; p++) {
		if (p[0] == '.' && has(d, name, (size_t)(p - name), true))
			return true;
	}
	return has(d, name, strlen(name), true);
}

bool ct_name_is_below(const char *name, const char *group)
{
	size_t n = strlen(group);

	return !strncmp(name, group, n) && (!name[n] || name[n] == '.');
}

/* All lines but comments, with those of included files. */
static size_t count_items(const struct ct_items *items)
{
	size_t n = 0;

	for (uint32_t i = 0; i < items->n; i++)
		n += (items->v[i]->kind != CT_ITEM_TEXT) + count_items(&items->v[i]->inside);
	return n;
}

/* Fills `out` from its end; *at is the index of the first one filled. */
static void walk_back(const struct ct_items *items, struct done *d, const struct ct_entry **out,
		      size_t *at)
{
	for (uint32_t i = items->n; i > 0; i--) {
		const struct ct_item *item = items->v[i - 1];
		const struct ct_key *key = item->entry.key;

		walk_back(&item->inside, d, out, at);
		if (item->kind == CT_ITEM_CLEAR)
			add(d, item->entry.name, !key || key->flags & CT_KF_ANY);
		if (item->kind != CT_ITEM_SET || is_done(d, item->entry.name))
			continue;
		if (!(key->flags & CT_KF_LIST))
			add(d, item->entry.name, false);
		out[--*at] = &item->entry;
	}
}

int ct_config_refresh(struct ct_config *c)
{
	size_t n = count_items(&c->items), at = n;
	struct done d = { .size = 16 };
	const struct ct_entry **out;

	if (n > UINT32_MAX / 4)
		return -ENOMEM;
	while (d.size < 2 * n)
		d.size *= 2;
	d.v = calloc(d.size, sizeof(*d.v));
	out = calloc(n + 1, sizeof(*out));
	if (!d.v || !out) {
		free(d.v);
		free(out);
		return -ENOMEM;
	}
	walk_back(&c->items, &d, out, &at);
	memmove(out, out + at, (n - at) * sizeof(*out));
	free(d.v);
	free(c->effect);
	c->effect = out;
	c->n_effect = (uint32_t)(n - at);
	return 0;
}
