/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroups of a container: what they are in both versions, and what is done with them. */
#ifndef CT_BACKEND_CGROUP_CGROUP_H
#define CT_BACKEND_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/cgroup/owner.h"
#include "backend/cgroup/usage.h"
#include "backend/undo.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "host/cgroup.h"
#include "host/host.h"
#include "model/spec.h"
#include "backend/cgroup/plan.h"

/* The name of the backend, also in the journal. */
#define CT_CG_NAME "cgroup"

/* One directory of a container that has been made, in one hierarchy. */
struct ct_cg_group {
	uint8_t version;
	uint32_t controllers; /* CT_CG_* that it serves for the container */
	char *tree;	      /* name of the hierarchy, for messages */
	char *path;	      /* absolute */
	uint32_t keep;	      /* bytes of path that existed before and are not removed */
	char *inner;	      /* the payload's directory below it; NULL: itself */
	uint64_t id;	      /* inode number of path; another number: it is not ours any more */
	int fd, inner_fd;     /* O_PATH; inner_fd -1 without inner */
	bool by_path;	      /* it exists and could not be opened: it is removed by path and id */
	/* The lock of a start on a cgroup that has no process yet, or of a process that removes
	 * one: a cgroup that was recorded before it was made is only removed with this lock. -1:
	 * none. */
	int claim;
};

/* All directories of one container. */
struct ct_cgroups_held {
	struct ct_cg_group v[CT_CG_TREES];
	uint32_t n;
};
#define CT_CGROUPS_NONE \
	{               \
		.n = 0  \
	}

/* Version 2: the controllers that the cgroups above have to enable. */
struct ct_cg_controllers {
	const char *const *required, *const *best_effort;
	uint32_t n_required, n_best_effort;
};

/* The functions of one version. All return 0 or a negative errno, unless said. */
struct ct_cg_version {
	const char *name; /* "cgroup1", "cgroup2", as cgroup.backend calls it */
	int version;
	/* Adds to dir->writes what the spec asks of the controllers `bits`. No side effects. */
	int (*plan)(const struct ct_spec *s, uint32_t bits, struct ct_arena *a,
		    struct ct_cg_dir *dir, struct ct_err *e);
	/* Before a directory is made in `dirfd`: enables the `controllers` (NULL: none) for
	 * it. `path` is for messages. */
	int (*enable)(int dirfd, const char *path, const struct ct_cg_controllers *controllers,
		      struct ct_err *e);
	/* Freezes or thaws every process below, and waits until that is done. -ETIMEDOUT. */
	int (*freeze)(const struct ct_cg_group *g, bool on, int timeout_ms);
	/* 1: all are frozen, 0: not. */
	int (*frozen)(const struct ct_cg_group *g);
	/* 1: it has a process, or a cgroup below it has one. */
	int (*populated)(const struct ct_cg_group *g);
	/* Waits until it has none. -ETIMEDOUT. */
	int (*wait_empty)(const struct ct_cg_group *g, int timeout_ms);
};

extern const struct ct_cg_version ct_cg_version1, ct_cg_version2;
/* The functions of version 1 or 2. */
const struct ct_cg_version *ct_cg_version_of(int version);
/* The version that cgroup.backend restricts the container to; 0: either. */
int ct_cg_only_version(const struct ct_spec *s);

/* ---- decide.c: what a container wants, and which hierarchies serve it ------------------------ */

struct ct_cg_ask {
	const struct ct_spec *spec;
	const struct ct_host *host;
	const char *name; /* of the container, "" for an anonymous one */
	/* the end of the cgroups' names, which identifies the owner (owner.h); "": the state
	 * directory does */
	const char *mark;
	bool detached;
	bool userns; /* the payload has no rights over devices of the host */
	bool mounts; /* it may mount version 1, and so needs a cgroup in each hierarchy */
	bool mknod;  /* it may make nodes of any device */
	/* the cgroups are made in a scope of systemd, because it is not possible below the caller's
	 * own cgroup */
	bool scope;
};
/* Decides which directories the container gets, in which hierarchies, and what is written there.
 * Pure. out->n is 0 for a container that needs none. A controller that is asked for and not
 * available is -EOPNOTSUPP with the key, the layout and a remedy. */
