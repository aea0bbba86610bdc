/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What getdents64(2) gives, struct linux_dirent64 there: for code that reads directories
 * without the C library. */
#ifndef CT_SHARED_DIRENT_H
#define CT_SHARED_DIRENT_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CT_DIRENT_DIR 4 /* DT_DIR */

struct ct_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

/* Whether it is a cgroup below the one that is read. */
static inline int ct_dirent_is_group(const struct ct_dirent *e)
{
	return e->type == CT_DIRENT_DIR && strcmp(e->name, ".") && strcmp(e->name, "..");
}

/* A directory, to be read. A descriptor or a negative errno. */
static inline int ct_dirent_open(int dir, const char *name)
{
	int fd = (int)syscall(SYS_openat, dir, name,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	return fd;
}

#endif
