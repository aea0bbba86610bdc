/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Goes down into one directory after another and up by "..", which must then be the directory that
 * was left on the way down: a process that moves directories meanwhile cannot lead the walk out of
 * the tree. openat2(RESOLVE_NO_XDEV) crosses no mount, no bind mount of the same file system,
 * either.
 */
#include "shared/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/dirent.h"
#include "shared/grow.h"
#include "shared/weak.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define NO_XDEV 0x01
#define NO_SYMLINKS 0x04
#define BENEATH 0x08

#define ROOM 65536u /* bytes of names at a time */

/* over one directory: with some file systems a reader misses entries when others are removed */
#define PASSES 64
#define TRIES 16 /* from the top, when directories are moved meanwhile */

/* A directory above the one the walk is in; its own name follows. */
struct level {
	uint64_t dev, ino;
	int64_t behind; /* offset at which to go on reading it */
	uint32_t prev;	/* the level above: offset */
	uint16_t passes;
	uint8_t failed;	 /* something in it stays */
	uint8_t removed; /* something in it was removed in this pass */
};

struct remover {
	int at; /* the directory it is in; -1: none */
	char *mem;
	uint32_t room, used, now; /* now: offset of the level of `at` */
	const struct ct_spare *keep;
	struct ct_left *left;
};

static struct level *level(const struct remover *r, uint32_t at)
{
	return (struct level *)(void *)(r->mem + at);
}

static const char *name_of(const struct remover *r, uint32_t at)
{
	return r->mem + at + sizeof(struct level);
}

static int is_same(const struct stat *st, uint64_t dev, uint64_t ino)
{
	return (uint64_t)st->st_dev == dev && (uint64_t)st->st_ino == ino;
}

/* A directory of this mount, to be read. A descriptor; -EXDEV: a mount is there; another errno. */
static int open_dir(int dir, const char *name)
{
	uint64_t how[3] = { O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
			    NO_XDEV | NO_SYMLINKS };
	int fd;

	if (ct_weak(CT_WEAK_REMOVAL_FOLLOWS))
		return (int)syscall(SYS_openat, dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (strcmp(name, ".."))
		how[2] |= BENEATH;
	do
		fd = (int)syscall(SYS_openat2, dir, name, how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0)
		return -errno;
	return fd;
}

/* ---- what stays ------------------------------------------------------------------------------ */

static size_t add(char *to, size_t n, size_t size, const char *from)
{
	while (*from && n + 1 < size)
		to[n++] = *from++;
	to[n] = 0;
	return n;
}

/* Bytes of a level whose name has this length, the NUL included, rounded up to 8. */
static uint32_t level_size(size_t name)
{
	return (uint32_t)((sizeof(struct level) + name + 8) & ~7u);
}

/* Writes down the path of `name` in the directory the walk is in; "..." for a middle that is too
 * long. */
static void tell_path(const struct remover *r, const char *name)
{
	char *path = r->left->path;
	const size_t size = sizeof(r->left->path), half = size / 2;
	size_t n = 0, tail = strlen(name) + 1;
	uint32_t at, from = r->now;

	if (r->at < 0) {
		add(path, 0, size, name);
		return;
	}
	for (at = r->now; at; at = level(r, at)->prev) {
		size_t more = strlen(name_of(r, at)) + 1;

		if (tail + more > half)
			break;
		tail += more;
		from = at;
	}
	/* downwards: the levels are in memory one after the other */
	for (at = 0; at < r->used && n < size - tail - 8;) {
		if (at == from)
			break;
		n = add(path, n, size - tail - 8, name_of(r, at));
		n = add(path, n, size, "/");
		at += level_size(strlen(name_of(r, at)));
	}
	if (at != from)
		n = add(path, n, size, "...");
	for (at = from; at < r->used; at += level_size(strlen(name_of(r, at)))) {
		if (n && path[n - 1] != '/')
			n = add(path, n, size, "/");
		n = add(path, n, size, name_of(r, at));
	}
	n = add(path, n, size, "/");
	add(path, n, size, name);
}

static void stays(struct remover *r, const char *name, int err)
{
	if (r->at >= 0)
		level(r, r->now)->failed = 1;
	if (r->left->n++)
		return;
	r->left->mount = err == -EXDEV || err == -EBUSY;
	r->left->err = err;
	if (err == -EXDEV)
		r->left->err = -EBUSY;
	tell_path(r, name);
}

/* ---- down and up ----------------------------------------------------------------------------- */

static int make_room(struct remover *r, uint32_t want)
{
	uint32_t room = r->room + ROOM;
	void *more;

	if (r->used + want <= r->room)
		return 0;
	if (room < r->room)
		return -ENOMEM;
	more = ct_grow(r->mem, r->room, room);
	if (!more)
		return -ENOMEM;
	r->mem = more;
	r->room = room;
	return 0;
}

/* Goes into an opened directory; the walk closes it, also on failure. 0 or a negative errno. */
static int go_down(struct remover *r, int fd, const char *name, int64_t behind)
{
	uint32_t want = level_size(strlen(name));
	int err = make_room(r, want);
	struct stat st;

	if (!err && fstat(fd, &st) < 0)
		err = -errno;
	if (err) {
		syscall(SYS_close, fd);
		return err;
	}
	/* without CAP_DAC_OVERRIDE even the owner needs these bits */
	if ((st.st_mode & 0700) != 0700)
		(void)!fchmod(fd, (st.st_mode & 07777) | 0700);
	if (r->at >= 0) {
		level(r, r->now)->behind = behind;
		syscall(SYS_close, r->at);
	}
	*level(r, r->used) = (struct level){ .dev = st.st_dev, .ino = st.st_ino, .prev = r->now };
	memcpy(r->mem + r->used + sizeof(struct level), name, strlen(name) + 1);
	r->now = r->used;
	r->used += want;
	r->at = fd;
	return 0;
}

/* Goes back to the directory above and removes this one there. 0; -ESTALE: it was moved away from
 * there; or a negative errno. */
static int go_up(struct remover *r)
{
	uint32_t below = r->now, up = level(r, below)->prev;
	int fd = open_dir(r->at, ".."), failed = level(r, below)->failed;
	struct stat st;

	if (fd == -ENOENT || fd == -EXDEV)
		return -ESTALE;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !is_same(&st, level(r, up)->dev, level(r, up)->ino)) {
		syscall(SYS_close, fd);
		return -ESTALE;
	}
	syscall(SYS_close, r->at);
	r->at = fd;
	r->now = up;
	r->used = below;
	if (failed)
		level(r, up)->failed = 1;
	else if (syscall(SYS_unlinkat, fd, name_of(r, below), AT_REMOVEDIR) == 0)
		level(r, up)->removed = 1;
	else if (errno != ENOENT)
		stays(r, name_of(r, below), -errno);
	if (syscall(SYS_lseek, fd, level(r, up)->behind, SEEK_SET) < 0)
		return -errno;
	return 0;
}

