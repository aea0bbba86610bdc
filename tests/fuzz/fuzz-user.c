/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Users: what one is named by, and what is believed of passwd and group files. The input is the
 * name, a NUL, a passwd file, a NUL, a group file. Another, slower parser is the judge.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stage/step/steps.h"

#include "must.h"

#define ROOM 64

/* Compares numbers as texts: no arithmetic that could wrap. */
static int judge_number(const char *s, size_t n, uint32_t *out)
{
	static const char most[] = "4294967294";

	*out = 0;
	for (size_t i = 0; i < n; i++)
		if (!memchr("0123456789", s[i], 10))
			return -EINVAL;
	if (!n)
		return -EINVAL;
	for (; n > 1 && *s == '0'; s++)
		n--;
	if (n > 10 || (n == 10 && memcmp(s, most, 10) > 0))
		return -ERANGE;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (uint32_t)(s[i] - '0');
	return 0;
}

static void check_spec(const char *spec, const struct ct_user_query *q, int err)
{
	const char *colon = strchr(spec, ':');
	bool digits = *spec && strspn(spec, "0123456789") == strlen(spec);
	uint32_t uid = 0, gid = 0;
	int u, g = 0;

	if (!colon && !digits) {
		bool good = (unsigned char)*spec > ' ' && *spec != '-' && *spec != '+';

		MUST(err == (good ? 0 : -EINVAL));
		MUST(err || (q->by_name && !q->has_gid && q->name == spec));
		return;
	}
	u = judge_number(spec, colon ? (size_t)(colon - spec) : strlen(spec), &uid);
	if (colon)
		g = judge_number(colon + 1, strlen(colon + 1), &gid);
	MUST((err == 0) == (u == 0 && g == 0));
	if (err) {
		MUST(err == u || err == g);
		return;
	}
	MUST(!q->by_name && q->has_gid == (colon != NULL));
	MUST(q->uid == uid && q->gid == gid && uid != UINT32_MAX && gid != UINT32_MAX);
}

/* The n-th field of a line, of exactly `all`; its length, -1: the line has another number. */
static long field(const char *line, size_t len, int n, int all, const char **out)
{
	const char *end = line + len;
	int colons = 0;

	*out = line;

	for (const char *p = line; p < end; p++)
		colons += *p == ':';
	if (colons != all - 1)
		return -1;
	for (; n; n--)
		line = (const char *)memchr(line, ':', (size_t)(end - line)) + 1;
	*out = line;
	for (len = 0; line + len < end && line[len] != ':'; len++)
		;
	return (long)len;
}

/* The first line that is the user's; its ids. */
static bool judge_passwd(const char *text, const struct ct_user_query *q, uint32_t *uid,
			 uint32_t *gid)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		const char *name, *u, *g;
		long n, un, gn;

		len = strcspn(text, "\n");
		n = field(text, len, 0, 7, &name);
		if (n <= 0 || (size_t)n >= sizeof(((struct stage_user *)NULL)->name))
			continue;
		un = field(text, len, 2, 7, &u);
		gn = field(text, len, 3, 7, &g);
		if (judge_number(u, (size_t)un, uid) || judge_number(g, (size_t)gn, gid))
			continue;
		if (q->by_name ? strlen(q->name) == (size_t)n && !memcmp(q->name, name, (size_t)n)
			       : *uid == q->uid)
			return true;
	}
	return false;
}

static bool is_path(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return *s == '/';
}

static bool judge_member(const char *text, const char *user, uint32_t gid)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		const char *g, *members;
		uint32_t id;
		long n;

		len = strcspn(text, "\n");
		n = field(text, len, 2, 4, &g);
		if (n < 0 || judge_number(g, (size_t)n, &id) || id != gid)
			continue;
		n = field(text, len, 3, 4, &members);
		for (const char *p = members, *end = members + n; p < end;) {
			const char *comma = memchr(p, ',', (size_t)(end - p));
			size_t one = (size_t)((comma ? comma : end) - p);

			if (one == strlen(user) && !memcmp(p, user, one))
				return true;
			p += one + 1;
		}
	}
	return false;
}

static void check_groups(const char *text, struct stage_user *u, uint32_t room)
{
	uint32_t gids[ROOM + 1] = { u->gid }, past = 0x5a5a5a5a;
	char *copy = strdup(text);
	int err;

	MUST(copy);
	gids[room] = past;
	u->groups = gids;
	u->n_groups = 1;
	err = user_in_group(copy, u, room);
	free(copy);
	MUST(gids[room] == past && u->n_groups <= room);
	MUST(err == 0 || (err == -E2BIG && u->n_groups == room));
	for (uint32_t i = 1; i < u->n_groups; i++) {
		MUST(judge_member(text, u->name, gids[i]));
		for (uint32_t k = 0; k < i; k++)
			MUST(gids[k] != gids[i]);
	}
}

static void check_files(const struct ct_user_query *q, const char *passwd, const char *group)
{
	char *copy = strdup(passwd);
	struct stage_user u = { .n_groups = 0 };
	uint32_t uid, gid;
	bool there = judge_passwd(passwd, q, &uid, &gid), found;

	MUST(copy);
	found = user_in_passwd(copy, q, &u);
	free(copy);
	MUST(found == there);
	if (!found)
		return;
	MUST(u.uid == uid && u.gid == gid && *u.name && !strchr(u.name, '\n'));
	MUST(!q->by_name || !strcmp(u.name, q->name));
	MUST(is_path(u.home) && is_path(u.shell));
	check_groups(group, &u, 2);
	check_groups(group, &u, ROOM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* so often terminated, there are always three texts */
	char *copy = malloc(size + 3);
	const char *passwd, *group;
	struct ct_user_query q;
	int err;

	MUST(copy);
	if (size)
		memcpy(copy, data, size);
	memset(copy + size, 0, 3);
	passwd = copy + strlen(copy) + 1;
	group = passwd + strlen(passwd) + 1;
	err = ct_user_parse(copy, &q);
	check_spec(copy, &q, err);
	if (!err)
		check_files(&q, passwd, group);
	free(copy);
	return 0;
}
