/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes all cgroups below a cgroup, however many and however deep a payload has made them: with
 * three descriptors and no memory, whatever the depth. Shared by the library and the stage.
 */
#ifndef CT_SHARED_PRUNE_H
#define CT_SHARED_PRUNE_H

#include <stddef.h>
#include <stdint.h>

/* The cgroup itself stays. `busy` (may be NULL) is called for a cgroup that cannot be removed
 * because there are processes in it. 0, or the negative errno of the first that could not be
 * removed: those after it stay, too. */
int ct_prune(int dir, void (*busy)(int dir));

/* Removes the cgroup at `path`, with all below it (ct_prune() of `dir`), if it still has this inode
 * number; then those above it that are empty, but for the first `keep` bytes of the path, which
 * existed before. 0: it is removed, or another one has its place; or a negative errno: it stays. */
int ct_prune_path(int dir, uint64_t inode, const char *path, size_t keep, void (*busy)(int dir));
/* Removes the directories of a path that are empty, from the last one on, but for the first `keep`
 * bytes. */
void ct_prune_above(const char *path, size_t keep);

#endif
