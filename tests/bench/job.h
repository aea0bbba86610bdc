/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs that measure the library share: containers of a profile, started, reaped, in
 * directories of their own. */
#ifndef CT_BENCH_JOB_H
#define CT_BENCH_JOB_H

#include <contain/contain.h>

#include <stdbool.h>

#include "bench.h"

struct job {
	const char *profile, *rootfs, *program;
	ct_new_opts where;
	char base[256], dir[288], state[288]; /* of `where` */
};

/* The end of the program with the library's own message. */
#define ok(c, call) \
	((call) < 0 ? die("contain: %s: %s", #call, ct_last_error(c)->message) : (void)0)

/* Makes directories of our own, so that nothing of the machine's is looked at. */
void job_begin(struct job *j, const char *profile, const char *rootfs, const char *program);
/* Removes them. */
void job_end(const struct job *j);
/* A container of the profile, described and not started. name: NULL for one that is
 * never stored. */
ct_container *job_make(const struct job *j, const char *name);
/* Starts a program in it. */
void job_run(ct_container *c, const char *program, uint64_t flags, ct_process **out);
/* Waits until it has ended as it should. */
void job_reap(ct_process *p);
/* Ends a container that would stay. */
void job_kill(ct_container *c, ct_process *p);

#endif
