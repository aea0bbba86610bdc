/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mode of the tool's terminal, standard input. A process in the background leaves it alone: it
 * belongs to the process group in the foreground, and the kernel would stop us for good.
 */
#ifndef CT_TOOLS_MODE_H
#define CT_TOOLS_MODE_H

#include <stdbool.h>
#include <termios.h>

/* True when fd is not our controlling terminal, or we are in its foreground. */
bool mode_foreground(int fd);
/* Sets a mode at once, whatever is still to be read from the terminal. 0 or a negative errno. */
int mode_set(const struct termios *mode);
/* Raw mode from now on: set at once in the foreground, else by a later mode_check(); undone by
 * mode_restore() and at the tool's end. 0, also when standard input is no terminal, or a negative
 * errno. */
int mode_raw(void);
/* Sets raw mode again if it is to be set: we may have come to the foreground, or the mode may have
 * been changed while we were stopped. */
void mode_check(void);
/* Restores the mode that was found, until mode_check(). */
void mode_pause(void);
/* Restores it for good. Safe to call twice. */
void mode_restore(void);

#endif
