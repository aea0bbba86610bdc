/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of init's files in /proc, for all rows of the table. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "run/protect/protections.h"

/* The directory in /proc of a reaper's program: its first child. Its process id is not used again
 * until the reaper has waited for it, and the reaper ends then. -1: it cannot be told. */
static int open_program(const struct ct_protect *t)
{
	char path[80], list[64], *end;
	ssize_t n = -1;
	CT_CLEAN_FD int fd = -1;

	snprintf(path, sizeof(path), "task/%d/children", (int)t->pid);
	fd = openat(t->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, list, sizeof(list) - 1);
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

/* Opens a file in /proc of init, or of a reaper's program where that has a value of its own. */
static int open_file(const struct ct_protect *t, const char *file)
{
	bool of_program = !strcmp(file, "limits") || !strncmp(file, "attr/", 5);
	CT_CLEAN_FD int program = -1;
	int dir = t->proc;

	if (t->p.spec->init_reaper && of_program)
		program = open_program(t);
	if (program >= 0)
		dir = program;
	return openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

char *ct_protect_read(struct ct_protect *t, const char *file, size_t max, const char **why)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	CT_CLEAN_FD int fd = open_file(t, file);
	char *copy;
	int r;

	if (fd < 0) {
		*why = ct_errno_text(errno);
		return NULL;
	}
	r = ct_buf_read_fd(&text, fd, max);
	if (r == -EFBIG) {
		*why = "it is too long";
		return NULL;
	}
	if (r < 0) {
		*why = ct_errno_text(-r);
		return NULL;
	}
	copy = ct_arena_strdup(t->p.arena, ct_buf_text(&text));
	if (!copy) {
		t->report.oom = true;
		*why = ct_errno_text(ENOMEM);
	}
	return copy;
}

bool ct_status_field(const char *status, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	buf[0] = '\0';
	for (const char *line = status, *next; line; line = next) {
		const char *value = line + n + 1;
		size_t len;

		next = strchr(line, '\n');
		if (next)
			next++;
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

bool ct_protect_field(const struct ct_protect *t, const char *name, char *buf, size_t size)
{
	return ct_status_field(ct_buf_text(&t->status), name, buf, size);
}
