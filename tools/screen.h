/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole screen for a tool that draws again and again: plain escape sequences on standard output,
 * keys from standard input. */
#ifndef CT_TOOLS_SCREEN_H
#define CT_TOOLS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when standard input and output are terminals that know escape sequences. */
bool screen_here(void);
/* Takes the terminal and the signals that end, stop or resize (blocked until screen_end(), read by
 * screen_wait()); in the background it is left alone until we come to the foreground. The terminal
 * is given back by screen_end(), and by the tool's end. 0 or a negative errno. */
int screen_begin(void);
/* Gives the terminal back. Safe to call twice. */
void screen_end(void);
/* Rows and columns of the terminal now; 24 and 80 if it does not have them. */
void screen_size(unsigned *rows, unsigned *cols);
/* Draws lines of text, divided by newlines, each no wider than the screen, no more than it
 * has rows. 0 or -EIO. */
int screen_draw(const char *text);

/* What screen_wait() returns besides a key: */
enum {
	SCREEN_TIME_UP = -1,
	SCREEN_AGAIN = -2 /* its size changed, or it was in the background */,
	SCREEN_CLOSED = -3
};
/* Waits for a key until the monotonic clock reads until_ms. SCREEN_CLOSED: the terminal has gone,
 * or the signal *sig asks to end (0: none). */
int screen_wait(int64_t until_ms, int *sig);

#endif
