/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroup hierarchies of this host, as they are mounted: which versions, which controllers,
 * where, and in which directory of each the caller is. They are found by mountinfo and the ids of
 * mounts, not by the names of directories.
 */
#ifndef CT_HOST_CGROUP_H
#define CT_HOST_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "host/mounts.h"
#include "shared/controllers.h"

#define CT_CG_TREES 24 /* more hierarchies are ignored */

/* One mounted hierarchy. Strings belong to the arena of the probe. */
struct ct_cg_tree {
	uint8_t version; /* 1 or 2 */
	/* CT_CG_*. Version 1: bound to it; version 2: cgroup.controllers of its top */
	uint32_t controllers;
	const char *name; /* "memory", "cpu,cpuacct", "name=systemd", "unified" */
	/* mount point */
	const char *mount;
	/* the caller's directory below the mount point: "" or "/a/b"; NULL: not below it */
	const char *self;
	/* the caller may make no cgroups there: not delegated to it, or mounted read-only */
	bool top_closed, self_closed;
	bool readonly; /* this mount, or the whole hierarchy */
	/* version 2: controllers that are enabled in the caller's directory for those below it */
	uint32_t self_gives;
	/* version 2: the caller's directory is threaded, so no process can be put below it */
	bool self_bars;
	/* version 1: the caller may not use every device, so no process below it may */
	bool self_narrow;
	/* version 2: the nearest directory above the caller's that systemd has delegated; NULL:
	 * none */
	const char *granted;
	/* controllers that are enabled there for those below, or can be */
	uint32_t granted_gives;
	/* of the line of mountinfo */
	uint64_t mount_id;
	/* the root of a mount that begins above the top of the caller's cgroup namespace,
	 * "/../.."; NULL: it does not */
	const char *above;
};

struct ct_cgroups {
	struct ct_cg_tree v[CT_CG_TREES];
	uint32_t n;
	const char *self; /* the text of /proc/self/cgroup that it was made from */
};

/* Probes this host. A mount that another one covers does not count. Without a cgroup mount n is 0,
 * which is no failure. 0, -ENOMEM, or an errno of reading /proc. */
int ct_cgroups_probe(struct ct_cgroups *out, struct ct_arena *arena, struct ct_err *e);
/* Whether the caller is still in the cgroups in which a probe found it. */
bool ct_cgroups_of_caller(const struct ct_cgroups *c);
/* Whether the result of a probe is still true: the caller is in the same cgroups, and the mounts
 * are where they were. */
bool ct_cgroups_still(const struct ct_cgroups *c);
/* As ct_cgroups_probe(), from a mountinfo that was read already. */
int ct_cgroups_fill(const char *mountinfo, struct ct_cgroups *out, struct ct_arena *arena,
		    struct ct_err *e);
/* From the texts of mountinfo and /proc/self/cgroup, neither of which is trusted. A mount for which
 * `seen` is false does not count; seen NULL: all count. `self` must belong to the arena: out->self
 * is it. Version 2's hierarchy gets controllers 0. 0 or -ENOMEM. */
int ct_cgroups_read(const char *mountinfo, const char *self, ct_mount_seen *seen,
		    struct ct_cgroups *out, struct ct_arena *arena);
/* The same, with all mounts. */
int ct_cgroups_parse(const char *mountinfo, const char *self, struct ct_cgroups *out,
		     struct ct_arena *arena);
/* The caller's path in one hierarchy, from the text of /proc/self/cgroup. It is relative to its
 * cgroup namespace: "/" or "/a" or "/../b". False: there is none, or buf is too small. */
bool ct_cg_own_path(const struct ct_cg_tree *t, const char *self, char *buf, size_t size);
/* The path in version 2's hierarchy in a text of /proc/PID/cgroup, up to the end of its line; NULL:
 * it has none. */
const char *ct_cg_v2_path(const char *text);
/* "memory" -> CT_CG_MEMORY, n bytes of it; 0: not one we know. Version 1's "blkio" and version 2's
 * "io" are the same bit. */
uint32_t ct_cg_bit(const char *name, size_t n);
/* The name of one bit as `version` calls it. */
const char *ct_cg_name(uint32_t bit, int version);
/* The hierarchy that serves one controller: version 1's if it is bound there, else version 2's.
 * NULL: none. `only` 1 or 2: that version alone, 0: either. */
const struct ct_cg_tree *ct_cg_serving(const struct ct_cgroups *c, uint32_t bit, int only);
/* "v2", "v1", "hybrid", "none". */
const char *ct_cg_layout(const struct ct_cgroups *c);

#endif
