/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The control groups of a container by hand: made, filled, entered, removed. All end the process
 * when a call fails. */
#ifndef CT_FLOOR_GROUPS_H
#define CT_FLOOR_GROUPS_H

#include <stdbool.h>

#define FLOOR_GROUPS 16

/* One file to write; `group` has it. */
struct floor_write {
	int group;
	bool if_there;
	const char *file, *value;
};

/* One device that is allowed: numbers, -1 for any; access as the kernel has it
 * (BPF_DEVCG_ACC_*). */
struct floor_device {
	int type, major, minor, access;
};

/* What there is to make; text belongs to who has read it. */
struct floor_groups {
	struct {
		int version;
		const char *path; /* absolute; a number is put behind it */
	} v[FLOOR_GROUPS];
	int n;
	struct floor_write writes[64];
	int n_writes;
	/* version 2's program, in the only group of that version */
	struct floor_device devices[64];
	int n_devices;
};

/* Takes one line of the profile: "group VERSION PATH", "set FILE VALUE" ("try": if the file is
 * there), "device TYPE MAJOR MINOR ACCESS"; false: it is none of those. */
bool floor_groups_line(struct floor_groups *g, char *line);
/* Makes them, with a number behind each name, and writes what is to be written; fd[] are
 * their directories. */
void floor_groups_make(const struct floor_groups *g, int number, int fd[FLOOR_GROUPS]);
/* Directory of version 2, for CLONE_INTO_CGROUP; -1. */
int floor_groups_into(const struct floor_groups *g, const int fd[FLOOR_GROUPS]);
/* The caller enters those of version 1. */
void floor_groups_enter(const struct floor_groups *g, const int fd[FLOOR_GROUPS]);
/* Closes the directories. */
void floor_groups_close(const struct floor_groups *g, const int fd[FLOOR_GROUPS]);
/* Removes them, once everybody has left. */
void floor_groups_remove(const struct floor_groups *g, int number);

#endif
