/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The label of a start in its journal: what attaches gets it, whatever the config says by then. */
#ifndef CT_BACKEND_LSM_RECORD_H
#define CT_BACKEND_LSM_RECORD_H

#include "backend/undo.h"
#include "base/arena.h"

/* Writes the label down under a name of its own, such as "apparmor.label": nothing is undone for
 * it. 0 or a negative errno, recorded. */
int ct_label_keep(struct ct_undo *u, const char *name, const char *label, struct ct_err *e);
/* The label that a journal has under this name, in the arena; NULL: none. */
const char *ct_label_kept(const char *journal, const char *name, struct ct_arena *arena);

#endif
