/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stage's reports, read as hostile, and made into the caller's error. */
#ifndef CT_RUN_REPORT_H
#define CT_RUN_REPORT_H

#include "base/error.h"
#include "run/spawn.h"
#include "wire/wire.h"

/* Reads reports from `sock` until the program is executed or the supervisor is ready; fills *child. 0; 1 when the socket closed before that
 * (nothing is recorded then: ct_spawn() knows why); or the stage's error, recorded in e. */
int ct_follow(int sock, const struct ct_spawn *s, struct ct_child *child, struct ct_err *e);

#endif
