/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init of a running container has, as the kernel tells it. */
#ifndef CT_RUN_HANDLE_RUNNING_H
#define CT_RUN_HANDLE_RUNNING_H

#include "plan/build.h"

/* Reads it of the process `pid`, which pidfd is of, into *out; strings in `arena`. 0; -ESRCH (it
 * has ended meanwhile, recorded), -ENOMEM, or why its status cannot be read. */
int ct_running_read(pid_t pid, int pidfd, struct ct_arena *arena, struct ct_running *out,
		    struct ct_err *e);

#endif
