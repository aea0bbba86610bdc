/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "shared/utf8.h"

static void put_string(FILE *out, const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (n) {
		size_t len = ct_utf8_length(s, n);

		if (!len)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", out);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", *s);
		else
			fwrite(s, 1, len, out);
		/* a byte that begins no sequence */
		if (!len)
			len = 1;
		s += len;
		n -= len;
	}
	fputc('"', out);
}

static void put_key(struct json *j, const char *key)
{
	if (j->more)
		fputs(", ", j->out);
	j->more = true;
	if (key) {
		put_string(j->out, key, strlen(key));
		fputs(": ", j->out);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	fputc(bracket, j->out);
	j->more = false;
}

void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->more = true;
}

void json_string(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	if (value)
		put_string(j->out, value, strlen(value));
	else
		fputs("null", j->out);
}

void json_number(struct json *j, const char *key, int64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_raw(struct json *j, const char *key, const char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		n--;
	put_key(j, key);
	fwrite(text, 1, n, j->out);
}

void json_words(struct json *j, const char *key, const char *text, const char *separators)
{
	json_open(j, key, '[');
	while (text && *text) {
		size_t n = strcspn(text, separators);

		if (n) {
			put_key(j, NULL);
			put_string(j->out, text, n);
		}
		text += n + (text[n] != '\0');
	}
	json_close(j, ']');
}

int json_end(struct json *j)
{
	fputc('\n', j->out);
	if (fflush(j->out) || ferror(j->out))
		return -EIO;
	return 0;
}
