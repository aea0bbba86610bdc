/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a typed spec to a plan. Pure: reads only what it is given, so that a plan can be made and
 * compared without root. */
#ifndef CT_PLAN_BUILD_H
#define CT_PLAN_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "host/host.h"
#include "model/spec.h"
#include "plan/plan.h"
#include "shared/namespaces.h"

/* What init of a running container has, read from the kernel: an attached program gets the same,
 * wherever init has it from. */
#define CT_RUNNING_LIMITS 16
struct ct_running {
	bool no_new_privs;
	uint64_t cap_bounding;
	bool sched_core; /* it has a cookie */
	pid_t pid;	 /* of init, here */
	int nice;
	bool has_personality;
	unsigned long personality;
	/* values to be written where they differ from this process's, which are inherited
	 * otherwise; NULL: nothing */
	const char *oom_score_adj, *coredump_filter, *timerslack;
	bool oom_lower; /* oom_score_adj is lowered, which the kernel may refuse */
	bool has_limit[CT_RUNNING_LIMITS];
	uint64_t soft[CT_RUNNING_LIMITS], hard[CT_RUNNING_LIMITS];
};

struct ct_builder;

/* Part of a plan that a backend makes. A member that is NULL has nothing to add. */
struct ct_area {
	void *state;
	/* Adds its descriptors to the plan's inputs, and sets members of the builder that the other
	 * builders read. */
	void (*inputs)(void *state, struct ct_builder *b);
	/* Adds its steps, just before the clone of init. 0 or a negative errno, recorded. */
	int (*plan)(void *state, struct ct_builder *b);
	/* Adds its mounts that mount.auto asks for, behind those of /proc and /sys. */
	void (*mounts)(void *state, struct ct_builder *b);
};

/* What a start or an attach asks for beyond the config. Descriptors are borrowed; -1 (or any
 * number) in a plan that is only printed. */
struct ct_request {
	const struct ct_spec *spec;
	const struct ct_host *host;
	const char *name;	       /* container, "" for an anonymous one */
	const char *config_file;       /* for the hooks' LXC_CONFIG_FILE; NULL: none */
	const char *const *argv;       /* NULL: the config's */
	const char *const *envp;       /* NULL: none */
	const char *const *caller_env; /* environ, for `environment = NAME`, TERM and keep_env */
	bool pty, clear_env, keep_env, execute, no_new_privs, elevated;
	bool reaper, no_reaper; /* override the config */
	bool oom_protected;	/* the caller has a negative oom_score_adj */
	bool detached;		/* with a supervisor */
	bool notify;		/* the caller serves the listener of the filter */
	/* the keys that it cannot honour have been reported: go on without them */
	bool keys_told;
	bool stdio_given; /* a detached start with descriptors of the caller's as stdio */
	unsigned rows, cols;
	/* of the terminal of `pty`, as "stty -g" has them; NULL: the kernel's own */
	const char *modes;
	bool has_exec_fd;
	int exec_fd;
	const int *keep_fds;
	uint32_t n_keep_fds;
	const int *extra_fds; /* further inputs, slots 0 .. n_extra_fds - 1 (the supervisor's) */
	uint32_t n_extra_fds;
	const struct ct_area *areas; /* of the backends, in their order */
	uint32_t n_areas;
	/* start */
	int rootfs_fd; /* the opened root directory */
	/* paths below the root that the payload is not to see: of the state directory */
	const char *const *hidden;
	uint32_t n_hidden;
	int output_fd; /* struct ct_wire_output, when ct_build_pumps() says so */
	/* namespace descriptors of namespace.share.*, by bit number of CT_NS_* */
	int share_fd[CT_NAMESPACES];
	/* attach */
	int init_pidfd;
	/* NULL in a plan that is only printed without a container */
	const struct ct_running *running;
	uint32_t namespaces; /* to join, CT_NS_* */
	const char *user;    /* to look up inside; NULL: ids below */
	bool set_uid, set_gid, set_groups, set_caps;
	uint32_t uid, gid;
	const uint32_t *groups;
	uint32_t n_groups;
	uint64_t caps;
	const char *cwd;
};

