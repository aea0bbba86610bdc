/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A transient scope of systemd with Delegate=yes: a cgroup in which this library may make and write
 * to cgroups. */
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
	bool of_user; /* made by the user's manager, not the system's */
	pid_t pid;    /* its first process: a scope begins with one */
};

/* Asks the manager for the scope and waits until it is made. path becomes its cgroup, below the
 * mount of version 2. 0; -EOPNOTSUPP: there is no manager, or it cannot be called; -EEXIST: there
 * is a unit of that name; -EPERM, -ETIMEDOUT. Recorded. */
int ct_systemd_scope(const struct ct_scope *s, char *path, size_t size, struct ct_err *e);
/* Whether there is a manager. Otherwise *why becomes a static sentence. No side effects. */
bool ct_systemd_usable(const char **why);
/* Whether the system's manager can be called: there is one, libsystemd can be loaded (and stays
 * loaded), the system's bus accepts a connection. */
bool ct_systemd_reachable(void);
/* Records that there is no manager, with the sentence of ct_systemd_usable(). */
int ct_systemd_refuse(const char *why, struct ct_err *e);

#endif
