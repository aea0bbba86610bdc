/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of events share: one box, one handle that asks, and what it was told. */
#ifndef CT_TEST_EVENTS_H
#define CT_TEST_EVENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <contain/contain.h>

#include "run.h"
#include "setup.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, events_setup, events_teardown)

/* the handle that asks for events; box.c unless ask() was told otherwise */
extern ct_container *seer;
extern int fd;		/* its descriptor */
extern char told[4096]; /* what it was told, "STARTED OOM_KILL=2 .." */

/* For cmocka: of each test, which leaves the caller as it was; the group has box_setup_used(). */
int events_setup(void **state);
int events_teardown(void **state);

/* Asks for events, by another handle than the one that starts when `other`. */
void ask(int other, const ct_event_opts *opts);
/* Back to the handle that starts, with nothing told. */
void ask_no_more(void);
int readable(int ms);
/* Takes one event and writes it down: 1 or 0. Or what there is now: all that was told so far. */
int take(void);
const char *take_all(void);
void forget(void);
/* Whether an event was told, and how often, whatever its count. */
int knows(const char *word);
int count(const char *word);
/* Waits for notices, as a caller does, until the event was told; or asks, where the
 * kernel gives no notice. */
void wait_told(const char *word);
void ask_until(const char *word);
/* Nothing more to say, and the descriptor agrees; notices that are under way are given a moment. */
void quiet(void);

/* Starts and waits for the end. */
ct_process *start(int detached, const char *const argv[]);
void end(ct_process *p);
/* How many lines of the descriptions of this process' descriptors begin so. */
int watches(const char *line);

#endif
