/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions for reading files, which the rows of the report and the probes share. */
#include "host/look.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

void ct_look_no(struct ct_look_item *it, const char *hint, const char *fmt, ...)
{
	va_list ap;

	it->state = CT_LOOK_NO;
	va_start(ap, fmt);
	ct_buf_vprintf(&it->reason, fmt, ap);
	va_end(ap);
	if (hint)
		ct_buf_str(&it->hint, hint);
}

void ct_look_slurp(const char *path, size_t max, struct ct_buf *out)
{
	CT_CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && ct_buf_read_fd(out, fd, max) < 0) {
		ct_buf_free(out);
		*out = CT_BUF_INIT;
	}
}

const char *ct_look_path(const struct ct_cg_tree *t, const char *dir, const char *file, char *buf,
			 size_t size)
{
	int n;

	if (*file)
		n = snprintf(buf, size, "%s%s/%s", t->mount, dir, file);
	else
		n = snprintf(buf, size, "%s%s", t->mount, dir);
	if (n < 0 || (size_t)n >= size)
		return "";
	return buf;
}

const char *ct_look_line(const char **s, size_t *n)
{
	const char *line = *s;

	if (!*line)
		return NULL;
	*n = strcspn(line, "\n");
	*s = line + *n + (line[*n] == '\n');
	return line;
}

bool ct_look_word(const char *s, size_t n, const char *seps, const char *word)
{
	size_t want = strlen(word), i = 0;

	while (i < n) {
		size_t start = i;

		while (i < n && !strchr(seps, s[i]))
			i++;
		if (i - start == want && memcmp(s + start, word, want) == 0)
			return true;
		i++;
	}
	return false;
}
