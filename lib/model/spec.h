/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The typed description of a container: what the key table's rows parse into (key.h names the field
 * of each row), and the only thing that the plan's builders read. All memory belongs to the arena.
 * Strings are NULL when not set.
 */
#ifndef CT_SPEC_H
#define CT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/origin.h"

#define CT_HOST_NAME_BYTES 64 /* the kernel's __NEW_UTS_LEN */

struct ct_config;
struct ct_entry;

/* Lists: v has n elements. Every element carries its origin. */

/* one value split with quotes: an argv */
struct ct_words {
	const char **v;
	uint32_t n;
};

struct ct_str_item {
	struct ct_origin at;
	const char *value;
};

struct ct_strs {
	struct ct_str_item *v;
	uint32_t n;
};

struct ct_cmd_item {
	struct ct_origin at;
	const char *value;
	struct ct_words argv;
};

/* hooks */
struct ct_cmds {
	struct ct_cmd_item *v;
	uint32_t n;
};

struct ct_id_item {
	struct ct_origin at;
	uint32_t id;
};

struct ct_ids {
	struct ct_id_item *v;
	uint32_t n;
};

struct ct_idmap_item {
	struct ct_origin at;
	bool group;
	uint32_t inside, outside, count;
};

struct ct_idmaps {
	struct ct_idmap_item *v;
	uint32_t n;
};

/* prlimit.* */
struct ct_limit_item {
	struct ct_origin at;
	int resource;
	const char *name;
	uint64_t soft, hard;
};

struct ct_limits {
	struct ct_limit_item *v;
	uint32_t n;
};

/* sysctl.*, proc.*, environment */
struct ct_pair_item {
	struct ct_origin at;
	const char *name, *value;
};

struct ct_pairs {
	struct ct_pair_item *v;
	uint32_t n;
};

/* namespace.share.X: pid, name or path */
struct ct_share_item {
	struct ct_origin at;
	uint32_t ns;
	const char *with;
};

struct ct_shares {
	struct ct_share_item *v;
	uint32_t n;
};

struct ct_mount_item {
	struct ct_origin at;
	/* target without leading '/'; data: the file system's own */
	const char *source, *target, *fstype, *data;
	int source_fd; /* >= 0: given by ct_add_mount() */
	bool bind, recursive, move;
	bool optional, relative;
	uint8_t create;		       /* CT_CREATE_* */
	uint64_t attr_set, attr_clear; /* MOUNT_ATTR_* */
	uint64_t propagation;	       /* MS_PRIVATE.. or 0 */
	bool propagation_recursive;
	const char *idmap; /* idmap= : not honoured yet */
};
enum { CT_CREATE_NO, CT_CREATE_DIR, CT_CREATE_FILE, CT_CREATE_LIKE_SOURCE };
struct ct_mounts {
	struct ct_mount_item *v;
	uint32_t n;
};

/* limit.* keys that cgroups enforce, in order of appearance; of a key that holds one value only the
 * last is kept */
struct ct_cglimit_item {
	struct ct_origin at;
	const char *key; /* "limit.memory"; of a key that takes a name, up to it: "limit.hugetlb" */
	const char *sub; /* that name, "2MB"; "" otherwise */
	/* the value without "try:"; with single blanks where the kernel gets it as text */
	const char *text;
	bool tried; /* "try:" */
	bool max;   /* "max": no limit */
	/* bytes; millionths of a core; microseconds; a weight; a count: as the key's type says */
	uint64_t n;
	/* limit.io.max: its path or MAJ:MIN; limit.io.weight of one device; NULL: none */
	const char *device;
	/* limit.io.max: rbps, wbps, riops, wiops; CT_RATE_UNSET or CT_RATE_MAX */
	uint64_t rate[4];
};
struct ct_cglimits {
	struct ct_cglimit_item *v;
	uint32_t n;
};
/* Whether it asks for what a cgroup has by default: "max" of a limit, limit.oom.group = 0. */
bool ct_cglimit_idle(const struct ct_cglimit_item *item);
#define CT_RATE_UNSET (~UINT64_C(0))
#define CT_RATE_MAX (~UINT64_C(0) - 1)
/* cgroup.FILE and cgroup2.FILE as written; devices.allow and devices.deny are not among them */
struct ct_cgfile_item {
	struct ct_origin at;
	const char *file, *value;
	bool tried;
};

