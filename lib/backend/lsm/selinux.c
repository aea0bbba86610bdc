/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SELinux as a backend: contexts for the payload's exec, for its session keyring and for file
 * systems that are made new. Each is asked about before anything is made. The kernel carries the
 * transition out, and has the last word: with no_new_privs, or a root file system that is mounted
 * nosuid, the policy must allow that, too.
 */
#include "backend/backend.h"
#include "backend/lsm/label.h"
#include "backend/lsm/record.h"
#include "backend/lsm/selinux-policy.h"
#include "model/context.h"

#include <errno.h>

enum { EXEC, KEYRING, MOUNT, N };

/* What each asks of the policy, and its record in the journal. */
static const struct {
	const char *class, *permission, *own, *record;
} asks[N] = {
	[EXEC] = { "process", "transition", "setexec", "selinux.label" },
	[KEYRING] = { "key", "create", "setkeycreate", "selinux.keyring" },
	[MOUNT] = { "filesystem", "relabelto", NULL, NULL },
};

struct selinux_state {
	const struct ct_spec *spec;
	bool attach;
	/* what is set, each with its key; NULL: nothing */
	const char *context[N], *key[N];
};

static bool wanted(const struct ct_spec *spec)
{
	return ct_context_given(spec->selinux_context) || ct_context_given(spec->selinux_keyring) ||
	       ct_context_given(spec->selinux_mount);
}

static void set(struct selinux_state *st, int which, const char *context, const char *key)
{
	if (!ct_context_given(context))
		return;
	st->context[which] = context;
	st->key[which] = key;
}

/* The contexts of the config. A new keyring has that of the payload where none is named. */
static void take(struct selinux_state *st, const struct ct_backend_input *in)
{
	const struct ct_spec *spec = st->spec;

	if (!in->attach)
		set(st, MOUNT, spec->selinux_mount, "selinux.mount.context");
	/* what is lifted for an attach (CT_ATTACH_ELEVATED) is the label, too */
	if (in->attach && in->req->elevated)
		return;
	set(st, EXEC, spec->selinux_context, "selinux.context");
	if (!spec->keyring_session)
		return;
	if (spec->selinux_keyring)
		set(st, KEYRING, spec->selinux_keyring, "selinux.context.keyring");
	else
		set(st, KEYRING, spec->selinux_context, "selinux.context");
}

/* An attach gets what its container was started with. */
static void take_kept(struct selinux_state *st, const struct ct_backend_input *in)
{
	for (int i = 0; i < N; i++) {
		const char *kept = NULL;

		if (st->context[i] && asks[i].record)
			kept = ct_label_kept(in->records, asks[i].record, in->arena);
		if (kept && ct_context_formed(kept))
			st->context[i] = kept;
	}
}

/* A context for a keyring that is not made. */
static int refuse_keyring(const struct selinux_state *st, struct ct_err *e)
{
	ct_err_origin(e, ct_spec_origin(st->spec, "selinux.context.keyring"));
	ct_err_hint(e, "clear one of them with an empty value");
	return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "plan",
		       "with keyring.session = 0 there is no keyring to give it to");
}

/* The kernel takes the death signal away with each new context. */
static int refuse_pdeath(const struct selinux_state *st, struct ct_err *e)
{
	ct_err_origin(e, ct_spec_origin(st->spec, "monitor.signal.pdeath"));
	ct_err_hint(e, "clear it, or set init.reaper = 1");
	return ct_fail(e, -EINVAL, CT_ERR_CONFLICT, "plan",
		       "SELinux takes this signal from a process that gets selinux.context");
}

static int open_state(void *state, const struct ct_backend_input *in, struct ct_err *e)
{
	struct selinux_state *st = state;
	int r = 0;

	st->spec = in->req->spec;
	st->attach = in->attach;
	if (!st->spec->keyring_session && ct_context_given(st->spec->selinux_keyring))
		return refuse_keyring(st, e);
	take(st, in);
	if (st->context[EXEC] && !in->attach && st->spec->pdeath_set && st->spec->pdeath &&
	    !st->spec->init_reaper)
		return refuse_pdeath(st, e);
	if (in->attach)
		take_kept(st, in);
	/* `probe` tells of a host without it */
	for (int i = 0; i < N && r >= 0 && in->host->selinux; i++) {
		struct ct_selinux_ask ask = { st->context[i], asks[i].class, asks[i].permission,
					      asks[i].own };

		if (!ask.context)
			continue;
		r = ct_selinux_ask(&ask, in->arena, &st->context[i], e);
		if (r < 0)
			ct_err_origin(e, ct_spec_origin(st->spec, st->key[i]));
	}
	return r;
}

static void add_label(const struct selinux_state *st, struct ct_builder *b, int which,
		      enum ct_phase phase, const char *file)
{
	struct ct_label label = { .file = file, .text = st->context[which] };

	if (!label.text)
		return;
	label.at = ct_build_at(b, st->key[which]);
	ct_label_plan(b, phase, &label);
}

/* The small init executes nothing, and SELinux lets a process that shares its memory, as with the
 * program's child, change its context at most to a bounded one: it stays in the caller's domain,
 * with the filter that it has. */
static int plan(void *state, struct ct_builder *b)
{
	struct selinux_state *st = state;
	struct ct_step *s;

	if (!st->attach && (st->context[EXEC] || st->context[KEYRING])) {
		s = ct_plan_add(b->plan, CT_PHASE_SETUP, CT_OP_SELINUX_KEEP,
				ct_build_at(b, st->key[st->context[EXEC] ? EXEC : KEYRING]));
		s->s[0] = st->context[EXEC];
		s->s[1] = st->context[KEYRING];
	}
	add_label(st, b, KEYRING, CT_PHASE_IDENTITY, "attr/keycreate");
	add_label(st, b, EXEC, CT_PHASE_CONFINE, "attr/exec");
	b->mount_context = st->context[MOUNT];
	return 0;
}

static int setup_selinux_keep(void *state, const struct ct_setup *context, const struct ct_step *s,
			      struct ct_err *e)
{
	const struct selinux_state *st = state;
	int r = 0;

	(void)s;
	for (int i = 0; i < N && r >= 0; i++)
		if (st->context[i] && asks[i].record)
			r = ct_label_keep(context->undo, asks[i].record, st->context[i], e);
	return r;
}

const struct ct_backend ct_backend_selinux = {
	.name = "selinux",
	.key = "selinux",
	.state = sizeof(struct selinux_state),
	.wanted = wanted,
	.probe = ct_selinux_usable,
	.open = open_state,
	.plan = plan,
	.setup = setup_selinux_keep,
};
