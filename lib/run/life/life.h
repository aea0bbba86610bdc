/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room have in common. */
#ifndef CT_RUN_LIFE_LIFE_H
#define CT_RUN_LIFE_LIFE_H

#include "run/handle/container.h"

/* -ETIMEDOUT, recorded. */
int ct_timed_out(struct ct_err *e);

#endif
