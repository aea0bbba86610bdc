/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Security contexts of SELinux: USER:ROLE:TYPE, or with :RANGE behind it where the policy has
 * levels. Which there are the policy knows; this is the form alone. */
#include "model/context.h"
#include "model/type.h"

#include <string.h>

#define BYTES_MAX 4000 /* the kernel takes less than a page */

/* Whether the n bytes are a user, a role or a type. */
static bool is_name(const char *s, size_t n)
{
	static const char other[] = "_.-@$";

	for (size_t i = 0; i < n; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z'),
		     digit = s[i] >= '0' && s[i] <= '9';

		if (!letter && !digit && (!s[i] || !strchr(other, s[i])))
			return false;
	}
	return n > 0;
}

/* "s0", "s0-s0:c0.c1023", "s0:c1,c2" */
static bool is_range(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:-");

	return n > 0 && !s[n] && s[n - 1] != ':';
}

bool ct_context_formed(const char *s)
{
	if (strlen(s) > BYTES_MAX)
		return false;
	for (int i = 0; i < 2; i++) {
		size_t n = strcspn(s, ":");

		if (!s[n] || !is_name(s, n))
			return false;
		s += n + 1;
	}
	if (!is_name(s, strcspn(s, ":")))
		return false;
	s += strcspn(s, ":");
	return !*s || is_range(s + 1);
}

bool ct_context_given(const char *context)
{
	return context && strcmp(context, "unconfined_t") != 0;
}

size_t ct_context_type(const char *context, const char **type)
{
	*type = context;
	for (int i = 0; i < 2; i++)
		*type += strcspn(*type, ":") + (strchr(*type, ':') != NULL);
	return strcspn(*type, ":");
}

static int parse_context(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			 struct ct_err *e)
{
	if (!ct_context_formed(entry->value))
		return ct_value_bad(entry, e);
	if (!field)
		return 0;
	*(const char **)field = ct_arena_strdup(spec->arena, entry->value);
	if (*(const char **)field)
		return 0;
	return ct_oom(e);
}

#define FORM "USER:ROLE:TYPE or USER:ROLE:TYPE:RANGE, as system_u:system_r:container_t:s0"

const struct ct_type ct_type_context = { "SELinux context", parse_context, FORM };

static int parse_domain(const struct ct_entry *entry, void *field, struct ct_spec *spec,
			struct ct_err *e)
{
	if (ct_context_given(entry->value))
		return parse_context(entry, field, spec, e);
	return ct_type_text.parse(entry, field, spec, e);
}

const struct ct_type ct_type_domain = { "SELinux context", parse_domain, FORM ", or unconfined_t" };
