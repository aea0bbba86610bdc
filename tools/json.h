/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes JSON to a stream, with commas and escapes in their places. */
#ifndef CT_TOOLS_JSON_H
#define CT_TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	bool more; /* a comma is due */
};

/* Opens and closes an object or array. key is NULL inside an array and at the top. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
/* One value. A NULL string is written as null. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
/* Text that is JSON already. */
void json_raw(struct json *j, const char *key, const char *text);
/* An array of the parts of text between separators, empty ones left out. */
void json_words(struct json *j, const char *key, const char *text, const char *separators);
/* Ends the document with a newline; 0, or -EIO when something could not be written. */
int json_end(struct json *j);

#endif
