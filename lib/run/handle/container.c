/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "run/handle/container.h"
#include "run/handle/image.h"

char *ct_default_dir(void)
{
	const char *home, *below = "";
	char *dir;

	if (geteuid() == 0)
		return strdup("/var/lib/libcontain");
	home = secure_getenv("XDG_DATA_HOME");
	if (!home || *home != '/') {
		below = "/.local/share";
		home = secure_getenv("HOME");
	}
	if (!home || *home != '/')
		home = "";
	if (asprintf(&dir, "%s%s/libcontain", home, below) < 0)
		return NULL;
	return dir;
}

char *ct_container_path(const struct ct_container *c, const char *file)
{
	char *path;
	int n;

	if (file)
		n = asprintf(&path, "%s/%s/%s", c->dir, c->name, file);
	else
		n = asprintf(&path, "%s/%s", c->dir, c->name);
	if (n < 0)
		return NULL;
	return path;
}

int ct_need_image(struct ct_container *c, struct ct_err *e)
{
	int fd;

	if (c->image >= 0 && ct_image_valid(c->image))
		return 0;
	if (c->image >= 0)
		ct_image_put();
	c->image = -1;
	fd = ct_image_get(e);
	if (fd < 0)
		return fd;
	c->image = fd;
	return 0;
}

void ct_drop_kept(struct ct_container *c)
{
	if (c->image >= 0 && c->owner == getpid())
		ct_image_put();
	ct_dev_forget(c->program);
}
