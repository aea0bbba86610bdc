/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this kernel, host and user can do. Probed without side effects; tests hand in their own. */
#ifndef CT_HOST_H
#define CT_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct ct_cgroups;

struct ct_host {
	uint32_t kernel_major, kernel_minor;
	char kernel_release[65];
	uint32_t uid, gid; /* effective, of the calling thread */
	uint64_t cap_permitted, cap_bounding;
	uint32_t cap_last;   /* highest capability the kernel knows */
	uint32_t namespaces; /* CT_NS_* the kernel has */
	/* the caller is in the initial user namespace */
	bool initial_userns;
	bool no_tty_group; /* ... and that one has no group 5, tty, */
	bool no_setgroups; /* ... nor may groups be dropped in it */
	/* needed */
	bool openat2, mount_api, mount_setattr, clone3, pidfd, close_range;
	bool statmount, pidfd_info, tree_of_detached; /* used where there */
	bool sched_core;
	bool yama;
	char boot_id[40];
	const struct ct_cgroups *cgroups; /* the handle's; NULL: not looked at */
	/* CT_HOST_F_*: needed, but a seccomp filter refuses the call (EPERM, not ENOSYS) */
	uint32_t filtered;
};

/* All capabilities that the kernel knows. */
static inline uint64_t ct_host_all_caps(const struct ct_host *h)
{
	return h->cap_last >= 63 ? ~UINT64_C(0) : (UINT64_C(1) << (h->cap_last + 1)) - 1;
}

/* Needed features, in the order that ct_host_check() names them. */
#define CT_HOST_F_OPENAT2 0x01u
#define CT_HOST_F_MOUNT_API 0x02u
#define CT_HOST_F_MOUNT_SETATTR 0x04u
#define CT_HOST_F_CLONE3 0x08u
#define CT_HOST_F_PIDFD 0x10u
#define CT_HOST_F_CLOSE_RANGE 0x20u

/* Fills *h. Cheap enough for each start (no mountinfo, a handful of system calls); 0
 * or negative errno. */
int ct_host_probe(struct ct_host *h, struct ct_err *e);
/* Looks again at what can change while a process lives: the rights and the user namespace of the
 * calling thread. For a host that is kept from one start to the next; the kernel and its features
 * stay as probed. 0 or negative errno. */
int ct_host_refresh(struct ct_host *h, struct ct_err *e);
/* The oldest kernel that is supported. */
#define CT_HOST_KERNEL_MAJOR 5
#define CT_HOST_KERNEL_MINOR 14
/* Whether the kernel is at least that version. */
bool ct_host_at_least(const struct ct_host *h, uint32_t major, uint32_t minor);
/* Whether one needed feature is there; `name` (when not NULL) becomes its name for people. */
bool ct_host_feature(const struct ct_host *h, uint32_t feature, const char **name);
/* 0 when everything a container needs is there; else -ENOSYS / -EPERM with one clear sentence. */
int ct_host_check(const struct ct_host *h, struct ct_err *e);
/* The preflight report (CT_FORMAT_*): each thing, yes or no, the reason of each no. Returns the
 * number of needed things that are missing. */
int ct_host_report(int format, struct ct_buf *out);

#endif
