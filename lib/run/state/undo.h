/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal of a detached container, in its state directory. */
#ifndef CT_RUN_STATE_UNDO_H
#define CT_RUN_STATE_UNDO_H

#include "backend/cgroup/cgroup.h"
#include "backend/undo.h"

/* Creates the file for a start, under the lock. 0 or a negative errno, recorded. */
int ct_state_undo_begin(int dirfd, struct ct_undo *u, struct ct_err *e);
/* Under the lock, without a live supervisor: undoes all records of the journal, and removes it. 0,
 * also when there is none. */
int ct_state_undo(int dirfd, struct ct_err *e);
/* The cgroups of the container by its journal, whose text is appended to `records` (NULL: not
 * wanted). Without a journal n is 0. */
int ct_made_load(int dirfd, struct ct_cgroups_held *held, struct ct_buf *records, struct ct_err *e);
int ct_groups_load(int dirfd, struct ct_cgroups_held *held, struct ct_err *e);

#endif
