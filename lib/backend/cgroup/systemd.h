/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group of its own from systemd: a transient scope with Delegate=yes, in which whoever asked
 * may do as it likes. */
#ifndef CT_BACKEND_CGROUP_SYSTEMD_H
#define CT_BACKEND_CGROUP_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct ct_scope {
	const char *unit;  /* "ct-web.scope" */
	const char *slice; /* "machine.slice" */
	const char *description;
	bool of_user; /* the user's own manager, not the system's */
	pid_t pid;    /* its first process: a scope begins with one */
};

/* Asks the manager and waits until the scope is there; its group below the version 2 mount goes to
 * path. 0; -EOPNOTSUPP: there is no manager, or no way to ask it, in one clear sentence; -EEXIST:
 * there is such a unit; -EPERM, -ETIMEDOUT. Recorded. */
int ct_systemd_scope(const struct ct_scope *s, char *path, size_t size, struct ct_err *e);
/* Whether there is a manager to ask. *why becomes a static sentence. No side effects. */
bool ct_systemd_usable(const char **why);
/* Whether it could be asked here and now: there is one, libsystemd can be loaded (and then stays
 * so), the system's bus listens. */
bool ct_systemd_reachable(void);
/* The error for who is not there. */
int ct_systemd_refuse(const char *why, struct ct_err *e);

#endif
