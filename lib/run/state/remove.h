/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_RUN_STATE_REMOVE_H
#define CT_RUN_STATE_REMOVE_H

#include "base/error.h"
#include "shared/remove.h"

/* Removes dirfd/name and all below it but `keep` (may be NULL), by ct_remove(). `where` is the path
 * of dirfd, for the error, which names what is left: -EBUSY for a mount. 0 or negative errno. */
int ct_remove_tree(int dirfd, const char *where, const char *name, const struct ct_spare *keep,
		   struct ct_err *e);

/* Makes and opens a hidden directory for `name`: locked, so that no sweep takes it for what a
 * killed caller left. `at` gets its name (256 bytes). Descriptor or negative errno. */
int ct_hidden_make(int dirfd, const char *name, char *at);
/* The same of the directory `name`, which is renamed for its removal. */
int ct_hidden_rename(int dirfd, const char *name, char *at);

/* Removes what killed or failed calls left of `name` (NULL: of any) in a container directory; what
 * another call uses is left alone. Returns how many directories were removed; if one stays -EBUSY
 * or another errno, recorded. */
int ct_hidden_sweep(int dirfd, const char *where, const char *name, struct ct_err *e);

#endif
