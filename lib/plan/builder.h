/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the builders of the areas share. Private to lib/plan. */
#ifndef CT_PLAN_BUILDER_H
#define CT_PLAN_BUILDER_H

#include <contain/contain.h>

#include "plan/build.h"

struct ct_builder {
	const struct ct_request *req;
	const struct ct_spec *spec;
	const struct ct_host *host;
	struct ct_arena *arena;
	struct ct_plan *plan;
	struct ct_err *err;
	uint32_t own;	 /* namespaces made new, CT_NS_* */
	uint32_t shared; /* namespaces joined */
	/* a new or joined user namespace: the caller's rights do not reach inside */
	bool userns;
	/* slots */
	int in_rootfs, in_exec, in_pidfd, in_output, in_share[CT_NAMESPACES];
	/* in_mount: by index of spec->mounts, CT_SLOT_NONE: the source is a path */
	int *in_keep, *in_mount;
	int root, mask, proc, sys, dev, pts;
	/* what init is cloned into: a cgroup of version 2; CT_SLOT_NONE: as the launcher */
	int into;
	uint32_t late; /* namespaces that init itself joins or makes, once it is in its cgroups */
	/* CT_REFUSED_*: what a process under the container's list of devices may not do */
	uint32_t refused;
	/* when devpts is made and terminals are opened */
	enum ct_phase pts_phase;
	/* the hook for whose time the list of devices is lifted; NULL: it is not */
	const struct ct_origin *lifted;
	bool filtered;	       /* system calls are: a filter is loaded in phase CONFINE */
	uint32_t filter_arch;  /* AUDIT_ARCH_* of the calls that a reaper may make */
	bool filter_shared;    /* it allows all that a reaper does, and can be loaded before it */
	uint64_t until_filter; /* capabilities that are kept until it is loaded */
	bool own_tty;	       /* stdio is a terminal of the container's own */
	/* the variable with the names of the terminals, NULL: none */
	const char *ttys;
};

#define CT_REFUSED_NODES 0x1u	  /* to make the usual nodes of /dev */
#define CT_REFUSED_TERMINALS 0x2u /* to open the multiplexer of terminals */
#define CT_REFUSED_BLOCKS 0x4u	  /* to open some block device, as a mount does */

/* Fills *b for a request. 0 or -ENOMEM. */
int ct_builder_init(struct ct_builder *b, const struct ct_request *r, struct ct_arena *arena,
		    struct ct_err *e);
/* One builder per area, in the order they are called. 0 or a negative errno that is recorded. */
int ct_build_inputs(struct ct_builder *b);
int ct_build_output(struct ct_builder *b);
int ct_build_ns(struct ct_builder *b);
/* "NAME=VALUE" of a variable of the config; NULL, recorded: its value is to be the caller's, which
 * has no such variable, or there was no memory. */
const char *ct_build_variable(struct ct_builder *b, const struct ct_pair_item *item);
/* The first steps of all: the later ones find what these hooks have done. */
int ct_build_pre_start_hooks(struct ct_builder *b);
int ct_build_root(struct ct_builder *b);
int ct_build_dev(struct ct_builder *b);
/* The devpts of the container's terminals, at /dev/pts. */
void ct_build_pts(struct ct_builder *b, const struct ct_origin *at);
/* NAME in the container's own /dev as the step's target: true; without autodev in that of the root
 * file system: false. */
bool ct_build_in_dev(struct ct_builder *b, struct ct_step *s, const char *name);
int ct_build_tty(struct ct_builder *b);
int ct_build_auto(struct ct_builder *b);
int ct_build_mounts(struct ct_builder *b);
/* The config's mounts at and below paths that ct_build_protect() covers, to be mounted on top. */
int ct_build_mounts_on_protected(struct ct_builder *b);
int ct_build_protect(struct ct_builder *b);
/* Whether the payload is a system that boots: it gets a boot id of its own, which is a file of the
 * file system that masks come from. */
bool ct_build_own_boot_id(const struct ct_builder *b);
#define CT_BOOT_ID_FILE "boot_id"
/* The hidden or read-only path that a target, relative to the root, is or lies below, also relative
 * to the root; NULL: none. *hides: it is hidden, and has nothing below it. */
