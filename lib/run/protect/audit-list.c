/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an audit has found, and what of the config all rules look at. */
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan/build.h"
#include "model/config.h"
#include "run/protect/audit.h"

void ct_audit_begin(struct ct_audit *a)
{
	const struct ct_spec *s = a->spec;

	a->own = ct_build_namespaces(s);
	a->apart = ct_build_userns(s) || !a->host->initial_userns;
	/* what a start will refuse is kept all the same */
	if (ct_build_caps(s, a->host, &a->kept, NULL) < 0)
		a->kept = s->cap_keep & s->cap_bounding;
	a->no_privs = s->no_new_privs || (a->opts->flags & CT_START_NO_NEW_PRIVS);
	a->filtered = s->seccomp_profile && !strcmp(s->seccomp_profile, "default");
	if (!a->at_version)
		a->at_version = 2;
}

void ct_audit_add(struct ct_audit *a, const struct ct_weakness *w)
{
	if (a->n == a->cap) {
		uint32_t cap = a->cap * 2 + 32;
		struct ct_weakness *v = ct_arena_grow(a->arena, a->v, a->n, cap, sizeof(*v));

		if (!v) {
			a->oom = true;
			return;
		}
		a->v = v;
		a->cap = cap;
	}
	a->v[a->n++] = *w;
}

void ct_audit_hit_as(struct ct_audit *a, const struct ct_rule *r, uint8_t severity,
		     const struct ct_origin *at, const char *object, const char *value)
{
	struct ct_weakness w = { severity, r->name, r->text, at, "", r->mend, r->key, "" };

	if (!severity)
		return;
	if (object)
		w.object = object;
	if (r->value)
		w.value = r->value;
	if (value)
		w.value = value;
	if (!w.key && at)
		w.key = at->key;
	ct_audit_add(a, &w);
}

void ct_audit_hit(struct ct_audit *a, const struct ct_rule *r, const struct ct_origin *at,
		  const char *object, const char *value)
{
	uint8_t severity = r->plain;

	if (a->apart)
		severity = r->mapped;
	ct_audit_hit_as(a, r, severity, at, object, value);
}

const char *ct_audit_more(struct ct_audit *a, const char *list, const char *word)
{
	const char *text = word;

	if (word && !*word)
		return list;
	if (list && word && *list)
		text = ct_arena_printf(a->arena, "%s %s", list, word);
	if (!list || !text) {
		a->oom = true;
		return NULL;
	}
	return text;
}

const char *ct_audit_asked(const struct ct_audit *a, const char *key)
{
	const char *value = NULL;

	for (uint32_t i = 0; i < a->spec->n_entries; i++)
		if (!strcmp(a->spec->entries[i].name, key))
			value = a->spec->entries[i].value;
	return value;
}

const char *ct_audit_source(const struct ct_audit *a, const struct ct_mount_item *m)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	if (!m->bind || (m->relative && m->source_fd < 0))
		return NULL;
	if (m->source_fd < 0) {
		if (!m->source || !realpath(m->source, path))
			return NULL;
		return ct_arena_strdup(a->arena, path);
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", m->source_fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return ct_arena_strdup(a->arena, path);
}

bool ct_audit_readonly(const struct ct_mount_item *m)
{
	return m->attr_set & MOUNT_ATTR_RDONLY;
}
