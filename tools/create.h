/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hidden directory next to the container in which ct-create builds, and which is removed when
 * something fails; and the programs that fill it. */
#ifndef CT_TOOLS_CREATE_H
#define CT_TOOLS_CREATE_H

#include <stdbool.h>

#include "options.h"

struct partial {
	char path[4096];   /* hidden, beside the container, mode 0700; "" when there is none */
	char rootfs[4200]; /* path/rootfs */
	char config[4200]; /* path/config, what the template asks for */
	int lock;	   /* held as long as it is in use */
};

/* Removes what killed calls have left, and makes the directory (and `dir` itself), with an empty
 * rootfs and config. 0, or the exit code after an error message. */
int partial_make(const struct args *a, struct partial *p, const char *dir, const char *name);
/* Removes it and all that is in it. Safe to call twice, and on one that was never made. */
void partial_remove(const struct args *a, struct partial *p);
/* Removes a tree without following links and without crossing a mount; prints what stays. 0 or the
 * exit code. */
int remove_partial(const struct args *a, const char *path);

/* Runs a program that fills the tree, below a guard process, in a process group of its own, with an
 * empty standard input. A signal for the tool is passed on to the group, which is killed if it does
 * not end. If the tool itself is killed, the guard does the same and removes the directory. 0, or
 * the exit code after an error message (128 + n after a signal). */
int run_filler(const struct args *a, const struct partial *p, const char *what, char *const argv[]);

#endif
