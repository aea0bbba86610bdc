/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard output and error of a tool that prints: a failed write makes the exit code, wherever the
 * tool ends; a descriptor that another process has made non-blocking is no failure. No control
 * character goes to standard output.
 */
#ifndef CT_TOOLS_OUT_H
#define CT_TOOLS_OUT_H

#include "options.h"

/* Takes both streams over, before anything is printed; at the tool's end what could not be written
 * makes its exit code. 0 or -ENOMEM. */
int out_begin(void);
/* Prints bytes of a payload: into a file or a pipe unchanged, on a terminal without control
 * characters. */
void out_as_it_is(const char *text, size_t n);
/* Writes what has been printed so far. Returns 0, or the exit code after an error message; if the
 * reader has gone there is no message, and the code is that of an end by SIGPIPE. */
int out_flush(const struct args *a);

#endif
