/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Console output that is kept: the ring buffer, and the log file with its rotation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/super/supervisor.h"

void sup_ring_add(struct sup_ring *r, const char *p, size_t n)
{
	size_t at, first;

	if (!r->size)
		return;
	if (n > r->size) {
		p += n - r->size;
		n = r->size;
	}
	at = (r->start + r->len) % r->size;
	first = u64_min(n, r->size - at);
	memcpy(r->data + at, p, first);
	memcpy(r->data, p + first, n - first);
	r->len += n;
	if (r->len > r->size) {
		r->start = (r->start + r->len - r->size) % r->size;
		r->len = r->size;
	}
}

int sup_ring_copy(struct super *s, char **data, size_t *len, int clear)
{
	struct sup_ring *r = &s->ring;
	size_t first;
	char *copy;

	if (!r->size)
		return -ENODATA;
	*data = NULL;
	*len = r->len;
	if (!r->len)
		return 0;
	copy = mmap(NULL, r->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return -ENOMEM;
	first = u64_min(r->len, r->size - r->start);
	memcpy(copy, r->data + r->start, first);
	memcpy(copy + first, r->data, r->len - first);
	*data = copy;
	if (clear) {
		r->start = r->len = 0;
		madvise(r->data, r->size, MADV_DONTNEED);
	}
	return 0;
}

/* Prepares the log file that the caller has opened. */
void sup_log_open(struct sup_log *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	l->size = 0;
	l->regular = !sys_fstat(l->fd, &st) && S_ISREG(st.st_mode);
	if (l->regular) {
		l->size = (uint64_t)st.st_size;
		return;
	}
	/* a fifo without a reader must not block the supervisor */
	sys3(SYS_fcntl, l->fd, F_SETFL, O_APPEND | O_NONBLOCK);
}

/* Renames the full file to NAME.1 and opens a new one; where that fails the file is truncated. */
static void rotate(struct sup_log *l)
{
	char old[512] = "";
	int fd;

	l->size = 0;
	if (l->rotate && l->dir >= 0 && l->path[0]) {
		str_add(old, sizeof(old), l->path);
		str_add(old, sizeof(old), ".1");
		if (strlen(old) == strlen(l->path) + 2 && !renameat(l->dir, l->path, l->dir, old)) {
			fd = sys_openat(l->dir, l->path,
					O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0600);
			if (fd >= 0) {
				close(l->fd);
				l->fd = fd;
				return;
			}
		}
	}
	if (ftruncate(l->fd, 0))
		l->limit = 0;
}

void sup_log_add(struct sup_log *l, const char *p, size_t n)
{
	if (l->fd < 0)
		return;
	if (l->regular && l->limit && l->size && l->size + n > l->limit)
		rotate(l);
	/* a failure, as by a full disk, is no reason to stop the container */
	if (!write_all(l->fd, p, n))
		l->size += n;
}
