/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removes all groups below a group, however many and however deep a payload has made them: three descriptors and no memory whatever
 * the depth. Shared by the library and the stage.
 */
#ifndef CT_SHARED_PRUNE_H
#define CT_SHARED_PRUNE_H

/* The group itself stays. `busy` (may be NULL) is called for a group that cannot be removed because somebody lives in it. 0, or the
 * negative errno of the first that could not be removed: the others behind it are left, too. */
int ct_prune(int dir, void (*busy)(int dir));

#endif
