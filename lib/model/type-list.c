/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of several words: command lines, hooks, names, numbers, environment. */
#include "model/type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#define BLANKS " \t"
/* characters that have a meaning of their own in a shell */
#define SHELL_SPECIAL "$`|&;<>()*?[]{}~\\#!"

/* Copies one word from *s to `to` without its quotes. False: a quote is not closed. */
static bool take_word(const char **s, char *to, char *bare)
{
	const char *p = *s;
	char quote = 0;

	for (; *p && (quote || !strchr(BLANKS, *p)); p++) {
		if (quote && *p == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
			continue;
		}
		if (!quote && bare && !*bare && strchr(SHELL_SPECIAL, *p))
			*bare = *p;
		*to++ = *p;
	}
	*to = 0;
	*s = p;
	return !quote;
}

int ct_split_words(struct ct_arena *a, const char *s, struct ct_words *out, char *bare)
{
	size_t room = strlen(s) + 1;
	struct ct_words w = { NULL, 0 };
	/* the words, one behind the other, are never longer than the line */
	char *text = ct_arena_alloc(a, room);

	w.v = ct_arena_alloc(a, (room / 2 + 2) * sizeof(*w.v));
	if (!text || !w.v)
		return -ENOMEM;
	if (bare)
		*bare = 0;
	for (;;) {
		s += strspn(s, BLANKS);
		if (!*s)
			break;
		if (!take_word(&s, text, bare))
			return -EINVAL;
		w.v[w.n++] = text;
		text += strlen(text) + 1;
	}
	if (!w.n || !*w.v[0])
		return -EINVAL;
	*out = w;
	return 0;
}

/* Splits a command into the arena `a`; NULL: into one of its own, to check it only. */
static int split(const struct ct_entry *entry, struct ct_arena *a, struct ct_words *out, char *bare,
		 struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *own = NULL;
	int r;

	if (!a)
		a = own = ct_arena_new();
	if (!a)
		return ct_oom(e);
	r = ct_split_words(a, entry->value, out, bare);
	if (r == -ENOMEM)
		return ct_oom(e);
	if (r < 0 || *out->v[0] != '/')
		return ct_value_bad(entry, e);
	return 0;
}

static int parse_command(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			 struct ct_err *e)
{
	struct ct_words words;
	int r = split(entry, field ? spec->arena : NULL, &words, NULL, e);

	if (r == 0 && field)
		*(struct ct_words *)field = words;
	return r;
}

const struct ct_type ct_type_command = {
	"command", parse_command,
	"the absolute path of a program and its arguments, with every quote closed"
};

static int parse_hook(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		      struct ct_err *e)
{
	struct ct_cmds *cmds = field;
	struct ct_words words;
	char bare = 0;
	int r = split(entry, field ? spec->arena : NULL, &words, &bare, e);

	if (r < 0)
		return r;
	if (bare) {
		ct_err_hint(e, "quote it, or ask for a shell: /bin/sh -c '...'");
		return ct_value_fail(e,
				     "a hook is executed without a shell, which \"%c\" would need",
				     bare);
	}
	return CT_LIST_KEEP(spec, cmds, e, (struct ct_cmd_item){ entry->at, entry->value, words });
}

const struct ct_type ct_type_hook = {
	"list of commands", parse_hook,
	"the absolute path of a program and its arguments, with every quote closed"
};

static int parse_names(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	struct ct_strs *list = field;
	const char *s = entry->value;
	struct ct_span word;

	if (!s[strspn(s, BLANKS ",")])
		return ct_value_bad(entry, e);
	while (field && ct_next_word(&s, BLANKS ",", &word)) {
		struct ct_str_item *item = CT_LIST_ADD(spec->arena, list);

		if (!item)
			return ct_oom(e);
		item->at = entry->at;
		item->value = ct_arena_strndup(spec->arena, word.s, word.n);
		if (!item->value)
			return ct_oom(e);
	}
	return 0;
}

const struct ct_type ct_type_names = { "list of names", parse_names, "a list of names" };

static int parse_lines(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	struct ct_strs *list = field;
	char *line;

	if (!field)
		return 0;
	line = ct_arena_strdup(spec->arena, entry->value);
	if (!line)
		return ct_oom(e);
	return CT_LIST_KEEP(spec, list, e, (struct ct_str_item){ entry->at, line });
}

const struct ct_type ct_type_lines = { "list of texts", parse_lines, "a text" };

static int parse_ids(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		     struct ct_err *e)
{
	const char *s = entry->value;
	struct ct_ids *list = field;
	struct ct_span word;

	if (!s[strspn(s, BLANKS ",")])
		return ct_value_bad(entry, e);
	while (ct_next_word(&s, BLANKS ",", &word)) {
		char number[24] = "";
		uint32_t id;
		int r;

		if (word.n < sizeof(number))
			memcpy(number, word.s, word.n);
		r = ct_value_number(entry, ct_parse_id(number, &id), e);
		if (r < 0)
			return r;
		r = CT_LIST_KEEP(spec, list, e, (struct ct_id_item){ entry->at, id });
		if (r < 0)
			return r;
	}
	return 0;
}

const struct ct_type ct_type_ids = { "list of group numbers", parse_ids,
				     "a list of numbers from 0 to 4294967294" };

/* NAME=VALUE, or NAME alone to inherit. A later one replaces an earlier of the same name. */
static int parse_environment(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			     struct ct_err *e)
{
	const char *equals = strchr(entry->value, '=');
	size_t n = equals ? (size_t)(equals - entry->value) : strlen(entry->value);
	struct ct_pairs *list = field;
	struct ct_pair_item *item = NULL;
	const char *name;

	if (!n || memchr(entry->value, ' ', n) || memchr(entry->value, '\t', n))
		return ct_value_bad(entry, e);
	if (!field)
		return 0;
	name = ct_arena_strndup(spec->arena, entry->value, n);
	if (!name)
		return ct_oom(e);
	for (uint32_t i = 0; i < list->n; i++) {
		if (!strcmp(list->v[i].name, name))
			item = &list->v[i];
	}
	if (!item)
		item = CT_LIST_ADD(spec->arena, list);
	if (!item)
		return ct_oom(e);
	*item = (struct ct_pair_item){ entry->at, name, equals ? equals + 1 : NULL };
	return 0;
}

const struct ct_type ct_type_environment = { "list of variables", parse_environment,
					     "NAME=VALUE, or NAME to take the caller's" };
