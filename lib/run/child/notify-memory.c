/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a process whose call waits. All that is known of it is a number, which belongs to
 * another process once it has been killed. The request itself ends with its process: while the
 * kernel says that it waits, the number is the process's.
 *
 * Reading: what was read is given out when the request still waits after it. Writing: the memory is
 * opened, which holds it whatever becomes of the number; it is the process's if the request still
 * waits after that, and only then is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "run/child/notify.h"

#define PAGE 4096u /* no page is smaller, and all begin at a multiple */
#define PIECES 64  /* of memory, read by one call */

/* Divides memory where pages begin: one that is missing ends the transfer, and what is before it is
 * transferred. The number of pieces, which may be less than all of it. */
static unsigned long divide(uint64_t at, size_t len, struct iovec *piece)
{
	unsigned long n = 0;

	for (; len && n < PIECES; n++) {
		size_t part = PAGE - at % PAGE;

		if (part > len)
			part = len;
		piece[n] = (struct iovec){ (void *)(uintptr_t)at, part };
		at += part;
		len -= part;
	}
	return n;
}

/* Bytes read, as many as there are in a row, or a negative errno. */
static ssize_t read_memory(int pid, uint64_t at, char *buf, size_t len)
{
	struct iovec piece[PIECES], to;
	size_t done = 0;

	while (done < len) {
		unsigned long n = divide(at + done, len - done, piece);
		ssize_t got;

		to = (struct iovec){ buf + done, len - done };
		got = process_vm_readv(pid, &to, 1, piece, n, 0);
		if (got < 0 && !done)
			return -errno;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* What reading has given, if the request still waits; else what was read is another's, and is
 * wiped. */
static ssize_t given_out(int fd, const ct_notify *n, ssize_t r, void *buf, size_t len)
{
	int still = ct_notify_still(fd, n->id);

	if (still < 0)
		r = still;
	if (r < 0)
		memset(buf, 0, len);
	else
		memset((char *)buf + r, 0, len - (size_t)r);
	return r;
}

ssize_t ct_notify_peek(int fd, const ct_notify *n, uint64_t at, void *buf, size_t len)
{
	ssize_t r = -ESRCH;

	if (n->pid > 0)
		r = read_memory(n->pid, at, buf, len);
	return given_out(fd, n, r, buf, len);
}

/* The length of a text, or a negative errno. */
static ssize_t read_text(int pid, uint64_t at, char *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t part = PAGE - (at + done) % PAGE;
		ssize_t got;
		char *end;

		if (part > len - done)
			part = len - done;
		got = read_memory(pid, at + done, buf + done, part);
		if (got < 0)
			return got;
		end = memchr(buf + done, '\0', (size_t)got);
		if (end)
			return end - buf;
		done += (size_t)got;
	}
	return -ENAMETOOLONG;
}

ssize_t ct_notify_peek_text(int fd, const ct_notify *n, uint64_t at, char *buf, size_t len)
{
	ssize_t r = -ESRCH;

	if (n->pid > 0)
		r = read_text(n->pid, at, buf, len);
	return given_out(fd, n, r, buf, len);
}

/* Whether /proc shows this process by its own number: else numbers there are another pid
 * namespace's. */
static bool is_our_proc(void)
{
	char self[24] = "";
	uint32_t pid;

	return readlink("/proc/self", self, sizeof(self) - 1) > 0 &&
	       ct_parse_u32(self, &pid) == 0 && (pid_t)pid == getpid();
}

ssize_t ct_notify_poke(int fd, const ct_notify *n, uint64_t at, const void *buf, size_t len)
{
	CT_CLEAN_FD int memory = -1;
	char path[40];
	int still;
	ssize_t r;

	if (n->pid <= 0)
		return -ESRCH;
	if (!is_our_proc())
		return -EXDEV;
	snprintf(path, sizeof(path), "/proc/%d/mem", n->pid);
	memory = open(path, O_RDWR | O_CLOEXEC);
	if (memory < 0)
		r = errno == ENOENT ? -ESRCH : -errno;
	else
		r = 0;
	still = ct_notify_still(fd, n->id);
	if (still < 0 || r < 0)
		return still < 0 ? still : r;
	if (at > INT64_MAX)
		return -EFAULT;
	r = pwrite(memory, buf, len, (off_t)at);
	if (r < 0)
		r = errno == EIO ? -EFAULT : -errno;
	/* the memory of a process that has ended takes nothing */
	if (r == 0 && len)
		r = ct_notify_still(fd, n->id);
	return r;
}
