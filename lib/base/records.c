/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/records.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/origin.h"

struct ct_record {
	struct ct_record *next;
	pid_t thread;
	uint64_t used; /* ct_records.calls when it was set last */
	struct ct_err err;
	char *more;
	ct_error view;
};

void ct_records_init(struct ct_records *all)
{
	*all = (struct ct_records){ .first = NULL };
	pthread_mutex_init(&all->lock, NULL);
}

void ct_records_free(struct ct_records *all)
{
	struct ct_record *r;

	while ((r = all->first)) {
		all->first = r->next;
		free(r->more);
		free(r);
	}
	free(all->held);
	pthread_mutex_destroy(&all->lock);
}

static struct ct_record *of_thread(struct ct_records *all, pid_t thread)
{
	struct ct_record *r = all->first;

	while (r && r->thread != thread)
		r = r->next;
	return r;
}

/* A record for a thread that has none: a new one, or when there are CT_RECORDS_MAX the one that was
 * used least recently. NULL: there is none yet, and no memory. */
static struct ct_record *place_for(struct ct_records *all, pid_t thread)
{
	struct ct_record *oldest = all->first, *r;
	unsigned n = 0;

	for (r = all->first; r; r = r->next, n++)
		if (r->used < oldest->used)
			oldest = r;
	if (n < CT_RECORDS_MAX)
		r = calloc(1, sizeof(*r));
	if (r) {
		r->next = all->first;
		all->first = r;
	} else {
		r = oldest;
	}
	if (r)
		r->thread = thread;
	return r;
}

static void fill(struct ct_record *r, const struct ct_err *from)
{
	const struct ct_err *e = &r->err;
	const char *more = ct_err_more(from);

	free(r->more);
	r->more = NULL;
	if (*more)
		r->more = strdup(more);
	r->err = *from;
	r->err.all = NULL;
	r->view = (ct_error){ .size = sizeof(r->view),
			      .err = e->err,
			      .id = e->id,
			      .line = e->line,
			      .step = e->step,
			      .message = "",
			      .where = e->where,
			      .step_name = e->step_name,
			      .backend = e->backend,
			      .key = e->key,
			      .file = e->file,
			      .syscall_name = e->syscall_name,
			      .object = e->object,
			      .kernel = e->kernel,
			      .hint = e->hint,
			      .more = "" };
	if (e->err)
		r->view.message = e->message;
	if (r->more)
		r->view.more = r->more;
}

void ct_records_set(struct ct_records *all, const struct ct_err *e)
{
	static const struct ct_err none = { .step = -1 };
	pid_t thread = gettid();
	struct ct_record *r;

	pthread_mutex_lock(&all->lock);
	r = of_thread(all, thread);
	/* a thread without a failed call so far needs no record */
	if (!r && e)
		r = place_for(all, thread);
	if (!e)
		e = &none;
	if (r) {
		fill(r, e);
		r->used = ++all->calls;
	}
	pthread_mutex_unlock(&all->lock);
}

static void free_held(struct ct_records *all)
{
	free(all->held);
	all->held = NULL;
}

const ct_error *ct_records_get(struct ct_records *all)
{
	struct ct_record *r;

	pthread_mutex_lock(&all->lock);
	r = of_thread(all, gettid());
	free_held(all);
	pthread_mutex_unlock(&all->lock);
	if (!r)
		return NULL;
	return &r->view;
}

void ct_records_hold(struct ct_records *all, const struct ct_err *e, const char *key)
{
	pthread_mutex_lock(&all->lock);
	if (!all->held) {
		/* without memory the failure is not held: the call itself has returned it */
		all->held = malloc(sizeof(*all->held));
		if (all->held) {
			*all->held = *e;
			all->held->all = NULL;
			all->held_key[0] = '\0';
			if (key)
				snprintf(all->held_key, sizeof(all->held_key), "%s",
					 ct_plain_key(key));
		}
	}
	pthread_mutex_unlock(&all->lock);
}

void ct_records_let_go(struct ct_records *all, const char *key)
{
	pthread_mutex_lock(&all->lock);
	if (all->held && !strcmp(all->held_key, ct_plain_key(key)))
		free_held(all);
	pthread_mutex_unlock(&all->lock);
}

int ct_records_held(struct ct_records *all, struct ct_err *out)
{
	bool held;

	pthread_mutex_lock(&all->lock);
	held = all->held != NULL;
	if (held)
		*out = *all->held;
	pthread_mutex_unlock(&all->lock);
	if (!held)
		return 0;
	return out->err;
}
