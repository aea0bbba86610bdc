/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of ct_stats() by name: one table that the text, the JSON and the choice of
 * a column come from. */
#ifndef CT_TOOLS_FIGURES_H
#define CT_TOOLS_FIGURES_H

#include <stdbool.h>

#include <contain/contain.h>

#include "json.h"

/* Sets every figure to CT_ABSENT. */
void figures_clear(ct_usage *u);
/* Writes the figures that are there as members of the open JSON object, pressure as an object
 * for each resource. */
void json_figures(struct json *j, const ct_usage *u);
/* Prints them, one a line: "Memory limit:  64.00 MiB", or with `raw` "memory_limit 67108864". */
void print_figures(const ct_usage *u, bool raw);
/* Text of one figure by its name in JSON; "-" when it is absent. */
void figure_text(char *out, size_t size, const ct_usage *u, const char *key, bool raw);

#endif
