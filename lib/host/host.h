/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this kernel, host and user can do. It is probed without side effects; tests use structs of
 * their own. */
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
	bool no_tty_group; /* another one, without the group 5, tty */
	bool no_setgroups; /* another one, in which setgroups(2) is refused */
	/* required */
	bool openat2, mount_api, mount_setattr, clone3, pidfd, close_range;
	bool statmount, pidfd_info, tree_of_detached; /* used where available */
	bool sched_core;
	bool yama;
	bool selinux; /* it is on, and its file system is mounted */
	int landlock; /* the ABI of Landlock, or a negative errno: there is none */
	char boot_id[40];
	const struct ct_cgroups *cgroups; /* the handle's; NULL: not probed */
	/* CT_HOST_F_*: required, but a seccomp filter refuses the call (EPERM, not ENOSYS) */
	uint32_t filtered;
};

/* All capabilities that the kernel knows. */
static inline uint64_t ct_host_all_caps(const struct ct_host *h)
{
	if (h->cap_last >= 63)
		return ~UINT64_C(0);
	return (UINT64_C(1) << (h->cap_last + 1)) - 1;
}

/* Required features, in the order in which ct_host_check() checks them. */
#define CT_HOST_F_OPENAT2 0x01u
#define CT_HOST_F_MOUNT_API 0x02u
#define CT_HOST_F_MOUNT_SETATTR 0x04u
#define CT_HOST_F_CLONE3 0x08u
#define CT_HOST_F_PIDFD 0x10u
#define CT_HOST_F_CLOSE_RANGE 0x20u

/* Fills *h. Cheap enough for each start: a few system calls, and mountinfo is not read. 0 or a
 * negative errno. */
int ct_host_probe(struct ct_host *h, struct ct_err *e);
/* Probes again what can change while a process runs: the rights and the user namespace of the
 * calling thread. For a struct that is kept from one start to the next. 0 or a negative errno. */
int ct_host_refresh(struct ct_host *h, struct ct_err *e);
/* The ABI of Landlock, or a negative errno: -ENOSYS, -EOPNOTSUPP (switched off), -EPERM. */
int ct_landlock_abi(void);
/* The oldest kernel that is supported. */
#define CT_HOST_KERNEL_MAJOR 5
#define CT_HOST_KERNEL_MINOR 14
/* Whether the kernel is at least that version. */
bool ct_host_at_least(const struct ct_host *h, uint32_t major, uint32_t minor);
/* Whether one required feature is available; *name (unless NULL) becomes its name for messages. */
bool ct_host_feature(const struct ct_host *h, uint32_t feature, const char **name);
/* 0 when all that every container requires is available; else -ENOSYS or -EPERM, recorded. */
int ct_host_check(const struct ct_host *h, struct ct_err *e);
/* The preflight report (CT_FORMAT_*): for each thing yes or no, and the reason of a no. Returns the
 * number of required things that are missing. */
int ct_host_report(int format, struct ct_buf *out);

#endif