int ct_cg_decide(const struct ct_cg_ask *ask, struct ct_arena *a, struct ct_cg_plan *out,
		 struct ct_err *e);

/* Without a cgroup there is no list of devices: with cgroup.backend = none a payload that can make
 * device nodes must be allowed every device. 0, or -EINVAL, recorded. */
int ct_cg_check_none(const struct ct_cg_ask *ask, const char *where, struct ct_err *e);

/* ---- group.c: the directories themselves ----------------------------------------------------- */

/* What to make. */
struct ct_cg_making {
	int version;
	const char *under; /* absolute, exists */
	const char *path;  /* below it; may have several components */
	bool numbered;	   /* -1, -2 .. is appended while the name is taken */
	struct ct_cg_controllers controllers;
	const char *mark; /* of the owner, or CT_CG_BY_JOURNAL */
	/* a journal in a file gets a record with the path before the directory is made */
	struct ct_undo *undo;
};
/* Makes one directory. *g is filled; ct_cg_forget_one() releases it. */
int ct_cg_make(const struct ct_cg_making *m, struct ct_cg_group *g, struct ct_err *e);
/* Makes the payload's directory in it, with the `controllers` enabled for it. */
int ct_cg_make_inner(struct ct_cg_group *g, const char *name,
		     const struct ct_cg_controllers *controllers, struct ct_err *e);
/* Writes one file of a cgroup. Where the file bounds the same file in the cgroups below (version 1:
 * cpuset.cpus, cpuset.mems, cpu.cfs_quota_us), those are changed with it: one that had all that the
 * cgroup had gets the new value, another keeps what the new value leaves it. 0 or a negative
 * errno. */
int ct_cg_write_all(const struct ct_cg_group *g, const char *file, const char *value);
/* The same, with an error that has the file, the value and a hint. */
int ct_cg_set(const struct ct_cg_group *g, const char *file, const char *value, struct ct_err *e);
/* Records that error after a write that failed with `err`. */
int ct_cg_set_failed(const struct ct_cg_group *g, const char *file, const char *value, int err,
		     struct ct_err *e);
/* Close descriptors and free strings; the directories stay. */
void ct_cgroup_forget(struct ct_cgroups_held *h);
void ct_cg_forget_one(struct ct_cg_group *g);
/* A second set of descriptors and strings for the same directories. 0, -ENOMEM, or an errno of
 * fcntl(2). */
int ct_cgroup_copy(const struct ct_cgroups_held *from, struct ct_cgroups_held *to);
/* Kills the processes in them, removes them, and releases *h. A cgroup that is not ours any more
 * (another id) stays. 0, also when there is nothing to do, or the errno of the first that could not
 * be removed, recorded. */
int ct_cg_undo(struct ct_cgroups_held *h, struct ct_err *e);
/* As a record of the journal. */
int ct_cg_save(const struct ct_cg_group *g, struct ct_buf *out);
/* Reads them from a journal, which is not trusted (-EINVAL). Directories that are still the same
 * are opened; the others have fd -1. A cgroup whose record was written before it was made counts
 * only while it has no process. */
int ct_cgroup_load(const char *text, size_t len, struct ct_cgroups_held *h);
/* The same for their removal, which must also work when no descriptor is left: a directory that
 * exists and cannot be opened gets by_path instead of being a failure. */
int ct_cg_load_to_remove(const struct ct_undo_record *records, uint32_t n,
			 struct ct_cgroups_held *h);
