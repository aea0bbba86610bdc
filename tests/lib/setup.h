/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set-up of a root test: one box for the program, a handle for each case, and what cases
 * mostly do with it. For cmocka: what fails in must_...() fails the test. */
#ifndef CT_TEST_SETUP_H
#define CT_TEST_SETUP_H

#include "box.h"

/* The program's. Between its cases box.c is NULL, but for box_setup(). */
extern struct box box;

/* For the group. box_open(); box_open_bare(); the same, after a thread and a container, since the
 * first of each leaves something in a process for good. */
int box_setup(void **state);
int box_setup_bare(void **state);
int box_setup_used(void **state);
int box_teardown(void **state);

/* For a group that counts what killed processes leave: orphans come to this process, and a detached
 * container of that name has lived, with what a regular life leaves in the state directory. */
int box_setup_lived(const char *name);

/* For a case that leaves the caller as it was: box.c is a new handle, of the name in *state (NULL:
 * anonymous). At its end a container that still runs is stopped, and box.c closed; returns how
 * many changes of the caller there are. */
int case_setup(void **state);
int case_teardown(void **state);
/* Its parts: what the caller is now is what it must be at the end; box.c is stopped when it has a
 * name and runs. */
void case_mark(void);
void case_stop(void);

/* Another handle. */
ct_container *must_open(const char *name);
/* Starts argv without standard descriptors. */
ct_process *must_start(ct_container *c, uint64_t flags, const char *const argv[]);
/* Waits for its end and releases it. */
ct_exit must_end(ct_process *p);
/* Runs the body in a process of its own: what it returns, at most 126; 128 + signal. */
int in_process_of_its_own(int (*body)(void *), void *data);
/* For wait_until(): the container is stopped; box_boots() is at least this number. */
int is_at_rest(void *c);
int has_booted(void *n);

#endif
