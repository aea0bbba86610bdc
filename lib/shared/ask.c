/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RTMIN_3 37  /* SIGRTMIN+3 as programs with glibc and systemd mean it */
#define EXITING 0x4 /* PF_EXITING, include/linux/sched.h */

/* /proc/PID/FILE, to be read. A descriptor or a negative errno; -ESRCH: there is no
 * such process. */
static int open_proc(pid_t pid, const char *file)
{
	char path[64] = "/proc/", digits[12];
	size_t n = 6, i = sizeof(digits);
	unsigned v = (unsigned)pid;
	int fd;

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (i < sizeof(digits))
		path[n++] = digits[i++];
	path[n++] = '/';
	while (*file && n + 1 < sizeof(path))
		path[n++] = *file++;
	path[n] = 0;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	if (fd < 0 && errno == ENOENT)
		return -ESRCH;
	if (fd < 0)
		return -errno;
	return fd;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The state of a reader of "FIELD:\tMASK", which gets byte by byte. */
struct scan {
	const char *field;
	size_t column, n; /* n: bytes of the field's name */
	int fits;	  /* the line begins like that of the field */
	uint64_t mask;
};

/* 1 at the end of the field's line. */
static int scan_byte(struct scan *s, char c)
{
	size_t at = s->column++;

	if (c == '\n') {
		int found = s->fits && at > s->n + 1;

		if (!found)
			s->column = 0;
		s->fits = 1;
		return found;
	}
	if (at < s->n)
		s->fits &= c == s->field[at];
	else if (at == s->n)
		s->fits &= c == ':';
	else if (s->fits && hex(c) >= 0)
		s->mask = s->mask << 4 | (uint64_t)hex(c);
	return 0;
}

int ct_proc_signals(pid_t pid, const char *field, uint64_t *mask)
{
	struct scan s = { .field = field, .n = strlen(field), .fits = 1 };
	int fd = open_proc(pid, "status"), found = 0;
	char buf[1024];
	long n;

	if (fd < 0)
		return fd;
	/* a list of groups of any length may stand before the field */
	while (!found && (n = syscall(SYS_read, fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n && !found; i++)
			found = scan_byte(&s, buf[i]);
	syscall(SYS_close, fd);
	if (!found)
		return -ESRCH;
	*mask = s.mask;
	return 0;
}

/* Reads /proc/PID/stat into buf and returns what follows the name, which may hold any character:
 * the blank before field 3. NULL, and *err. */
static const char *read_stat(pid_t pid, char *buf, size_t size, int *err)
{
	int fd = open_proc(pid, "stat");
	char *p;
	long n;

	*err = fd;
	if (fd < 0)
		return NULL;
	*err = 0;
	n = syscall(SYS_read, fd, buf, size - 1);
	if (n < 0)
		*err = -errno;
	syscall(SYS_close, fd);
	if (n < 0)
		return NULL;
	buf[n] = 0;
	p = strrchr(buf, ')');
	if (p && p[1] == ' ')
		return p + 1;
	*err = -EIO;
	if (n == 0)
		*err = -ESRCH;
	return NULL;
}

/* A number of what read_stat() has returned, by its field in proc(5). 0 or -EIO. */
static int stat_field(const char *p, int field, uint64_t *out)
{
	for (int at = 3; p && at < field; at++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -EIO;
	*out = 0;
	while (*++p >= '0' && *p <= '9')
		*out = *out * 10 + (uint64_t)(*p - '0');
	return 0;
}

int ct_proc_stat(pid_t pid, char *state, uint64_t *start)
{
	char buf[1024];
	int err;
	const char *p = read_stat(pid, buf, sizeof(buf), &err);

	if (!p)
		return err;
	*state = p[1];
	return stat_field(p, 22, start);
}

int ct_proc_exiting(pid_t pid)
{
	char buf[1024];
	uint64_t flags;
	int err;
	const char *p = read_stat(pid, buf, sizeof(buf), &err);

	/* a zombie may be the first of several threads, of which others live */
	return p && p[1] != 'Z' && stat_field(p, 9, &flags) == 0 && (flags & EXITING);
}

int ct_halt_signal(pid_t pid, unsigned wanted, int program)
{
	static const int order[] = { RTMIN_3, SIGPWR, SIGTERM };
	uint64_t caught = 0, blocked = 0;

	if (wanted)
		return (int)wanted;
	if (program)
		return SIGTERM;
	(void)ct_proc_signals(pid, "SigCgt", &caught);
	(void)ct_proc_signals(pid, "SigBlk", &blocked);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((caught | blocked) >> (order[i] - 1) & 1)
			return order[i];
	return SIGPWR;
}
