/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock as a backend. Init makes the ruleset, anew at each boot: it opens the paths within the
 * container, in phase CONFINE, when all is mounted and its identity is the payload's. The journal
 * keeps the rules: what attaches gets those of the start, whatever has become of the config.
 */
#include <errno.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/lsm/landlock-rules.h"
#include "plan/builder.h"

#define NAME "landlock"

struct landlock_state {
	const struct ct_spec *spec;
	const struct ct_origin *at; /* the first of the keys */
	struct ct_ll_rules rules;
	struct ct_buf text; /* for the journal */
	bool attach, lifted;
};

static bool wanted(const struct ct_spec *spec)
{
	return ct_spec_landlock(spec);
}

/* ---- the record ------------------------------------------------------------------------------ */

/* What the journal of a start says of its rules. 0, -ENODATA, -ENOMEM. */
static int read_journal(const char *journal, struct ct_arena *arena, struct ct_ll_rules *out)
{
	CT_CLEAN_RECORDS struct ct_undo_records records;
	int r = ct_undo_read(journal, strlen(journal), NAME, &records);

	if (r < 0)
		return r == -ENOMEM ? r : -ENODATA;
	if (!records.n)
		return -ENODATA;
	return ct_ll_rules_read(records.v[records.n - 1].text, arena, out);
}

static int open_attach(struct landlock_state *st, const struct ct_backend_input *in,
		       struct ct_err *e)
{
	int r = read_journal(in->records, in->arena, &st->rules);

	if (r >= 0)
		return 0;
	if (r == -ENOMEM)
		return ct_oom(e);
	ct_err_origin(e, st->at);
	ct_err_hint(e, "stop the container and start it again");
	return ct_fail(
		e, -ENODATA, CT_ERR_STATE, "attach",
		"the rules of Landlock that the container runs under are not known any more");
}

static int setup_landlock_keep(void *state, const struct ct_setup *context, const struct ct_step *s,
			       struct ct_err *e)
{
	struct landlock_state *st = state;

	(void)s;
	return ct_undo_after(context->undo, NAME, ct_buf_text(&st->text), e);
}

/* ---- the backend ----------------------------------------------------------------------------- */

static int open_state(void *state, const struct ct_backend_input *in, struct ct_err *e)
{
	struct landlock_state *st = state;
	int r;

	st->text = (struct ct_buf)CT_BUF_INIT;
	st->spec = in->req->spec;
	st->at = ct_spec_landlock(st->spec);
	st->attach = in->attach;
	/* what is lifted for an attach (CT_ATTACH_ELEVATED) are the rules, too */
	st->lifted = in->attach && in->req->elevated;
	if (st->lifted)
		return 0;
	if (in->attach)
		return open_attach(st, in, e);
	r = ct_ll_rules_make(st->spec, in->host, in->arena, &st->rules, e);
	if (r >= 0 && ct_ll_rules_text(&st->rules, &st->text) < 0)
		r = ct_oom(e);
	return r;
}

static void inputs(void *state, struct ct_builder *b)
{
	struct landlock_state *st = state;

	if (st->lifted)
		return;
	b->filtered = st->at->key;
	b->rules = true;
}

static struct ct_step *add(struct ct_builder *b, enum ct_op op, const struct ct_origin *at)
{
	return ct_plan_add(b->plan, CT_PHASE_CONFINE, op, at);
}

static int plan(void *state, struct ct_builder *b)
{
	struct landlock_state *st = state;
	const struct ct_ll_rules *rules = &st->rules;
	struct ct_step *s;
	int16_t slot;

	if (st->lifted)
		return 0;
	if (!st->attach) {
		s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_LANDLOCK_KEEP, st->at);
		s->n[0] = rules->n;
		s->s[0] = rules->digest;
	}
	slot = (int16_t)ct_plan_slot(b->plan, "rules");
	s = add(b, CT_OP_LANDLOCK_NEW, st->at);
	s->o = slot;
	s->n[0] = rules->fs;
	s->n[1] = rules->net;
	s->n[2] = rules->scope;
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct ct_ll_rule *rule = &rules->v[i];

		s = add(b, rule->path ? CT_OP_LANDLOCK_ALLOW : CT_OP_LANDLOCK_PORT, rule->at);
		s->a = slot;
		s->s[0] = rule->path;
		s->n[0] = rule->access;
		s->n[1] = rule->port;
		if (rule->tried)
			s->flags = CT_SF_OPTIONAL;
	}
	add(b, CT_OP_LANDLOCK_LOAD, st->at)->a = slot;
	return 0;
}

/* The rules of a start now against those of the start that runs. Nothing asks the kernel for the
 * rules of a process: that they hold follows from a start that has not failed. */
static void protect(const void *state, struct ct_protections *r)
{
	const struct landlock_state *st = state;
	struct ct_ll_rules runs = { .n = 0 };
	const char *got = "not known";
	bool ok = read_journal(r->records, r->arena, &runs) >= 0;

	if (ok)
		got = CT_ROW_TEXT(r, "%u rules, digest %s, as noted by the start", runs.n,
				  runs.digest);
	ct_protections_add(
		r, ok && !strcmp(runs.digest, st->rules.digest), "rules of Landlock",
		CT_ROW_TEXT(r, "%u rules, digest %s", st->rules.n, st->rules.digest), got,
		"landlock_restrict_self; the kernel does not tell the rules of a process");
}

static void close_state(void *state)
{
	struct landlock_state *st = state;

	ct_buf_free(&st->text);
}

const struct ct_backend ct_backend_landlock = {
	.name = NAME,
	.state = sizeof(struct landlock_state),
	.wanted = wanted,
	.open = open_state,
	.inputs = inputs,
	.plan = plan,
	.setup = setup_landlock_keep,
	.protect = protect,
	.close = close_state,
};
