/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Users and groups of the container, read as data: no name service, nothing of the container is
 * executed or loaded. The files are hostile: only regular files of reasonable size are read, and
 * each field is checked.
 */
#include <errno.h>
#include <string.h>

#include "shared/weak.h"
#include "stage/step/steps.h"

#define MAX_BYTES (1u << 20)
#define MAX_LINES (64u << 10)

/* ---- the file -------------------------------------------------------------------------------- */

/* The text of a file of the container, terminated, in memory of stage_alloc(). own: only on the
 * root's file system, for one that the payload has mounted could block the read. 0; -ENOENT,
 * -EFBIG (more than 1 MiB or 64k lines), -EINVAL (not a regular file, or a NUL in it), -ESTALE
 * (exchanged while it was opened or read), -ENOMEM, or an open error. */
int user_file_read(const char *path, int own, char **text)
{
	uint64_t resolve = K_RESOLVE_IN_ROOT | K_RESOLVE_NO_MAGICLINKS;
	SYS_CLOSEP int root = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	SYS_CLOSEP int fd = -1;
	struct stat sb;
	size_t room, lines = 0;
	ssize_t n;
	char *buf;

	if (root < 0)
		return root;
	if (own)
		resolve |= K_RESOLVE_NO_XDEV;
	if (ct_weak(CT_WEAK_PASSWD_BOUNDS))
		fd = sys_openat2(root, path, O_RDONLY | O_NOCTTY, 0, resolve);
	else
		fd = path_regular(root, path, resolve);
	if (fd < 0)
		return fd;
	n = sys_fstat(fd, &sb);
	if (n < 0)
		return (int)n;
	if (sb.st_size > (off_t)MAX_BYTES && !ct_weak(CT_WEAK_PASSWD_BOUNDS))
		return -EFBIG;
	room = (size_t)sb.st_size + 2;
	buf = stage_alloc(room);
	if (!buf)
		return -ENOMEM;
	/* files without a size, as those of procfs, are not read: they may have no end */
	if (sb.st_size)
		n = read_full(fd, buf, room - 1);
	if (n < 0)
		return (int)n;
	if ((size_t)n == room - 1)
		return -ESTALE;
	buf[n] = '\0';
	if (strlen(buf) != (size_t)n)
		return -EINVAL;
	for (char *p = buf; (p = strchr(p, '\n')); p++)
		if (++lines > MAX_LINES)
			return -EFBIG;
	*text = buf;
	return 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Cuts the next line off; NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest, *nl;

	if (!line || !*line)
		return NULL;
	nl = strchr(line, '\n');
	*rest = NULL;
	if (nl) {
		*nl = '\0';
		*rest = nl + 1;
	}
	return line;
}

/* Splits at ':' into exactly n fields; 0 when there are fewer or more. */
static int fields(char *line, char **f, int n)
{
	for (int i = 0; i < n; i++) {
		char *colon = strchr(line, ':');

		f[i] = line;
		if (!colon)
			return i == n - 1;
		*colon = '\0';
		line = colon + 1;
	}
	return 0;
}

static int parse_id(const char *s, uint32_t *out)
{
	return ct_user_number(s, strlen(s), out);
}

/* Copies an absolute path without control characters that fits into dst; else `otherwise`. */
static void take_path(char *dst, size_t n, const char *src, const char *otherwise)
{
	int good = src[0] == '/' && strlen(src) < n;

	for (const char *p = src; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			good = 0;
	if (!good)
		src = otherwise;
	str_cut(dst, n, src);
}

/* Whether the query is for the user of this name and uid. */
static int matches(const struct ct_user_query *q, const char *name, uint32_t uid)
{
	if (q->by_name)
		return strcmp(name, q->name) == 0;
	return uid == q->uid;
}

/* True when the text has an entry for the query; u's name, ids, home and shell are filled
 * then. Changes the text. */
int user_in_passwd(char *text, const struct ct_user_query *q, struct stage_user *u)
{
	char *f[7], *line;

	while ((line = next_line(&text))) {
		uint32_t uid, gid;

		if (!fields(line, f, 7) || !f[0][0] || strlen(f[0]) >= sizeof(u->name))
			continue;
		if (parse_id(f[2], &uid) || parse_id(f[3], &gid))
			continue;
		if (!matches(q, f[0], uid))
			continue;
		u->uid = uid;
		u->gid = gid;
		str_cut(u->name, sizeof(u->name), f[0]);
		take_path(u->home, sizeof(u->home), f[5], "/");
		take_path(u->shell, sizeof(u->shell), f[6], "/bin/sh");
		return 1;
	}
	return 0;
}

static int is_member(const char *members, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = members; *p;) {
		const char *end = p + strcspn(p, ",");

		if ((size_t)(end - p) == len && !memcmp(p, name, len))
			return 1;
		p = end + (*end == ',');
	}
	return 0;
}

static int has_group(const struct stage_user *u, uint32_t gid)
{
	for (uint32_t i = 0; i < u->n_groups; i++)
		if (u->groups[i] == gid)
			return 1;
	return 0;
}

/* Adds the groups that have u->name as a member, once each. 0, or -E2BIG when there are more than
 * `room`. Changes the text. */
int user_in_group(char *text, struct stage_user *u, uint32_t room)
{
	char *f[4], *line;

	while ((line = next_line(&text))) {
		uint32_t gid;

		if (!fields(line, f, 4) || parse_id(f[2], &gid) || !is_member(f[3], u->name) ||
		    has_group(u, gid))
			continue;
		if (u->n_groups == room)
			return -E2BIG;
		u->groups[u->n_groups++] = gid;
	}
	return 0;
}
