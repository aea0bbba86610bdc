/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File descriptors: variables that close them, and functions on them. */
#ifndef CT_BASE_FD_H
#define CT_BASE_FD_H

#include <errno.h>
#include <unistd.h>

static inline void ct_closep(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}
#define CT_CLEAN_FD __attribute__((cleanup(ct_closep)))

/* Returns the descriptor and makes *fd -1, so that it is not closed. */
static inline int ct_take_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

/* Closes *fd if open and makes it -1. */
static inline void ct_close(int *fd)
{
	ct_closep(fd);
	*fd = -1;
}

/* A private close-on-exec copy of fd, never 0-2. Negative errno on failure. */
int ct_dup(int fd);
/* Writes all n bytes; 0 or a negative errno. EINTR is retried. Raises no SIGXFSZ, and SIGPIPE only
 * for a pipe or FIFO. */
int ct_write_all(int fd, const void *p, size_t n);
/* Writes n bytes at an offset, in one call; 0 or a negative errno. Raises no SIGXFSZ. */
int ct_write_at(int fd, const void *p, size_t n, off_t at);
/* Reads at most size - 1 bytes of a small file, terminates them and strips newlines at the end.
 * EINTR is retried. Returns the length or a negative errno (buf is then ""). */
ssize_t ct_read_text(int fd, char *buf, size_t size);
/* 1 when the descriptor becomes readable within timeout_ms (negative: no limit), else 0. EINTR is
 * retried. */
int ct_fd_readable(int fd, int timeout_ms);
/* 1 when the process of the pidfd ends within timeout_ms, else 0. */
static inline int ct_pidfd_ended(int pidfd, int timeout_ms)
{
	return ct_fd_readable(pidfd, timeout_ms);
}
/* Copies the directory of a path, with its slash, to dir; "." when the path has none. Returns the
 * last component, within `path`; "" when the path ends in a slash. */
const char *ct_parent(char *dir, size_t size, const char *path);
/* Replaces dirfd/name atomically, by ".name.tmp" and rename(2), without fsync(2). 0 or a negative
 * errno. */
int ct_write_file_at(int dirfd, const char *name, const void *p, size_t n, unsigned mode);

#endif
