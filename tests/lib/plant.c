/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

const char *const plant_names[PLANT_SHAPES] = { "a link to the decoy",
						"a link by ..",
						"a link by /proc/1/root",
						"a link by /proc/self/root",
						"a link to a new name in the decoy",
						"a link to itself",
						"a fifo",
						"a file",
						"a device",
						"a socket" };

static int plant_socket(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	if (strlen(path) < sizeof(un.sun_path))
		memcpy(un.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* What the shape is when it is no link. 1: it is one. */
static int plant_other(const struct rootfs *r, const char *path, const char *full,
		       enum plant_shape shape)
{
	if (shape == FIFO)
		return mkfifo(full, 0666) ? -errno : 0;
	if (shape == PLAIN_FILE)
		return rootfs_file(r, path, "just a file\n", 0666);
	if (shape == DEVICE)
		return mknod(full, S_IFCHR | 0666, makedev(1, 7)) ? -errno : 0;
	if (shape == SOCKET)
		return plant_socket(full);
	return 1;
}

int plant(const struct rootfs *r, const char *path, const char *decoy, const char *inside,
	  enum plant_shape shape)
{
	static const char *const prefix[PLANT_SHAPES] = {
		[LINK_DOTDOT] = "../../../../../../../../../../../..",
		[LINK_MAGIC] = "/proc/1/root",
		[LINK_SELF_ROOT] = "/proc/self/root",
	};
	char full[2 * PATH_MAX], to[2 * PATH_MAX];
	int other;

	rootfs_drop(r, path);
	snprintf(full, sizeof(full), "%s/%s", r->path, path);
	other = plant_other(r, path, full, shape);
	if (other <= 0)
		return other;
	if (shape == LINK_NEW)
		inside = "/not-there-yet";
	if (shape == LINK_LOOP)
		snprintf(to, sizeof(to), "/%s", path);
	else
		snprintf(to, sizeof(to), "%s%s%s", prefix[shape] ? prefix[shape] : "", decoy,
			 inside);
	return symlink(to, full) ? -errno : 0;
}
