/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_RUN_REMOVE_H
#define CT_RUN_REMOVE_H

#include "base/error.h"

/* Removes dirfd/name and all below it, by descriptor: no link is followed, no mount point is crossed (-EBUSY). What is
 * missing is fine. 0 or negative errno, with the path in e. */
int ct_remove_tree(int dirfd, const char *name, struct ct_err *e);

#endif
