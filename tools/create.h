/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ct-create builds in: a hidden directory next to the container, that is gone when something fails; and the
 * programs that fill it. */
#ifndef CT_TOOLS_CREATE_H
#define CT_TOOLS_CREATE_H

#include <stdbool.h>

#include "options.h"

struct partial {
	char path[4096];	/* <dir>/.NAME.partial-XXXXXX, mode 0700; "" when there is none */
	char rootfs[4200];	/* path/rootfs */
	char config[4200];	/* path/config, what the template asks for */
	int lock;		/* held as long as it is in use */
};

/* Makes the directory (and `dir` itself), with an empty rootfs and config, after removing what a killed ct-create of the
 * same name left. 0, or the exit code after saying why. */
int partial_make(const struct args *a, struct partial *p, const char *dir, const char *name);
/* Removes it and all that is in it. Safe to call twice, and on one that was never made. */
void partial_remove(const struct args *a, struct partial *p);
/* Removes a tree without following links and without leaving its file system. 0 or a negative errno. */
int remove_tree(int dirfd, const char *name);

/* Runs a program that fills the tree, below a guard process, in a process group of its own, standard input closed. A signal
 * for the tool is passed on to the group, which is killed when it does not end. When the tool itself is killed, the guard
 * does the same and removes the directory. 0, or the exit code after saying why (128 + n after a signal). */
int run_filler(const struct args *a, const struct partial *p, const char *what, char *const argv[]);

#endif
