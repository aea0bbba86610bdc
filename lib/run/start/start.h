/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two kinds of start share. */
#ifndef CT_RUN_START_START_H
#define CT_RUN_START_START_H

#include "run/handle/container.h"

/* Descriptors as options give them (0: the caller's own, -1: none) to real ones. */
void ct_start_stdio(const int given[3], int out[3]);
/* A copy of the config with the values that the start's options and the kind of program have
 * decided. NULL, recorded. */
struct ct_config *ct_start_config(const struct ct_container *c, const struct ct_prepared *p,
				  struct ct_err *e);
/* Makes the plan, and the memory that an output pump shares. 0 or a negative errno, recorded. */
int ct_start_build(struct ct_prepared *p, struct ct_output *output, struct ct_err *e);
struct ct_launch;
/* Carries out the steps of phase SETUP, with *undo as the journal. *holder keeps a scope of systemd
 * alive until the container is in it: ct_placeholder_end() it then, also after a failure. On
 * failure nothing is left, and the record has step, key and reason. */
int ct_start_setup(struct ct_launch *l, struct ct_undo *undo, struct ct_placeholder *holder,
		   struct ct_err *e);
/* Goes on with a prepared start whose supervisor stays. 0 or a negative errno, recorded. */
int ct_start_detached(struct ct_container *c, const ct_start_opts *o, struct ct_process *proc,
		      struct ct_err *e);

#endif
