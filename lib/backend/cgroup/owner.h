/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that say which process a group belongs to, so that the next call can clear what a killed
 * one has left: NAME@PIDNS.PID.START.TIME.TID, in hexadecimal. */
#ifndef CT_BACKEND_CGROUP_OWNER_H
#define CT_BACKEND_CGROUP_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a mark says of the calling process, "@PIDNS.PID.START": the same as long as it lives. */
#define CT_OWNER_PROCESS 56
void ct_owner_process(char buf[CT_OWNER_PROCESS]);
/* That, the time and the thread, one for all groups of a container. */
#define CT_OWNER_MARK 80
void ct_owner_mark(char buf[CT_OWNER_MARK], const char *process);

/* The owner looked at last: many groups have the same one. Zeroed before the first use. */
struct ct_owner_cache {
	uint64_t pidns; /* ours; 0: not looked up yet */
	uint64_t pid, start;
	bool dead;
};
/* Whether the name has a mark of a process of this pid namespace that is no more. Anything that
 * cannot be told for certain is false. */
bool ct_owner_is_dead(const char *name, struct ct_owner_cache *cache);

#endif
