/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protections-help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

void end(ct_container *c, ct_process *p)
{
	ct_process_kill(p, 9);
	ct_process_wait(p, NULL, PATIENCE_MS);
	ct_process_unref(p);
	ct_unref(c);
}

/* ---- the report as rows ---------------------------------------------------------------------- */

/* One row a line: name, asked, got, how and ok, divided by tabs. Keys and their types are held
 * against what is promised. */
static const char reader[] =
	"import json, sys\n"
	"rows = json.load(sys.stdin)['protections']\n"
	"assert rows\n"
	"for r in rows:\n"
	"    assert sorted(r) == ['asked', 'got', 'how', 'name', 'ok'], r\n"
	"    assert all(isinstance(r[k], str) and r[k] and r[k].isprintable() for k in ('asked', "
	"'got', 'how', 'name')), r\n"
	"    assert isinstance(r['ok'], bool), r\n"
	"    print(r['name'], r['asked'], r['got'], r['how'], r['ok'], sep='\\t')\n";

char *rows_of(ct_container *c)
{
	struct run_result r;
	char *json = NULL, *rows;

	assert_ok(c, ct_protections(c, CT_FORMAT_JSON, &json));
	assert_int_equal(run_tool(ARGV("python3", "-c", reader), json, 30000, &r), 0);
	if (r.status)
		fail_msg("the JSON is not as promised: %s\n%s", r.err, json);
	ct_free(json);
	rows = strdup(r.out);
	assert_non_null(rows);
	run_free(&r);
	return rows;
}

/* The n-th cell, from 1 on, of the row of that name, in buf; fails when there is no such row. */
const char *row_cell(const char *rows, const char *name, int n, char *buf, size_t size)
{
	size_t len = strlen(name);

	for (const char *line = rows; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, name, len) || line[len] != '\t')
			continue;
		for (int i = 0; i < n; i++)
			line += strcspn(line, "\t\n") + 1;
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\t\n"), line);
		return buf;
	}
	fail_msg("no row \"%s\" in\n%s", name, rows);
	return "";
}

/* The row has these cells; of got and how NULL is anything, and how may say more. */
void expect_row(const char *rows, const char *name, const char *asked, const char *got,
		const char *how, bool ok)
{
	const char *const want[3] = { asked, got, how };
	char text[1024];

	for (int i = 0; i < 3; i++) {
		row_cell(rows, name, i + 1, text, sizeof(text));
		if (want[i] && (i == 2 ? !strstr(text, want[i]) : strcmp(text, want[i])))
			fail_msg("%s: \"%s\", not \"%s\" in\n%s", name, text, want[i], rows);
	}
	if (strcmp(row_cell(rows, name, 4, text, sizeof(text)), ok ? "True" : "False"))
		fail_msg("%s is %s in\n%s", name, ok ? "not ok" : "ok", rows);
}

bool has_row(const char *rows, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = rows; (p = strstr(p, name)); p += n)
		if ((p == rows || p[-1] == '\n') && p[n] == '\t')
			return true;
	return false;
}

/* As many lines begin with "! " as there are rows that are not ok, and no line is anything but
 * a row or the head. */
int complaints(ct_container *c, const char *rows)
{
	int lines = 0, wrong = 0, want = 0, all = 0;
	char *text = NULL;

	assert_ok(c, ct_protections(c, CT_FORMAT_TEXT, &text));
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		wrong += !strncmp(line, "! ", 2);
		lines += !strncmp(line, "! ", 2) || !strncmp(line, "  ", 2);
	}
	for (const char *p = rows; *p; p = strchr(p, '\n') + 1, all++)
		want += (strchr(p, '\n') - p) > 6 && !strncmp(strchr(p, '\n') - 6, "\tFalse", 6);
	if (lines != all + 1 || wrong != want)
		fail_msg("%d lines, %d of them with \"! \", for %d rows, %d of them not ok:\n%s",
			 lines, wrong, all, want, text);
	ct_free(text);
	return wrong;
}
