/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes a tree of files that a hostile payload may have made, however deep: with three
 * descriptors and a few bytes for each level. No link is followed and no mount is crossed, no bind
 * mount of the same file system, either. Shared by the library, the stage and ct-create.
 */
#ifndef CT_SHARED_REMOVE_H
#define CT_SHARED_REMOVE_H

#include <stddef.h>
#include <stdint.h>

/* What could not be removed. */
struct ct_left {
	int err;    /* of the first: negative errno; 0: nothing is left */
	int mount;  /* the first is a mount point */
	unsigned n; /* how many in all, without the directories above them */
	/* of the first, from the tree's own name on; the middle of a long one is left out */
	char path[512];
};

/* A file or directory that stays, with what is in it and the directories above it.
 * That is no failure. */
struct ct_spare {
	uint64_t dev, ino;
};

/* Removes dir/name and all below it; goes on after what cannot be removed. `keep` may be NULL. It
 * is no failure if there is nothing. 0, or left->err. */
int ct_remove(int dir, const char *name, const struct ct_spare *keep, struct ct_left *left);

#define CT_NAME_SIZE 256 /* of a buffer for a container's name, which is a directory's */

/* A container's name in at most `room` bytes: as it is, or its beginning, "~", which no container's
 * name has, and a hash of all of it. `room` is at least 18; `at` has room for it and the NUL.
 * Returns the length. */
size_t ct_short_name(char *at, const char *name, size_t room);
/* The name of a directory that is being made or removed, which no container can have:
 * ".new-NAME-PID", with ".gone" when it is being removed, NAME by ct_short_name(). `at` has room
 * for 256 bytes. */
void ct_hidden_name(char *at, const char *name, unsigned pid, int gone);
/* 1 when `entry` is such a name, of `name` (NULL: of any). */
int ct_hidden_is(const char *entry, const char *name);

#endif
