/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/record.h"

#include <errno.h>
#include <string.h>

#include "base/num.h"
#include "base/sha256.h"

#define INSTRUCTION 8 /* bytes */

static const char digits[] = "0123456789abcdef";

static void add_hex(struct ct_buf *text, const void *data, size_t n)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < n; i++) {
		ct_buf_char(text, digits[bytes[i] >> 4]);
		ct_buf_char(text, digits[bytes[i] & 15]);
	}
}

/* The bytes of n digits, which s begins with. */
static void add_bytes(struct ct_buf *out, const char *s, size_t n)
{
	uint64_t byte = 0;

	for (size_t i = 0; i < n; i += 2) {
		ct_parse_hex(s + i, 2, &byte);
		ct_buf_char(out, (char)byte);
	}
}

int ct_filter_record_make(struct ct_filter_record *record, uint32_t rules)
{
	struct ct_buf *text = &record->text;
	uint8_t sha[CT_SHA256_BYTES];

	record->rules = rules;
	ct_sha256(record->program.data, record->program.len, sha);
	ct_buf_printf(text, "%u ", rules);
	add_hex(text, sha, CT_FILTER_DIGEST / 2);
	if (ct_buf_error(text))
		return -ENOMEM;
	memcpy(record->digest, ct_buf_text(text) + text->len - CT_FILTER_DIGEST, CT_FILTER_DIGEST);
	ct_buf_char(text, ' ');
	add_hex(text, record->program.data, record->program.len);
	return ct_buf_error(text);
}

int ct_filter_record_read(struct ct_filter_record *record, const char *text)
{
	size_t n = strcspn(text, " ");
	char number[16] = "";

	if (n >= sizeof(number) || text[n] != ' ')
		return -ENODATA;
	memcpy(number, text, n);
	text += n + 1;
	if (ct_parse_u32(number, &record->rules) < 0 || strspn(text, digits) != CT_FILTER_DIGEST ||
	    text[CT_FILTER_DIGEST] != ' ')
		return -ENODATA;
	memcpy(record->digest, text, CT_FILTER_DIGEST);
	text += CT_FILTER_DIGEST + 1;
	n = strspn(text, digits);
	if (!n || text[n] || n % (2 * INSTRUCTION))
		return -ENODATA;
	add_bytes(&record->program, text, n);
	return ct_buf_error(&record->program);
}

const char *ct_filter_record_hex(const struct ct_filter_record *record)
{
	const char *last = strrchr(ct_buf_text(&record->text), ' ');

	return last ? last + 1 : "";
}

void ct_filter_record_free(struct ct_filter_record *record)
{
	ct_buf_free(&record->text);
	ct_buf_free(&record->program);
}
