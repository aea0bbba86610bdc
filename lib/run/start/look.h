/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the steps of a plan will fail, as far as it can be known without carrying them out. */
#ifndef CT_RUN_START_LOOK_H
#define CT_RUN_START_LOOK_H

#include <stdbool.h>

#include "run/handle/container.h"

/* Checks what each step of `plan` names of the host and of the root directory. A failure is
 * recorded in e as the stage would report it. True when there is none, or all have been collected;
 * false when e holds the first. */
bool ct_look_steps(struct ct_prepared *p, const struct ct_plan *plan, struct ct_err *e);

#endif
