/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of ct_protections(): who init is on the host, the maps of its user namespace, and the
 * limits of its process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "run/protect/protections.h"

#define MAP_MAX (64u << 10) /* the kernel takes 340 lines */

/* The next number of *s, moved behind it; false: there is none. */
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

/* The payload may give up an id for another; that it has become the host's root is
 * what must not be. */
static void add_id(struct ct_protect *t, const char *field, const char *name, bool group,
		   uint32_t inside)
{
	const struct ct_spec *s = t->p.spec;
	uint32_t host = 0, id[4] = { 0, 0, 0, 0 };
	bool mapped = outside(s, group, inside, &host), ok = true;
	const char *asked = s->idmap.n && mapped ? CT_SAY(t, "%u, on the host %u", inside, host)
						 : CT_SAY(t, "%u", inside),
		   *p;
	char text[64];

	if (!ct_protect_field(t, field, text, sizeof(text))) {
		ct_protections_add(&t->report, false, name, asked, "cannot be told", "-");
		return;
	}
	p = text;
	for (int i = 0; i < 4; i++)
		ok = ok && next_number(&p, &id[i]) && (id[i] || (mapped && !host));
	if (id[0] == id[1] && id[1] == id[2] && id[2] == id[3])
		p = CT_SAY(t, "%u on the host", id[1]);
	else
		p = CT_SAY(t, "%u on the host (real %u, saved %u, files %u)", id[1], id[0], id[2],
			   id[3]);
	ct_protections_add(&t->report, ok, name, asked, p, group ? "setresgid" : "setresuid");
}

static bool is_asked(const struct ct_spec *s, uint32_t id)
{
	uint32_t host;

	for (uint32_t i = 0; i < s->init_groups.n; i++)
		if (outside(s, true, s->init_groups.v[i].id, &host) && host == id)
			return true;
	return false;
}

/* Groups that nobody has asked for may be the caller's. */
static void add_groups(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;
	const char *line = strstr(ct_buf_text(&t->status), "\nGroups:"), *asked = "", *got = "";
	uint32_t id, n = 0, foreign = 0;

	for (uint32_t i = 0; i < s->init_groups.n && i < 32 && asked; i++)
		asked = CT_SAY(t, "%s%s%u", asked, i ? " " : "", s->init_groups.v[i].id);
	if (!line) {
		ct_protections_add(&t->report, false, "groups", !asked || *asked ? asked : "none",
				   "cannot be told", "-");
		return;
	}
	line += 8;
	while (next_number(&line, &id)) {
		foreign += !is_asked(s, id);
		if (n++ < 32 && got)
			got = CT_SAY(t, "%s%s%u", got, *got ? " " : "", id);
	}
	if (n > 32 && got)
		got = CT_SAY(t, "%s and %u more", got, n - 32);
	/* NULL, for want of memory, stays NULL: ct_protections_add() records it */
	asked = !asked || *asked ? asked : "none";
	if (got)
		got = *got ? CT_SAY(t, "%s on the host", got) : "none";
	ct_protections_add(&t->report, !foreign, "groups", asked, got, "setgroups");
}

/* ---- maps ------------------------------------------------------------------------------------ */

/* The lines of a map with single blanks, and their number; of those that were not
 * asked for *foreign. */
static const char *read_map(struct ct_protect *t, bool group, uint32_t *n, uint32_t *foreign)
{
	const struct ct_spec *s = t->p.spec;
	const char *why = "",
		   *text = ct_protect_read(t, group ? "gid_map" : "uid_map", MAP_MAX, &why),
		   *out = "";
	uint32_t v[3];

	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		bool asked = false;

		if (!next_number(&text, &v[0]) || !next_number(&text, &v[1]) ||
		    !next_number(&text, &v[2]))
			break;
		for (uint32_t i = 0; i < s->idmap.n; i++) {
			const struct ct_idmap_item *m = &s->idmap.v[i];

			asked |= m->group == group && m->inside == v[0] && m->outside == v[1] &&
				 m->count == v[2];
		}
		*foreign += !asked;
		if ((*n)++ < 16 && out)
			out = CT_SAY(t, "%s%s%u %u %u", out, *out ? ", " : "", v[0], v[1], v[2]);
	}
	t->report.oom |= !out;
	return text ? out : NULL;
}

static void add_map(struct ct_protect *t, bool group)
{
	const struct ct_spec *s = t->p.spec;
	const char *name = group ? "idmap, groups" : "idmap, users", *asked = "", *got;
	uint32_t n = 0, wanted = 0, foreign = 0;

	for (uint32_t i = 0; i < s->idmap.n && asked; i++) {
		const struct ct_idmap_item *m = &s->idmap.v[i];

		if (m->group == group && wanted++ < 16)
			asked = CT_SAY(t, "%s%s%u %u %u", asked, *asked ? ", " : "", m->inside,
				       m->outside, m->count);
	}
	got = read_map(t, group, &n, &foreign);
	if (!s->idmap.n)
		ct_protections_add(&t->report, got != NULL, name, "-", got ? got : "cannot be told",
				   "-");
	else
		ct_protections_add(&t->report, got && n == wanted && !foreign, name, asked,
				   got ? got : "cannot be told", group ? "gid_map" : "uid_map");
}

/* ---- prlimit.* ------------------------------------------------------------------------------- */

/* The kernel writes a line for each resource, in the order of their numbers, below a head, in
 * columns of fixed width. */
#define COLUMN 26

static bool read_limit(const char *text, int resource, uint64_t out[2])
{
	for (int i = 0; i <= resource && text; i++) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (!text || strcspn(text, "\n") < COLUMN)
		return false;
	text += COLUMN;
	for (int i = 0; i < 2; i++) {
		size_t n = strcspn(text, " \n");
		char word[24] = "";

		memcpy(word, text, n < sizeof(word) ? n : 0);
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
	return v == UINT64_MAX ? "unlimited" : CT_SAY(t, "%llu", (unsigned long long)v);
}

/* The soft limit is the payload's own to move below the hard one. */
static void add_prlimits(struct ct_protect *t)
{
	const struct ct_limits *l = &t->p.spec->prlimit;
	const char *why = "", *text = l->n ? ct_protect_read(t, "limits", 16384, &why) : NULL;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ct_limit_item *item = &l->v[i];
		const char *name = CT_SAY(t, "prlimit.%s", item->name),
			   *soft = limit_text(t, item->soft), *hard = limit_text(t, item->hard);
		const char *asked = soft && hard ? CT_SAY(t, "%s:%s", soft, hard) : NULL;
		uint64_t got[2];

		if (!text || !read_limit(text, item->resource, got)) {
			ct_protections_add(&t->report, false, name, asked, "cannot be told",
					   *why ? why : "/proc/INIT/limits");
			continue;
		}
		soft = limit_text(t, got[0]);
		hard = limit_text(t, got[1]);
		ct_protections_add(&t->report, got[1] <= item->hard, name, asked,
				   soft && hard ? CT_SAY(t, "%s:%s", soft, hard) : NULL,
				   "prlimit64");
	}
}

void ct_protect_ids(struct ct_protect *t)
{
	const struct ct_spec *s = t->p.spec;

	add_id(t, "Uid", "user", false, s->init_uid);
	add_id(t, "Gid", "group", true, s->init_gid);
	add_groups(t);
	add_map(t, false);
	add_map(t, true);
	add_prlimits(t);
}
