/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of cgroups that identify the process that they belong to, so that the next call can remove
 * those of a killed process: NAME@PIDNS.PID.START.TIME.TID, in hexadecimal. */
#ifndef CT_BACKEND_CGROUP_OWNER_H
#define CT_BACKEND_CGROUP_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The part of a mark for the calling process, "@PIDNS.PID.START": the same as long as it lives. */
#define CT_OWNER_PROCESS 56
void ct_owner_process(char buf[CT_OWNER_PROCESS]);
/* That, the time and the thread: one mark for all cgroups of a container. */
#define CT_OWNER_MARK 80
void ct_owner_mark(char buf[CT_OWNER_MARK], const char *process);

/* The owner that was checked last: many cgroups have the same one. Zeroed before the first use. */
struct ct_owner_cache {
	uint64_t pidns; /* ours; 0: not known yet; UINT64_MAX: marks cannot be compared here */
	uint64_t pid, start;
	bool dead;
};
/* Whether the name has the mark of a process of this pid namespace that has ended. False, too, when
 * that is not certain. */
bool ct_owner_is_dead(const char *name, struct ct_owner_cache *cache);

#endif
