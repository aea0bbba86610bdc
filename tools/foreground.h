/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A named container that is started in the foreground: under a supervisor as any other, so that the
 * other tools find it, with this terminal as its console, or with the tool's standard input, output
 * and error if they are no terminals.
 */
#ifndef CT_TOOLS_FOREGROUND_H
#define CT_TOOLS_FOREGROUND_H

#include "common.h"
#include "terminal.h"

/* Starts it and waits for its end. `so` has the command and flags; `s` has `program` and on_signal,
 * and is for session_code() afterwards. Returns 0 with *x, or the exit code after an error message:
 * then it is not running. */
int run_foreground(const struct args *a, ct_container *c, ct_start_opts *so, struct session *s,
		   const char *pidfile, ct_exit *x);
/* Sets what run_foreground() would, for the plan. */
void plan_foreground(ct_start_opts *so);
/* Writes a process id to a file (NULL: none). Returns 0, or the exit code after an error
 * message. */
int write_pidfile(const struct args *a, const char *file, pid_t pid);

#endif
