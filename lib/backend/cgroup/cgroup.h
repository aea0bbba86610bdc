/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a backend is. One file each, one const struct each, listed once in backend.c. */
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

/* Of the backend, and of its records in the journal. */
#define CT_CG_NAME "cgroup"

/* One directory of a container that is there, in one hierarchy. */
struct ct_cg_group {
	uint8_t version;
	uint32_t controllers; /* CT_CG_* that it serves for the container */
	char *tree;	      /* name of the hierarchy, for messages */
	char *path;	      /* absolute */
	uint32_t keep;	      /* bytes of path that were there before us and stay */
	char *inner;	      /* the payload's directory below it; NULL: itself */
	uint64_t id;	      /* inode number of path, as long as it is ours */
	int fd, inner_fd;     /* O_PATH; inner_fd -1 without inner */
	bool by_path; /* it is there, and could not be opened: it is removed by path and id */
	/* a lock on it while it has no process yet, so that who clears what a killed start meant to
	 * make does not take it for that; and theirs, while they remove it; -1 */
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

/* Version 2: the controllers that the groups above must give on, and those that they may. */
struct ct_cg_give {
	const char *const *must, *const *may;
	uint32_t n_must, n_may;
};

/* One version's ways. A group handed in is of that version. All return 0 or a negative errno. */
struct ct_cg_version {
	const char *name; /* "cgroup1", "cgroup2", as cgroup.backend calls it */
	int version;
	/* Adds to *w what the spec asks for and this version's files say, for the controllers
	 * `bits`. No side effects. */
	int (*plan)(const struct ct_spec *s, uint32_t bits, struct ct_arena *a,
		    struct ct_cg_dir *dir, struct ct_err *e);
	/* Before a directory is made in `dirfd`: gives its children the controllers named (NULL:
	 * none). `path` is for messages. */
	int (*enable)(int dirfd, const char *path, const struct ct_cg_give *give, struct ct_err *e);
	/* Stops, or lets go, every process below; waits until it is so. -ETIMEDOUT. */
	int (*freeze)(const struct ct_cg_group *g, bool on, int timeout_ms);
	/* 1: all are stopped, 0: not. */
	int (*frozen)(const struct ct_cg_group *g);
	/* 1: some process is below. */
	int (*populated)(const struct ct_cg_group *g);
	/* Waits until there is none. -ETIMEDOUT. */
	int (*wait_empty)(const struct ct_cg_group *g, int timeout_ms);
};

extern const struct ct_cg_version ct_cg_version1, ct_cg_version2;
/* The backend of a version, 1 or 2. */
const struct ct_cg_version *ct_cg_version_of(int version);

/* ---- decide.c: what a container wants, and who serves it ------------------------------------- */

struct ct_cg_ask {
	const struct ct_spec *spec;
	const struct ct_host *host;
	const char *name; /* of the container, "" for an anonymous one */
	/* behind the groups' name: whose they are (owner.h); "": the state directory tells */
	const char *mark;
	bool detached;
	bool userns; /* the payload has no rights over devices of the host */
	bool mounts; /* it may mount version 1: no tree may be without a group of its own */
	bool mknod;  /* ... and may make nodes of any device */
	/* systemd manages this host: what cannot be had below the caller's own group
	 * is had in a scope */
	bool scope;
};
/* Decides which directories the container gets, in which hierarchies, and what is written there.
 * Pure. out->n is 0 for a container that needs none. A controller that is asked for and is not to
 * be had is -EOPNOTSUPP with the key, the layout and a remedy. */
int ct_cg_decide(const struct ct_cg_ask *ask, struct ct_arena *a, struct ct_cg_plan *out,
		 struct ct_err *e);

/* Without a group there is no list of devices: for who can make a node of any, that must have been
 * asked for. 0, or -EINVAL, recorded. */
int ct_cg_check_none(const struct ct_cg_ask *ask, const char *where, struct ct_err *e);

/* ---- group.c: the directories themselves ----------------------------------------------------- */

/* What to make. */
struct ct_cg_making {
	int version;
	const char *under; /* absolute, there already */
	const char *path;  /* below it; may have several components */
	bool numbered;	   /* -1, -2 .. is appended while the name is taken */
	struct ct_cg_give give;
	const char *mark; /* of the owner, or CT_CG_BY_JOURNAL */
	/* one that is kept gets a record with the path before the directory is made */
	struct ct_undo *undo;
};
/* Makes one directory. *g is filled, its strings and descriptors are the owner's. */
int ct_cg_make(const struct ct_cg_making *m, struct ct_cg_group *g, struct ct_err *e);
/* Makes the payload's directory in it, with the same controllers to give on. */
int ct_cg_make_inner(struct ct_cg_group *g, const char *name, const struct ct_cg_give *give,
		     struct ct_err *e);
/* Writes one file of a group, and where version 1 binds groups below it to what the file says
 * (cpuset.cpus, cpuset.mems, cpu.cfs_quota_us), theirs: one that had all goes with it, another
 * keeps what is left to it. 0 or a negative errno. */
int ct_cg_write_all(const struct ct_cg_group *g, const char *file, const char *value);
/* The same, with an error that names it, the value and what helps. */
int ct_cg_set(const struct ct_cg_group *g, const char *file, const char *value, struct ct_err *e);
/* That error alone, for who has written the file otherwise. */
int ct_cg_set_failed(const struct ct_cg_group *g, const char *file, const char *value, int err,
		     struct ct_err *e);
/* Closes descriptors and frees strings; the directories stay. */
void ct_cgroup_forget(struct ct_cgroups_held *h);
void ct_cg_forget_one(struct ct_cg_group *g);
/* A second set of descriptors and strings for the same directories. 0, -ENOMEM, or
 * what fcntl says. */
int ct_cgroup_copy(const struct ct_cgroups_held *from, struct ct_cgroups_held *to);
/* Kills what is in them, removes them, forgets them. Groups that are no longer ours (another
 * id) are left alone. 0, or the errno of the first that could not be removed, recorded.
 * Nothing to do is 0. */
int ct_cg_undo(struct ct_cgroups_held *h, struct ct_err *e);
/* As a record of the journal. */
int ct_cg_save(const struct ct_cg_group *g, struct ct_buf *out);
/* Back from a journal: bounded, whatever it holds (-EINVAL); descriptors are opened where the
 * directories are still the same (fd -1 where not). The record of a group that is about to be made
 * is its path: it counts, when read back, only while the group has no process. */
int ct_cgroup_load(const char *text, size_t len, struct ct_cgroups_held *h);
/* The same for who removes them, who may have no descriptor left: what is there and cannot be
 * opened is no failure, but marked (by_path). */
int ct_cg_load_to_remove(const struct ct_undo_record *records, uint32_t n,
			 struct ct_cgroups_held *h);
/* The groups as the readers of figures want them, borrowed; returns their number. */
uint32_t ct_cg_places(const struct ct_cgroups_held *h, struct ct_cg_place out[CT_CG_TREES]);
/* Whether the payload is in it: not the supervisor's own, nor one that was only meant
 * to be made. */
bool ct_cg_is_payloads(const struct ct_cg_group *g);
/* The group that serves a controller; NULL: none. */
const struct ct_cg_group *ct_cg_group_of(const struct ct_cgroups_held *h, uint32_t bit);
/* The group through which the whole tree is reached: version 2's where there is one.
 * NULL without groups. */
const struct ct_cg_group *ct_cg_whole(const struct ct_cgroups_held *h);
/* Lets everybody go whom a freezer of theirs holds, or one below. Version 1's holds also
 * those that were killed. */
void ct_cgroup_thaw(const struct ct_cgroups_held *h);
/* Kills every process of the container, those that fork meanwhile and those that are frozen, too,
 * and waits for their end. */
int ct_cgroup_kill(const struct ct_cgroups_held *h, int timeout_ms, struct ct_err *e);
/* Sends another signal to each process of it but `skip` (0: none). */
int ct_cg_signal(const struct ct_cgroups_held *h, int sig, pid_t skip, struct ct_err *e);

/* ---- sweep.c: what killed callers have left -------------------------------------------------- */

/* The mark of a container whose state directory tells of its groups. */
#define CT_CG_BY_JOURNAL "="
/* Gives a directory the owner's mark (owner.h), as one that a container is in, or that was made on
 * the way to it. 0, also where no attributes can be had, or a negative errno. */
int ct_cg_mark(int dirfd, const char *mark, bool on_the_way);
/* What a directory says of its owner, CT_CG_ON_THE_WAY in front where it only holds
 * groups; "": nothing. */
#define CT_CG_ON_THE_WAY '+'
const char *ct_cg_mark_read(const char *path, char value[CT_OWNER_MARK + 2]);
/* Clears the groups that killed callers have left. With `want` only its first hierarchy is looked
 * at, which is version 2's where there is one and has a group of every container, made first and
 * removed last; what is found is removed in all of them. NULL: all are looked at. */
void ct_cgroup_sweep(const struct ct_cgroups *trees, const struct ct_cg_plan *want);

/* ---- frozen.c -------------------------------------------------------------------------------- */

/* Whether who is put into the group at `path`, or into one that is made there, is stopped at once:
 * the group, or one above it, is frozen, or about to be. 1: `which` is the path of the one that was
 * frozen, as far as it can be seen; 0: no, or it cannot be told. */
int ct_cg_frozen_at(int version, const char *path, char *which, size_t size);
/* The same of an open group, for less, and without saying which. */
bool ct_cg_freezes(int version, int dir);
/* As an error: 0, or -EBUSY with the group's name and what thaws it, recorded. */
int ct_cg_refuse_frozen(int version, const char *path, const char *where, struct ct_err *e);

/* ---- weaker.c -------------------------------------------------------------------------------- */

/* Whether what is read back from a group's file is weaker than what was to be written
 * there. Pure. */
bool ct_cg_weaker(const char *file, const char *wanted, const char *got);

/* ---- file.c: files of a group, the same for both versions ------------------------------------ */

/* Reads a small file, at most size - 1 bytes, terminated, newline at the end taken off: its length
 * or a negative errno. */
ssize_t ct_cg_read(int dirfd, const char *file, char *buf, size_t size);
/* Writes it in one go. */
int ct_cg_write(int dirfd, const char *file, const char *value);
/* Value behind `key` in a file of "key value" lines, or `dflt`. */
uint64_t ct_cg_keyed(int dirfd, const char *file, const char *key, uint64_t dflt);
/* Sends sig to each process of this one group but `skip` (0: none), by pidfd, so that no other can
 * be meant. Their number or a negative errno. */
int ct_cg_signal_one(int dirfd, int sig, pid_t skip);

#endif
