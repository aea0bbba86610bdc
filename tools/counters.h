/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counters of ct_stats() by name: one table for the text, the JSON and the columns. */
#ifndef CT_TOOLS_COUNTERS_H
#define CT_TOOLS_COUNTERS_H

#include <stdbool.h>

#include <contain/contain.h>

#include "json.h"

/* Sets every counter to CT_ABSENT. */
void counters_clear(ct_usage *u);
/* Writes the counters that are not absent as members of the open JSON object, pressure as an object
 * for each resource. */
void json_counters(struct json *j, const ct_usage *u);
/* Prints them, one a line: "Memory limit:  64.00 MiB", or with `raw` "memory_limit 67108864". */
void print_counters(const ct_usage *u, bool raw);
/* Text of one counter by its name in JSON; "-" when it is absent. */
void counter_text(char *out, size_t size, const ct_usage *u, const char *key, bool raw);

#endif
