/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A config file of any bytes: either an error with a message of one line and an untouched
 * config, or a document that saves, loads back the same, copies the same, and has a spec
 * or a reason why not. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/spec.h"

#include "must.h"

static void check_error(const struct ct_err *e, int r)
{
	MUST(r < 0 && e->err == r && e->id && *e->message);
	for (const unsigned char *p = (const unsigned char *)e->message; *p; p++)
		MUST(*p >= 0x20 && *p != 0x7f);
}

static void check_same(const struct ct_config *a, const struct ct_config *b)
{
	MUST(ct_config_count(a) == ct_config_count(b));
	for (uint32_t i = 0; i < ct_config_count(a); i++) {
		const struct ct_entry *x = ct_config_entry(a, i), *y = ct_config_entry(b, i);

		MUST(x->key == y->key && !strcmp(x->name, y->name) && !strcmp(x->sub, y->sub) &&
		     !strcmp(x->value, y->value));
		MUST(*x->value && x->at.line == y->at.line && !strcmp(x->at.key, x->name));
	}
}

/* Each entry can be got and cleared. */
static void check_entries(struct ct_config *c)
{
	struct ct_err e;

	for (uint32_t left = 64; ct_config_count(c) && left; left--) {
		CT_CLEAN_BUF struct ct_buf value = CT_BUF_INIT;
		char *name = strdup(ct_config_entry(c, 0)->name);
		uint32_t before = ct_config_count(c);

		ct_err_clear(&e);
		MUST(name && ct_config_get(c, name, &value, &e) == 0 && value.len);
		MUST(ct_config_clear(c, name, &e) == 0 && ct_config_count(c) < before);
		free(name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new(), *back = ct_config_new(),
					 *copy = NULL;
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, again = CT_BUF_INIT;
	struct ct_err e;
	int r;

	/* no files of this machine */
	if (memmem(data, size, "include", 7) || memmem(data, size, "fstab", 5))
		return 0;
	MUST(c && back && a);
	ct_err_clear(&e);
	r = ct_config_load_text(c, (const char *)data, size, "c", &e);
	if (r < 0) {
		check_error(&e, r);
		MUST(ct_config_count(c) == 0 && ct_config_print(c, true, &text) == 0 && !text.len);
		return 0;
	}
	MUST(!e.err && ct_config_print(c, true, &text) == 0);
	MUST(ct_config_load_text(back, ct_buf_text(&text), text.len, "c", &e) == 0);
	check_same(c, back);
	MUST(ct_config_print(back, true, &again) == 0 &&
	     !strcmp(ct_buf_text(&text), ct_buf_text(&again)));
	copy = ct_config_copy(c);
	MUST(copy);
	check_same(c, copy);
	if (!ct_spec_read(c, a, &e))
		check_error(&e, e.err);
	check_entries(copy);
	return 0;
}
