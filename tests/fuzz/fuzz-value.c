/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "KEY=VALUE": what is set can be got, saved and loaded back the same; and the number parsers
 * agree with each other. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "model/config.h"
#include "model/spec.h"

#include "must.h"

/* One number, many readers. */
static void check_numbers(const char *s)
{
	uint64_t u64 = 0, size = 0, time = 0;
	uint32_t u32 = 0, id = 0, mode = 0;
	int64_t i64 = 0, offset = 0;
	int bool_ = 0, r = ct_parse_u64(s, &u64);

	MUST(r == 0 || r == -EINVAL || r == -ERANGE);
	MUST((ct_parse_u32(s, &u32) == 0) == (r == 0 && u64 <= UINT32_MAX));
	MUST((ct_parse_id(s, &id) == 0) == (r == 0 && u64 < UINT32_MAX));
	MUST(u32 == 0 || u32 == u64);
	MUST(r != 0 || (ct_parse_size(s, &size) == 0 && size == u64));
	MUST(r != 0 || u64 > INT64_MAX || (ct_parse_i64(s, &i64) == 0 && i64 == (int64_t)u64));
	MUST(r != 0 || u64 > UINT64_MAX / 1000000 ||
	     (ct_parse_duration_us(s, &time) == 0 && time == u64 * 1000000));
	MUST(r != 0 || u64 > INT64_MAX / 1000000000 ||
	     (ct_parse_offset_ns(s, &offset) == 0 && offset == (int64_t)u64 * 1000000000));
	ct_parse_size(s, &size);
	ct_parse_duration_us(s, &time);
	ct_parse_offset_ns(s, &offset);
	ct_parse_i64(s, &i64);
	MUST(ct_parse_mode(s, &mode) != 0 || mode <= 07777);
	MUST(ct_parse_bool(s, &bool_) != 0 || bool_ == 0 || bool_ == 1);
}

static void check_setting(const char *key, const char *value)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new(), *back = ct_config_new();
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	CT_CLEAN_BUF struct ct_buf got = CT_BUF_INIT, text = CT_BUF_INIT;
	struct ct_err e;
	int r;

	MUST(c && back && a);
	ct_err_clear(&e);
	r = ct_config_set(c, key, value, &e);
	if (r < 0) {
		MUST(e.err == r && *e.message && ct_config_count(c) == 0);
		return;
	}
	if (!*value) {
		MUST(ct_config_count(c) == 0);
		return;
	}
	MUST(ct_config_count(c) == 1);
	MUST(ct_config_get(c, key, &got, &e) == 0 && !strcmp(ct_buf_text(&got), value));
	MUST(ct_config_print(c, true, &text) == 0);
	MUST(ct_config_load_text(back, ct_buf_text(&text), text.len, "c", &e) == 0 &&
	     ct_config_count(back) == 1);
	MUST(!strcmp(ct_config_entry(back, 0)->value, value));
	MUST(!strcmp(ct_config_entry(back, 0)->name, ct_config_entry(c, 0)->name));
	if (!ct_spec_read(c, a, &e))
		MUST(e.err < 0 && *e.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *value;

	MUST(text);
	value = strchr(text, '=');
	/* no files of this machine */
	if (value && !strstr(text, "include") && !strstr(text, "fstab")) {
		*value++ = 0;
		check_setting(text, value);
	}
	check_numbers(value ? value : text);
	free(text);
	return 0;
}
