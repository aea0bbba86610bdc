/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files below a descriptor: made by their last component, and not opened for their content, but for
 * those of procfs. */
#include <errno.h>
#include <string.h>

#include "shared/weak.h"
#include "stage/step/steps.h"

static int fail_at(struct stage *st, const struct ct_wire_step *s, int err,
		   const struct path_error *e)
{
	return report_error(st, err, e->sys, step_str(st, s, 0), e->text);
}

/* Opens a directory (O_PATH) into the slot. A best-effort step that cannot leaves the slot empty.
 * */
int step_open(struct stage *st, const struct ct_wire_step *s)
{
	struct path_error e;
	int fd = path_open(step_fd(st, s->b), step_str(st, s, 0), s->flags, O_DIRECTORY, &e);

	if (fd < 0 && step_optional(s))
		return 0;
	if (fd < 0)
		return fail_at(st, s, fd, &e);
	step_fill(st, s->o, fd);
	return 0;
}

/* Where a step makes something: the directory, and the name in it. */
struct place {
	int dir;
	int opened; /* `dir` where it is to be closed; -1 where it is a slot's */
	int skip;
	char base[256];
};

static void place_close(struct place *p)
{
	sys_close(p->opened);
}
#define PLACE __attribute__((cleanup(place_close))) struct place

/* 0, or -1 when reported. A best-effort step is to be skipped where the directory is missing. */
static int find_place(struct stage *st, const struct ct_wire_step *s, struct place *p)
{
	const char *path = step_str(st, s, 0);
	struct path_error e;

	p->opened = -1;
	p->skip = 0;
	p->dir = step_fd(st, s->b);
	/* a single name needs no lookup */
	if (p->dir >= 0 && *path && !strchr(path, '/') && strlen(path) < sizeof(p->base) &&
	    strcmp(path, ".") && strcmp(path, "..")) {
		memcpy(p->base, path, strlen(path) + 1);
		return 0;
	}
	p->opened = path_parent(p->dir, path, s->flags, p->base, &e);
	p->dir = p->opened;
	if (p->dir >= 0)
		return 0;
	p->skip = p->dir == -ENOENT && step_optional(s);
	if (p->skip)
		return 0;
	return fail_at(st, s, p->dir, &e);
}

/* The result of making something; a best-effort step accepts what exists already. */
static int made(struct stage *st, const struct ct_wire_step *s, int err, int sys)
{
	if (err >= 0 || (err == -EEXIST && step_optional(s)))
		return 0;
	return step_fail(st, err, sys, step_str(st, s, 0));
}

/* A directory may exist already; a link to one is an error. */
int step_mkdir(struct stage *st, const struct ct_wire_step *s)
{
	PLACE p;
	struct stat sb;
	SYS_CLOSEP int fd = -1;
	int err = find_place(st, s, &p);

	if (err || p.skip)
		return err;
	err = (int)sys3(SYS_mkdirat, p.dir, p.base, s->n[0]);
	if (err != -EEXIST)
		return made(st, s, err, SYS_mkdirat);
	fd = sys_openat(p.dir, p.base, O_PATH | O_NOFOLLOW, 0);
	if (fd >= 0 && sys_fstat(fd, &sb) == 0 && S_ISDIR(sb.st_mode))
		return 0;
	return report_error(st, -EEXIST, SYS_mkdirat, step_str(st, s, 0),
			    "what is there is not a directory");
}

/* A device node; the umask is 0. */
int step_mknod(struct stage *st, const struct ct_wire_step *s)
{
	PLACE p;
	int err = find_place(st, s, &p);
	uint64_t dev = (s->n[2] & 0xff) | s->n[1] << 8 | (s->n[2] & 0xfff00) << 12;

	if (err || p.skip)
		return err;
	return made(st, s, (int)sys4(SYS_mknodat, p.dir, p.base, s->n[0], dev), SYS_mknodat);
}

/* A symbolic link. */
int step_symlink(struct stage *st, const struct ct_wire_step *s)
{
	PLACE p;
	int err = find_place(st, s, &p);

	if (err || p.skip)
		return err;
	return made(st, s, (int)sys3(SYS_symlinkat, step_str(st, s, 1), p.dir, p.base),
		    SYS_symlinkat);
}

/* An empty file that was not there before. It is not opened: who looks at this process' descriptors
 * would hold it, and the mount be busy when it is to become read-only. */
int step_touch(struct stage *st, const struct ct_wire_step *s)
{
	PLACE p;
	int err = find_place(st, s, &p);

	if (err || p.skip)
		return err;
	return made(st, s, (int)sys4(SYS_mknodat, p.dir, p.base, S_IFREG | s->n[0], 0),
		    SYS_mknodat);
}

