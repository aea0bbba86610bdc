/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the stage's reports, as hostile, and makes them the caller's error. */
#ifndef CT_RUN_CHILD_REPORT_H
#define CT_RUN_CHILD_REPORT_H

#include "base/error.h"
#include "run/child/spawn.h"
#include "wire/wire.h"

/* Records as the caller's error how a step has failed, or will fail: `r` is what the stage reports
 * of it. `step` counts all steps of the plan; a number beyond them is the stage itself. Returns the
 * negative errno. */
int ct_report_fault(const struct ct_plan *plan, uint32_t step, const struct ct_report *r,
		    struct ct_err *e);
/* Reads child->report until the program is executed or the supervisor is ready; fills *child. 0; 1
 * when the socket closed before that (nothing is recorded then: ct_spawn_follow() knows why);
 * -EINPROGRESS when until_ms has come; or the stage's error, recorded in e. */
int ct_follow(const struct ct_spawn *s, struct ct_child *child, int64_t until_ms, struct ct_err *e);

#endif
