/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A payload that only runs, for those who look at it, and what ct_protections() says of it. */
#ifndef CT_TEST_PROTECTIONS_HELP_H
#define CT_TEST_PROTECTIONS_HELP_H

#include <stdbool.h>
#include <stddef.h>

#include "setup.h"

/* Kills it, and closes the handle. */
void end(ct_container *c, ct_process *p);

/* The report, one row a line: name, asked, got, how and ok, divided by tabs; to be freed. */
char *rows_of(ct_container *c);
/* The n-th cell, from 1 on, of the row of that name, in buf; fails when there is no such row. */
const char *row_cell(const char *rows, const char *name, int n, char *buf, size_t size);
/* The row has these cells; of got and how NULL is anything, and how may say more. */
void expect_row(const char *rows, const char *name, const char *asked, const char *got,
		const char *how, bool ok);
/* Whether there is a row of that name. */
bool has_row(const char *rows, const char *name);
/* How many rows are not ok, in the text as in the JSON that `rows` are of. */
int complaints(ct_container *c, const char *rows);

#endif
