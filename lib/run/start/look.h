/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the steps of a plan will meet, as far as it can be known without carrying them out. */
#ifndef CT_RUN_START_LOOK_H
#define CT_RUN_START_LOOK_H

#include <stdbool.h>

#include "run/handle/container.h"

/* Looks at what each step of `plan` names of the host and of the root directory. What a start would
 * be refused for is recorded in e as the stage would tell it. True when all is well, or has been
 * collected; false when e holds what was met first. */
bool ct_look_steps(struct ct_prepared *p, const struct ct_plan *plan, struct ct_err *e);

#endif
