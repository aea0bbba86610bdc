/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan-keys SOURCE: what each key of the table does in each mode, by
 * tests/plan/keys.table. A row is
 *   KEY | CONFIG BEFORE IT | VALUE | IN PROCESS | DETACHED
 * where the config is divided by semicolons and may have directives of plan-world.c; what begins
 * with a plus goes behind the key, and is there only with it. Each mode has one of
 *   plan          the plan is another one with it
 *   refused       a start is refused, by the name of the key
 *   kept          nothing of a start: the key says that it is kept for later, and nothing else
 *   DIR/FILE WORD an effect that no plan shows: the test FILE in tests/ shows it, and has that word
 *   -             another row of the key has this mode
 * A key that changes what a start does to init itself has to change an attach, too, but for those
 * in not_attached.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/key.h"
#include "plan-world.h"

#define ROWS 400

struct row {
	char *key, *before, *value, *mode[2];
	int line;
	bool used;
};

static struct row rows[ROWS];
static unsigned n_rows, count[4]; /* plan, refused, kept, tests */
static int nr, failed;
static const char *source;
static const char *const modes[] = { "in process", "detached" };
enum { IN_PROCESS, DETACHED, ATTACH };
static const char *const mode_lines[] = {
	[IN_PROCESS] = "",
	[DETACHED] = "#: flag detached\n",
	[ATTACH] = "#: attach fd\n#: argv /bin/true\n",
};

/* Set in namespaces that an attach joins, or for init alone. */
static const char *const not_attached[] = {
	"init.cwd",	   "init.reaper", "uts.name",	"uts.domain",
	"namespace.clone", "idmap",	  "hook.start",
};
/* The phases of what is done to init itself. */
static const char *const init_phases[] = { "enter:", "identity:", "close:", "confine:" };

static void result(bool ok, const char *key, const char *what)
{
	printf("%sok %d - %s %s\n", ok ? "" : "not ", ++nr, key, what);
	failed += !ok;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t\n", s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

static int read_table(const char *path)
{
	static char text[65536];
	char *line, *next = text;
	FILE *f = fopen(path, "re");
	int at = 0;

	if (!f || !fread(text, 1, sizeof(text) - 1, f))
		return -1;
	fclose(f);
	while ((line = strsep(&next, "\n"))) {
		struct row *r = &rows[n_rows];
		char **field[] = { &r->key, &r->before, &r->value, &r->mode[0], &r->mode[1] };

		at++;
		if (!*line || *line == '#')
			continue;
		for (int i = 0; i < 5; i++) {
			char *word = strsep(&line, "|");

			if (!word)
				return at;
			*field[i] = trim(word);
		}
		r->line = at;
		if (++n_rows == ROWS)
			return at;
	}
	return 0;
}

/* The plan in this mode, with the key or without. */
static void plan(const struct row *r, int mode, bool with, struct ct_buf *out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char before[1024], behind[1024] = "", *next = before, *part;

	ct_buf_printf(&text, "#: name web\n%srootfs.path = /srv/root\n", mode_lines[mode]);
	snprintf(before, sizeof(before), "%s", r->before);
	while ((part = strsep(&next, ";"))) {
		part = trim(part);
		if (*part == '+')
			snprintf(behind, sizeof(behind), "%s\n", part + 1);
		else
			ct_buf_printf(&text, "%s\n", part);
	}
	if (with)
		ct_buf_printf(&text, "%s = %s\n%s", r->key, r->value, behind);
	world_plan(ct_buf_text(&text), text.len, "conf", out);
}

static bool is_refused(const char *text)
{
	return !strncmp(text, "refused: ", 9);
}

/* Refused, and by this key. */
static bool names_it(const struct row *r, const char *text)
{
	const char *line = is_refused(text) ? strchr(text, '\n') : NULL;

	return line && !strncmp(line + 1, r->key, strlen(r->key)) &&
	       line[1 + strlen(r->key)] == ' ';
}

static bool shown_by_test(const char *cell)
{
	static char text[1 << 20];
	char path[4096], file[256], word[256];
	size_t n;
	FILE *f;

	if (sscanf(cell, "%255s %255s", file, word) != 2)
		return false;
	snprintf(path, sizeof(path), "%s/tests/%s", source, file);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	return strstr(text, word);
}

static bool is_of_init(const char *head)
{
	for (size_t i = 0; i < sizeof(init_phases) / sizeof(*init_phases); i++)
		if (!strncmp(head, init_phases[i], strlen(init_phases[i])))
			return true;
	return false;
}

/* The steps in a plan's text without their numbers and origins; all, or those done to init. */
static void steps_of(const char *text, bool all, struct ct_buf *out)
{
	bool taken = all;

	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		size_t n = strcspn(line, "\n"), number = strspn(line, " 0123456789");
		const char *origin = memmem(line, n, "  # ", 4);

		end = line + n;
		if (!number)
			taken = all || is_of_init(line);
		else if (taken)
			ct_buf_printf(out, "%.*s\n",
				      (int)((origin ? origin : end) - line - (ptrdiff_t)number),
				      line + number);
	}
}

