/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

static int add_line(struct ct_undo *u, const char *mark, const char *backend, const char *record,
		    struct ct_err *e)
{
	size_t begin = u->text.len;
	int r;

	/* a record may be long, and printf(3) goes through it twice, byte by byte */
	ct_buf_str(&u->text, mark);
	ct_buf_str(&u->text, backend);
	ct_buf_char(&u->text, '\t');
	ct_buf_str(&u->text, record);
	ct_buf_char(&u->text, '\n');
	if (ct_buf_error(&u->text)) {
		/* no part of a line stays */
		u->text.len = begin;
		if (u->text.data)
			u->text.data[begin] = '\0';
		return ct_oom(e);
	}
	if (u->file < 0)
		return 0;
	r = ct_write_all(u->file, u->text.data + begin, u->text.len - begin);
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "start", "write",
				   "the groups cannot be written down");
	return 0;
}

int ct_undo_before(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e)
{
	return add_line(u, "?", backend, record, e);
}

int ct_undo_after(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e)
{
	return add_line(u, "", backend, record, e);
}

bool ct_undo_names(const struct ct_undo *u, const char *backend)
{
	const char *line = ct_buf_text(&u->text);
	size_t n = strlen(backend);

	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *name = line + (*line == '?');

		if (!strncmp(name, backend, n) && name[n] == '\t')
			return true;
	}
	return false;
}

void ct_undo_free(struct ct_undo *u)
{
	ct_close(&u->file);
	ct_buf_free(&u->text);
}

/* Cuts the text into lines, and keeps the backend's. 0 or -EINVAL. */
static int find_records(char *text, const char *backend, struct ct_undo_records *out)
{
	size_t name = strlen(backend);
	char *line;

	while ((line = strsep(&text, "\n")) && *line) {
		bool before = *line == '?';

		line += before;
		if (!strchr(line, '\t'))
			return -EINVAL;
		if (strncmp(line, backend, name) || line[name] != '\t')
			continue;
		if (out->n == CT_UNDO_RECORDS_MAX)
			return -EINVAL;
		out->v[out->n++] = (struct ct_undo_record){ before, line + name + 1 };
	}
	return 0;
}

int ct_undo_read(const char *text, size_t len, const char *backend, struct ct_undo_records *out)
{
	out->n = 0;
	out->text = NULL;
	if (memchr(text, '\0', len))
		return -EINVAL;
	out->text = strndup(text, len);
	if (!out->text)
		return -ENOMEM;
	return find_records(out->text, backend, out);
}

void ct_undo_records_free(struct ct_undo_records *records)
{
	free(records->text);
	records->text = NULL;
	records->n = 0;
}
