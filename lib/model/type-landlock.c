/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of landlock.* keys; lib/shared/landlock.h tells their form. */
#include "model/type.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/num.h"
#include "shared/landlock.h"

#define BLANKS " \t"

/* What a key grants. */
static const struct {
	const char *key;
	uint64_t access;
} grants[] = {
	{ "landlock.read", CT_LL_READ_FILE | CT_LL_READ_DIR },
	{ "landlock.write", CT_LL_WRITE_FILE | CT_LL_TRUNCATE },
	{ "landlock.execute", CT_LL_EXECUTE | CT_LL_READ_FILE },
	{ "landlock.make", CT_LL_MAKE | CT_LL_REFER },
	{ "landlock.ioctl", CT_LL_IOCTL_DEV },
	{ "landlock.tcp.bind", CT_LL_BIND_TCP },
	{ "landlock.tcp.connect", CT_LL_CONNECT_TCP },
};

static uint64_t granted_by(const char *key)
{
	for (size_t i = 0; i < sizeof(grants) / sizeof(*grants); i++)
		if (!strcmp(grants[i].key, key))
			return grants[i].access;
	return 0;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* Takes back what the key has listed so far. */
static void drop_paths(struct ct_ll_paths *list, uint64_t access)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++)
		if (list->v[i].access != access)
			list->v[n++] = list->v[i];
	list->n = n;
}

static int add_path(const struct ct_entry *entry, const char *word, struct ct_ll_paths *list,
		    struct ct_spec *spec, struct ct_err *e)
{
	struct ct_ll_path new = { .at = entry->at, .access = granted_by(entry->key->name) };

	if (!strcmp(word, "none")) {
		if (list)
			drop_paths(list, new.access);
		return 0;
	}
	new.path = ct_value_tried(word, &new.tried);
	if (strlen(new.path) >= PATH_MAX)
		return ct_value_range(entry, e);
	if (*new.path != '/')
		return ct_value_bad(entry, e);
	if (list && list->n == CT_LL_RULES_MAX)
		return ct_value_fail(e, "landlock.* keys have more than %d paths", CT_LL_RULES_MAX);
	return CT_LIST_KEEP(spec, list, e, new);
}

static int parse_paths(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	CT_CLEAN_ARENA struct ct_arena *own = NULL;
	struct ct_arena *a = field ? spec->arena : NULL;
	struct ct_words words;
	int r;

	if (!a)
		a = own = ct_arena_new();
	if (!a)
		return ct_oom(e);
	r = ct_split_words(a, entry->value, &words, NULL);
	if (r == -ENOMEM)
		return ct_oom(e);
	if (r < 0)
		return ct_value_bad(entry, e);
	for (uint32_t i = 0; i < words.n && r >= 0; i++)
		r = add_path(entry, words.v[i], field, spec, e);
	return r;
}

const struct ct_type ct_type_landlock_paths = {
	"list of paths", parse_paths,
	"a list of absolute paths, each perhaps behind \"try:\", with every quote closed; or none"
};

/* ---- ports ----------------------------------------------------------------------------------- */

static void drop_ports(struct ct_spec *spec, struct ct_ll_ports *list, uint64_t access)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++)
		if (list->v[i].access != access)
			list->v[n++] = list->v[i];
	list->n = n;
	spec->landlock_free &= ~access;
}

static int add_port(const struct ct_entry *entry, struct ct_span word, struct ct_ll_ports *list,
		    struct ct_spec *spec, struct ct_err *e)
{
	struct ct_ll_port new = { .at = entry->at, .access = granted_by(entry->key->name) };
	char number[8] = "";
	uint32_t port;
	int r;

	if (ct_span_is(word, "none") || ct_span_is(word, "any")) {
		if (list)
			drop_ports(spec, list, new.access);
		if (list && ct_span_is(word, "any"))
			spec->landlock_free |= new.access;
		return 0;
	}
	if (word.n < sizeof(number))
		memcpy(number, word.s, word.n);
	r = ct_value_number(entry, ct_parse_u32(number, &port), e);
	if (r < 0)
		return r;
	if (port > UINT16_MAX)
		return ct_value_range(entry, e);
	new.port = (uint16_t)port;
	if (list && list->n == CT_LL_RULES_MAX)
		return ct_value_fail(e, "landlock.tcp.* keys have more than %d ports",
				     CT_LL_RULES_MAX);
	return CT_LIST_KEEP(spec, list, e, new);
}

static int parse_ports(const struct ct_entry *entry, void *field, struct ct_spec *spec,
		       struct ct_err *e)
{
	const char *s = entry->value;
	struct ct_span word;
	int r = 0;

	if (!s[strspn(s, BLANKS ",")])
		return ct_value_bad(entry, e);
	while (r >= 0 && ct_next_word(&s, BLANKS ",", &word))
		r = add_port(entry, word, field, spec, e);
	return r;
}

const struct ct_type ct_type_landlock_ports = { "list of ports", parse_ports,
						"a list of TCP ports from 0 to 65535, none, or "
						"any" };

/* ---- scopes ---------------------------------------------------------------------------------- */

static int parse_scopes(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	const char *s = entry->value;
	uint64_t scope = 0;
	struct ct_span word;

	(void)spec;
	if (!s[strspn(s, BLANKS ",")])
		return ct_value_bad(entry, e);
	while (ct_next_word(&s, BLANKS ",", &word)) {
		if (ct_span_is(word, "abstract-unix-sockets"))
			scope |= CT_LL_ABSTRACT_UNIX;
		else if (ct_span_is(word, "signals"))
			scope |= CT_LL_SIGNAL;
		else if (ct_span_is(word, "none"))
			scope = 0;
		else
			return ct_value_bad(entry, e);
	}
	if (field)
		*(uint64_t *)field = scope;
	return 0;
}

const struct ct_type ct_type_landlock_scope = { "list of scopes", parse_scopes,
						"abstract-unix-sockets, signals, both, or none" };
