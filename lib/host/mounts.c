/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* proc_pid_mountinfo(5): "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG].. - TYPE SOURCE SUPER". */
#include "host/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "host/look.h"

#define DEPTH 256 /* parents of a mount that are followed */

/* ---- the text -------------------------------------------------------------------------------- */

struct span {
	const char *s;
	size_t n;
};

/* Reads n fields of s[0..len), which are separated by one blank each. False: there are fewer. */
static bool take_fields(const char *s, size_t len, struct span *out, unsigned n)
{
	const char *end = s + len;

	for (unsigned i = 0; i < n; i++) {
		const char *blank;

		if (s > end)
			return false;
		blank = memchr(s, ' ', (size_t)(end - s));
		if (!blank)
			blank = end;
		out[i] = (struct span){ s, (size_t)(blank - s) };
		s = blank + 1;
	}
	return true;
}

static bool number(struct span f, uint64_t *out)
{
	char text[24];

	return (size_t)snprintf(text, sizeof(text), "%.*s", (int)f.n, f.s) < sizeof(text) &&
	       ct_parse_u64(text, out) == 0;
}

/* A field with the kernel's escapes (\040 for a blank) taken out. NULL without memory. */
static char *unescape(struct span f, struct ct_arena *a)
{
	char *out = ct_arena_strndup(a, f.s, f.n), *to = out;

	for (const char *p = out; p && *p;) {
		bool octal = p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
			     p[2] <= '7' && p[3] >= '0' && p[3] <= '7';

		if (!octal) {
			*to++ = *p++;
			continue;
		}
		*to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
		p += 4;
	}
	if (out)
		*to = '\0';
	return out;
}

int ct_mount_row_read(const char *line, size_t n, struct ct_mount_row *out, struct ct_arena *a)
{
	const char *dash = memmem(line, n, " - ", 3);
	struct span left[6], right[3];
	struct ct_mount_row m;

	if (!dash || !take_fields(line, (size_t)(dash - line), left, 6) ||
	    !take_fields(dash + 3, n - (size_t)(dash + 3 - line), right, 3) ||
	    !number(left[0], &m.id) || !number(left[1], &m.parent))
		return 0;
	m.root = unescape(left[3], a);
	m.point = unescape(left[4], a);
	m.options = ct_arena_strndup(a, left[5].s, left[5].n);
	m.type = ct_arena_strndup(a, right[0].s, right[0].n);
	m.super = ct_arena_strndup(a, right[2].s, right[2].n);
	if (!m.root || !m.point || !m.options || !m.type || !m.super)
		return -ENOMEM;
	*out = m;
	return 1;
}

int ct_mount_rows_read(const char *text, struct ct_mount_rows *out, struct ct_arena *a)
{
	uint32_t cap = 0;
	const char *line;
	size_t n;

	*out = (struct ct_mount_rows){ NULL, 0 };
	while ((line = ct_look_line(&text, &n))) {
		int r;

		if (out->n == cap) {
			cap = cap * 2 + 256;
			out->v = ct_arena_grow(a, out->v, out->n, cap, sizeof(*out->v));
			if (!out->v)
				return -ENOMEM;
		}
		r = ct_mount_row_read(line, n, &out->v[out->n], a);
		if (r < 0)
			return r;
		out->n += (uint32_t)r;
	}
	return 0;
}

/* ---- by opening ------------------------------------------------------------------------------ */

/* By proc_pid_fdinfo(5), where a filter refuses statx(2). */
static uint64_t id_by_fdinfo(int fd)
{
	char path[64], text[512], *at;
	uint64_t id;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	if (ct_host_read(path, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "mnt_id:");
	if (!at)
		return 0;
	at += strlen("mnt_id:");
	at += strspn(at, " \t");
	at[strcspn(at, "\n")] = '\0';
	if (ct_parse_u64(at, &id))
		return 0;
	return id;
}

/* The id is that of mountinfo (statx(2), Linux 5.8). */
uint64_t ct_mount_id(const char *path)
{
	CT_CLEAN_FD int fd = -1;
	uint64_t id;

	if (ct_statx_mount(AT_FDCWD, path, AT_NO_AUTOMOUNT, &id) == 0)
		return id;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 0;
	return id_by_fdinfo(fd);
}

/* A mount that something covers has another id at its path. */
bool ct_mount_is_seen(const char *path, uint64_t id)
{
	return id && ct_mount_id(path) == id;
}

/* ---- by the table ---------------------------------------------------------------------------- */

/* Whether `path` is `dir`, or below it. */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		n = 0;
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
}

/* Another mount on the mount `on`, m's parent or m itself, at a place that the path to m leads
 * through; NULL: none. */
static const struct ct_mount_row *in_the_way(const struct ct_mount_rows *all,
					     const struct ct_mount_row *m, uint64_t on)
{
	for (uint32_t i = 0; i < all->n; i++)
		if (all->v[i].parent == on && all->v[i].id != on && &all->v[i] != m &&
		    is_below(m->point, all->v[i].point))
			return &all->v[i];
	return NULL;
}

static const struct ct_mount_row *parent_of(const struct ct_mount_rows *all,
					    const struct ct_mount_row *m)
{
	for (uint32_t i = 0; i < all->n; i++)
		if (all->v[i].id == m->parent && &all->v[i] != m)
			return &all->v[i];
	return NULL;
}

bool ct_mount_rows_show(const struct ct_mount_rows *all, const struct ct_mount_row *m)
{
	if (in_the_way(all, m, m->id))
		return false;
	for (int depth = 0; depth < DEPTH; depth++) {
		const struct ct_mount_row *up = parent_of(all, m);

		/* the root of this mount namespace */
		if (!up)
			return true;
		if (in_the_way(all, m, up->id))
			return false;
		m = up;
	}
	return false;
}

const struct ct_mount_row *ct_mount_rows_at(const struct ct_mount_rows *all, const char *path)
{
	for (uint32_t i = all->n; i > 0; i--)
		if (!strcmp(all->v[i - 1].point, path) && ct_mount_rows_show(all, &all->v[i - 1]))
			return &all->v[i - 1];
	return NULL;
}
