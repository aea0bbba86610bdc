/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines in log.file that the supervisor writes, after the starter has gone; in the form of
 * lib/model/log.c. */
#include <string.h>
#include <time.h>

#include "stage/super/supervisor.h"

#define LINE 1200

static const struct {
	unsigned level;
	const char *name;
} levels[] = { { CT_LOG_ERROR, "ERROR " }, { CT_LOG_WARN, "WARN  " }, { CT_LOG_INFO, "INFO  " } };

/* Appends the last `digits` digits of a number, with leading zeros. */
static void add_digits(char *line, size_t size, uint64_t v, int digits)
{
	char text[24];
	int i = digits;

	for (text[i] = '\0'; i > 0; v /= 10)
		text[--i] = (char)('0' + v % 10);
	str_add(line, size, text);
}

static int is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Appends local time as 20261130205959.123. The C library's calendar opens files and allocates. */
static void add_time(char *line, size_t size, uint64_t ns, int32_t utc_offset)
{
	static const uint8_t days_in[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	uint64_t sec = ns / 1000000000u + (uint64_t)(int64_t)utc_offset, day = sec / 86400,
		 left = sec % 86400;
	unsigned year = 1970, month = 0, n;

	for (; day >= (n = 365 + (unsigned)is_leap(year)); year++)
		day -= n;
	for (; day >= (n = days_in[month] + (unsigned)(month == 1 && is_leap(year))); month++)
		day -= n;
	add_digits(line, size, year, 4);
	add_digits(line, size, month + 1, 2);
	add_digits(line, size, day + 1, 2);
	add_digits(line, size, left / 3600, 2);
	add_digits(line, size, left / 60 % 60, 2);
	add_digits(line, size, left % 60, 2);
	add_digits(str_add(line, size, "."), size, ns / 1000000 % 1000, 3);
}

void sup_log(struct super *s, unsigned level, const char *text)
{
	char line[LINE] = "";
	size_t n;

	if (s->run_log < 0 || level > s->w->log_level)
		return;
	add_time(str_add(str_add(line, sizeof(line), s->name), sizeof(line), " "), sizeof(line),
		 sup_real_ns(), s->w->utc_offset);
	str_add(line, sizeof(line), " ");
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (levels[i].level == level)
			str_add(line, sizeof(line), levels[i].name);
	n = strlen(line);
	str_add(str_add(line, sizeof(line) - 1, " "), sizeof(line) - 1, text);
	sup_clean_text(line + n);
	/* one write for a line, for other processes append to the file, too; a failure, as by a
	 * full disk, has no effect */
	str_add(line, sizeof(line), "\n");
	write_all(s->run_log, line, strlen(line));
}

void sup_log_hook(struct super *s, unsigned level, const struct ct_wire_step *hook,
		  const char *what, const char *text)
{
	char line[LINE / 2] = "hook ";

	str_add(str_add(line, sizeof(line), step_str(s->st, hook, 0)), sizeof(line), " ");
	if (step_list_n(hook, 0))
		str_add(line, sizeof(line), step_list(s->st, hook, 0));
	sup_log(s, level, str_add(str_add(line, sizeof(line), what), sizeof(line), text));
}
