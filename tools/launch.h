/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A start, or an attach, that can be cancelled: SIGINT, SIGTERM, SIGHUP and SIGQUIT, unless they
 * were ignored when the tool began, end it at any moment, within a session or without. Nothing of
 * it is left then.
 */
#ifndef CT_TOOLS_LAUNCH_H
#define CT_TOOLS_LAUNCH_H

#include <contain/contain.h>

#include "common.h"

/* Starts c, as ct_start() does. Returns 0 with *out, the caller's; or the exit code, 128 + signal
 * when it was cancelled, after an error message. *out is then the process that did not begin, or
 * NULL, for launch_error(). */
int launch_start(const struct args *a, ct_container *c, const ct_start_opts *so, ct_process **out);
/* The same with ct_attach(). */
int launch_attach(const struct args *a, ct_container *c, const ct_attach_opts *ao,
		  ct_process **out);
/* Why it failed; never NULL. */
const ct_error *launch_error(ct_container *c, ct_process *p);

#endif