struct ct_cgfiles {
	struct ct_cgfile_item *v;
	uint32_t n;
};
/* rules of devices.allow and devices.deny, in order of appearance */
struct ct_devrule_item {
	struct ct_origin at;
	const char *text;
	bool allow;
	uint8_t version; /* 1: cgroup.*, 2: cgroup2.* */
};

struct ct_devrules {
	struct ct_devrule_item *v;
	uint32_t n;
};
enum ct_cgroup_backend { CT_CGB_AUTO, CT_CGB_V1, CT_CGB_V2, CT_CGB_SYSTEMD, CT_CGB_NONE };

/* mask.path and readonly.path: paths relative to the root */
struct ct_covers {
	struct ct_str_item *v;
	uint32_t n;
	bool none; /* "none" was given: nothing is covered by default */
};

/* mount.auto and rootfs.options */
enum ct_auto_mode { CT_AUTO_NO, CT_AUTO_RO, CT_AUTO_MIXED, CT_AUTO_RW };
enum { CT_AUTO_CGROUP_NONE, CT_AUTO_CGROUP, CT_AUTO_CGROUP_FULL, CT_AUTO_CGROUP2 };
struct ct_mount_auto {
	uint8_t proc, sys;   /* enum ct_auto_mode */
	const char *cgroup;  /* "cgroup:mixed" .. as written; NULL: none */
	uint8_t cgroup_kind; /* CT_AUTO_CGROUP_* */
	uint8_t cgroup_mode; /* enum ct_auto_mode; CT_AUTO_NO: not said */
	bool cgroup_force;
	const char *shm_host, *shm_target; /* shmounts:HOST[:TARGET] */
};
struct ct_rootfs_opts {
	uint64_t attr_set, attr_clear, propagation;
	bool propagation_recursive;
	const char *idmap;
};

/* net.N.*: kept; `empty` and `none` are honoured */
struct ct_net_item {
	struct ct_origin at;
	uint32_t index;
	const char *type;
};

struct ct_nets {
	struct ct_net_item *v;
	uint32_t n;
};

enum ct_hook_when {
	CT_HOOK_PRE_START,
	CT_HOOK_PRE_MOUNT,
	CT_HOOK_MOUNT,
	CT_HOOK_AUTODEV,
	CT_HOOK_START_HOST,
	CT_HOOK_START,
	CT_HOOK_STOP,
	CT_HOOK_POST_STOP,
	CT_HOOK_CLONE,
	CT_HOOK_DESTROY,
	CT_HOOK_N
};

#define CT_CAP_MASK_UNSET (~UINT64_C(0))

struct ct_spec {
	struct ct_arena *arena;
	const struct ct_config *config;
	const struct ct_entry *entries; /* what was set, in order; copies of the config's */
	uint32_t n_entries;
	bool lxc; /* some key was written with "lxc." in front: it is a config of LXC's */

	/* program */
	unsigned long personality; /* arch: PER_LINUX or PER_LINUX32 */
	bool arch_set;
	struct ct_words init_cmd, execute_cmd;
	const char *init_cwd;
	uint32_t init_uid, init_gid;
	struct ct_ids init_groups;
	/* pid 1 is a reaper, the program its child: as set, or as ct_build_reaper() decides */
	bool init_reaper;
	bool init_reaper_set;
	uint32_t init_umask;
	int32_t init_nice;
	bool init_umask_set, init_nice_set;
	struct ct_pairs environment;	   /* value NULL: inherit from the caller */
	struct ct_pairs environment_hooks; /* ... of the hooks alone */
	bool no_new_privs, keyring_session, sched_core;
	bool keyring_set;
	bool keyring_user, keyring_user_set; /* the calls for keys are left to the payload */
	/* bit masks; "none" is 0. CT_CAP_MASK_UNSET when not given, but for cap_drop */
	uint64_t cap_drop, cap_keep, cap_ambient;
	uint64_t cap_bounding, cap_permitted, cap_effective, cap_inheritable;
	bool cap_drop_set;
	struct ct_limits prlimit;
	struct ct_pairs sysctl, proc;
	uint32_t signal_halt, signal_reboot, signal_stop; /* 0: default */
	/* monitor.signal.pdeath; default SIGKILL */
	uint32_t pdeath;
	bool pdeath_set;