/* ---- one entry ------------------------------------------------------------------------------- */

/* 1: it is the file or directory that stays. */
static int is_kept(const struct remover *r, int dir, const char *name)
{
	struct stat st;

	return r->keep && !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       is_same(&st, r->keep->dev, r->keep->ino);
}

/* Appends a number to the n bytes in `at`; returns the new length. */
static size_t add_number(char *at, size_t n, size_t size, unsigned v)
{
	char digits[12];
	size_t i = sizeof(digits);

	digits[--i] = 0;
	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return add(at, n, size, digits + i);
}

/* Opens a directory of our own whose mode does not let us, after a chmod(2). That is done by
 * descriptor, since a link may take the directory's place. */
static int open_closed(int dir, const char *name)
{
	int r, fd = (int)syscall(SYS_openat, dir, name,
				 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	char path[40];

	if (fd < 0)
		return -errno;
	add_number(path, add(path, 0, sizeof(path), "/proc/self/fd/"), sizeof(path), (unsigned)fd);
	r = chmod(path, 0700);
	syscall(SYS_close, fd);
	if (r < 0)
		return -EACCES;
	return open_dir(dir, name);
}

/* Removes one entry of `dir`, or opens it when it is a directory that is not empty. A descriptor;
 * -ENOENT: it is removed, or was before; or why it stays. */
static int remove_or_open(int dir, const char *name)
{
	int why, fd;

	if (ct_weak(CT_WEAK_REMOVAL_FOLLOWS)) {
		fd = open_dir(dir, name);
		if (fd >= 0)
			return fd;
	}
	if (syscall(SYS_unlinkat, dir, name, 0) == 0)
		return -ENOENT;
	why = errno;
	if (why != EISDIR && why != EPERM && why != EACCES)
		return -why;
	/* an empty directory need not be opened */
	if (syscall(SYS_unlinkat, dir, name, AT_REMOVEDIR) == 0)
		return -ENOENT;
	if (errno == ENOTDIR)
		return -why;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	fd = open_dir(dir, name);
	if (fd == -EACCES)
		return open_closed(dir, name);
	return fd;
}

/* One entry. 1: went down into it; 0: done with it; a negative errno: the walk cannot go on. */
static int take(struct remover *r, int dir, const char *name, int64_t behind)
{
	int fd;

	if (is_kept(r, dir, name)) {
		level(r, r->now)->failed = 1;
		return 0;
	}
	fd = remove_or_open(dir, name);
	if (fd >= 0) {
		int err = go_down(r, fd, name, behind);

		if (err)
			return err;
		return 1;
	}
	if (fd == -ENOENT && r->at >= 0)
		level(r, r->now)->removed = 1;
	else if (fd != -ENOENT)
		stays(r, name, fd);
	return 0;
}

/* Goes on in the directory the walk is in. 1: went down; 0: at its end; a negative errno. */
static int go_on(struct remover *r)
{
	char buf[2048] __attribute__((aligned(8)));
	long n;

	while ((n = syscall(SYS_getdents64, r->at, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n;) {
			const struct ct_dirent *e = (const struct ct_dirent *)(buf + i);
			int err;

			i += e->len;
			if (!strcmp(e->name, ".") || !strcmp(e->name, ".."))
				continue;
			err = take(r, r->at, e->name, e->off);
			if (err)
				return err;
		}
	if (n < 0)
		return -errno;
	return 0;
}

/* Whether the directory must be read once more, for entries that were missed or made while others
 * were removed. */
static int once_more(struct remover *r)
{
	struct level *l = level(r, r->now);
	int more = l->removed && !l->failed && ++l->passes < PASSES;

	l->removed = 0;
	return more && syscall(SYS_lseek, r->at, 0, SEEK_SET) == 0;
}

/* Removes all below the tree's top. 0; -ESTALE: begin again; or a negative errno. */
static int all_below(struct remover *r)
{
	int err;

	for (;;) {
		err = go_on(r);
		if (err < 0)
			return err;
		if (err || once_more(r))
			continue;
		if (!r->now)
			return 0;
		err = go_up(r);
		if (err)
			return err;
	}
}

/* One attempt from the top. 0, -ESTALE, or a negative errno that ends it. */
static int from_top(struct remover *r, int dir, const char *name)
{
	int fd, err;

	r->used = r->now = 0;
	if (is_kept(r, dir, name))
		return 0;
	fd = remove_or_open(dir, name);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0) {
		stays(r, name, fd);
		return 0;
	}
	err = go_down(r, fd, name, 0);
	if (!err)
		err = all_below(r);
	if (err)
		return err;
	syscall(SYS_close, r->at);
	r->at = -1;
	if (!level(r, 0)->failed && syscall(SYS_unlinkat, dir, name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		stays(r, name, -errno);
	return 0;
}

int ct_remove(int dir, const char *name, const struct ct_spare *keep, struct ct_left *left)
{
	struct remover r = { .at = -1, .keep = keep, .left = left };
	int err = -ESTALE;

	memset(left, 0, sizeof(*left));
	for (int i = 0; err == -ESTALE && i < TRIES; i++) {
		memset(left, 0, sizeof(*left));
		err = from_top(&r, dir, name);
		if (err && err != -ESTALE && r.at < 0)
			stays(&r, name, err);
		else if (err && err != -ESTALE)
			stays(&r, "", err);
		if (r.at >= 0)
			syscall(SYS_close, r.at);
		r.at = -1;
	}
	if (err == -ESTALE)
		stays(&r, name, err);
	if (r.mem)
		munmap(r.mem, r.room);
	return left->err;
}

/* ---- names ----------------------------------------------------------------------------------- */

#define NEW ".new-"
#define HIDDEN_BYTES 220 /* of a container's name in a hidden one */
#define SUM_BYTES 17	 /* "~" and 16 digits */

size_t ct_short_name(char *at, const char *name, size_t room)
{
	uint64_t sum = 0xcbf29ce484222325u;
	size_t n;

	if (strlen(name) <= room)
		return add(at, 0, room + 1, name);
	n = add(at, 0, room - SUM_BYTES + 1, name);
	for (const char *p = name; *p; p++)
		sum = (sum ^ (unsigned char)*p) * 0x100000001b3u;
	at[n++] = '~';
	for (int i = 60; i >= 0; i -= 4)
		at[n++] = "0123456789abcdef"[sum >> i & 15];
	at[n] = 0;
	return n;
}

/* ".new-NAME-" in `at`; its length. */
static size_t hidden_prefix(char *at, const char *name)
{
	size_t n = add(at, 0, 256, NEW);

	n += ct_short_name(at + n, name, HIDDEN_BYTES);
	return add(at, n, 256, "-");
}

void ct_hidden_name(char *at, const char *name, unsigned pid, int gone)
{
	size_t n = add_number(at, hidden_prefix(at, name), 256, pid);

	if (gone)
		add(at, n, 256, ".gone");
}

int ct_hidden_is(const char *entry, const char *name)
{
	char prefix[256];
	const char *p = entry;

	if (name) {
		size_t n = hidden_prefix(prefix, name);

		if (strncmp(entry, prefix, n))
			return 0;
		p += n;
	} else {
		if (strncmp(entry, NEW, sizeof(NEW) - 1) || !(p = strrchr(entry, '-')) ||
		    p < entry + sizeof(NEW))
			return 0;
		p++;
	}
	if (*p < '0' || *p > '9')
		return 0;
	while (*p >= '0' && *p <= '9')
		p++;
	return !*p || !strcmp(p, ".gone");
}
