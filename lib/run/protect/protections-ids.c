/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): the ids of init on the host, the maps of its user namespace, and the
 * limits of its process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "run/protect/protections.h"

#define MAP_MAX (64u << 10) /* the kernel takes 340 lines */
#define UNKNOWN "cannot be told"

/* The two kinds of ids. */
struct kind {
	bool group;
	/* in /proc/PID/status, in the table, the system call that sets it */
	const char *field, *name, *call;
	/* file in /proc/PID, in the table */
	const char *map, *map_name;
};

static const struct kind users = { false, "Uid", "user", "setresuid", "uid_map", "idmap, users" };
static const struct kind groups = { true, "Gid", "group", "setresgid", "gid_map", "idmap, groups" };

/* Takes the next number of *s and moves *s behind it; false: there is none. */
static bool next_number(const char **s, uint32_t *out)
{
	size_t n;
	char digits[16];

	*s += strspn(*s, " \t,");
	n = strspn(*s, "0123456789");
	if (!n || n >= sizeof(digits))
		return false;
	memcpy(digits, *s, n);
	digits[n] = '\0';
	*s += n;
	return ct_parse_u32(digits, out) == 0;
}

/* A list with one more entry. As all texts here, NULL when there was no memory, and the table's
 * rows take NULL as that. */
static const char *append(struct ct_protect *t, const char *list, const char *separator,
			  const char *entry)
{
	if (!list || !entry)
		return NULL;
	if (!*list)
		return entry;
	return CT_TEXT(t, "%s%s%s", list, separator, entry);
}

static const char *or_none(const char *list)
{
	if (list && !*list)
		return "none";
	return list;
}

/* ---- users and groups ------------------------------------------------------------------------ */

/* The host's number for one inside; false: it has none. */
static bool outside(const struct ct_spec *s, bool group, uint32_t inside, uint32_t *out)
{
	*out = inside;
	for (uint32_t i = 0; i < s->idmap.n; i++) {
		const struct ct_idmap_item *m = &s->idmap.v[i];

		if (m->group != group || inside < m->inside || inside - m->inside >= m->count)
			continue;
		*out = m->outside + (inside - m->inside);
		return true;
	}
	return !s->idmap.n;
}

/* The payload may change to another id, but not to the host's root. */
static void add_id(struct ct_protect *t, const struct kind *kind, uint32_t inside)
{
	const struct ct_spec *s = t->p.spec;
	uint32_t host = 0, id[4] = { 0, 0, 0, 0 };
	bool mapped = outside(s, kind->group, inside, &host), ok = true;
	const char *asked, *p;
	char text[64];

	if (s->idmap.n && mapped)
		asked = CT_TEXT(t, "%u, on the host %u", inside, host);
	else
		asked = CT_TEXT(t, "%u", inside);
	if (!ct_protect_field(t, kind->field, text, sizeof(text))) {
		ct_protections_add(&t->report, false, kind->name, asked, UNKNOWN, "-");
		return;
	}
	p = text;
	for (int i = 0; i < 4; i++)
		ok = ok && next_number(&p, &id[i]) && (id[i] || (mapped && !host));
	if (id[0] == id[1] && id[1] == id[2] && id[2] == id[3])
		p = CT_TEXT(t, "%u on the host", id[1]);
	else
		p = CT_TEXT(t, "%u on the host (real %u, saved %u, files %u)", id[1], id[0], id[2],
			    id[3]);
	ct_protections_add(&t->report, ok, kind->name, asked, p, kind->call);
}

static bool is_asked(const struct ct_spec *s, uint32_t id)
{
	uint32_t host;

	/* the primary group is among them, unless it is root's */
	if (s->init_gid && outside(s, true, s->init_gid, &host) && host == id)
		return true;
	for (uint32_t i = 0; i < s->init_groups.n; i++)
		if (outside(s, true, s->init_groups.v[i].id, &host) && host == id)
			return true;
	return false;
}

/* The supplementary groups: one that the config does not name may be left from the caller. */
static void add_groups(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	const char *line = strstr(ct_buf_text(&t->status), "\nGroups:"), *asked = "", *got = "";
	uint32_t id, n = 0, foreign = 0;

	for (uint32_t i = 0; i < s->init_groups.n && i < 32; i++)
		asked = append(t, asked, " ", CT_TEXT(t, "%u", s->init_groups.v[i].id));
	asked = or_none(asked);
	if (!line) {
		ct_protections_add(&t->report, false, "groups", asked, UNKNOWN, "-");
		return;
	}
	line += strlen("\nGroups:");
	while (next_number(&line, &id)) {
		foreign += !is_asked(s, id);
		if (n++ < 32)
			got = append(t, got, " ", CT_TEXT(t, "%u", id));
	}
	if (n > 32 && got)
		got = CT_TEXT(t, "%s and %u more", got, n - 32);
	if (got && *got)
		got = CT_TEXT(t, "%s on the host", got);
	ct_protections_add(&t->report, !foreign, "groups", asked, or_none(got), "setgroups");
}

