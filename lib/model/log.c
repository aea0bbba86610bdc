/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "model/type.h"

#define MODE 0640
#define LINE_SIZE 1024

/* The last entry of a key with one value; NULL: not set. */
static const struct ct_entry *entry_of(const struct ct_log *log, const char *key)
{
	const struct ct_config *c = log->config ? *log->config : NULL;
	const struct ct_entry *found = NULL;

	for (uint32_t i = 0; c && i < ct_config_count(c); i++)
		if (!strcmp(ct_config_entry(c, i)->name, key))
			found = ct_config_entry(c, i);
	return found;
}

/* The file that the log goes to when nobody listens, and up to which level; NULL: none. */
static const char *find_file(const struct ct_log *log, uint32_t *level)
{
	const struct ct_entry *file = entry_of(log, "log.file"),
			      *up_to = entry_of(log, "log.level");

	*level = log->config ? CT_LOG_ERROR : log->file_level;
	if (up_to)
		up_to->key->type->parse(up_to, level, NULL, NULL);
	return file ? file->value : log->file;
}

/* The file for a line of this level; NULL: none. */
static const char *file_for(const struct ct_log *log, int level)
{
	uint32_t most;
	const char *file = find_file(log, &most);

	return level <= (int)most ? file : NULL;
}

int ct_log_copy(struct ct_log *out, const struct ct_log *log)
{
	uint32_t level;
	const char *file = find_file(log, &level);
	size_t n = strlen(log->name) + 1;

	*out = *log;
	out->config = NULL;
	out->name = out->file = NULL;
	out->file_level = level;
	out->strings = file ? malloc(n + strlen(file) + 1) : NULL;
	if (!file)
		return 0;
	if (!out->strings)
		return -ENOMEM;
	out->name = memcpy(out->strings, log->name, n);
	out->file = memcpy(out->strings + n, file, strlen(file) + 1);
	return 0;
}

void ct_log_free(struct ct_log *copy)
{
	free(copy->strings);
}

bool ct_log_wants(const struct ct_log *log, int level)
{
	if (!log)
		return false;
	return log->fn ? level <= log->level : file_for(log, level) != NULL;
}

/* Neither a pipe without a reader nor a terminal that stands still may hold the caller
 * up or end it. */
static int open_file(const char *path, bool make)
{
	int fd = open(path,
		      O_WRONLY | O_APPEND | (make ? O_CREAT : 0) | O_NONBLOCK | O_NOCTTY |
			      O_CLOEXEC,
		      MODE),
	    r;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else
		r = S_ISREG(st.st_mode) || S_ISCHR(st.st_mode) ? 0 : -EINVAL;
	if (r < 0)
		ct_close(&fd);
	return r < 0 ? r : fd;
}

int ct_log_open(const struct ct_log *log, uint32_t *level)
{
	const char *file = find_file(log, level);
	int fd = file ? open_file(file, true) : -1;

	return fd < 0 ? -1 : fd;
}

static void to_file(const struct ct_log *log, const char *path, int level, const char *line)
{
	CT_CLEAN_FD int fd = open_file(path, true);
	char text[LINE_SIZE + 512], when[32];
	struct timespec now;
	struct tm tm;
	int n;

	if (fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y%m%d%H%M%S", &tm);
	n = snprintf(text, sizeof(text), "%s %s.%03ld %-6s %s\n",
		     log->name && *log->name ? log->name : "-", when, now.tv_nsec / 1000000,
		     ct_log_level_name((uint32_t)level), line);
	/* one write for a line: others append to the file, too. A full disk is no reason for a
	 * container not to run */
	ct_write_all(fd, text, (size_t)(n < (int)sizeof(text) ? n : (int)sizeof(text) - 1));
}

void ct_log(const struct ct_log *log, int level, const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;

	if (!ct_log_wants(log, level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* a line is one, and moves no cursor, whoever has said it */
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (log->fn)
		log->fn(log->data, level, line);
	else
		to_file(log, file_for(log, level), level, line);
}

int ct_log_check(const struct ct_log *log, bool make, struct ct_err *e)
{
	const struct ct_entry *file = log->fn ? NULL : entry_of(log, "log.file");
	CT_CLEAN_FD int fd = -1;

	if (!file)
		return 0;
	fd = open_file(file->value, make);
	if (fd >= 0)
		return 0;
	ct_err_origin(e, &file->at);
	ct_err_object(e, file->value);
	if (fd == -ENOENT)
		ct_err_hint(e, "its directory must exist and be writable for the caller");
	if (fd == -EINVAL)
		ct_err_hint(e, "name a file, or a device such as /dev/null");
	return ct_fail_sys(e, fd, CT_ERR_CONFIG_FILE, "start", "open", "the log cannot be written");
}
