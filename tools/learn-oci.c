/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what learn-write.c has written in JSON, whatever has laid it out anew since. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "learn.h"

#define STRING_MAX 16384

static int refuse(struct learn_text *t, const char *why)
{
	if (!t->why)
		t->why = why;
	return -EINVAL;
}

/* ---- values ---------------------------------------------------------------------------------- */

static char peek(struct learn_text *t)
{
	for (; *t->at && strchr(" \t\r\n", *t->at); t->at++)
		t->line += *t->at == '\n';
	return *t->at;
}

static bool is_next(struct learn_text *t, char c)
{
	if (peek(t) != c)
		return false;
	t->at++;
	return true;
}

/* The byte that an escape stands for, of those that learn-write.c makes. -1: none of them. */
static int unescape(struct learn_text *t)
{
	static const char digits[] = "0123456789abcdef";
	int c = *t->at, value = 0;

	if (c == 'n' || c == '"' || c == '\\' || c == '/') {
		t->at++;
		if (c == 'n')
			return '\n';
		return c;
	}
	if (c != 'u')
		return -1;
	for (int i = 1; i <= 4; i++) {
		const char *digit = t->at[i] ? strchr(digits, t->at[i]) : NULL;

		if (!digit)
			return -1;
		value = value << 4 | (int)(digit - digits);
	}
	t->at += 5;
	if (!value || value > 0x7f)
		return '?';
	return value;
}

static int read_string(struct learn_text *t, char buf[STRING_MAX])
{
	size_t n = 0;

	if (!is_next(t, '"'))
		return refuse(t, "a string is missing");
	while (*t->at != '"') {
		int c = (unsigned char)*t->at++;

		if (c < ' ' || n + 1 == STRING_MAX)
			return refuse(t, "a string does not end");
		if (c == '\\')
			c = unescape(t);
		if (c < 0)
			return refuse(t, "ct-learn writes no such string");
		buf[n++] = (char)c;
	}
	t->at++;
	buf[n] = '\0';
	return 0;
}

/* ---- lists and objects ----------------------------------------------------------------------- */

struct reader {
	struct learn_profile *p;
	bool arch[LEARN_ARCHS]; /* those that are listed */
	char buf[STRING_MAX];
};

/* Items of a list, or members of an object, by one function. */
static int read_each(struct learn_text *t, struct reader *r, const char brackets[2],
		     int (*item)(struct learn_text *t, struct reader *r))
{
	int err;

	if (!is_next(t, brackets[0]))
		return refuse(t, "ct-learn writes a list or an object here");
	if (is_next(t, brackets[1]))
		return 0;
	do {
		err = item(t, r);
		if (err)
			return err;
	} while (is_next(t, ','));
	if (!is_next(t, brackets[1]))
		return refuse(t, "a list or an object does not end");
	return 0;
}

struct member {
	const char *name;
	int (*read)(struct learn_text *t, struct reader *r);
};

static int read_member(struct learn_text *t, struct reader *r, const struct member *rows, size_t n)
{
	int err = read_string(t, r->buf);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, r->buf) != 0)
			continue;
		if (!is_next(t, ':'))
			return refuse(t, "a colon is missing");
		return rows[i].read(t, r);
	}
	return refuse(t, "ct-learn writes no such member");
}

static int read_comment(struct learn_text *t, struct reader *r)
{
	const char *line = r->buf;
	int err = read_string(t, r->buf);

	while (!err && *line) {
		size_t n = strcspn(line, "\n");

		err = learn_read_header(r->p, t, line, n);
		line += n + (line[n] != '\0');
	}
	return err;
}

static int read_default(struct learn_text *t, struct reader *r)
{
	int err = read_string(t, r->buf);

	if (!err && learn_read_action(r->p, r->buf) < 0)
		return refuse(t, "ct-learn writes no such action");
	return err;
}

static int read_errno(struct learn_text *t, struct reader *r)
{
	size_t n = strspn((peek(t), t->at), "0123456789");
	char digits[8] = "";
	unsigned long nr;

	if (n < sizeof(digits))
		memcpy(digits, t->at, n);
	if (number(digits, 4095, &nr) < 0)
		return refuse(t, "this is no errno");
	t->at += n;
	r->p->deny_errno = (unsigned)nr;
	return 0;
}

static int read_arch(struct learn_text *t, struct reader *r)
{
	int err = read_string(t, r->buf);

	if (err)
		return err;
	for (size_t i = 0; i < learn_n_archs; i++) {
		if (strcmp(learn_archs[i].oci, r->buf) != 0)
			continue;
		r->arch[i] = true;
		return 0;
	}
	return refuse(t, "there is no such architecture");
}

static int read_archs(struct learn_text *t, struct reader *r)
{
	return read_each(t, r, "[]", read_arch);
}

static int read_name(struct learn_text *t, struct reader *r)
{
	int err = read_string(t, r->buf);

	for (size_t i = 0; i < learn_n_archs && !err; i++)
		if (r->arch[i])
			err = learn_add(r->p, (unsigned)i, r->buf, strlen(r->buf));
	if (err == -EINVAL)
		return refuse(t, "this is no name of a call");
	return err;
}

static int read_names(struct learn_text *t, struct reader *r)
{
	return read_each(t, r, "[]", read_name);
}

static int read_action(struct learn_text *t, struct reader *r)
{
	int err = read_string(t, r->buf);

	if (!err && strcmp(r->buf, "SCMP_ACT_ALLOW") != 0)
		return refuse(t, "ct-learn writes no such action");
	return err;
}

static int read_rule_member(struct learn_text *t, struct reader *r)
{
	static const struct member rows[] = { { "names", read_names }, { "action", read_action } };

	return read_member(t, r, rows, sizeof(rows) / sizeof(*rows));
}

static int read_rule(struct learn_text *t, struct reader *r)
{
	return read_each(t, r, "{}", read_rule_member);
}

static int read_rules(struct learn_text *t, struct reader *r)
{
	return read_each(t, r, "[]", read_rule);
}

static int read_top_member(struct learn_text *t, struct reader *r)
{
	static const struct member rows[] = {
		{ "comment", read_comment },	   { "defaultAction", read_default },
		{ "defaultErrnoRet", read_errno }, { "architectures", read_archs },
		{ "syscalls", read_rules },
	};

	return read_member(t, r, rows, sizeof(rows) / sizeof(*rows));
}

/* Architectures stand before the names, as learn-write.c has them. */
int learn_read_oci(struct learn_profile *p, struct learn_text *t)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	t->line = 1;
	if (!r)
		return err;
	r->p = p;
	err = read_each(t, r, "{}", read_top_member);
	if (!err && peek(t))
		err = refuse(t, "something follows the profile");
	free(r);
	return err;
}
