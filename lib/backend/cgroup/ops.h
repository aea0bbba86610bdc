/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with the cgroups of a running container. All calls but ct_cgroup_kill() and
 * ct_cgroup_freeze() return without waiting. */
#ifndef CT_BACKEND_CGROUP_OPS_H
#define CT_BACKEND_CGROUP_OPS_H

#include <contain/contain.h>

#include "backend/cgroup/cgroup.h"
#include "base/arena.h"
#include "base/buf.h"
#include "model/config.h"

#define CT_CLEAN_CGROUPS __attribute__((cleanup(ct_cgroup_forget)))

/* Records and returns -EOPNOTSUPP: the container has no cgroup that could do `what`. */
int ct_cgroup_none(struct ct_err *e, const char *what);
/* Freezes or thaws every process of it, and waits until that is done. 0; -ETIMEDOUT: it is again as
 * it was before; or another errno of the kernel's, recorded. */
int ct_cgroup_freeze(const struct ct_cgroups_held *held, int on, int timeout_ms, struct ct_err *e);
/* 1: it is frozen. */
int ct_cgroup_frozen(const struct ct_cgroups_held *held);
/* Sends a signal, not SIGKILL, to each process but `skip` (0: none). */
int ct_cgroup_tell(const struct ct_cgroups_held *held, int sig, pid_t skip, struct ct_err *e);
/* Its counters. */
int ct_cgroup_stats(const struct ct_cgroups_held *held, ct_usage *out, struct ct_err *e);

/* ---- handles.c: descriptors that are held while it starts and runs --------------------------- */

/* Opens the file with the CPU time of all processes, for limit.cputime. A descriptor or a negative
 * errno, recorded. */
int ct_cgroup_open_cpu_time(const struct ct_cgroups_held *held, const struct ct_spec *s,
			    struct ct_err *e);
/* Opens version 1's file that thaws: a process that the freezer holds does not die when it is
 * killed. *fd is -1 where there is no freezer of version 1. 0 or a negative errno, recorded. */
int ct_cgroup_open_thaw(const struct ct_cgroups_held *held, int *fd, struct ct_err *e);
/* The path of cgroup.procs above the container's cgroup of version 1's freezer: a new process that
 * the payload freezes before its exec is moved there. The caller's to free; NULL: there is none. */
char *ct_cgroup_way_out(const struct ct_cgroups_held *held);

/* ---- files.c: one file, by its name ---------------------------------------------------------- */

/* 0, or -EINVAL, recorded: it is no name of a file that can be read. */
int ct_cgroup_check_name(const char *file, struct ct_err *e);
/* Whether it is devices.allow or devices.deny. Rules may be written to these in both versions, and
 * none can be read. */
bool ct_cgroup_is_rule(const char *file);
/* Reads the file of the cgroup that has it, without newlines at the end. The length, or a negative
 * errno, recorded. */
ssize_t ct_cgroup_read_file(const struct ct_cgroups_held *held, const char *file,
			    struct ct_buf *out, struct ct_err *e);
int ct_cgroup_write_file(const struct ct_cgroups_held *held, const char *file, const char *value,
			 struct ct_err *e);

/* ---- change.c: limits and device rules, all or nothing --------------------------------------- */

struct ct_cgroup_change_item;

struct ct_cgroup_change {
	const struct ct_cgroups_held *held;
	struct ct_arena *arena;
	struct ct_config *config; /* the running one: it gets the changes */
	struct ct_err *err;
	struct ct_cgroup_change_item *v; /* files to write, and their texts before */
	uint32_t n;
};

/* Changes n keys of ->config and writes their files. On failure all files have their old values
 * again. */
int ct_cgroup_change_limits(struct ct_cgroup_change *ch, const char *const *keys,
			    const char *const *values, size_t n);
/* Adds one device rule. */
int ct_cgroup_change_devices(struct ct_cgroup_change *ch, int allow, const char *rule);
/* Restores the old values, when something else fails that belongs to the change. */
void ct_cgroup_change_back(struct ct_cgroup_change *ch);

#endif