/* ---- maps ------------------------------------------------------------------------------------ */

/* Whether the config has this line: first inside, first outside, how many. */
static bool is_map_asked(const struct ct_spec *s, bool group, const uint32_t v[3])
{
	for (uint32_t i = 0; i < s->idmap.n; i++) {
		const struct ct_idmap_item *m = &s->idmap.v[i];

		if (m->group == group && m->inside == v[0] && m->outside == v[1] &&
		    m->count == v[2])
			return true;
	}
	return false;
}

/* A map as it is. */
struct map {
	const char *lines; /* as a list */
	uint32_t n;
	uint32_t foreign; /* lines that the config does not have */
};

/* False: the file cannot be read. */
static bool read_map(struct ct_protect *t, const struct kind *kind, struct map *map)
{
	const char *why = "", *text = ct_protect_read(t, kind->map, MAP_MAX, &why);
	uint32_t v[3];

	*map = (struct map){ .lines = "" };
	if (!text)
		return false;
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (!next_number(&text, &v[0]) || !next_number(&text, &v[1]) ||
		    !next_number(&text, &v[2]))
			break;
		map->foreign += !is_map_asked(t->p.spec, kind->group, v);
		if (map->n++ < 16)
			map->lines = append(t, map->lines, ", ",
					    CT_TEXT(t, "%u %u %u", v[0], v[1], v[2]));
	}
	return true;
}

static void add_map(struct ct_protect *t, const struct kind *kind)
{
	const struct ct_spec *s = t->p.spec;
	const char *asked = "", *call = kind->map;
	uint32_t wanted = 0;
	struct map map;
	bool ok = read_map(t, kind, &map);

	if (!ok)
		map.lines = UNKNOWN;
	for (uint32_t i = 0; i < s->idmap.n; i++) {
		const struct ct_idmap_item *m = &s->idmap.v[i];

		if (m->group == kind->group && wanted++ < 16)
			asked = append(t, asked, ", ",
				       CT_TEXT(t, "%u %u %u", m->inside, m->outside, m->count));
	}
	if (s->idmap.n) {
		ok = ok && map.n == wanted && !map.foreign;
	} else {
		asked = "-";
		call = "-";
	}
	ct_protections_add(&t->report, ok, kind->map_name, asked, map.lines, call);
}

/* ---- prlimit.* ------------------------------------------------------------------------------- */

/* The kernel writes a line for each resource, in the order of their numbers, below a head, in
 * columns of fixed width. */
#define COLUMN 26

static bool read_limit(const char *text, int resource, uint64_t out[2])
{
	for (int i = 0; i <= resource && text; i++) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	if (!text || strcspn(text, "\n") < COLUMN)
		return false;
	text += COLUMN;
	for (int i = 0; i < 2; i++) {
		size_t n = strcspn(text, " \n");
		char word[24] = "";

		if (n < sizeof(word))
			memcpy(word, text, n);
		out[i] = UINT64_MAX;
		if (strcmp(word, "unlimited") && ct_parse_u64(word, &out[i]) < 0)
			return false;
		text += n;
		text += strspn(text, " ");
	}
	return true;
}

static const char *limit_text(struct ct_protect *t, uint64_t v)
{
	if (v == UINT64_MAX)
		return "unlimited";
	return CT_TEXT(t, "%llu", (unsigned long long)v);
}

static const char *limits_text(struct ct_protect *t, uint64_t soft, uint64_t hard)
{
	return append(t, limit_text(t, soft), ":", limit_text(t, hard));
}

/* Only the hard limits are compared: the payload may set the soft ones itself. */
static void add_prlimits(struct ct_protect *t)
{
	const struct ct_limits *l = &t->p.spec->prlimit;
	const char *why = "", *text;

	if (!l->n)
		return;
	text = ct_protect_read(t, "limits", 16384, &why);
	if (!*why)
		why = "/proc/INIT/limits";
	for (uint32_t i = 0; i < l->n; i++) {
		const struct ct_limit_item *item = &l->v[i];
		const char *name = CT_TEXT(t, "prlimit.%s", item->name),
			   *asked = limits_text(t, item->soft, item->hard);
		uint64_t got[2];

		if (!text || !read_limit(text, item->resource, got))
			ct_protections_add(&t->report, false, name, asked, UNKNOWN, why);
		else
			ct_protections_add(&t->report, got[1] <= item->hard, name, asked,
					   limits_text(t, got[0], got[1]), "prlimit64");
	}
}

void ct_protect_ids(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;

	add_id(t, &users, s->init_uid);
	add_id(t, &groups, s->init_gid);
	add_groups(t);
	add_map(t, &users);
	add_map(t, &groups);
	add_prlimits(t);
}
