/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The builders of the areas, in their order. */
#include "plan/builder.h"

#include <errno.h>
#include <string.h>

/* Of a start only: the namespaces that are shared, and the sources of mounts that were given as
 * descriptors. */
static void start_inputs(struct ct_builder *b)
{
	const struct ct_mounts *mounts = &b->spec->mounts;
	bool start = b->in_rootfs != CT_SLOT_NONE;

	for (int i = 0; i < CT_NAMESPACES; i++) {
		b->in_share[i] = CT_SLOT_NONE;
		if (start && (b->shared & (1u << i)))
			b->in_share[i] = ct_plan_input(b->plan, "namespace", b->req->share_fd[i]);
	}
	for (uint32_t i = 0; i < mounts->n; i++) {
		b->in_mount[i] = CT_SLOT_NONE;
		if (start && mounts->v[i].source_fd >= 0)
			b->in_mount[i] = ct_plan_input(b->plan, "source", mounts->v[i].source_fd);
	}
}

/* The descriptors that the caller hands over take the first slots. */
int ct_build_inputs(struct ct_builder *b)
{
	const struct ct_request *r = b->req;

	b->in_keep = ct_arena_alloc(b->arena, (r->n_keep_fds + 1) * sizeof(int));
	b->in_mount = ct_arena_alloc(b->arena, (b->spec->mounts.n + 1) * sizeof(int));
	if (!b->in_keep || !b->in_mount)
		return ct_oom(b->err);
	for (uint32_t i = 0; i < r->n_extra_fds; i++)
		ct_plan_input(b->plan, "supervisor", r->extra_fds[i]);
	if (b->in_rootfs != CT_SLOT_NONE)
		b->in_rootfs = ct_plan_input(b->plan, "rootfs", r->rootfs_fd);
	if (b->in_pidfd != CT_SLOT_NONE)
		b->in_pidfd = ct_plan_input(b->plan, "init", r->init_pidfd);
	if (b->in_rootfs != CT_SLOT_NONE && ct_build_pumps(r))
		b->in_output = ct_plan_input(b->plan, "output", r->output_fd);
	ct_build_area_inputs(b);
	if (r->has_exec_fd)
		b->in_exec = ct_plan_input(b->plan, "program", r->exec_fd);
	for (uint32_t i = 0; i < r->n_keep_fds; i++)
		b->in_keep[i] = ct_plan_input(b->plan, ct_arena_printf(b->arena, "keep %u", i),
					      r->keep_fds[i]);
	start_inputs(b);
	return 0;
}

int ct_build_refuse(const struct ct_spec *s, bool detached, uint32_t i, struct ct_err *e)
{
	if (i < s->unsupported.n) {
		ct_err_origin(e, &s->unsupported.v[i].at);
		ct_err_hint(e, "clear the key to start without it");
		return ct_fail(e, -EOPNOTSUPP, CT_ERR_NOT_YET, "plan",
			       "this version keeps the key but cannot honour it");
	}
	i -= s->unsupported.n;
	if (detached || i >= s->supervised.n)
		return 0;
	ct_err_origin(e, &s->supervised.v[i].at);
	ct_err_hint(e,
		    "start it detached (CT_START_DETACH, ct-start, ct-execute), or clear the key");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_SUPERVISED, "plan",
		       "the key needs a supervisor, and a start in process has none");
}

/* A start fails with the name of a key that this version cannot honour, or not in this mode. */
static int refuse_unsupported(struct ct_builder *b)
{
	const struct ct_spec *s = b->spec;
	int r = 0;

	if (!b->req->keys_told)
		r = ct_build_refuse(s, b->req->detached, 0, b->err);
	if (r < 0)
		return r;
	if (s->rootfs_backend) {
		ct_err_origin(b->err, ct_build_at(b, "rootfs.path"));
		return ct_fail(b->err, -EOPNOTSUPP, CT_ERR_NOT_YET, "plan",
			       "a root file system of type %s is not supported: only directories "
			       "are",
			       s->rootfs_backend);
	}
	if (s->rootfs_options.idmap) {
		ct_err_origin(b->err, ct_build_at(b, "rootfs.options"));
		return ct_fail(b->err, -EOPNOTSUPP, CT_ERR_NOT_YET, "plan",
			       "idmap= mounts are not supported yet");
	}
	return 0;
}

typedef int (*area_fn)(struct ct_builder *);

static int run_areas(struct ct_builder *b, const area_fn *areas)
{
	struct ct_err ignored = { 0 };
	bool whole = true;
	int r = 0;

	for (; *areas && r >= 0; areas++) {
		int done = (*areas)(b);

		r = ct_err_go_on(b->err, done);
		whole &= done >= 0;
	}
	if (r < 0)
		return r;
	if (whole)
		return ct_plan_freeze(b->plan, b->err);
	/* the faults are collected: what does not fit together now only follows from them */
	return ct_plan_freeze(b->plan, &ignored);
}

int ct_build_start(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out,
		   struct ct_err *e)
{
	static const area_fn areas[] = { refuse_unsupported,
					 ct_build_inputs,
					 ct_build_output,
					 ct_build_ns,
					 ct_build_root,
					 ct_build_dev,
					 ct_build_tty,
					 ct_build_auto,
					 ct_build_mounts,
					 ct_build_protect,
					 ct_build_mounts_on_protected,
					 ct_build_own_covers,
					 ct_build_hooks,
					 ct_build_identity,
					 ct_build_exec,
					 NULL };
	struct ct_builder b;
	int rc = ct_builder_init(&b, r, arena, e);

	if (rc < 0)
		return rc;
	b.in_rootfs = 0;
	rc = run_areas(&b, areas);
	if (rc < 0)
		return rc;
	*out = b.plan;
	return 0;
}
