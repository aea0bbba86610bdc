/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the cases of several programs do: run something inside and look at what it says. */
#ifndef CT_TEST_CVE_HELP_H
#define CT_TEST_CVE_HELP_H

#include "cve.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* The case has failed, also in a process of its own (in_process_of_its_own()). */
void give_up(const char *why);
/* What the program printed, to be freed; the call must succeed. opts may be NULL. */
char *said(ct_container *c, const ct_start_opts *opts, const char *const argv[]);
char *said_attached(ct_container *c, const ct_attach_opts *opts, const char *const argv[]);
/* A program that only waits, in c; ended by its handle's release. */
ct_process *waiting(ct_container *c);
/* Releases both. */
void let_go(ct_container *c, ct_process *p);

/* Carries out attempts (attempt.c) by a start, or by an attach to what c runs: the report. stdin is
 * the terminal's, or -1. */
char *attempted(ct_container *c, const char *const names[], int tty);
char *attempted_attached(ct_container *c, const char *const names[], int tty);
/* Of a report: 0 when it was done, an errno, or -1 when it ended by a signal. The case fails when
 * it is not there. */
int outcome(const char *report, const char *name);
/* None of them is done: else escape(). */
void none_done(const char *report, const char *how, const char *const names[]);
/* None of them is done by a program that c starts, nor by one attached to it. c is released. */
void none_can(ct_container *c, const char *const names[]);
/* All of them are done where nothing stands in the way: the attempts can succeed. */
void all_can(const char *const names[]);

/* The value of "Name:\t..." in /proc/PID/status or its text inside; "" when it is not there. */
const char *status_field(const char *text, const char *name, char *buf, size_t size);

#endif
