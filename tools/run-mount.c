/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int run_mounts_add(struct run_mounts *m, const char *option, const char *text)
{
	struct run_mount *v = reallocarray(m->v, m->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	m->v = v;
	v[m->n++] = (struct run_mount){ option, text };
	return 0;
}

static const struct {
	const char *option;
	uint64_t flags;
	bool tmpfs;
} kinds[] = {
	{ "bind", CT_MOUNT_NOSUID | CT_MOUNT_NODEV | CT_MOUNT_RECURSIVE, false },
	{ "ro-bind", CT_MOUNT_READONLY | CT_MOUNT_NOSUID | CT_MOUNT_NODEV | CT_MOUNT_RECURSIVE,
	  false },
	{ "dev-bind", CT_MOUNT_NOSUID | CT_MOUNT_RECURSIVE, false },
	{ "volume", CT_MOUNT_NOSUID | CT_MOUNT_NODEV | CT_MOUNT_RECURSIVE | CT_MOUNT_CREATE,
	  false },
	{ "tmpfs", CT_MOUNT_NOSUID | CT_MOUNT_NODEV, true },
};

static const struct {
	const char *word;
	uint64_t set, clear;
} words[] = {
	{ "ro", CT_MOUNT_READONLY, 0 },	    { "rw", 0, CT_MOUNT_READONLY },
	{ "nosuid", CT_MOUNT_NOSUID, 0 },   { "suid", 0, CT_MOUNT_NOSUID },
	{ "nodev", CT_MOUNT_NODEV, 0 },	    { "dev", 0, CT_MOUNT_NODEV },
	{ "noexec", CT_MOUNT_NOEXEC, 0 },   { "exec", 0, CT_MOUNT_NOEXEC },
	{ "rec", CT_MOUNT_RECURSIVE, 0 },   { "norec", 0, CT_MOUNT_RECURSIVE },
	{ "create", CT_MOUNT_CREATE, 0 },   { "optional", CT_MOUNT_OPTIONAL, 0 },
	{ "private", CT_MOUNT_PRIVATE, 0 }, { "slave", CT_MOUNT_SLAVE, 0 },
	{ "shared", CT_MOUNT_SHARED, 0 },   { "unbindable", CT_MOUNT_UNBINDABLE, 0 },
};

/* Removes our words from a list of options; for a tmpfs the others stay in `list`, for the file
 * system. Returns the word that is not known, or NULL. */
static const char *parse_options(char *list, uint64_t *flags, bool tmpfs)
{
	char *rest = list, *word, *kept = list;

	while ((word = strsep(&rest, ","))) {
		size_t i, n = strlen(word), count = sizeof(words) / sizeof(*words);

		for (i = 0; i < count && strcmp(words[i].word, word); i++)
			;
		if (i < count) {
			*flags = (*flags & ~words[i].clear) | words[i].set;
		} else if (!n) {
			continue;
		} else if (!tmpfs) {
			return word;
		} else {
			if (kept != list)
				*kept++ = ',';
			memmove(kept, word, n); /* to before the rest, which is still to be read */
			kept += n;
		}
	}
	*kept = '\0';
	return NULL;
}

static int apply(const struct args *a, ct_container *c, const struct run_mount *r, char *text)
{
	ct_mount m = CT_MOUNT_INIT;
	char *rest = text, *first = strsep(&rest, ":"), *target;
	const char *unknown = NULL;
	size_t k = 0;

	while (strcmp(kinds[k].option, r->option))
		k++;
	m.flags = kinds[k].flags;
	if (!*first)
		return fail(a, "--%s %s: the path is empty", r->option, r->text);
	if (kinds[k].tmpfs) {
		m.source = m.fstype = "tmpfs";
		m.target = first;
	} else {
		m.source = absolute(first);
		if (!m.source)
			return fail(a, "--%s %s: the working directory cannot be found out: %s",
				    r->option, r->text, strerror(errno));
		target = strsep(&rest, ":");
		m.target = m.source;
		if (target && *target)
			m.target = target;
	}
	/* `rest` are the options now */
	if (rest)
		unknown = parse_options(rest, &m.flags, kinds[k].tmpfs);
	if (unknown)
		return fail(a, "--%s %s: no option is called \"%s\"", r->option, r->text, unknown);
	if (kinds[k].tmpfs && rest && *rest)
		m.options = rest;
	if (ct_add_mount(c, &m) < 0)
		return fail_container(a, c);
	return 0;
}

int run_mounts_apply(const struct args *a, ct_container *c, const struct run_mounts *m)
{
	int err = 0;

	for (size_t i = 0; i < m->n && !err; i++) {
		char *text = strdup(m->v[i].text);

		if (!text)
			return fail(a, "out of memory");
		err = apply(a, c, &m->v[i], text);
		free(text);
	}
	return err;
}
