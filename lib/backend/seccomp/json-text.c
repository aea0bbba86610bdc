/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/seccomp/json-text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/origin.h"

/* A place in the text. */
struct walk {
	const char *p, *end;
	uint32_t line;
	const char *file;
	struct ct_err *e;
};

int ct_json_fail(struct ct_err *e, const char *file, uint32_t line, int err, const char *fmt,
		 va_list ap)
{
	struct ct_origin at = { NULL, file, (int)line };
	char reason[256];

	vsnprintf(reason, sizeof(reason), fmt, ap);
	ct_err_origin(e, &at);
	return ct_fail(e, err, CT_ERR_FILTER, "seccomp", "%s", reason);
}

__attribute__((format(printf, 3, 4))) static int fault(struct walk *w, int err, const char *fmt,
						       ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = ct_json_fail(w->e, w->file, w->line, err, fmt, ap);
	va_end(ap);
	return r;
}

/* ---- lines, and members that stand twice ----------------------------------------------------- */

/*
 * json-c keeps the members of an object in the order of the text, and of two with one name the
 * last. So text and tree are walked side by side; where a name in the text is not the one that
 * the tree has next, it stood there before. The text is known to be well-formed as far as json-c
 * is strict; where it is not, the walk itself refuses.
 */

static int bad_text(struct walk *w)
{
	return fault(w, -EINVAL, "this is no JSON");
}

/* Goes on to the next character that is no blank; 0 at the end. */
static char next(struct walk *w)
{
	while (w->p < w->end && memchr(" \t\r\n", *w->p, 4))
		w->line += *w->p++ == '\n';
	if (w->p == w->end)
		return 0;
	return *w->p;
}

/* Takes this character, behind blanks; false when there is another. */
static bool take(struct walk *w, char c)
{
	if (next(w) != c)
		return false;
	w->p++;
	return true;
}

/* Behind a string whose first quote is next. */
static int skip_string(struct walk *w)
{
	if (!take(w, '"'))
		return fault(w, -EINVAL, "a string in double quotes should be here");
	for (; w->p < w->end && *w->p != '"'; w->p++) {
		if ((unsigned char)*w->p < 0x20)
			return fault(w, -EINVAL, "a string has a control character");
		if (*w->p != '\\')
			continue;
		if (w->end - w->p > 5 && !memcmp(w->p + 1, "u0000", 5))
			return fault(w, -EINVAL, "a string has a NUL character");
		if (++w->p == w->end)
			break;
	}
	if (!take(w, '"'))
		return bad_text(w);
	return 0;
}

/* Behind a value of any kind, however deep it is. */
static int skip_value(struct walk *w)
{
	unsigned depth = 0;
	int r;

	do {
		char c = next(w);

		if (c == '"') {
			r = skip_string(w);
			if (r < 0)
				return r;
			continue;
		}
		if (!c || (!depth && memchr(",:]}", c, 4)))
			return bad_text(w);
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		w->p++;
		/* a number or a word */
		while (!memchr("{}[],:", c, 6) && w->p < w->end &&
		       !memchr("{}[],:\" \t\r\n", *w->p, 11))
			w->p++;
	} while (depth);
	return 0;
}

/* Whether the n bytes at raw, a string of the text with its quotes, say `name`. */
static bool says(const char *raw, size_t n, const char *name)
{
	struct json_tokener *t;
	struct json_object *v;
	bool same;

	if (!memchr(raw, '\\', n))
		return strlen(name) == n - 2 && !memcmp(raw + 1, name, n - 2);
	t = json_tokener_new();
	if (!t)
		return false;
	v = json_tokener_parse_ex(t, raw, (int)n);
	same = json_object_is_type(v, json_type_string) && !strcmp(json_object_get_string(v), name);
	json_object_put(v);
	json_tokener_free(t);
	return same;
}

