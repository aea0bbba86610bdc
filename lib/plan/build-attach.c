/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of an attach: join by pidfd in one call, then the same identity and exec steps as a start. */
#include <errno.h>
#include <string.h>

#include "plan/builder.h"

static void attach_terminal(struct ct_builder *b)
{
	int master, peer;
	struct ct_step *s;

	if (!b->req->pty)
		return;
	b->pts = ct_plan_slot(b->plan, "devpts");
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_OPEN, NULL);
	s->o = (int16_t)b->pts;
	s->s[0] = "/dev/pts";
	s->flags = CT_SF_STRICT;
	master = ct_plan_slot(b->plan, "terminal");
	peer = ct_plan_slot(b->plan, "terminal peer");
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_PTY_NEW, NULL);
	s->a = (int16_t)b->pts;
	s->o = (int16_t)master;
	s->p = (int16_t)peer;
	s->n[0] = b->req->rows;
	s->n[1] = b->req->cols;
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SEND_FD, NULL);
	s->a = (int16_t)master;
	s->n[0] = CT_FD_TAG_PTY;
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_STDIO, NULL);
	s->a = (int16_t)peer;
	s->n[0] = 1;
}

static int attach_groups(struct ct_builder *b, struct ct_identity *id)
{
	const struct ct_request *r = b->req;
	uint32_t n = r->set_groups ? r->n_groups : r->set_uid || r->set_gid ? 0 : b->spec->init_groups.n;
	const char **list = ct_arena_alloc(b->arena, (n + 1) * sizeof(*list));

	if (!list)
		return ct_oom(b->err);
	for (uint32_t i = 0; i < n; i++)
		list[i] = ct_build_num(b, r->set_groups ? r->groups[i] : b->spec->init_groups.v[i].id);
	id->groups = list;
	id->n_groups = n;
	return 0;
}

static int attach_caps(struct ct_builder *b, uint64_t *keep)
{
	uint64_t have;
	int r = ct_build_caps(b->spec, b->host, &have, b->err);

	if (r < 0)
		return r;
	*keep = have;
	if (b->req->elevated)
		*keep = ~UINT64_C(0) & (b->userns ? ~UINT64_C(0) >> (63 - b->host->cap_last) : b->host->cap_bounding & b->host->cap_permitted);
	if (b->req->set_caps)
		*keep = b->req->caps;
	if (b->req->set_caps && !b->req->elevated && (b->req->caps & ~have)) {
		ct_err_hint(b->err, "the container's payload does not have it; CT_ATTACH_ELEVATED (ct-attach -e) lifts that");
		return ct_fail(b->err, -EPERM, CT_ERR_PRIVILEGE, "plan", "a capability asked for is not among the container's");
	}
	return 0;
}

static void attach_limits(struct ct_builder *b)
{
	for (uint32_t i = 0; i < b->spec->prlimit.n; i++) {
		const struct ct_limit_item *l = &b->spec->prlimit.v[i];
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PRLIMIT, &l->at);

		s->s[0] = l->name;
		s->n[0] = (uint64_t)l->resource;
		s->n[1] = l->soft;
		s->n[2] = l->hard;
	}
}

static int attach_identity(struct ct_builder *b)
{
	const struct ct_request *r = b->req;
	const struct ct_spec *sp = b->spec;
	bool shell = !r->argv && !r->has_exec_fd;
	struct ct_identity id = {.lookup = r->user || (shell && !r->set_uid), .uid = r->set_uid ? r->uid : sp->init_uid,
				 .gid = r->set_gid ? r->gid : sp->init_gid, .no_new_privs = !r->elevated && (sp->no_new_privs || r->no_new_privs),
				 .cwd = r->cwd ? r->cwd : "/", .uid_at = ct_build_at(b, "init.uid"), .cap_at = ct_build_at(b, "cap.keep"),
				 .cwd_at = ct_build_at(b, "init.cwd")};
	struct ct_step *s;
	int rc = attach_groups(b, &id);

	rc = rc < 0 ? rc : attach_caps(b, &id.keep);
	if (rc < 0)
		return rc;
	if (sp->keyring_session)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_KEYRING, ct_build_at(b, "keyring.session"));
	if (sp->arch_set)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_PERSONALITY, ct_build_at(b, "arch"))->n[0] = sp->personality;
	if (r->user || shell) {
		s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_LOOKUP_USER, NULL);
		s->s[0] = r->user ? r->user : ct_arena_printf(b->arena, "%u:%u", id.uid, id.gid);
		s->n[0] = shell;
	}
	ct_build_ids(b, &id);
	return 0;
}

static int attach_join(struct ct_builder *b)
{
	struct ct_step *s;
	int r = ct_build_inputs(b);

	if (r < 0)
		return r;
	ct_build_join(b, b->in_pidfd, b->req->namespaces, NULL);
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_CLONE, NULL);
	s->n[0] = 0;
	s->a = (int16_t)ct_build_into(b);
	ct_build_enter(b);
	attach_limits(b);
	ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SETSID, NULL);
	attach_terminal(b);
	return 0;
}

int ct_build_attach(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out, struct ct_err *e)
{
	struct ct_builder b;
	uint32_t n = 0;
	int rc = ct_builder_init(&b, r, arena, e);

	if (rc < 0)
		return rc;
	b.userns = r->namespaces & CT_NS_USER;
	b.in_pidfd = 0;
	rc = attach_join(&b);
	rc = rc < 0 ? rc : attach_identity(&b);
	while (r->argv && r->argv[n])
		n++;
	rc = rc < 0 ? rc : ct_build_finish(&b, r->argv, n, NULL);
	rc = rc < 0 ? rc : ct_plan_freeze(b.plan, e);
	if (rc < 0)
		return rc;
	*out = b.plan;
	return 0;
}
