/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroups as a backend. */
#include "backend/cgroup/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cgroup/state.h"
#include "backend/cgroup/systemd.h"
#include "base/fd.h"
#include "host/mounts.h"

/* Whether the mounts that the groups are to be made in are where they were when somebody looked. */
static bool are_there(const struct ct_cgroup_state *st)
{
	for (uint32_t i = 0; i < st->want.n; i++)
		for (uint32_t k = 0; k < st->trees.n; k++)
			if (st->want.v[i].mount == st->trees.v[k].mount &&
			    !ct_mount_is_seen(st->trees.v[k].mount, st->trees.v[k].mount_id))
				return false;
	return true;
}

/* With what an earlier look found, as long as what is taken from it is still there; else
 * with another look. */
static int decide(struct ct_cgroup_state *st, const struct ct_backend_input *in,
		  const struct ct_cg_ask *ask, struct ct_err *e)
{
	int r = in->hierarchies(in->arg, false, &st->trees, e);

	if (r >= 0)
		r = ct_cg_decide(ask, in->arena, &st->want, e);
	if (r >= 0 ? are_there(st) : ct_cgroups_still(&st->trees))
		return r;
	ct_err_reset(e);
	r = in->hierarchies(in->arg, true, &st->trees, e);
	return r < 0 ? r : ct_cg_decide(ask, in->arena, &st->want, e);
}

/* Only root's own systemd takes a scope of any process; and what serves a controller besides
 * version 2 is not its own. */
static bool may_have_scope(const struct ct_cgroup_state *st, const struct ct_host *host)
{
	return st->want.scope_wanted && !host->uid && host->initial_userns &&
	       !strcmp(ct_cg_layout(&st->trees), "v2") && ct_systemd_reachable();
}

static int open_start(struct ct_cgroup_state *st, const struct ct_backend_input *in,
		      struct ct_err *e)
{
	const struct ct_request *q = in->req;
	struct ct_cg_ask ask = { .spec = q->spec,
				 .host = in->host,
				 .name = q->name,
				 .mark = in->mark ? in->mark : "",
				 .detached = q->detached,
				 .userns = ct_build_userns(q->spec),
				 .mounts = ct_build_mounts_cgroups(q->spec, in->host),
				 .mknod = ct_build_keeps_mknod(q->spec, in->host) };
	const char *why;
	int r;

	/* before anything that a config for systemd's hosts may lack elsewhere */
	if (in->mark && q->spec->cgroup_backend == CT_CGB_SYSTEMD && !ct_systemd_usable(&why)) {
		ct_err_origin(e, ct_spec_origin(q->spec, "cgroup.backend"));
		return ct_systemd_refuse(why, e);
	}
	in->host->cgroups = &st->trees;
	if (q->spec->cgroup_backend == CT_CGB_NONE)
		r = ct_cg_decide(&ask, in->arena, &st->want, e);
	else
		r = decide(st, in, &ask, e);
	if (r >= 0 && may_have_scope(st, in->host)) {
		ask.scope = true;
		r = ct_cg_decide(&ask, in->arena, &st->want, e);
	}
	if (r < 0)
		st->want = (struct ct_cg_plan){ 0 };
	return r;
}

static int open_state(void *state, const struct ct_backend_input *in, struct ct_err *e)
{
	struct ct_cgroup_state *st = state;

	st->extra = st->file = -1;
	return in->attach ? ct_cg_open_attach(st, in, e) : open_start(st, in, e);
}

static int undo(const struct ct_undo_record *records, uint32_t n, struct ct_err *e)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	int r = ct_cg_load_to_remove(records, n, &held);

	/* what makes no sense has nothing to tell */
	if (r == -EINVAL)
		return 0;
	if (r < 0)
		return ct_fail_sys(e, r, CT_ERR_STATE, "state", "openat",
				   "the record of the container's groups cannot be read");
	return ct_cg_undo(&held, e);
}

static void sweep(void *state)
{
	struct ct_cgroup_state *st = state;

	ct_cgroup_sweep(&st->trees, &st->want);
}

/* Why some are not below the caller's own group. */
static const char *notice(const void *state)
{
	const struct ct_cgroup_state *st = state;

	return st->want.elsewhere;
}

static void close_state(void *state)
{
	struct ct_cgroup_state *st = state;

	ct_close(&st->extra);
	ct_close(&st->file);
	free(st->scope);
	ct_cgroup_forget(&st->held);
}

const struct ct_backend ct_backend_cgroup = {
	.name = CT_CG_NAME,
	.state = sizeof(struct ct_cgroup_state),
	.open = open_state,
	.inputs = ct_cg_inputs,
	.plan = ct_cg_plan,
	.mounts = ct_cg_mounts,
	.setup = ct_cg_setup,
	.undo = undo,
	.protect = ct_cg_protect,
	.sweep = sweep,
	.notice = notice,
	.close = close_state,
};

const struct ct_cgroup_state *ct_cgroup_state(const struct ct_backend_set *set)
{
	return ct_backend_state(set, &ct_backend_cgroup);
}

struct ct_cgroups_held ct_cgroup_take(struct ct_backend_set *set)
{
	struct ct_cgroup_state *st = ct_backend_state(set, &ct_backend_cgroup);
	struct ct_cgroups_held held = st->held;

	st->held.n = 0;
	return held;
}
