/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ask.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quantity.h"

#define AT_ONCE 16 /* threads to begin with, and how many more when none has had an answer */
#define STUCK_MS 100

/* Shared with threads that may outlive the call. */
struct round {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	struct ask *v;
	size_t n, next, done;
	size_t threads; /* that still use this */
	int left;	/* the caller has returned: the last thread releases it */
};

static void leave(struct round *r)
{
	int last = r->left && r->threads == 0;

	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->answered);
	free(r->v);
	free(r);
}

static void ask_one(struct ask *a)
{
	a->pid = 0;
	a->state = ct_state(a->c);
	if (a->state < 0) {
		snprintf(a->why, sizeof(a->why), "%s", ct_last_error(a->c)->message);
		return;
	}
	if (a->state != CT_STATE_STOPPED)
		a->pid = ct_init_pid(a->c);
	if (a->pid < 0)
		a->pid = 0;
}

static void *ask_some(void *arg)
{
	struct round *r = arg;

	pthread_mutex_lock(&r->lock);
	while (r->next < r->n && !r->left) {
		struct ask *a = &r->v[r->next++], answer = *a;

		pthread_mutex_unlock(&r->lock);
		ask_one(&answer);
		pthread_mutex_lock(&r->lock);
		answer.late = 0;
		*a = answer;
		r->done++;
		pthread_cond_signal(&r->answered);
	}
	r->threads--;
	leave(r);
	return NULL;
}

/* Starts more threads, with the lock held. */
static void start_threads(struct round *r)
{
	size_t wanted = r->n - r->next;
	sigset_t all, before;
	pthread_t t;

	if (wanted > AT_ONCE)
		wanted = AT_ONCE;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < wanted && !pthread_create(&t, NULL, ask_some, r); i++) {
		pthread_detach(t);
		r->threads++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void await(struct round *r, int64_t until)
{
	int64_t left;

	while (r->done < r->n && (left = until - clock_ms()) > 0) {
		struct timespec t;
		size_t done = r->done;

		if (left > STUCK_MS)
			left = STUCK_MS;
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += (long)left * 1000000;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&r->answered, &r->lock, &t) == ETIMEDOUT &&
		    r->done == done)
			start_threads(r);
	}
}

static struct round *round_new(const struct ask *v, size_t n)
{
	struct round *r = calloc(1, sizeof(*r));
	pthread_condattr_t monotonic;

	if (!r)
		return NULL;
	r->v = calloc(n + 1, sizeof(*v));
	if (!r->v) {
		free(r);
		return NULL;
	}
	memcpy(r->v, v, n * sizeof(*v));
	r->n = n;
	for (size_t i = 0; i < n; i++) {
		r->v[i].state = -ETIMEDOUT;
		r->v[i].late = 1;
		snprintf(r->v[i].why, sizeof(r->v[i].why), "its supervisor does not answer");
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return r;
}

int ask_all(struct ask *v, size_t n, int patience_ms)
{
	struct round *r = round_new(v, n);

	if (!r)
		return -ENOMEM;
	pthread_mutex_lock(&r->lock);
	start_threads(r);
	await(r, clock_ms() + patience_ms);
	memcpy(v, r->v, n * sizeof(*v));
	r->left = 1;
	leave(r);
	return 0;
}
