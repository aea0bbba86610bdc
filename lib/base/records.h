/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why the last call on a handle failed, kept for each calling thread: none reads another thread's
 * error. */
#ifndef CT_BASE_RECORDS_H
#define CT_BASE_RECORDS_H

#include <pthread.h>

#include <contain/contain.h>

#include "base/error.h"

/* threads; one more takes the record of the thread whose last call is oldest */
#define CT_RECORDS_MAX 64

struct ct_record;

/* Of one handle. */
struct ct_records {
	pthread_mutex_t lock;
	struct ct_record *first;
	uint64_t calls;
	/* of a failed change of the config after which no thread has read an error; NULL: none */
	struct ct_err *held;
	char held_key[96];
};

/* Makes an empty one, to be released by ct_records_free(). */
void ct_records_init(struct ct_records *all);
/* Releases all of it. No thread may use it any more. */
void ct_records_free(struct ct_records *all);
/* A call of this thread has ended: e is why it failed, with the faults it has collected; NULL: it
 * succeeded. */
void ct_records_set(struct ct_records *all, const struct ct_err *e);
/* A change of the config has failed. The first such failure is kept until a thread calls
 * ct_records_get(). `key`: the key that was to be set; NULL: it was another change. */
void ct_records_hold(struct ct_records *all, const struct ct_err *e, const char *key);
/* The key has been set: a failure to set it is not kept any longer. */
void ct_records_let_go(struct ct_records *all, const char *key);
/* The failure that is kept, in *out, and its errno; 0: none is. */
int ct_records_held(struct ct_records *all, struct ct_err *out);
/* The error of the calling thread's last call; NULL: none of its calls has failed. Valid until its
 * next call. */
const ct_error *ct_records_get(struct ct_records *all);

#endif
