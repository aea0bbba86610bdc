/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Visits all cgroups below a cgroup, however many and however deep a payload has made them. Shared
 * by the library and the stage. */
#ifndef CT_SHARED_WALK_H
#define CT_SHARED_WALK_H

/* Calls visit for every cgroup below `dir` and at last for `dir` itself, those in a cgroup before
 * it. The first value other than 0 that visit returns ends the walk and is returned, as is a
 * negative errno of the walk's own. A cgroup may be visited twice when others are removed
 * meanwhile. */
int ct_walk(int dir, int (*visit)(int dir, void *arg), void *arg);
/* The same from above: `dir` first, then every cgroup before those in it. */
int ct_walk_down(int dir, int (*visit)(int dir, void *arg), void *arg);

#endif
