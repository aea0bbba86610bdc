/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct ct_config *config_of(const char *text)
{
	struct ct_config *c = ct_config_new();
	struct ct_err e;

	ct_err_clear(&e);
	if (!c || ct_config_load_text(c, text, strlen(text), "c", &e) < 0)
		fail_msg("%s\n%s", text, c ? e.message : "no memory");
	return c;
}

void free_box(struct box *b)
{
	ct_config_free(b->config);
	ct_arena_free(b->arena);
}

struct box box_of(const char *text)
{
	struct box b = { config_of(text), ct_arena_new(), NULL };
	struct ct_err e;

	ct_err_clear(&e);
	b.spec = ct_spec_read(b.config, b.arena, &e);
	if (!b.spec)
		fail_msg("%s\n%s", text, e.message);
	return b;
}

void effect_of(const struct ct_config *c, struct ct_buf *out)
{
	for (uint32_t i = 0; i < ct_config_count(c); i++)
		ct_buf_printf(out, "%s=%s\n", ct_config_entry(c, i)->name,
			      ct_config_entry(c, i)->value);
}

void check_effect(const struct ct_config *c, const char *want)
{
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT;

	effect_of(c, &got);
	assert_string_equal(ct_buf_text(&got), want);
}

void check_round_trip(const struct ct_config *c)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT, again = CT_BUF_INIT, before = CT_BUF_INIT,
				   after = CT_BUF_INIT;
	CT_CLEAN_CONFIG struct ct_config *back = ct_config_new();
	struct ct_err e;

	ct_err_clear(&e);
	assert_int_equal(ct_config_print(c, true, &text), 0);
	if (ct_config_load_text(back, ct_buf_text(&text), text.len, "saved", &e) < 0)
		fail_msg("%s\n%s", ct_buf_text(&text), e.message);
	effect_of(c, &before);
	effect_of(back, &after);
	assert_string_equal(ct_buf_text(&before), ct_buf_text(&after));
	assert_int_equal(ct_config_print(back, true, &again), 0);
	assert_string_equal(ct_buf_text(&text), ct_buf_text(&again));
}
