/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/undo.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"

static int add_line(struct ct_undo *u, const char *mark, const char *backend, const char *record,
		    struct ct_err *e)
{
	size_t begin = u->text.len;
	int r;

	ct_buf_printf(&u->text, "%s%s\t%s\n", mark, backend, record);
	if (ct_buf_error(&u->text))
		return ct_oom(e);
	r = u->file < 0 ? 0 : ct_write_all(u->file, u->text.data + begin, u->text.len - begin);
	if (r >= 0)
		return 0;
	return ct_fail_sys(e, r, CT_ERR_STATE, "start", "write",
			   "the groups cannot be written down");
}

int ct_undo_before(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e)
{
	return add_line(u, "?", backend, record, e);
}

int ct_undo_after(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e)
{
	return add_line(u, "", backend, record, e);
}

bool ct_undo_has_others(const struct ct_undo *u, const char *backend)
{
	const char *line = ct_buf_text(&u->text);
	size_t n = strlen(backend);

	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *name = line + (*line == '?');

		if (strncmp(name, backend, n) || name[n] != '\t')
			return true;
	}
	return false;
}

void ct_undo_free(struct ct_undo *u)
{
	ct_close(&u->file);
	ct_buf_free(&u->text);
}

int ct_undo_records(char *text, size_t len, const char *backend, struct ct_undo_record *out,
		    uint32_t max)
{
	size_t name = strlen(backend);
	char *line;
	uint32_t n = 0;

	if (memchr(text, '\0', len))
		return -EINVAL;
	while ((line = strsep(&text, "\n")) && *line) {
		bool before = *line == '?';

		line += before;
		if (!strchr(line, '\t'))
			return -EINVAL;
		if (strncmp(line, backend, name) || line[name] != '\t')
			continue;
		if (n == max)
			return -EINVAL;
		out[n++] = (struct ct_undo_record){ before, line + name + 1 };
	}
	return (int)n;
}
