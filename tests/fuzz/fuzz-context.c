/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A context of SELinux: what has its form has user, role and type, nothing that would end a word or
 * an option of a mount, and comes through a config unchanged; nothing else does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"
#include "model/context.h"
#include "model/spec.h"

#include "must.h"

#define NAMES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@$"

/* The slow way. */
static int has_form(const char *s)
{
	size_t colons = 0, n = strlen(s);

	if (n > 4000 || strspn(s, NAMES ":,") != n || (n && s[n - 1] == ':'))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ':' && colons < 3 && (i == 0 || s[i - 1] == ':'))
			return 0;
		colons += s[i] == ':';
		if (s[i] == ',' && colons < 3)
			return 0;
		if ((s[i] == '@' || s[i] == '$') && colons > 2)
			return 0;
	}
	return colons > 1;
}

static void check_type(const char *s, int formed)
{
	const char *type = NULL;
	size_t n = ct_context_type(s, &type);

	MUST(type >= s && type + n <= s + strlen(s));
	MUST(!memchr(type, ':', n));
	MUST(!formed || (n && type > s && type[-1] == ':'));
}

static void check_key(const char *key, const char *s, int good)
{
	CT_CLEAN_CONFIG struct ct_config *c = ct_config_new();
	CT_CLEAN_ARENA struct ct_arena *a = ct_arena_new();
	struct ct_spec *spec;
	struct ct_err e;
	int r;

	MUST(c && a);
	ct_err_clear(&e);
	r = ct_config_set(c, key, s, &e);
	MUST(good ? r == 0 : r < 0 || !*s);
	if (!good || !*s)
		return;
	spec = ct_spec_read(c, a, &e);
	MUST(spec);
	MUST(!strcmp(spec->selinux_mount ? spec->selinux_mount : spec->selinux_context, s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	int formed;

	MUST(text);
	formed = ct_context_formed(text);
	MUST(formed == has_form(text));
	check_type(text, formed);
	check_key("selinux.mount.context", text, formed);
	check_key("selinux.context", text, formed || !strcmp(text, "unconfined_t"));
	free(text);
	return 0;
}