	/* namespaces */
	const char *uts_name, *uts_domain;
	uint32_t ns_clone, ns_keep; /* CT_NS_* bits, 0 when not given */
	bool ns_clone_set, ns_keep_set;
	struct ct_shares ns_share;
	int64_t time_boot_ns, time_monotonic_ns;
	bool time_boot_set, time_monotonic_set;
	struct ct_idmaps idmap;

	/* files */
	const char *rootfs_path;       /* plain directory; "dir:" prefix stripped */
	const char *rootfs_backend;    /* "overlay" ... when another was named: not honoured yet */
	int rootfs_fd;		       /* >= 0: given by ct_set_rootfs_fd() */
	const char *seccomp_profile;   /* "default", "none" or a path */
	struct ct_strs seccomp_notify; /* names of calls */
	const char *seccomp_proxy;     /* /PATH or @NAME of its socket */
	const char *seccomp_cookie;
	const char *rootfs_mount; /* accepted, not needed: we mount detached */
	struct ct_rootfs_opts rootfs_options;
	bool rootfs_readonly, rootfs_managed;
	struct ct_strs mount_fstab;
	/* mount.fstab's, then mount.entry's and mount.tmpfs's in order of appearance */
	struct ct_mounts mounts;
	struct ct_mount_auto mount_auto;
	bool mount_auto_set;
	struct ct_covers mask_path, readonly_path;
	bool autodev;
	uint64_t autodev_size; /* bytes, default 500000 */

	/* terminals */
	uint32_t tty_max, pty_max;
	const char *tty_dir, *console_path, *console_logfile;
	uint64_t console_buffer_size, console_size;
	bool console_rotate;

	struct ct_cmds hook[CT_HOOK_N];
	uint32_t hook_version;
	uint64_t hook_timeout_us;

	struct ct_nets net;

	/* limits of ours that need no cgroup */
	uint64_t limit_time_us, limit_output; /* 0: none */

	/* cgroups */
	struct ct_cglimits cglimits;
	uint64_t limit_cputime_us; /* 0: none */
	bool limit_cputime_tried;  /* with "try:" */
	struct ct_cgfiles cgroup1, cgroup2;
	/* limit.devices: "default", "none" (no device but those allowed by rules), "all" */
	const char *devices_preset;
	bool devices_set, devices_tried; /* limit.devices was given; with "try:" */
	struct ct_devrules devrules;
	uint8_t cgroup_backend; /* enum ct_cgroup_backend */
	bool cgroup_backend_set;
	bool cgroup_relative;
	const char *cgroup_pattern; /* with %n for the container's name */
	const char *cgroup_dir, *cgroup_dir_container, *cgroup_dir_inner, *cgroup_dir_monitor;

	bool ephemeral, start_auto;
	uint32_t start_delay;
	int32_t start_order;
	struct ct_strs group;

	/* log.* */
	uint32_t log_level; /* CT_LOG_* */
	const char *log_file, *log_syslog;

	/* keys that are parsed and kept, but that no backend honours yet: each set entry */
	struct ct_strs unsupported; /* at.key, value */
	/* keys that are set and need the supervisor of a detached container */
	struct ct_strs supervised;
};

/* Reads the config into a new spec in `arena`: defaults, then every entry by its key's type, then
 * the relations between keys (exclusive ones, idmap overlaps, sysctls without their namespace...).
 * NULL and a record in `e` on failure. Where `e` collects faults they are all found, and the spec
 * is what is left without the entries that have one. */
struct ct_spec *ct_spec_read(const struct ct_config *cfg, struct ct_arena *arena, struct ct_err *e);
/* The first hook that is a program of the host and runs in the container's namespaces and cgroups;
 * NULL: there is none. */
const struct ct_cmd_item *ct_spec_hooks_inside(const struct ct_spec *s);
/* Where a scalar key was set; NULL when it is at its default. */
const struct ct_origin *ct_spec_origin(const struct ct_spec *s, const char *key);

#endif
