/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/sys.h"

#define RENAME_TRIES 16

int ct_dup(int fd)
{
	return ct_or_errno(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

/* A socket is written to by send(2), which can be kept from raising SIGPIPE. */
static ssize_t write_some(int fd, const void *p, size_t n, bool *is_socket)
{
	if (*is_socket) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done >= 0 || errno != ENOTSOCK)
			return done;
		*is_socket = false;
	}
	return write(fd, p, n);
}

static int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;
	bool is_socket = true;

	while (n) {
		ssize_t done = write_some(fd, at, n, &is_socket);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* A write above RLIMIT_FSIZE fails with EFBIG and sends SIGXFSZ to the thread, which would end the
 * caller. The signal is blocked meanwhile, and taken from the pending ones unless it was pending
 * before. */
struct quiet {
	bool on, pending;
	sigset_t before;
};

static void only_xfsz(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGXFSZ);
}

static struct quiet quiet_begin(void)
{
	struct quiet q = { .on = false };
	struct rlimit limit;
	sigset_t one, pending;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return q;
	only_xfsz(&one);
	sigemptyset(&pending);
	sigpending(&pending);
	q.on = true;
	q.pending = sigismember(&pending, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &one, &q.before);
	return q;
}

static void quiet_end(const struct quiet *q, int r)
{
	sigset_t one;

	if (!q->on)
		return;
	only_xfsz(&one);
	if (r == -EFBIG && !q->pending)
		sigtimedwait(&one, NULL, &(struct timespec){ 0 });
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
}

int ct_write_all(int fd, const void *p, size_t n)
{
	struct quiet q = quiet_begin();
	int r = write_all(fd, p, n);

	quiet_end(&q, r);
	return r;
}

int ct_write_at(int fd, const void *p, size_t n, off_t at)
{
	struct quiet q = quiet_begin();
	ssize_t done = pwrite(fd, p, n, at);
	int r = 0;

	/* a second write of what is left fails with the reason for a short one */
	if (done >= 0 && (size_t)done < n) {
		r = -ENOSPC;
		done = pwrite(fd, (const char *)p + done, n - (size_t)done, at + done);
	}
	if (done < 0)
		r = -errno;
	quiet_end(&q, r);
	return r;
}

ssize_t ct_read_text(int fd, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	while (n < size - 1) {
		ssize_t got = read(fd, buf + n, size - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			buf[0] = '\0';
			return -errno;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return (ssize_t)n;
}

/* Creates the file dirfd/name; one that a killed writer has left is removed first. Its descriptor,
 * or a negative errno. */
static int create_new(int dirfd, const char *name, unsigned mode)
{
	for (int i = 0; i < RENAME_TRIES; i++) {
		int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				mode);

		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
		if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return -EBUSY;
}

/* Whether dirfd/name is still the file behind fd: another writer may have replaced it. */
static bool is_same(int fd, int dirfd, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dirfd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int ct_write_file_at(int dirfd, const char *name, const void *p, size_t n, unsigned mode)
{
	char temp[256];

	if (snprintf(temp, sizeof(temp), ".%s.tmp", name) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	for (int i = 0; i < RENAME_TRIES; i++) {
		CT_CLEAN_FD int fd = create_new(dirfd, temp, mode);
		int r;

		if (fd < 0)
			return fd;
		r = ct_write_all(fd, p, n);
		if (r == 0 && !is_same(fd, dirfd, temp))
			continue;
		if (r == 0 && renameat(dirfd, temp, dirfd, name) < 0)
			r = -errno;
		if (r == -ENOENT)
			continue;
		if (r < 0)
			unlinkat(dirfd, temp, 0);
		return r;
	}
	return -EBUSY;
}

const char *ct_parent(char *dir, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash) {
		snprintf(dir, size, ".");
		return path;
	}
	snprintf(dir, size, "%.*s", (int)(slash - path) + 1, path);
	return slash + 1;
}

int ct_fd_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t until = 0, left = timeout_ms;
	int n;

	if (timeout_ms > 0)
		until = ct_now_ms() + timeout_ms;

	while ((n = poll(&p, 1, (int)left)) < 0 && errno == EINTR) {
		if (timeout_ms > 0)
			left = until - ct_now_ms();
		if (timeout_ms > 0 && left < 0)
			left = 0;
	}
	return n > 0;
}
