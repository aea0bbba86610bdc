/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of a cgroup, the same for both versions. They are opened without a check for links: a
 * cgroup file system has none, and a payload can only make cgroups in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/cgroup/cgroup.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"

#define PROCS_MAX (8u << 20)

ssize_t ct_cg_read(int dirfd, const char *file, char *buf, size_t size)
{
	CT_CLEAN_FD int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	return ct_read_text(fd, buf, size);
}

int ct_cg_write(int dirfd, const char *file, const char *value)
{
	CT_CLEAN_FD int fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return 0;
}

uint64_t ct_cg_keyed(int dirfd, const char *file, const char *key, uint64_t dflt)
{
	char text[4096], *line = text, *next;
	size_t n = strlen(key);
	uint64_t v;

	if (ct_cg_read(dirfd, file, text, sizeof(text)) < 0)
		return dflt;
	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(line, key, n) && line[n] == ' ' && ct_parse_u64(line + n + 1, &v) == 0)
			return v;
	}
	return dflt;
}

/* Whether a process is in the cgroup. Called when its pidfd is open already: only then is it
 * certain that the number is still that process. */
static bool is_in(int dirfd, uint32_t pid)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char *p, *word;
	uint32_t other;

	if (ct_buf_read_at(&text, dirfd, "cgroup.procs", PROCS_MAX) < 0 || !text.data)
		return false;
	for (p = text.data; (word = strsep(&p, "\n"));)
		if (ct_parse_u32(word, &other) == 0 && other == pid)
			return true;
	return false;
}

/* Signals a process, if it is still in the cgroup. */
static int signal_pid(int dirfd, uint32_t pid, int sig)
{
	CT_CLEAN_FD int pidfd = ct_pidfd_open((pid_t)pid);

	if (pidfd == -ESRCH || pidfd == -EINVAL || (pidfd >= 0 && !is_in(dirfd, pid)))
		return 0;
	if (pidfd < 0)
		return pidfd;
	return ct_pidfd_send_signal(pidfd, sig);
}

int ct_cg_signal_one(int dirfd, int sig, pid_t skip)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	char *p, *word;
	int n = 0, r = ct_buf_read_at(&text, dirfd, "cgroup.procs", PROCS_MAX);

	/* a threaded cgroup has no list of processes: they are in that of its domain */
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	for (p = text.data; p && (word = strsep(&p, "\n"));) {
		uint32_t pid;

		if (ct_parse_u32(word, &pid) || !pid || (pid_t)pid == skip)
			continue;
		r = signal_pid(dirfd, pid, sig);
		if (r < 0 && r != -ESRCH)
			return r;
		n++;
	}
	return n;
}
