/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of a running container's init, from the kernel. */
#ifndef CT_RUN_HANDLE_RUNNING_H
#define CT_RUN_HANDLE_RUNNING_H

#include "plan/build.h"

/* Reads those of the process `pid`, of which pidfd is, into *out; strings in `arena`. 0; -ESRCH (it
 * has ended meanwhile, recorded), -ENOMEM, or why its status cannot be read. */
int ct_running_read(pid_t pid, int pidfd, struct ct_arena *arena, struct ct_running *out,
		    struct ct_err *e);

#endif
