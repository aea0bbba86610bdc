/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/log.h"

#include <stdarg.h>
#include <stdio.h>

void ct_log(const struct ct_log *log, int level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!log || !log->fn || level > log->level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log->fn(log->data, level, line);
}
