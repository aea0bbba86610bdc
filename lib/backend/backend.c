/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls the functions of all backends of a start or attach. */
#include "backend/backend.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/sys.h"
#include "plan/trace.h"

/* The first key of the config that is `key`, or begins with it and a dot; NULL: there is none. */
static const struct ct_origin *key_of(const struct ct_spec *spec, const char *key)
{
	size_t n = strlen(key);

	for (uint32_t i = 0; i < spec->n_entries; i++) {
		const struct ct_origin *at = &spec->entries[i].at;

		if (!strncmp(at->key, key, n) && (!at->key[n] || at->key[n] == '.'))
			return at;
	}
	return NULL;
}

/* Fails when the host does not support the backend. */
static int probe(const struct ct_backend *b, const struct ct_backend_input *in, struct ct_err *e)
{
	const char *why = NULL, *where = "start";

	if (!b->probe || b->probe(in->host, &why))
		return 0;
	if (in->attach)
		where = "attach";
	ct_err_backend(e, b->name);
	if (b->key) {
		ct_err_origin(e, key_of(in->req->spec, b->key));
		ct_err_hint(e, "clear the key to start without it");
	}
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_NOT_YET, where, "%s", why);
}

static int open_one(struct ct_backend_set *set, const struct ct_backend *b,
		    const struct ct_backend_input *in, struct ct_err *e)
{
	void *state;
	int r = probe(b, in, e);

	if (r < 0)
		return r;
	state = ct_arena_alloc(in->arena, b->state);
	if (!state)
		return ct_oom(e);
	/* before it is opened, so that it is closed also when that fails */
	set->v[set->n] = b;
	set->state[set->n] = state;
	set->area[set->n++] = (struct ct_area){ state, b->inputs, b->plan, b->mounts };
	r = b->open(state, in, e);
	if (r < 0 && e && !e->backend[0])
		ct_err_backend(e, b->name);
	return r;
}

int ct_backends_open(struct ct_backend_set *set, const struct ct_backend_input *in,
		     struct ct_err *e)
{
	int r = 0;

	for (const struct ct_backend *const *b = ct_backends; *b && r >= 0; b++)
		if (!(*b)->wanted || (*b)->wanted(in->req->spec))
			r = open_one(set, *b, in, e);
	in->req->areas = set->area;
	in->req->n_areas = set->n;
	return r;
}

void ct_backends_close(struct ct_backend_set *set)
{
	while (set->n > 0) {
		set->n--;
		if (set->v[set->n]->close)
			set->v[set->n]->close(set->state[set->n]);
	}
}

void ct_backends_protect(const struct ct_backend_set *set, struct ct_protections *r)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->v[i]->protect)
			set->v[i]->protect(set->state[i], r);
}

void ct_backends_sweep(const struct ct_backend_set *set)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->v[i]->sweep)
			set->v[i]->sweep(set->state[i]);
}

void ct_backends_notice(const struct ct_backend_set *set, const struct ct_log *log)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const char *text = NULL;

		if (set->v[i]->notice)
			text = set->v[i]->notice(set->state[i]);
		if (text)
			ct_log(log, CT_LOG_NOTICE, "%s", text);
	}
}

/* Undoes the records of one backend. */
static int undo_one(const struct ct_backend *b, const char *text, size_t len, struct ct_err *e)
{
	CT_CLEAN_RECORDS struct ct_undo_records records;
	int r = ct_undo_read(text, len, b->name, &records);

	if (r == -ENOMEM)
		return ct_oom(e);
	/* a text that is no journal has no records */
	if (r < 0 || !records.n)
		return 0;
	return b->undo(records.v, records.n, e);
}

int ct_undo_run(const char *text, size_t len, struct ct_err *e)
{
	int first = 0;
	uint32_t i = 0;

	while (ct_backends[i])
		i++;
	while (len && i-- > 0) {
		int r = 0;

		if (ct_backends[i]->undo)
			r = undo_one(ct_backends[i], text, len, e);
		if (r < 0 && !first) {
			first = r;
			e = NULL;
		}
	}
	return first;
}

int ct_undo_all(struct ct_undo *u, struct ct_err *e)
{
	int r = ct_undo_run(u->text.data, u->text.len, e);

	u->text.len = 0;
	return r;
}

/* A step is carried out by the backend whose name its own begins with. */
static int carry_out(struct ct_backend_set *set, const struct ct_setup *context,
		     const struct ct_step *s, struct ct_err *e)
{
	const char *name = ct_op_name(s->op);
	size_t len = strcspn(name, ".");

	for (uint32_t i = 0; i < set->n; i++) {
		const struct ct_backend *b = set->v[i];
		int r;

		if (strncmp(b->name, name, len) || b->name[len] || !b->setup)
			continue;
		r = b->setup(set->state[i], context, s, e);
		if (r < 0 && e && !e->backend[0])
			ct_err_backend(e, b->name);
		return r;
	}
	return ct_fail(e, -EINVAL, CT_ERR_PLAN, "start", "the caller cannot carry out this step");
}

int ct_backends_setup(struct ct_backend_set *set, const struct ct_setup *context, struct ct_err *e)
{
	const struct ct_plan *plan = context->plan;

	for (uint32_t i = 0; i < plan->n_setup; i++) {
		const struct ct_step *s = &plan->steps[i];
		uint64_t began = ct_now_ns(CLOCK_MONOTONIC);
		int r = carry_out(set, context, s, e);

		if (r >= 0) {
			ct_trace_step(context->log, plan, i, ct_now_ns(CLOCK_MONOTONIC) - began);
			continue;
		}
		ct_err_step(e, (int)i, ct_op_name(s->op));
		if (s->at->key[0])
			ct_err_origin(e, s->at);
		ct_undo_all(context->undo, NULL);
		return r;
	}
	return 0;
}
