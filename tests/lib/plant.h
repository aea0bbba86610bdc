/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an attacker puts where a runtime mounts, makes or reads something. */
#ifndef CT_TEST_PLANT_H
#define CT_TEST_PLANT_H

#include "rootfs.h"

enum plant_shape {
	LINK_ABSOLUTE,
	LINK_DOTDOT,
	LINK_MAGIC,
	LINK_SELF_ROOT,
	LINK_NEW,
	LINK_LOOP,
	FIFO,
	PLAIN_FILE,
	DEVICE,
	SOCKET,
	PLANT_SHAPES
};
/* "a link to the decoy", ... */
extern const char *const plant_names[PLANT_SHAPES];

/* Puts the shape at `path` below the rootfs, in the place of what is there; links lead to `inside`
 * of the decoy (an absolute path). 0 or negative errno. */
int plant(const struct rootfs *r, const char *path, const char *decoy, const char *inside,
	  enum plant_shape shape);

#endif