/* Namespaces (CT_NS_*) that a container of this spec gets of its own; those it shares by name
 * are not among them. */
uint32_t ct_build_namespaces(const struct ct_spec *spec);
/* Whether the container has no namespace of its own, nor another one: rules of Landlock alone
 * confine it, and its root is the caller's. */
bool ct_build_bare(const struct ct_spec *spec);
/* The payload's user and group. Without namespaces it is by default whoever calls. */
uint32_t ct_build_uid(const struct ct_spec *spec, const struct ct_host *host);
uint32_t ct_build_gid(const struct ct_spec *spec, const struct ct_host *host);
/* Whether a payload without namespaces keeps the caller's bounding set: no key asks for another
 * one, and the caller has no capability to change it. It gives no right where there is
 * no_new_privs, without which such a caller loads no rules. */
bool ct_build_keeps_bounding(const struct ct_spec *spec, const struct ct_host *host);
/* Whether the program of this start is the child of a reaper: as the request or init.reaper says,
 * else where it is a program and not a system, and has a pid namespace of its own. The caller puts
 * the answer into spec->init_reaper, which builders and backends read. */
bool ct_build_reaper(const struct ct_request *r);
/* Whether the payload lives in a user namespace that is not the caller's. */
bool ct_build_userns(const struct ct_spec *spec);
/* Whether the payload may mount a cgroup hierarchy of version 1 with the rights of the host
 * (mount(8) in a cgroup namespace of its own with CAP_SYS_ADMIN): it then sees the hierarchy from
 * its own cgroup on, and from the host's where it has none. */
bool ct_build_mounts_cgroups(const struct ct_spec *spec, const struct ct_host *host);
/* Whether the payload may make device nodes that the host takes for its own: CAP_MKNOD is kept, in
 * the host's user namespace. */
bool ct_build_keeps_mknod(const struct ct_spec *spec, const struct ct_host *host);
/* Capabilities that the payload's bounding set keeps: no program of the container, of whatever
 * user, has another. -EPERM: cap.keep or cap.bounding has one that this caller does not have. */
int ct_build_caps(const struct ct_spec *spec, const struct ct_host *host, uint64_t *keep,
		  struct ct_err *e);
/* The sets that the payload begins with, just before it is executed. */
struct ct_cap_sets {
	uint64_t bounding, permitted, effective, inheritable, ambient;
};
/* Those of the config, for root or for another user. -EPERM, recorded: one has a capability that
 * the container does not keep, or this caller does not have. */
int ct_build_cap_sets(const struct ct_spec *spec, const struct ct_host *host, bool root,
		      struct ct_cap_sets *out, struct ct_err *e);
/* Whether the payload's output goes through the output pump: limit.output is set, and the output
 * goes to descriptors of the caller's. */
bool ct_build_pumps(const struct ct_request *r);
/* Records why a start cannot honour the i-th of the spec's keys that it cannot honour, and returns
 * a negative errno. 0: there are no more than i of them. */
int ct_build_refuse(const struct ct_spec *spec, bool detached, uint32_t i, struct ct_err *e);
/* The plan of a start, frozen, in `arena`; of a detached one with what its supervisor does at the
 * end. Where e collects faults, the plan has the steps that can be planned in spite of them; when
 * these make no plan it returns an error that is not recorded. */
int ct_build_start(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out,
		   struct ct_err *e);
/* The plan of what runs before a container is destroyed: hook.destroy. No steps: there
 * is nothing to run. */
int ct_build_destroy(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out,
		     struct ct_err *e);
/* The plan of an attach. */
int ct_build_attach(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out,
		    struct ct_err *e);

#endif
