/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done with the cgroups of a container that runs. All calls but ct_cgroup_kill() and
 * ct_cgroup_freeze() return at once. */
#ifndef CT_BACKEND_CGROUP_OPS_H
#define CT_BACKEND_CGROUP_OPS_H

#include <contain/contain.h>

#include "backend/cgroup/cgroup.h"
#include "base/arena.h"
#include "base/buf.h"
#include "model/config.h"

#define CT_CLEAN_CGROUPS __attribute__((cleanup(ct_cgroup_forget)))

/* -EOPNOTSUPP, recorded: the container has no cgroup that could do this. */
int ct_cgroup_none(struct ct_err *e, const char *what);
/* Stops every process of it, or lets it go on, and waits until that is so. 0, -ETIMEDOUT (it goes
 * on), or what else the kernel says, recorded. */
int ct_cgroup_freeze(const struct ct_cgroups_held *held, int on, int timeout_ms, struct ct_err *e);
/* 1: it is frozen. */
int ct_cgroup_frozen(const struct ct_cgroups_held *held);
/* Sends a signal, not SIGKILL, to each process but `skip` (0: none). */
int ct_cgroup_tell(const struct ct_cgroups_held *held, int sig, pid_t skip, struct ct_err *e);
/* What it uses. */
int ct_cgroup_stats(const struct ct_cgroups_held *held, ct_usage *out, struct ct_err *e);

/* ---- handles.c: what must be at hand while it starts and runs -------------------------------- */

/* The file that tells the CPU time of the whole tree, for limit.cputime. A descriptor or a
 * negative errno, recorded. */
int ct_cgroup_open_cpu_time(const struct ct_cgroups_held *held, const struct ct_spec *s,
			    struct ct_err *e);
/* What version 1's freezer holds dies only when it is let go: the file that does it. -1: there is
 * no such thing; below: an errno, recorded. */
int ct_cgroup_open_thaw(const struct ct_cgroups_held *held, struct ct_err *e);
/* Where a newcomer is led that a process of the container holds by a freezer of version 1:
 * cgroup.procs above the container's cgroup. The caller's; NULL: nowhere. */
char *ct_cgroup_way_out(const struct ct_cgroups_held *held);

/* ---- files.c: one file, by its name ---------------------------------------------------------- */

/* 0, or -EINVAL, recorded: it is no name of a file that can be read. */
int ct_cgroup_check_name(const char *file, struct ct_err *e);
/* What both versions take in the words of version 1, and neither has as a file to be read. */
bool ct_cgroup_is_rule(const char *file);
/* The file of whichever cgroup has it, newlines at the end taken off: its length. */
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
	struct ct_cgroup_change_item *v; /* files to write, and what they said before */
	uint32_t n;
};

/* Changes n keys of ->config and writes the files that stand for them. On failure all of them have
 * their old values again. */
int ct_cgroup_change_limits(struct ct_cgroup_change *ch, const char *const *keys,
			    const char *const *values, size_t n);
/* One device rule more, allowed or denied. */
int ct_cgroup_change_devices(struct ct_cgroup_change *ch, int allow, const char *rule);
/* Writes the old values again: what is to go with the change has failed. */
void ct_cgroup_change_back(struct ct_cgroup_change *ch);

#endif
