/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroup hierarchies of this host, as they are mounted: which versions, which controllers,
 * where, and in which directory of each the caller is. Found by mountinfo and the ids of mounts,
 * never by the names of folders.
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

#define CT_CG_TREES 24 /* hierarchies that are looked at, at the most */

/* One mounted hierarchy. Strings belong to the arena of the layout. */
struct ct_cg_tree {
	uint8_t version; /* 1 or 2 */
	/* version 1: bound to it; version 2: cgroup.controllers of its top */
	uint32_t controllers;
	const char *name; /* "memory", "cpu,cpuacct", "name=systemd", "unified" */
	/* mount point */
	const char *mount;
	/* the caller's directory below the mount point: "" or "/a/b"; NULL: not below it */
	const char *self;
	/* the caller may not make groups there: not delegated to it, or mounted read-only */
	bool top_closed, self_closed;
	bool readonly; /* this mount, or the whole hierarchy */
	/* version 2: controllers that the caller's directory gives on to those below it */
	uint32_t self_gives;
	/* no process can be put below the caller's directory: it is a threaded one of version 2 */
	bool self_bars;
	/* version 1: the caller itself may not use every device, nor may who is below it */
	bool self_narrow;
	/* version 2: the nearest directory above the caller's that systemd has
	 * delegated; NULL: none */
	const char *granted;
	/* controllers that it gives on, or can */
	uint32_t granted_gives;
	/* of the line of mountinfo */
	uint64_t mount_id;
	/* the mount begins above the top of the caller's cgroup namespace: so far,
	 * "/../.."; NULL: not so */
	const char *above;
};

struct ct_cgroups {
	struct ct_cg_tree v[CT_CG_TREES];
	uint32_t n;
	const char *self; /* the text of /proc/self/cgroup that it was made from */
};

/* Looks at this host. A mount counts when its path leads to it: not one that another covers. No
 * cgroup mounted is n = 0, no error. 0, -ENOMEM or what open(2) says of /proc. */
int ct_cgroups_probe(struct ct_cgroups *out, struct ct_arena *arena, struct ct_err *e);
/* Whether the caller is still in the groups in which a probe found it. */
bool ct_cgroups_of_caller(const struct ct_cgroups *c);
/* Whether a probe's result still holds: the same groups, and the same mounts are where
 * they were. */
bool ct_cgroups_still(const struct ct_cgroups *c);
/* The same from a mountinfo that was read already. 0, -ENOMEM or what reading says. */
int ct_cgroups_fill(const char *mountinfo, struct ct_cgroups *out, struct ct_arena *arena,
		    struct ct_err *e);
/* From text; a mount for which `seen` (NULL: none is asked) is false does not count. `self` is
 * kept: it belongs to the arena. 0 or -ENOMEM. */
int ct_cgroups_read(const char *mountinfo, const char *self, ct_mount_seen *seen,
		    struct ct_cgroups *out, struct ct_arena *arena);
/* The same from text: /proc/self/mountinfo and /proc/self/cgroup, neither trusted. Version 2
 * hierarchies get controllers 0. 0 or -ENOMEM. */
int ct_cgroups_parse(const char *mountinfo, const char *self, struct ct_cgroups *out,
		     struct ct_arena *arena);
/* What the text of /proc/self/cgroup says of one hierarchy: the caller's path in its cgroup
 * namespace, "/" or "/a" or "/../b". False: it says nothing, or buf is too small. */
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
