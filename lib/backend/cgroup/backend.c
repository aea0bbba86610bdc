/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The row of cgroups in the list of backends. */
#include "backend/cgroup/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cgroup/state.h"
#include "backend/cgroup/systemd.h"
#include "base/fd.h"
#include "host/mounts.h"

/* Whether the mounts that the cgroups are to be made in are still where the probe found them. */
static bool mounts_are_there(const struct ct_cgroup_state *st)
{
	for (uint32_t i = 0; i < st->want.n; i++)
		for (uint32_t k = 0; k < st->trees.n; k++)
			if (st->want.v[i].mount == st->trees.v[k].mount &&
			    !ct_mount_is_seen(st->trees.v[k].mount, st->trees.v[k].mount_id))
				return false;
	return true;
}

/* Whether a decision may be outdated: it succeeded, and its mounts are not there any more; or it
 * failed, and the hierarchies have changed since the probe. */
static bool is_outdated(const struct ct_cgroup_state *st, int r)
{
	if (r >= 0)
		return !mounts_are_there(st);
	return !ct_cgroups_still(&st->trees);
}

/* Decides by the hierarchies that the handle knows, and when they are outdated once more after
 * another probe. */
static int decide(struct ct_cgroup_state *st, const struct ct_backend_input *in,
		  const struct ct_cg_ask *ask, struct ct_err *e)
{
	int r = in->hierarchies(in->arg, false, &st->trees, e);

	if (r >= 0)
		r = ct_cg_decide(ask, in->arena, &st->want, e);
	if (!is_outdated(st, r))
		return r;
	ct_err_reset(e);
	r = in->hierarchies(in->arg, true, &st->trees, e);
	if (r < 0)
		return r;
	return ct_cg_decide(ask, in->arena, &st->want, e);
}

/* Whether the cgroups can be made in a scope instead of at the top. Only the system's manager puts
 * any process into a scope; and a scope has no cgroups of version 1. */
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
				 .mark = "",
				 .detached = q->detached,
				 .userns = ct_build_userns(q->spec),
				 .mounts = ct_build_mounts_cgroups(q->spec, in->host),
				 .mknod = ct_build_keeps_mknod(q->spec, in->host) };
	const char *why;
	int r;

	if (in->mark)
		ask.mark = in->mark;
	/* first, because a config for hosts with systemd may ask for more that this host lacks */
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
	if (in->attach)
		return ct_cg_open_attach(st, in, e);
	return open_start(st, in, e);
}

static int undo(const struct ct_undo_record *records, uint32_t n, struct ct_err *e)
{
	struct ct_cgroups_held held = CT_CGROUPS_NONE;
	int r = ct_cg_load_to_remove(records, n, &held);

	/* it is no journal: there is nothing to remove */
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

/* Why some cgroups are not below the caller's own. */
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