/* Behind the name of a member and its colon; `it`: the tree's member. */
static int walk_name(struct walk *w, const struct json_object_iterator *it,
		     const struct json_object_iterator *end)
{
	const char *raw;
	size_t n;
	int r;

	next(w);
	raw = w->p;
	r = skip_string(w);
	if (r < 0)
		return r;
	n = (size_t)(w->p - raw);
	if (json_object_iter_equal(it, end) || !says(raw, n, json_object_iter_peek_name(it)))
		return fault(w, -EINVAL, "the member %.*s stands twice in one object",
			     n > 100 ? 100 : (int)n, raw);
	if (!take(w, ':'))
		return bad_text(w);
	return 0;
}

/* json-c makes the greatest or the least number of one that does not fit into 64 bits. */
static int check_number(struct walk *w)
{
	char text[24] = "";
	size_t n = 0;
	uint64_t u;
	int64_t i;

	while (w->p + n < w->end && memchr("-0123456789", w->p[n], 11))
		n++;
	if (n < sizeof(text))
		memcpy(text, w->p, n);
	if (ct_parse_u64(text, &u) < 0 && ct_parse_i64(text, &i) < 0)
		return fault(w, -EINVAL, "a number has more than 64 bits");
	return skip_value(w);
}

static int walk_value(struct walk *w, struct json_object *v, unsigned depth);

/* Behind an object. Its names are compared before any value is: one of two values with the same
 * name is not in the tree. */
static int walk_object(struct walk *w, struct json_object *v, unsigned depth)
{
	struct json_object_iterator end = json_object_iter_end(v);
	struct walk start = *w;

	for (int pass = 0; pass < 2; pass++) {
		struct json_object_iterator it = json_object_iter_begin(v);
		bool first = true;
		int r;

		*w = start;
		for (w->p++; !take(w, '}'); json_object_iter_next(&it)) {
			if (!first && !take(w, ','))
				return bad_text(w);
			first = false;
			r = walk_name(w, &it, &end);
			if (r == 0 && pass == 0)
				r = skip_value(w);
			else if (r == 0)
				r = walk_value(w, json_object_iter_peek_value(&it), depth);
			if (r < 0)
				return r;
		}
		if (!json_object_iter_equal(&it, &end))
			return bad_text(w);
	}
	return 0;
}

static int walk_list(struct walk *w, struct json_object *v, unsigned depth)
{
	size_t n = json_object_array_length(v);
	int r;

	w->p++;
	for (size_t i = 0; i < n; i++) {
		if (i && !take(w, ','))
			return bad_text(w);
		r = walk_value(w, json_object_array_get_idx(v, i), depth);
		if (r < 0)
			return r;
	}
	if (!take(w, ']'))
		return bad_text(w);
	return 0;
}

/* Behind a value, which learns its line. json-c keeps the text of a fraction where the line
 * would be. */
static int walk_value(struct walk *w, struct json_object *v, unsigned depth)
{
	char c = next(w);

	if (depth > CT_JSON_DEPTH_MAX)
		return bad_text(w);
	if (v && !json_object_is_type(v, json_type_double))
		json_object_set_userdata(v, (void *)(uintptr_t)w->line, NULL);
	if (c == '{' && json_object_is_type(v, json_type_object))
		return walk_object(w, v, depth + 1);
	if (c == '[' && json_object_is_type(v, json_type_array))
		return walk_list(w, v, depth + 1);
	if (json_object_is_type(v, json_type_int))
		return check_number(w);
	return skip_value(w);
}

uint32_t ct_json_line(const struct json_object *v)
{
	if (!v || json_object_is_type(v, json_type_double))
		return 0;
	return (uint32_t)(uintptr_t)json_object_get_userdata((struct json_object *)(uintptr_t)v);
}

/* ---- the text -------------------------------------------------------------------------------- */

/*
 * json-c up to 0.16 may crash where an allocation fails. So ask for more than it will need, all at
 * once, and give it back: a caller whose address space is limited is told in time. What other
 * threads take meanwhile cannot be foreseen.
 */