/* The cgroups as the readers of counters take them, borrowed. Returns their number. */
uint32_t ct_cg_places(const struct ct_cgroups_held *h, struct ct_cg_place out[CT_CG_TREES]);
/* Whether it is the payload's: not the supervisor's, nor one that may never have been made. */
bool ct_cg_is_payloads(const struct ct_cg_group *g);
/* The cgroup that serves a controller; NULL: none. */
const struct ct_cg_group *ct_cg_group_of(const struct ct_cgroups_held *h, uint32_t bit);
/* The file of a cgroup that has its CPU time. */
const char *ct_cg_cpu_time_file(const struct ct_cg_group *g);
/* The cgroup through which all processes of the container are reached: version 2's where there is
 * one. NULL without cgroups. */
const struct ct_cg_group *ct_cg_whole(const struct ct_cgroups_held *h);
/* Thaws them and all cgroups below. Version 1's freezer also keeps killed processes from ending. */
void ct_cgroup_thaw(const struct ct_cgroups_held *h);
/* Kills every process of the container, those that fork meanwhile and those that are frozen, too,
 * and waits for their end. */
int ct_cgroup_kill(const struct ct_cgroups_held *h, int timeout_ms, struct ct_err *e);
/* Sends a signal to each process of the container but `skip` (0: none). */
int ct_cg_signal(const struct ct_cgroups_held *h, int sig, pid_t skip, struct ct_err *e);

/* ---- sweep.c: what killed callers have left -------------------------------------------------- */

/* The mark of a container whose state directory has the journal of its cgroups. */
#define CT_CG_BY_JOURNAL "="
/* Gives a directory the owner's mark (owner.h) as an attribute. on_the_way: it was only made to
 * hold the container's cgroup. 0, also where attributes are not available, or a negative errno. */
int ct_cg_mark(int dirfd, const char *mark, bool on_the_way);
/* The mark of a directory, with CT_CG_ON_THE_WAY in front of one that only holds others; "":
 * none. */
#define CT_CG_ON_THE_WAY '+'
const char *ct_cg_mark_read(const char *path, char value[CT_OWNER_MARK + 2]);
/* Removes the cgroups that killed callers have left. With `want` its first hierarchy is searched,
 * version 2's where there is one: it has a cgroup of every container, made first and removed last.
 * What is found is removed in all hierarchies. NULL: version 2's and the freezer's are searched. */
void ct_cgroup_sweep(const struct ct_cgroups *cgroups, const struct ct_cg_plan *want);

/* ---- frozen.c -------------------------------------------------------------------------------- */

/* Whether a process that enters the cgroup at `path`, or one that is made there, is frozen at once,
 * because the cgroup or one above it is. 1: `which` is the path of the frozen one, as far as it can
 * be seen; 0: no, or it is not known. */
int ct_cg_frozen_at(int version, const char *path, char *which, size_t size);
/* The same of an open cgroup, without its path, and with fewer system calls. */
bool ct_cg_freezes(int version, int dir);
/* The same as an error: 0, or -EBUSY, recorded, with the path and how to thaw it. */
int ct_cg_refuse_frozen(int version, const char *path, const char *where, struct ct_err *e);

/* ---- weaker.c -------------------------------------------------------------------------------- */

/* Whether the text read back from a cgroup's file is a weaker limit than what was written. Pure. */
bool ct_cg_weaker(const char *file, const char *wanted, const char *got);

/* ---- file.c: files of a cgroup, the same for both versions ----------------------------------- */

/* Reads at most size - 1 bytes of a small file, terminates them and strips newlines at the end. The
 * length or a negative errno. */
ssize_t ct_cg_read(int dirfd, const char *file, char *buf, size_t size);
/* Writes the value in one write(2). 0 or a negative errno. */
int ct_cg_write(int dirfd, const char *file, const char *value);
/* Value behind `key` in a file of "key value" lines, or `dflt`. */
uint64_t ct_cg_keyed(int dirfd, const char *file, const char *key, uint64_t dflt);
/* Sends sig to each process of this one cgroup but `skip` (0: none). By pidfd, so that a number
 * that is used again is not signalled. Their number or a negative errno. */
int ct_cg_signal_one(int dirfd, int sig, pid_t skip);

#endif
