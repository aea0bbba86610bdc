/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that close themselves. */
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

/* Takes the descriptor out of a self-closing variable. */
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
/* Writes all n bytes; 0 or negative errno. Raises no SIGXFSZ, and SIGPIPE only on what is no
 * socket; EINTR is retried. */
int ct_write_all(int fd, const void *p, size_t n);
/* Writes n bytes at a place of a file, in one call; 0 or negative errno. Raises no SIGXFSZ. */
int ct_write_at(int fd, const void *p, size_t n, off_t at);
/* Reads at most size - 1 bytes of a small file, terminates them and strips newlines at the end.
 * EINTR is retried. Returns the length or a negative errno (buf is then ""). */
ssize_t ct_read_text(int fd, char *buf, size_t size);
/* 1 when the descriptor is readable within that time (negative: however long it takes), 0 when not.
 * EINTR is retried. */
int ct_fd_readable(int fd, int timeout_ms);
/* The same of a pidfd: 1 when the process has ended. */
static inline int ct_pidfd_ended(int pidfd, int timeout_ms)
{
	return ct_fd_readable(pidfd, timeout_ms);
}
/* The directory of a path, with its slash; "." when it names none. Returns the last part, within
 * `path`; "" behind a slash. */
const char *ct_parent(char *dir, size_t size, const char *path);
/* Writes data to dirfd/name atomically (O_TMPFILE-less: ".name.tmp" O_EXCL, fsync off, rename). 0
 * or negative errno. */
int ct_write_file_at(int dirfd, const char *name, const void *p, size_t n, unsigned mode);

#endif