/* ---- the id of a boot ------------------------------------------------------------------------ */

#define ID_TEXT 37 /* a UUID and its newline */

/* A random UUID, version 4. 0 or a negative errno. */
static int make_id(char text[ID_TEXT + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t v[16];
	size_t at = 0;
	long n = sys3(SYS_getrandom, v, sizeof(v), 0);

	if (n < 0)
		return (int)n;
	if (n != (long)sizeof(v))
		return -EIO;
	v[6] = (uint8_t)((v[6] & 0x0f) | 0x40);
	v[8] = (uint8_t)((v[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		text[at++] = digits[v[i] >> 4];
		text[at++] = digits[v[i] & 15];
	}
	text[at++] = '\n';
	text[at] = '\0';
	return 0;
}

/* The file that covers /proc/sys/kernel/random/boot_id: an id of this boot of the container, by
 * which systems tell their boots apart. */
int step_boot_id(struct stage *st, const struct ct_wire_step *s)
{
	PLACE p;
	char text[ID_TEXT + 1];
	int err = make_id(text);
	SYS_CLOSEP int fd = -1;

	p.opened = -1;
	if (err)
		return step_fail(st, err, SYS_getrandom, NULL);
	if (find_place(st, s, &p))
		return -1;
	fd = sys_openat(p.dir, p.base, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0444);
	if (fd < 0)
		return step_fail(st, fd, SYS_openat, step_str(st, s, 0));
	err = write_all(fd, text, ID_TEXT);
	return step_result(st, err, SYS_write, step_str(st, s, 0));
}

/* ---- values of procfs ------------------------------------------------------------------------ */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Whether two values are equal but for the length of runs of blanks, and blanks at their ends. */
static int same_value(const char *a, const char *b)
{
	for (;;) {
		while (is_blank(*a))
			a++;
		while (is_blank(*b))
			b++;
		if (!*a || !*b)
			return *a == *b;
		for (; *a && !is_blank(*a); a++, b++)
			if (*a != *b)
				return 0;
		if (*b && !is_blank(*b))
			return 0;
	}
}

static int read_back(struct stage *st, const struct ct_wire_step *s, int fd)
{
	char now[1024];
	long n = sys4(SYS_pread64, fd, now, sizeof(now) - 1, 0);

	if (n < 0)
		return step_fail(st, (int)n, SYS_pread64, step_str(st, s, 0));
	now[n] = '\0';
	if (same_value(now, step_str(st, s, 1)))
		return 0;
	return report_error(st, -EIO, SYS_pread64, step_str(st, s, 0),
			    "the kernel took the value but has another now");
}

/* Opens a file of the procfs `under`, through no link and across no mount: it can be no other. */
static int open_proc(int under, const char *path, unsigned flags)
{
	SYS_CLOSEP int proc = -1;

	if (!ct_weak(CT_WEAK_PROC_BY_PATH))
		return sys_openat2(under, path, flags, 0,
				   K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_XDEV);
	/* the container's root lies over this one */
	proc = sys_openat(AT_FDCWD, "/../proc", O_PATH, 0);
	return sys_openat(proc, path, (int)flags, 0);
}

static const char *write_text(int err)
{
	if (err == -EXDEV)
		return "it leaves the proc file system, or something is mounted on the way";
	return text_for(err, -ELOOP, "there is a symbolic link on the way");
}

/* Writes a file of the proc file system in the slot. It follows no link and crosses no mount, so
 * that it can be no other file. */
int step_write(struct stage *st, const struct ct_wire_step *s)
{
	const char *path = step_str(st, s, 0), *value = step_str(st, s, 1);
	unsigned flags = O_WRONLY;
	SYS_CLOSEP int fd = -1;
	long n;

	if (sys_fs_magic(step_fd(st, s->b)) != K_PROC_SUPER_MAGIC)
		return report_error(st, -EINVAL, SYS_fstatfs, path,
				    "it is not below a proc file system");
	while (*path == '/')
		path++;
	if (s->flags & CT_SF_READ_BACK)
		flags = O_RDWR;
	fd = open_proc(step_fd(st, s->b), path, flags | O_NOCTTY | O_NONBLOCK);
	if (fd == -ENOENT && step_optional(s))
		return 0;
	if (fd < 0)
		return report_error(st, fd, SYS_openat2, path, write_text(fd));
	n = sys3(SYS_write, fd, value, strlen(value));
	if (n < 0)
		return step_fail(st, (int)n, SYS_write, path);
	if ((size_t)n != strlen(value))
		return report_error(st, -EIO, SYS_write, path, "the kernel took only a part of it");
	if (s->flags & CT_SF_READ_BACK)
		return read_back(st, s, fd);
	return 0;
}