const char *ct_build_protected(struct ct_builder *b, const char *target, bool *hides);
int ct_build_hooks(struct ct_builder *b);
int ct_build_identity(struct ct_builder *b);
int ct_build_exec(struct ct_builder *b);

/* Joins the namespaces `ns` (CT_NS_*) of the descriptor in slot `fd`. */
void ct_build_join(struct ct_builder *b, int fd, uint32_t ns, const struct ct_origin *at);
/* The parts of the plan that backends make. */
void ct_build_area_inputs(struct ct_builder *b);
/* 0 or a negative errno, recorded. */
int ct_build_areas(struct ct_builder *b);
void ct_build_area_mounts(struct ct_builder *b);
/* Capabilities that a program of the container can have at most: those of this caller, or all in a
 * user namespace of the container's own. */
uint64_t ct_build_available_caps(const struct ct_host *h, bool userns);
/* The sets of a program, by the rule: root has the bounding set permitted and effective, another
 * user what is ambient. */
void ct_build_cap_rule(uint64_t bounding, uint64_t ambient, bool root, struct ct_cap_sets *out);
/* The keys that the bounding set, and the other sets, come from. */
const struct ct_origin *ct_build_bounding_at(struct ct_builder *b);
const struct ct_origin *ct_build_caps_at(struct ct_builder *b);
/* Kernel's CLONE_NEW* for CT_NS_* bits. */
uint64_t ct_clone_flags(uint32_t ns);
/* The nice value of all from the clone on, instead of the caller's; best effort, or required. */
void ct_build_sched(struct ct_builder *b, int nice, bool required);
/* Steps that end a start and an attach alike: bounding set, ids, capabilities, no_new_privs, death
 * signal, signals, cwd. */
struct ct_identity {
	bool lookup; /* ids come from the container's passwd */
	uint32_t uid, gid;
	const char *const *groups; /* decimal */
	uint32_t n_groups;
	/* what the payload begins with as root, and as another user; bounding is the same */
	struct ct_cap_sets root, user;
	bool no_new_privs;
	unsigned long personality;
	const struct ct_origin *arch_at;
	bool start_hooks; /* run hook.start, with the identity of the payload */
	const char *cwd;
	const struct ct_origin *uid_at, *bounding_at, *caps_at, *cwd_at;
};
/* 0 or a negative errno that is recorded. */
int ct_build_ids(struct ct_builder *b, const struct ct_identity *id);
/* HOME of a payload with these numbers, from the container's passwd as it may read it itself; what
 * cannot be read is no failure. Where the environment is only the caller's there is none. */
void ct_build_home(struct ct_builder *b, uint32_t uid, uint32_t gid, uint64_t caps,
		   const struct ct_origin *at);
/* The start hooks, programs of the rootfs, with the capabilities `caps` where they run as
 * root. 0 or -ENOMEM. */
int ct_build_start_hooks(struct ct_builder *b, uint64_t caps);
/* Descriptors, death signal, signals, exec: the end of every plan. argv NULL: the user's login
 * shell, which was looked up. */
int ct_build_finish(struct ct_builder *b, const char *const *argv, uint32_t n_argv,
		    const struct ct_origin *at);
/* The environment as "K=V" list: defaults, config, caller's (keep_env), envp: later
 * ones replace by name. */
int ct_build_env(struct ct_builder *b, const char *const **out, uint32_t *n);
/* A variable of the caller's environment as "K=V"; NULL: it has none of that name. */
const char *ct_build_caller_var(const struct ct_request *r, const char *name);
/* A decimal number as string in the arena. */
const char *ct_build_num(struct ct_builder *b, uint64_t v);
/* Whether the id is mapped into the container. True without an idmap. */
bool ct_build_mapped(const struct ct_spec *spec, bool group, uint32_t inside);
/* The caller's id for one that is mapped; the same id without an idmap. */
uint32_t ct_build_outside(const struct ct_spec *spec, bool group, uint32_t inside);
/* Where `key` was set (never NULL: its name alone when it is at its default). */
const struct ct_origin *ct_build_at(struct ct_builder *b, const char *key);

#endif
