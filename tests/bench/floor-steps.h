/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel work of a container, one function for each area of the plan. All end the process
 * when a call fails. */
#ifndef CT_FLOOR_STEPS_H
#define CT_FLOOR_STEPS_H

#include <stdbool.h>

#include "bench.h"
#include "floor-groups.h"

/* r, or the end of the process when r < 0. */
long floor_must(long r, const char *what);
#define must(call) floor_must((long)(call), #call)

/* A detached copy of the root file system, cut off from the host's mounts. */
int floor_tree(const char *rootfs);
/* lo up. */
void floor_loopback(void);
/* All mounts of this namespace private. */
void floor_private(void);
/* What the library's plan says: what is hidden and read-only below /proc and /sys, and
 * the control groups. */
struct floor_profile {
	char text[8192];
	const char *mask[128], *readonly[128];
	int n_mask, n_readonly;
	bool stack, whole;
	const char *filter; /* a file with instructions; NULL: none */
	struct floor_groups groups;
};
/* Reads the file described in floor.c. */
void floor_read_profile(struct floor_profile *h, const char *file);
/* A read-only tmpfs with an empty file and directory, mounted on the old root when `stack`. */
int floor_mask_source(bool stack);
/* The tree over the old root. */
void floor_stack(int tree);
/* /dev with nodes, links, pts, shm and mqueue. */
void floor_dev(int tree);
/* /proc. */
void floor_proc(int tree);
/* A read-only /sys. */
void floor_sys(int tree);
/* Masked and read-only paths. */
void floor_protect(int tree, int mask, const struct floor_profile *h);
/* Leaves the old root, and what was stacked on it. */
void floor_pivot(int tree, bool stacked);
/* Keyring, groups, bounding set, ids, capabilities, signals, working directory. */
void floor_identity(void);

#endif
