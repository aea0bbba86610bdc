/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes and times as users read and type them. */
#ifndef CT_TOOLS_QUANTITY_H
#define CT_TOOLS_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes as "512 bytes", "1.50 MiB"; with `raw` the plain number. */
void size_text(char *out, size_t size, uint64_t bytes, bool raw);
/* Reads a time above 0, such as "100ms", "1.5s", "2m", "1h"; a bare number is seconds. 0, -EINVAL
 * or -ERANGE (zero, or more than a year); *us untouched on failure. */
int parse_time(const char *text, uint64_t *us);
/* Reads a number of whole seconds for a timeout, or "-1" for ever, as milliseconds. 0,
 * -EINVAL or -ERANGE. */
int parse_timeout(const char *text, int *ms);
/* Milliseconds of the monotonic clock. */
int64_t clock_ms(void);

#endif
