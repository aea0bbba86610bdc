/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels of security modules in a plan, for the backends of all of them. */
#ifndef CT_BACKEND_LSM_LABEL_H
#define CT_BACKEND_LSM_LABEL_H

#include "plan/builder.h"

struct ct_label {
	const char *file;  /* below /proc/PID: "attr/apparmor/exec" */
	const char *text;  /* what is written to it */
	const char *reads; /* the label that it must have then; NULL: the text */
	const struct ct_origin *at;
};

/*
 * Adds the step that writes a label of the process that executes the program, by a proc file system
 * of init's own, and reads it back; start hooks of the root file system get those of phase CONFINE
 * before their exec, too.
 *
 * CT_PHASE_CONFINE: a label for the exec, in the order of the calls. Filters come behind it.
 * CT_PHASE_IDENTITY: before all that ct_build_identity() adds, such as the new keyring.
 */
void ct_label_plan(struct ct_builder *b, enum ct_phase phase, const struct ct_label *label);
/* Of the small init, which never executes anything: a label that holds at once. Nothing is added
 * to the plan of a container that has none. */
void ct_label_plan_reaper(struct ct_builder *b, const struct ct_label *label);

#endif
