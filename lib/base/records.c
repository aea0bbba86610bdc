/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ct_record {
	struct ct_record *next;
	pid_t thread;
	uint64_t used; /* when, counted in calls */
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

/* A new one, or the one that was not used for longest; NULL without memory for the first. */
static struct ct_record *place_for(struct ct_records *all, pid_t thread)
{
	struct ct_record *oldest = all->first, *r;
	unsigned n = 0;

	for (r = all->first; r; r = r->next, n++)
		if (r->used < oldest->used)
			oldest = r;
	r = n < CT_RECORDS_MAX ? calloc(1, sizeof(*r)) : NULL;
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

	free(r->more);
	r->more = *ct_err_more(from) ? strdup(ct_err_more(from)) : NULL;
	r->err = *from;
	r->err.all = NULL;
	r->view = (ct_error){ .size = sizeof(r->view),
			      .err = e->err,
			      .id = e->id,
			      .line = e->line,
			      .step = e->step,
			      .message = e->err ? e->message : "",
			      .where = e->where,
			      .step_name = e->step_name,
			      .backend = e->backend,
			      .key = e->key,
			      .file = e->file,
			      .syscall_name = e->syscall_name,
			      .object = e->object,
			      .kernel = e->kernel,
			      .hint = e->hint,
			      .more = r->more ? r->more : "" };
}

void ct_records_set(struct ct_records *all, const struct ct_err *e)
{
	static const struct ct_err none = { .step = -1 };
	pid_t thread = gettid();
	struct ct_record *r;

	pthread_mutex_lock(&all->lock);
	r = of_thread(all, thread);
	/* who never failed needs no place to say so */
	if (!r && e)
		r = place_for(all, thread);
	if (r) {
		fill(r, e ? e : &none);
		r->used = ++all->calls;
	}
	pthread_mutex_unlock(&all->lock);
}

static void drop_held(struct ct_records *all)
{
	free(all->held);
	all->held = NULL;
}

const ct_error *ct_records_get(struct ct_records *all)
{
	struct ct_record *r;

	pthread_mutex_lock(&all->lock);
	r = of_thread(all, gettid());
	drop_held(all);
	pthread_mutex_unlock(&all->lock);
	return r ? &r->view : NULL;
}

static const char *plain(const char *key)
{
	return strncmp(key, "lxc.", 4) ? key : key + 4;
}

void ct_records_hold(struct ct_records *all, const struct ct_err *e, const char *key)
{
	pthread_mutex_lock(&all->lock);
	if (!all->held) {
		/* without memory it is as if somebody had asked: the call itself has told */
		all->held = malloc(sizeof(*all->held));
		if (all->held) {
			*all->held = *e;
			all->held->all = NULL;
			snprintf(all->held_key, sizeof(all->held_key), "%s", key ? plain(key) : "");
		}
	}
	pthread_mutex_unlock(&all->lock);
}

void ct_records_let_go(struct ct_records *all, const char *key)
{
	pthread_mutex_lock(&all->lock);
	if (all->held && !strcmp(all->held_key, plain(key)))
		drop_held(all);
	pthread_mutex_unlock(&all->lock);
}

int ct_records_held(struct ct_records *all, struct ct_err *out)
{
	int held;

	pthread_mutex_lock(&all->lock);
	held = all->held != NULL;
	if (held)
		*out = *all->held;
	pthread_mutex_unlock(&all->lock);
	return held ? out->err : 0;
}
