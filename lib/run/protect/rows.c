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

#define CELL_MAX 800u		/* bytes shown of one text */

/* A copy fit for one line: what a file of the container holds may be anything. */
static const char *clean(struct ct_protect *t, const char *text)
{
	size_t n = text ? strnlen(text, CELL_MAX + 1) : 0;
	char *out = text ? ct_arena_printf(t->p.arena, "%.*s%s", (int)(n > CELL_MAX ? CELL_MAX : n), text, n > CELL_MAX ? ".." : "") : NULL;

	if (!out) {
		t->oom = true;
		return "";
	}
	for (char *p = out; *p; p++) {
		if (*p == '\n')
			*p = ';';
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return out;
}

void ct_protect_add(struct ct_protect *t, bool ok, const char *name, const char *asked, const char *got, const char *how)
{
	if (t->n == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 64;
		struct ct_protect_row *v = ct_arena_grow(t->p.arena, t->rows, t->n, cap, sizeof(*v));

		if (!v) {
			t->oom = true;
			return;
		}
		t->rows = v;
		t->cap = cap;
	}
	t->rows[t->n++] = (struct ct_protect_row){ clean(t, name), clean(t, asked), clean(t, got), clean(t, how), ok };
}

/* The directory in /proc of a reaper's program: its first child. One that has ended is nobody else's number before the reaper has taken note,
 * and with that it ends. -1: it cannot be told. */
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
	CT_CLEAN_FD int fd = openat(program < 0 ? t->proc : program, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : ct_buf_read_fd(&text, fd, max);
	char *copy = r < 0 ? NULL : ct_arena_strdup(t->p.arena, ct_buf_text(&text));

	if (r >= 0 && !copy)
		t->oom = true;
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

const char *ct_protect_asked(const struct ct_protect *t, const char *key)
{
	const char *value = NULL;

	for (uint32_t i = 0; i < t->p.spec->n_entries; i++)
		if (!strcmp(t->p.spec->entries[i].name, key))
			value = t->p.spec->entries[i].value;
	return value;
}

static int only_of(const struct ct_spec *s)
{
	return s->cgroup_backend == CT_CGB_V1 ? 1 : s->cgroup_backend == CT_CGB_V2 || s->cgroup_backend == CT_CGB_SYSTEMD ? 2 : 0;
}

const char *ct_protect_lack(struct ct_protect *t, uint32_t bit, int only)
{
	const struct ct_cgroups *trees = &ct_cgroup_state(&t->p.backends)->trees;

	if (t->p.spec->cgroup_backend == CT_CGB_NONE)
		return "cgroup.backend = none";
	if (t->no_groups.err)
		return t->no_groups.message;
	if (!trees->n)
		return "no cgroup file system is mounted here";
	only = only ? only : only_of(t->p.spec);
	if (!bit)
		return "there is no such cgroup controller";
	if (!ct_cg_serving(trees, bit, 0))
		return CT_SAY(t, "no hierarchy has the %s controller here (layout %s)", ct_cg_name(bit, 2), ct_cg_layout(trees));
	if (!ct_cg_serving(trees, bit, only))
		return CT_SAY(t, "%s %s version %d here (layout %s)", ct_cg_name(bit, only), only == 2 ? "is bound to" : "belongs to", only == 2 ? 1 : 2,
			      ct_cg_layout(trees));
	return CT_SAY(t, "the container has no group with the %s controller", ct_cg_name(bit, 2));
}
