/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cgroups of a container as plain data: decide.c fills it, build.c makes steps of it. All
 * memory belongs to the plan's arena. */
#ifndef CT_BACKEND_CGROUP_PLAN_H
#define CT_BACKEND_CGROUP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/origin.h"

/* One file to write in a cgroup's directory. */
struct ct_cg_write {
	const struct ct_origin *at; /* the key that asks for it */
	const char *file;	    /* one component, "memory.max" */
	const char *value;	    /* NULL: the parent's value of the same file */
	bool optional;		    /* "try:": a failed write is ignored */
	/* a file that the kernel does not have is ignored: there is nothing to limit then (swap) */
	bool if_there;
	const char *file2;  /* another name of it on other kernels; NULL: none */
	const char *value2; /* what goes into that one; NULL: the same value */
};

/* A growing list of them. */
struct ct_cg_writes {
	struct ct_cg_write *v;
	uint32_t n;
};

/* One directory to be made, in one hierarchy. */
struct ct_cg_dir {
	uint8_t version;
	uint32_t controllers; /* CT_CG_* that this hierarchy serves for this container */
	const char *tree;     /* its name, for messages: "memory", "unified" */
	const char *mount;    /* mount point */
	const char *base;     /* existing directory below it that ours is made in: "" or "/a/b" */
	const char *path;     /* ours, below base, without a slash in front; carries the limits */
	bool monitor;	      /* the supervisor's, not the payload's */
	bool numbered;	      /* -1, -2 .. behind it while the name is taken */
	const char *inner;    /* directory below ours that the payload gets; NULL: ours itself */
	const char **enable;  /* version 2: controllers that the cgroups above must enable */
	uint32_t n_enable;
	const char **best_effort; /* ... and those that are enabled where that is possible */
	uint32_t n_best_effort;
	struct ct_cg_writes writes;
	bool lists; /* it has the list of devices */
	/* version 2: rules of the device program, "allow c 1:3 rwm" ..; NULL: none */
	const char **rules;
	uint32_t n_rules;
	const struct ct_origin *rules_at;
	bool rules_optional;
};

/* In front of the name of a hierarchy, for the supervisor's own cgroup there. */
#define CT_CG_MONITOR "monitor "

/* A cgroup that an attach joins. */
struct ct_cg_join {
	uint8_t version;
	int fd; /* borrowed */
	const char *tree;
};

struct ct_cg_plan {
	struct ct_cg_dir *v;
	uint32_t n;
	/* the key that asks for cgroups */
	const struct ct_origin *at;
	bool no_nodes;	   /* the device rules refuse to make the usual nodes */
	bool no_terminals; /* ... or to open the multiplexer of terminals */
	bool no_blocks;	   /* ... or to open some block device, as a mount does */
	/* the scope of systemd that they are made in; NULL: none */
	const char *unit, *slice;
	bool user_manager; /* the scope is made by the user's systemd */
	/* the mark of the owner, for their names and as an attribute; "": the state directory has
	 * the journal */
	const char *mark;
	/* why some are not below the caller's own cgroup, for the log; NULL: all are, or need not
	 * be */
	const char *elsewhere;
	/* one of those is version 2's: a scope of systemd would be a better place than the top */
	bool scope_wanted;
};

#endif
