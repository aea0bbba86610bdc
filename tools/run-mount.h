/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mounts of ct-run's command line. */
#ifndef CT_TOOLS_RUN_MOUNT_H
#define CT_TOOLS_RUN_MOUNT_H

#include "common.h"

struct run_mounts {
	struct run_mount {
		const char *option; /* "bind", "ro-bind", "dev-bind", "tmpfs" */
		const char *text;   /* as typed, borrowed */
	} * v;
	size_t n;
};

/* Remembers one, in order. 0, or -ENOMEM. */
int run_mounts_add(struct run_mounts *m, const char *option, const char *text);
/* Adds all of them to the container. 0, or the exit code after an error message. */
int run_mounts_apply(const struct args *a, ct_container *c, const struct run_mounts *m);

#endif
