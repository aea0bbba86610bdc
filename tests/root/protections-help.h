/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A payload that only runs, for those who look at it. */
#ifndef CT_TEST_PROTECTIONS_HELP_H
#define CT_TEST_PROTECTIONS_HELP_H

#include "setup.h"

/* Kills it, and closes the handle. */
void end(ct_container *c, ct_process *p);

#endif
