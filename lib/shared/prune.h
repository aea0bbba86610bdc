/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes all groups below a group, however many and however deep a payload has made them: three
 * descriptors and no memory whatever the depth. Shared by the library and the stage.
 */
#ifndef CT_SHARED_PRUNE_H
#define CT_SHARED_PRUNE_H

#include <stddef.h>
#include <stdint.h>

/* The group itself stays. `busy` (may be NULL) is called for a group that cannot be removed because
 * somebody lives in it. 0, or the negative errno of the first that could not be removed: the others
 * behind it are left, too. */
int ct_prune(int dir, void (*busy)(int dir));

/* Removes the group at `path`, with all below it (see above), as long as it is still the one with
 * this inode number; then those above it that were made for it, down to the first `keep` bytes of
 * the path, which were there before. 0: it has gone, or something else stands there; or a negative
 * errno: it is still there. */
int ct_prune_path(int dir, uint64_t inode, const char *path, size_t keep, void (*busy)(int dir));
/* Removes the directories of a path that are empty, from the last on, down to the
 * first `keep` bytes. */
void ct_prune_above(const char *path, size_t keep);

#endif
