/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For lib/host alone: the preflight report is a table of things to probe, one row each. A row's
 * function fills one item. */
#ifndef CT_HOST_LOOK_H
#define CT_HOST_LOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "host/cgroup.h"
#include "host/host.h"

enum ct_look_state {
	CT_LOOK_YES,
	CT_LOOK_NO,
	CT_LOOK_INFO, /* neither good nor bad, or not known */
};

struct ct_look_item {
	enum ct_look_state state;
	struct ct_buf value;  /* what was found */
	struct ct_buf reason; /* why not */
	struct ct_buf hint;   /* what to do about it */
};

/* What several rows need, read once. */
struct ct_look_facts {
	struct ct_host host;
	int probe_err; /* of ct_host_probe() */
	struct ct_err err;
	struct ct_buf mountinfo, filesystems, modules;
	struct ct_cgroups cgroups; /* of the mountinfo; strings in arena */
	struct ct_arena *arena;
};

struct ct_look {
	const char *group, *name;
	bool needed; /* a default container needs it */
	void (*look)(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
	uint64_t arg;
};

/* Small file into buf, terminated, newlines at the end stripped: its length, or negative errno. */
ssize_t ct_host_read(const char *path, char *buf, size_t size);
/* Whole file (at most max bytes) into an empty buffer; what cannot be read leaves it empty. */
void ct_look_slurp(const char *path, size_t max, struct ct_buf *out);
/* Marks the item "no" with its reason (printf) and remedy (NULL: none). */
void ct_look_no(struct ct_look_item *it, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A file of a hierarchy, at its top or in the directory `dir` of it ("" or "/a/b"); `file` "": the
 * directory itself. buf, or "" when the path is too long. */
const char *ct_look_path(const struct ct_cg_tree *t, const char *dir, const char *file, char *buf,
			 size_t size);
/* Next line of *s (not terminated), its length in *n; moves *s behind it. NULL at the end. */
const char *ct_look_line(const char **s, size_t *n);
/* Whether `word` is one of the words in s[0..n), separated by any of `seps`. */
bool ct_look_word(const char *s, size_t n, const char *seps, const char *word);

/* Fills f->cgroups from f->mountinfo. 0 or -ENOMEM. */
int ct_look_cgroups(struct ct_look_facts *f);

/* Rows. */
void ct_look_kernel(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_namespace(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_feature(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_extra(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_memfd(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_filesystem(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_veth(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_lsm(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_landlock(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_seccomp(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_cgroup_layout(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_cgroup_controllers(const struct ct_look_facts *f, uint64_t arg,
				struct ct_look_item *it);
void ct_look_cgroup_groups(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_cgroup_own(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_cgroup_limit(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_rights(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_bounding(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_userns(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_proc_whole(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_subid(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_idmap_tool(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);
void ct_look_directory(const struct ct_look_facts *f, uint64_t arg, struct ct_look_item *it);

/* Values of the rows' arg. */
enum { CT_EXTRA_STATMOUNT, CT_EXTRA_PIDFD_INFO, CT_EXTRA_DETACHED, CT_EXTRA_SCHED_CORE };
enum {
	CT_FS_PROC,
	CT_FS_SYSFS,
	CT_FS_TMPFS,
	CT_FS_DEVPTS,
	CT_FS_MQUEUE,
	CT_FS_OVERLAY,
	CT_FS_FUSE,
	CT_FS_N
};
enum { CT_DIR_STATE, CT_DIR_CONTAINERS };
enum {
	CT_LIMIT_MEMORY,
	CT_LIMIT_SWAP,
	CT_LIMIT_PIDS,
	CT_LIMIT_CPU,
	CT_LIMIT_CPUSET,
	CT_LIMIT_IO_MAX,
	CT_LIMIT_IO_WEIGHT,
	CT_LIMIT_HUGETLB,
	CT_LIMIT_RDMA,
	CT_LIMIT_MISC,
	CT_LIMIT_DEVICES,
	CT_LIMIT_CPUTIME,
	CT_LIMIT_FREEZE,
	CT_LIMIT_KILL
};

#endif
