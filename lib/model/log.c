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
	const struct ct_entry *found = NULL;

	if (!log->config)
		return NULL;
	for (uint32_t i = 0; i < ct_config_count(*log->config); i++)
		if (!strcmp(ct_config_entry(*log->config, i)->name, key))
			found = ct_config_entry(*log->config, i);
	return found;
}

/* The file that lines go to where the caller has set no function, and up to which level; NULL:
 * none. */
static const char *find_file(const struct ct_log *log, uint32_t *level)
{
	const struct ct_entry *file = entry_of(log, "log.file"),
			      *up_to = entry_of(log, "log.level");

	*level = log->file_level;
	if (log->config)
		*level = CT_LOG_ERROR;
	if (up_to)
		up_to->key->type->parse(up_to, level, NULL, NULL);
	if (file)
		return file->value;
	return log->file;
}

/* The file for a line of this level; NULL: none. */
static const char *file_for(const struct ct_log *log, int level)
{
	uint32_t most;
	const char *file = find_file(log, &most);

	if (level > (int)most)
		return NULL;
	return file;
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
	out->strings = NULL;
	if (!file)
		return 0;
	out->strings = malloc(n + strlen(file) + 1);
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
	if (log->fn)
		return level <= log->level;
	return file_for(log, level) != NULL;
}

/* Opens a file or a character device. Neither a pipe without a reader nor a stopped terminal may
 * block the caller, or end it by a signal. */
static int open_file(const char *path, bool make)
{
	int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	CT_CLEAN_FD int fd = -1;
	struct stat st;

	if (make)
		flags |= O_CREAT;
	fd = open(path, flags, MODE);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EINVAL;
	return ct_take_fd(&fd);
}

int ct_log_open(const struct ct_log *log, uint32_t *level)
{
	const char *file = find_file(log, level);
	int fd = -1;

	if (file)
		fd = open_file(file, true);
	if (fd < 0)
		return -1;
	return fd;
}

static void to_file(const struct ct_log *log, const char *path, int level, const char *line)
{
	CT_CLEAN_FD int fd = open_file(path, true);
	char text[LINE_SIZE + 512], when[32];
	const char *name = "-";
	struct timespec now;
	struct tm tm;
	size_t n;

	if (fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y%m%d%H%M%S", &tm);
	if (log->name && *log->name)
		name = log->name;
	n = (size_t)snprintf(text, sizeof(text), "%s %s.%03ld %-6s %s\n", name, when,
			     now.tv_nsec / 1000000, ct_log_level_name((uint32_t)level), line);
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	/* one write for a line, as other processes append to the file, too; that it fails, as on a
	 * full disk, must not fail the call */
	ct_write_all(fd, text, n);
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
	/* the text may be a payload's: it must not make lines or control a terminal */
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
	const struct ct_entry *file = entry_of(log, "log.file");
	CT_CLEAN_FD int fd = -1;

	if (log->fn || !file)
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
