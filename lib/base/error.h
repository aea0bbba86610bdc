/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of a failure, in fixed storage. It is made where the failure is seen and passed on
 * unchanged. */
#ifndef CT_BASE_ERROR_H
#define CT_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <contain/errors.h> /* CT_ERR_*, generated from doc/errors.yaml */

#include "base/buf.h"

struct ct_faults;
struct ct_origin;

struct ct_err {
	int err; /* negative errno, 0: none */
	int id;	 /* CT_ERR_* */
	int line;
	int step; /* -1: none */
	char where[16];
	char step_name[32];
	char backend[32];
	char key[96];
	char file[256];
	char syscall_name[32];
	char object[256];
	char kernel[160];
	char hint[320];
	char reason[320];      /* the sentence given to ct_fail() */
	char message[1024];    /* made of the parts above whenever one changes */
	struct ct_faults *all; /* where faults are collected; NULL: the first ends the call */
};

/* All faults of something that has several, such as a file of many lines. */
struct ct_faults {
	struct ct_buf text; /* their messages, one a line */
	struct ct_err first;
	uint32_t n;
	/* keys whose values were left out because they were faulty, one a line */
	struct ct_buf keys;
	bool keep_good; /* a config file with faults is loaded without the faulty lines */
	/* from now on a fault that names one of `keys` is not collected: it may only follow from
	 * the value that was left out */
	bool derived;
};
#define CT_FAULTS_MAX 1000 /* more are counted, without their messages */

/* Adds the fault in e to those collected and empties e, so that the check can go on. False: e is
 * unchanged and is to be returned, because faults are not collected or memory ran out. */
bool ct_err_next(struct ct_err *e);
/* Returns r, or 0 when it is the failure in e and ct_err_next() has collected it. */
int ct_err_go_on(struct ct_err *e, int r);
void ct_faults_free(struct ct_faults *all);
/* 0 when nothing was collected; else e holds the first fault, and its errno is returned. */
int ct_err_collected(struct ct_err *e);
/* The messages of the faults after the first, one a line; "": there are none. */
const char *ct_err_more(const struct ct_err *e);
/* Empties e, but keeps e->all. */
void ct_err_reset(struct ct_err *e);
/* Makes an empty record (step -1). */
void ct_err_clear(struct ct_err *e);
/* Records a failure: err (negative errno), id, where ("config", "plan", ...), reason (printf). Key,
 * file, line, object and hint that were set before with the functions below are kept. A record that
 * already holds an error is not changed: the first is the cause. Returns err. e may be NULL. */
int ct_fail(struct ct_err *e, int err, int id, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The same for a failed system call. The message has the errno's text behind the reason, and names
 * `call` where there is no step. */
int ct_fail_sys(struct ct_err *e, int err, int id, const char *where, const char *call,
		const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Set a part of the record, before or after ct_fail(). NULL arguments are ignored. */
void ct_err_origin(struct ct_err *e, const struct ct_origin *at);
void ct_err_object(struct ct_err *e, const char *object);
void ct_err_syscall(struct ct_err *e, const char *name);
void ct_err_step(struct ct_err *e, int step, const char *name);
void ct_err_backend(struct ct_err *e, const char *name);
void ct_err_kernel(struct ct_err *e, const char *text);
void ct_err_hint(struct ct_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Records and returns -ENOMEM. */
int ct_oom(struct ct_err *e);

/* The kernel's sentence for a positive errno, independent of locale and thread-safe:
 * "Invalid argument". */
const char *ct_errno_text(int err);
/* The errno of a name such as "EPERM"; -1: there is none. */
int ct_errno_number(const char *name);

/*
 * Message form, parts that are empty left out:
 *   KEY (FILE:LINE): STEP "OBJECT": REASON [: ERRNO TEXT] [(KERNEL)]. Hint: HINT
 * The errno text is added when the reason is empty or the error comes from a system call.
 */
#endif
