/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount table as text. A mount in it may be covered by another, so one counts only when its
 * path, opened, has the mount id of its line. The paths of a container are not opened, because the
 * payload may make that block: there a mount counts when no mount in the table covers it.
 */
#ifndef CT_HOST_MOUNTS_H
#define CT_HOST_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* One line of /proc/PID/mountinfo. The strings belong to an arena; the paths are without the
 * kernel's escapes. */
struct ct_mount_row {
	uint64_t id, parent;
	const char *root, *point, *options, *type, *super;
};

struct ct_mount_rows {
	struct ct_mount_row *v;
	uint32_t n;
};

/* Reads one line of n bytes: 1; 0: it has another form; -ENOMEM. */
int ct_mount_row_read(const char *line, size_t n, struct ct_mount_row *out, struct ct_arena *a);
/* All lines of a text; those of another form are left out. 0 or -ENOMEM. */
int ct_mount_rows_read(const char *text, struct ct_mount_rows *out, struct ct_arena *a);

/* Whether `path` leads to the mount with this id. */
typedef bool ct_mount_seen(const char *path, uint64_t id);
ct_mount_seen ct_mount_is_seen;
/* The id of the mount that a path leads to; 0: it leads to none. */
uint64_t ct_mount_id(const char *path);

/* By the table alone: whether no other mount covers m, which is one of the rows, or a place on the
 * way to it. */
bool ct_mount_rows_show(const struct ct_mount_rows *all, const struct ct_mount_row *m);
/* The mount that is seen at a path, NULL: none. */
const struct ct_mount_row *ct_mount_rows_at(const struct ct_mount_rows *all, const char *path);

#endif