static int check_memory(struct walk *w, size_t lists, size_t values)
{
	size_t text = (size_t)(w->end - w->p);
	/* the compiler may leave out an allocation that nobody uses */
	void *volatile probe = malloc(65536 + 4 * text + 1024 * lists + 256 * (lists + values));

	if (!probe)
		return ct_oom(w->e);
	free(probe);
	return 0;
}

/* What a text may cost is bounded before json-c sees it. Characters within strings are counted,
 * too: an ordinary policy has but a few of them. */
static int check_size(struct walk *w)
{
	uint32_t lists = 0, values = 0;

	if (w->end - w->p > INT32_MAX)
		return fault(w, -E2BIG, "the text is too long");
	for (const char *p = w->p; p < w->end; p++) {
		lists += *p == '{' || *p == '[';
		values += *p == ',';
		if (*p == '\0')
			return fault(w, -EINVAL, "the text has a NUL character");
	}
	if (lists > CT_JSON_LISTS_MAX || values > CT_JSON_VALUES_MAX)
		return fault(w, -E2BIG,
			     "the text has more objects, lists or values than a policy needs");
	return check_memory(w, lists, values);
}

/* Why json-c has refused, with the line of the place it came to. */
static int refused(struct walk *w, enum json_tokener_error why, size_t at)
{
	static const struct {
		enum json_tokener_error why;
		const char *text;
	} rows[] = {
		{ json_tokener_continue, "the text ends too early" },
		{ json_tokener_error_parse_eof, "the text ends too early" },
		{ json_tokener_error_depth, "objects and lists stand too deep in each other" },
		{ json_tokener_error_parse_number, "this is no number" },
		{ json_tokener_error_parse_boolean, "this is no value" },
		{ json_tokener_error_parse_null, "this is no value" },
		{ json_tokener_error_parse_object_key_name,
		  "the name of a member, in double quotes, should be here" },
		{ json_tokener_error_parse_object_key_sep, "a colon should be here" },
		{ json_tokener_error_parse_object_value_sep, "a comma or \"}\" should be here" },
		{ json_tokener_error_parse_array, "a comma or \"]\" should be here" },
		{ json_tokener_error_parse_string, "a string has an escape that is none" },
		{ json_tokener_error_parse_utf8_string, "the text is not UTF-8" },
		{ json_tokener_error_parse_comment, "JSON has no comments" },
	};

	/* later versions have a number for it behind all others */
	if (why == json_tokener_success || why > json_tokener_error_size)
		return ct_oom(w->e);
	for (const char *p = w->p; p < w->end && p < w->p + at; p++)
		w->line += *p == '\n';
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].why == why)
			return fault(w, -EINVAL, "%s", rows[i].text);
	return bad_text(w);
}

/* The tree, or NULL with *r. */
static struct json_object *tree(struct walk *w, int *r)
{
	size_t len = (size_t)(w->end - w->p);
	enum json_tokener_error why;
	struct json_object *v;
	struct json_tokener *t;
	size_t at;

	t = json_tokener_new_ex(CT_JSON_DEPTH_MAX);
	if (!t) {
		*r = ct_oom(w->e);
		return NULL;
	}
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	v = json_tokener_parse_ex(t, w->p, (int)len);
	why = json_tokener_get_error(t);
	at = json_tokener_get_parse_end(t);
	json_tokener_free(t);
	if (!v)
		*r = refused(w, why, at);
	return v;
}

int ct_json_parse(const char *text, size_t len, const char *file, struct json_object **out,
		  struct ct_err *e)
{
	struct walk w = { text, text + len, 1, file, e }, start = w;
	struct json_object *v;
	int r;

	*out = NULL;
	r = check_size(&w);
	if (r < 0)
		return r;
	if (next(&start) != '{')
		return fault(&start, -EINVAL, "a policy in JSON is one object");
	v = tree(&w, &r);
	if (!v)
		return r;
	r = walk_value(&w, v, 0);
	if (r == 0 && next(&w))
		r = fault(&w, -EINVAL, "nothing may follow the object");
	if (r < 0) {
		json_object_put(v);
		return r;
	}
	*out = v;
	return 0;
}