/* Whether the key changes the steps in this mode; false where it is refused. */
static bool changes(const struct row *r, int mode, bool all)
{
	CT_CLEAN_BUF struct ct_buf without = CT_BUF_INIT, with = CT_BUF_INIT;
	CT_CLEAN_BUF struct ct_buf a = CT_BUF_INIT, b = CT_BUF_INIT;

	plan(r, mode, false, &without);
	plan(r, mode, true, &with);
	if (is_refused(ct_buf_text(&with)))
		return false;
	steps_of(ct_buf_text(&without), all, &a);
	steps_of(ct_buf_text(&with), all, &b);
	return strcmp(ct_buf_text(&a), ct_buf_text(&b));
}

static bool is_start_only(const char *key)
{
	for (size_t i = 0; i < sizeof(not_attached) / sizeof(*not_attached); i++)
		if (!strcmp(not_attached[i], key))
			return true;
	return false;
}

/* A key that changes what is done to init. */
static void check_attach(const struct row *r)
{
	bool start_only = is_start_only(r->key);

	if (!changes(r, IN_PROCESS, false))
		return;
	result(changes(r, ATTACH, true) != start_only, r->key,
	       start_only ? "is init's alone" : "changes an attach, too");
}

static bool holds(const struct row *r, int detached, const struct ct_key *key)
{
	CT_CLEAN_BUF struct ct_buf without = CT_BUF_INIT, with = CT_BUF_INIT;
	const char *cell = r->mode[detached], *a, *b, *why;

	plan(r, detached, false, &without);
	plan(r, detached, true, &with);
	a = ct_buf_text(&without);
	b = ct_buf_text(&with);
	if (is_refused(a) || !strcmp(cell, "refused")) {
		count[1]++;
		if (!is_refused(a) && names_it(r, b))
			return true;
	} else if (!strcmp(cell, "plan")) {
		count[0]++;
		if (!is_refused(b) && strcmp(a, b))
			return true;
	} else if (!strcmp(cell, "kept")) {
		count[2]++;
		if ((key->flags & CT_KF_HARMLESS) && !strcmp(a, b))
			return true;
	} else {
		count[3]++;
		if (!is_refused(b) && !strcmp(a, b) && shown_by_test(cell))
			return true;
	}
	why = strcmp(a, b) ? "the plan is another one" : "the plan is the same";
	if (is_refused(b))
		why = b;
	if (is_refused(a))
		why = a;
	printf("# line %d: %s %s: %.300s\n", r->line, modes[detached], cell, why);
	return false;
}

static void check_key(const struct ct_key *key)
{
	bool found[2] = { false, false };

	for (unsigned i = 0; i < n_rows; i++) {
		const char *sub;

		if (ct_key_find(rows[i].key, &sub) != key)
			continue;
		rows[i].used = true;
		for (int m = 0; m < 2; m++) {
			if (!strcmp(rows[i].mode[m], "-"))
				continue;
			found[m] = true;
			result(holds(&rows[i], m, key), rows[i].key, modes[m]);
		}
		check_attach(&rows[i]);
	}
	for (int m = 0; m < 2; m++)
		if (!found[m])
			result(false, key->name, "has no row in keys.table for each mode");
}

int main(int argc, char **argv)
{
	char path[4096];
	int line;

	source = argc > 1 ? argv[1] : ".";
	snprintf(path, sizeof(path), "%s/tests/plan/keys.table", source);
	line = read_table(path);
	if (line) {
		printf("1..1\nnot ok 1 - %s: line %d\n", path, line);
		return 1;
	}
	for (uint32_t i = 0; i < ct_n_keys; i++)
		check_key(&ct_keys[i]);
	for (unsigned i = 0; i < n_rows; i++)
		if (!rows[i].used)
			result(false, rows[i].key, "is no key");
	printf("# %u pairs of key and mode: %u in the plan, %u by another test, %u refused by "
	       "name, %u kept for later\n",
	       count[0] + count[1] + count[2] + count[3], count[0], count[3], count[1], count[2]);
	printf("1..%d\n", nr);
	return failed > 0;
}
