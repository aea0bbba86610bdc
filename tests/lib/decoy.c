/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decoy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rootfs.h"

static const char *const dirs[] = {
	"",	"/pts",	   "/shm",	   "/proc",   "/proc/sys", "/proc/self", "/proc/self/attr",
	"/sys", "/target", "/target/deep", "/mqueue", "/etc",	   "/dev",	 "/tmp"
};
static const char *const files[] = {
	"/secret",	"/null",      "/ptmx",	   "/console",	   "/tty",
	"/etc/passwd",	"/etc/group", "/dev/null", "/proc/uptime", "/proc/self/attr/exec",
	"/target/file", "/pts/0"
};

int decoy_make(struct decoy *d, const char *base)
{
	char path[PATH_MAX + 64];
	size_t i;
	int fd;

	d->watch = -1;
	snprintf(d->path, sizeof(d->path), "%s/decoy", base);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", d->path, dirs[i]);
		if (mkdir(path, 0777))
			return -errno;
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", d->path, files[i]);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0)
			return -errno;
		if (write(fd, "tester:x:0:0::/:/bin/decoy\n", 27) != 27) {
			close(fd);
			return -EIO;
		}
		close(fd);
	}
	return 0;
}

int decoy_arm(struct decoy *d)
{
	char path[PATH_MAX + 64];
	size_t i;

	decoy_close(d);
	d->digest = tree_digest(d->path);
	d->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d->watch < 0)
		return -errno;
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", d->path, dirs[i]);
		if (inotify_add_watch(d->watch, path, IN_ALL_EVENTS) < 0)
			return -errno;
	}
	return 0;
}

int decoy_touched(struct decoy *d, char *buf, size_t size)
{
	char events[8192] __attribute__((aligned(8)));
	ssize_t n = read(d->watch, events, sizeof(events)), at;
	size_t len = 0;

	buf[0] = 0;
	for (at = 0; n > 0 && at < n && len + 300 < size;) {
		const struct inotify_event *e = (const void *)(events + at);

		len += (size_t)snprintf(buf + len, size - len, "watch %d: event %x %s; ", e->wd,
					e->mask, e->len ? e->name : "");
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	decoy_close(d);
	if (tree_digest(d->path) != d->digest)
		snprintf(buf + len, size - len, "the decoy's digest changed");
	return buf[0] != 0;
}

void decoy_close(struct decoy *d)
{
	if (d->watch >= 0)
		close(d->watch);
	d->watch = -1;
}
