/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A container of a name that is started in the foreground: under a supervisor as any other, so that
 * the other tools find it, with this terminal as its console, or with the tool's standard input,
 * output and error when they are no terminals.
 */
#ifndef CT_TOOLS_FOREGROUND_H
#define CT_TOOLS_FOREGROUND_H

#include "common.h"
#include "terminal.h"

/* Starts it and stays until its end. `so` has the command and flags; `s` program and on_signal
 * (whose ended_for counts after). Returns 0 with *x, or the exit code after saying why;
 * nothing runs then. */
int run_foreground(const struct args *a, ct_container *c, ct_start_opts *so, struct session *s,
		   const char *pidfile, ct_exit *x);
/* Sets what run_foreground() would, for the plan. */
void plan_foreground(ct_start_opts *so);
/* Writes a process id to a file (NULL: nothing to do). Returns 0, or the exit code
 * after saying why. */
int write_pidfile(const struct args *a, const char *file, pid_t pid);

#endif
