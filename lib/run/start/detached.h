/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors of a detached start, closed in the caller once the supervisor has its own. */
#ifndef CT_RUN_START_DETACHED_H
#define CT_RUN_START_DETACHED_H

#include <stdbool.h>

#include "backend/undo.h"
#include "run/child/placeholder.h"

struct ct_container;
struct ct_err;
struct ct_spec;

struct ct_detached {
	int dir, lock, alive, log, log_dir;
	int run_log; /* log.file, for the supervisor; -1: none */
	uint32_t run_log_level;
	int home; /* of an ephemeral container: the directory that contains its own; -1 */
	int defined;
	/* CT_START_PTY: the console's first client, from its first byte on */
	int console, consoled;
	int watch, watched;  /* a socket that tells of the end: our side, the supervisor's */
	struct ct_undo undo; /* the journal, in dir */
	int device;	     /* console.path */
	struct ct_placeholder holder;
};
#define CT_DETACHED_INIT                             \
	((struct ct_detached){ .dir = -1,            \
			       .lock = -1,           \
			       .alive = -1,          \
			       .log = -1,            \
			       .log_dir = -1,        \
			       .run_log = -1,        \
			       .home = -1,           \
			       .console = -1,        \
			       .consoled = -1,       \
			       .watch = -1,          \
			       .watched = -1,        \
			       .undo = CT_UNDO_INIT, \
			       .device = -1,         \
			       .holder = CT_PLACEHOLDER_INIT })

/* Closes what is open, and ends the placeholder of the scope. */
void ct_detached_close(struct ct_detached *d);
/* Opens the log of the console and its directory; `make`: a log that does not exist is made. *name:
 * the log's name in the directory. 0, also when there is to be none, or a negative errno. */
int ct_detached_open_log(const struct ct_spec *s, struct ct_detached *d, bool make,
			 const char **name, struct ct_err *e);
/* The same for console.path, the terminal or file that the console goes to. */
int ct_detached_open_device(const struct ct_spec *s, struct ct_detached *d, bool make,
			    struct ct_err *e);
/* The start has failed: removes its cgroups and its state. */
void ct_detached_undo(struct ct_detached *d, const char *name);

#endif
