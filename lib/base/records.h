/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why the last call on a handle failed, for each thread that has called: one never
 * reads another's words. */
#ifndef CT_BASE_RECORDS_H
#define CT_BASE_RECORDS_H

#include <pthread.h>

#include <contain/contain.h>

#include "base/error.h"

/* threads; then the one that has not called for longest gives its place up */
#define CT_RECORDS_MAX 64

struct ct_record;

/* A handle's. All zero but the mutex, which ct_records_init() makes. */
struct ct_records {
	pthread_mutex_t lock;
	struct ct_record *first;
	uint64_t calls;
	struct ct_err *held; /* of a change that failed, which nobody has asked about; NULL: none */
	char held_key[96];
};

/* Makes an empty one, for ct_records_free(). */
void ct_records_init(struct ct_records *all);
/* Releases all of it; no thread uses it any more. */
void ct_records_free(struct ct_records *all);
/* The calling thread's last call has ended: `e` is why it failed, NULL: it did not; with
 * what e has collected. */
void ct_records_set(struct ct_records *all, const struct ct_err *e);
/* A change of the config has failed: remembered, if it is the first, until any thread asks for an
 * error. `key`: which one was set; NULL: it was no key. */
void ct_records_hold(struct ct_records *all, const struct ct_err *e, const char *key);
/* The key has been set after all. */
void ct_records_let_go(struct ct_records *all, const char *key);
/* 0; or what is remembered, in *out. */
int ct_records_held(struct ct_records *all, struct ct_err *out);
/* What the calling thread was told last; NULL: nothing. Stays until its next call. */
const ct_error *ct_records_get(struct ct_records *all);

#endif
