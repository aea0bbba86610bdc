/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard output and error of a tool that prints: all of it arrives or the exit code tells, also
 * on a descriptor that somebody else has made non-blocking, and from whatever place the tool
 * leaves. No control character goes to standard output.
 */
#ifndef CT_TOOLS_OUT_H
#define CT_TOOLS_OUT_H

#include "options.h"

/* Takes both streams over, before anything is printed; at the tool's end what could not be written
 * makes its exit code. 0 or -ENOMEM. */
int out_begin(void);
/* Prints bytes of a payload: into a file or a pipe unchanged, on a terminal like all else, without
 * what could control it. */
void out_as_it_is(const char *text, size_t n);
/* Writes what has been printed so far. Returns 0, or the exit code after saying why; nothing is
 * said of a reader that has gone, the code is then as if SIGPIPE had ended us. */
int out_flush(const struct args *a);

#endif
