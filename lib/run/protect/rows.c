/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all the rows of the table are made with, and look at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "run/protect/protections.h"

/* The directory in /proc of a reaper's program: its first child. One that has ended is nobody
 * else's number before the reaper has taken note, and with that it ends. -1: it cannot be told. */
static int open_program(const struct ct_protect *t)
{
	char path[80], list[64], *end;
	ssize_t n;
	CT_CLEAN_FD int fd = -1;

	snprintf(path, sizeof(path), "task/%d/children", (int)t->pid);
	fd = openat(t->proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);
	if (n <= 0)
		return -1;
	list[n] = '\0';
	end = strchr(list, ' ');
	if (!end)
		return -1;
	*end = '\0';
	snprintf(path, sizeof(path), "/proc/%s", list);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

char *ct_protect_read(struct ct_protect *t, const char *file, size_t max, const char **why)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	bool of_program = !strcmp(file, "limits") || !strncmp(file, "attr/", 5);
	CT_CLEAN_FD int program = t->p.spec->init_reaper && of_program ? open_program(t) : -1;
	CT_CLEAN_FD int fd = openat(program < 0 ? t->proc : program, file,
				    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : ct_buf_read_fd(&text, fd, max);
	char *copy = r < 0 ? NULL : ct_arena_strdup(t->p.arena, ct_buf_text(&text));

	if (r >= 0 && !copy)
		t->report.oom = true;
	if (!copy)
		*why = r == -EFBIG ? "it is too long" : ct_errno_text(r < 0 ? -r : ENOMEM);
	return copy;
}

bool ct_protect_field(const struct ct_protect *t, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	buf[0] = '\0';
	for (const char *line = ct_buf_text(&t->status), *next; line; line = next) {
		const char *value = line + n + 1;
		size_t len;

		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		if (strncmp(line, name, n) || line[n] != ':')
			continue;
		value += strspn(value, " \t");
		len = strcspn(value, "\n");
		if (len >= size)
			return false;
		memcpy(buf, value, len);
		buf[len] = '\0';
		return true;
	}
	return false;
}
