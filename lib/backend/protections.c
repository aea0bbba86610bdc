/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/protections.h"

#include <string.h>

#include "model/config.h"

#define CELL_MAX 800u /* bytes shown of one text */

/* A copy for one line of the table. The texts of a container's files may be anything. */
static const char *clean(struct ct_protections *r, const char *text)
{
	const char *more = "";
	size_t n;
	char *out = NULL;

	if (text) {
		n = strnlen(text, CELL_MAX + 1);
		if (n > CELL_MAX) {
			n = CELL_MAX;
			more = "..";
		}
		out = ct_arena_printf(r->arena, "%.*s%s", (int)n, text, more);
	}
	if (!out) {
		r->oom = true;
		return "";
	}
	for (char *p = out; *p; p++) {
		if (*p == '\n')
			*p = ';';
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return out;
}

void ct_protections_add(struct ct_protections *r, bool ok, const char *name, const char *asked,
			const char *got, const char *how)
{
	if (r->n == r->cap) {
		uint32_t cap = r->cap * 2 + 64;
		struct ct_protection *v = ct_arena_grow(r->arena, r->rows, r->n, cap, sizeof(*v));

		if (!v) {
			r->oom = true;
			return;
		}
		r->rows = v;
		r->cap = cap;
	}
	r->rows[r->n++] = (struct ct_protection){ clean(r, name), clean(r, asked), clean(r, got),
						  clean(r, how), ok };
}

const char *ct_protections_asked(const struct ct_protections *r, const char *key)
{
	const char *value = NULL;

	for (uint32_t i = 0; i < r->spec->n_entries; i++)
		if (!strcmp(r->spec->entries[i].name, key))
			value = r->spec->entries[i].value;
	return value;
}
