/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room have in common. */
#ifndef CT_RUN_STATE_DIR_H
#define CT_RUN_STATE_DIR_H

#include "run/state/state.h"

/* The 16 hexadecimal digits for a container directory (FNV-1a of its canonical path). 0
 * or negative errno. */
int ct_state_hash(const char *dir, char hex[17]);
/* The directory of all containers of `dir`, for reading. Descriptor or negative errno; -ENOENT,
 * -ESTALE unrecorded. */
int ct_state_open_all(const char *base, const char *dir, int create, struct ct_err *e);
/* ct_state_remove() by the name that the directory has. */
int ct_state_remove_unnamed(int dirfd, struct ct_err *e);

#endif
