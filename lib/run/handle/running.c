/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/handle/running.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"

#define DEFAULT_SLACK 50000u /* what the stage sets */
#define LIMIT_NAME 26	     /* columns of a limit's name and the blank behind it */
#define STATUS_MAX (1u << 20)
#define FILE_SIZE 4096 /* what is read here is shorter: the kernel makes it of a few numbers */

/* Reads a file of the process' directory, which is read at once, without its last newline. 0 or a
 * negative errno. */
static int read_file(int dir, const char *name, char *text, size_t size)
{
	CT_CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return 0;
}

/* The text behind "KEY:\t" of a status file, up to the end of its line. -EINVAL
 * without such a line. */
static int status_field(const char *text, const char *key, char *out, size_t size)
{
	const char *p = strstr(text, key);

	if (!p)
		return -EINVAL;
	p += strlen(key);
	snprintf(out, size, "%.*s", (int)strcspn(p, "\n"), p);
	return 0;
}

static int read_status(int dir, struct ct_running *run)
{
	CT_CLEAN_FD int fd = openat(dir, "status", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CT_CLEAN_BUF struct ct_buf buf = CT_BUF_INIT;
	const char *text;
	char value[32];
	int r = ct_or_errno(fd);

	/* of any length, because it lists all groups */
	if (r >= 0)
		r = ct_buf_read_fd(&buf, fd, STATUS_MAX);
	text = ct_buf_text(&buf);
	if (r >= 0)
		r = status_field(text, "\nCapBnd:\t", value, sizeof(value));
	if (r >= 0)
		r = ct_parse_hex(value, 16, &run->cap_bounding);
	if (r >= 0)
		r = status_field(text, "\nNoNewPrivs:\t", value, sizeof(value));
	if (r >= 0)
		run->no_new_privs = strcmp(value, "0") != 0;
	return r;
}

/* "unlimited" or a number. */
static int parse_limit(const char *s, uint64_t *out)
{
	char word[24];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(s, " \n"), s);
	if (!strcmp(word, "unlimited")) {
		*out = RLIM_INFINITY;
		return 0;
	}
	return ct_parse_u64(word, out);
}

/* Reads the limits of a process of another user, for which prlimit(2) fails: the lines are in the
 * order of the limits' numbers. Returns how many there are. */
static int read_limits_file(int dir, struct rlimit64 limits[CT_RUNNING_LIMITS])
{
	char text[FILE_SIZE];
	const char *line;
	int i;

	if (read_file(dir, "limits", text, sizeof(text)) < 0)
		return 0;
	line = strchr(text, '\n');
	for (i = 0; line && i < CT_RUNNING_LIMITS; i++, line = strchr(line, '\n')) {
		const char *p = ++line;
		uint64_t soft, hard;

		if (strcspn(p, "\n") <= LIMIT_NAME)
			break;
		p += LIMIT_NAME;
		if (parse_limit(p, &soft) < 0)
			break;
		p += strcspn(p, " \n");
		p += strspn(p, " ");
		if (parse_limit(p, &hard) < 0)
			break;
		limits[i] = (struct rlimit64){ soft, hard };
	}
	return i;
}

/* The limits that differ from our own. */
static void read_limits(pid_t pid, int dir, struct ct_running *run)
{
	struct rlimit64 theirs[CT_RUNNING_LIMITS], own;
	int n = 0;

	while (n < CT_RUNNING_LIMITS && prlimit64(pid, n, NULL, &theirs[n]) == 0)
		n++;
	if (n < CT_RUNNING_LIMITS)
		n = read_limits_file(dir, theirs);
	for (int i = 0; i < n; i++) {
		run->soft[i] = theirs[i].rlim_cur;
		run->hard[i] = theirs[i].rlim_max;
		run->has_limit[i] = prlimit64(0, i, NULL, &own) < 0 ||
				    own.rlim_cur != run->soft[i] || own.rlim_max != run->hard[i];
	}
}

#define WORD 32 /* room for the text of a file with one number */

/* Whether our own file of this name, which is read to `own`, has another text. False also when it
 * cannot be read. */
static bool differs(const char *theirs, int self, const char *name, char own[WORD])
{
	return read_file(self, name, own, WORD) >= 0 && strcmp(theirs, own);
}

/* 0, or -ESRCH: it is exiting and has no memory any more. */
static int read_files(int dir, struct ct_arena *arena, struct ct_running *run)
{
	CT_CLEAN_FD int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[WORD], mine[WORD];
	int64_t theirs, own;
	uint64_t ns;
	int r;

	if (read_file(dir, "oom_score_adj", text, WORD) >= 0 &&
	    differs(text, self, "oom_score_adj", mine)) {
		run->oom_score_adj = ct_arena_strdup(arena, text);
		run->oom_lower = ct_parse_i64(text, &theirs) < 0 || ct_parse_i64(mine, &own) < 0 ||
				 theirs < own;
	}
	r = read_file(dir, "coredump_filter", text, WORD);
	/* the filter belongs to the process' memory: without that the file is empty */
	if (r == 0 && !*text)
		return -ESRCH;
	/* the file is read without a prefix, and written with one for the base */
	if (r == 0 && differs(text, self, "coredump_filter", mine))
		run->coredump_filter = ct_arena_printf(arena, "0x%s", text);
	/* 0: it is scheduled in real time, without a slack */
	if (read_file(dir, "timerslack_ns", text, WORD) >= 0 && ct_parse_u64(text, &ns) == 0 &&
	    ns && ns != DEFAULT_SLACK)
		run->timerslack = ct_arena_strdup(arena, text);
	return 0;
}

/* The execution domain alone: other bits (ADDR_NO_RANDOMIZE, for instance) the program may have set
 * for itself. */
static void read_personality(int dir, struct ct_running *run)
{
	char text[WORD];
	uint64_t v;

	if (read_file(dir, "personality", text, WORD) < 0 || ct_parse_hex(text, 16, &v) < 0)
		return;
	v &= PER_MASK;
	run->has_personality = v == PER_LINUX || v == PER_LINUX32;
	run->personality = (unsigned long)v;
}

int ct_running_read(pid_t pid, int pidfd, struct ct_arena *arena, struct ct_running *out,
		    struct ct_err *e)
{
	CT_CLEAN_FD int dir = -1;
	char path[32];
	uint64_t cookie = 0;
	int r;

	*out = (struct ct_running){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = ct_or_errno(dir);
	if (r >= 0)
		r = read_status(dir, out);
	if (r >= 0) {
		read_limits(pid, dir, out);
		read_personality(dir, out);
		r = read_files(dir, arena, out);
	}
	if (r >= 0) {
		errno = 0;
		out->nice = getpriority(PRIO_PROCESS, (id_t)pid);
		r = -errno;
		out->sched_core = ct_sched_core_get(pid, &cookie) == 0 && cookie;
	}
	/* if init still lives, the pid was its own all the time */
	if (ct_pidfd_send_signal(pidfd, 0) == -ESRCH)
		r = -ESRCH;
	if (r == -ESRCH || r == -ENOENT)
		return ct_fail(e, -ESRCH, CT_ERR_NOT_RUNNING, "attach",
			       "the container has ended meanwhile");
	if (r < 0) {
		ct_err_object(e, path);
		return ct_fail_sys(e, r, CT_ERR_PRIVILEGE, "attach", "read",
				   "what the container's init has cannot be read");
	}
	return 0;
}
