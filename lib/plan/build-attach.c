/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of an attach: join by pidfd in one call, then the same identity and exec
 * steps as a start. */
#include <errno.h>
#include <string.h>

#include "plan/builder.h"

/* A terminal of the host's, for a container that has none to give. */
static int spare_terminal(struct ct_builder *b)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_PTY_NEW, NULL);
	int master = ct_plan_slot(b->plan, "host terminal");

	s->o = (int16_t)master;
	s->p = (int16_t)ct_plan_slot(b->plan, "host terminal peer");
	s->flags = CT_SF_OPTIONAL;
	return master;
}

/* The terminal is opened by the launcher: what is in the container's groups may not be allowed to,
 * by its list of devices. */
static void open_terminal(struct ct_builder *b, int spare, int master, int peer)
{
	struct ct_step *s;

	b->pts = ct_plan_slot(b->plan, "devpts");
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_OPEN, NULL);
	s->o = (int16_t)b->pts;
	s->s[0] = "/dev/pts";
	s->flags = CT_SF_STRICT | CT_SF_OPTIONAL;
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_PTY_NEW, NULL);
	s->a = (int16_t)b->pts;
	s->b = (int16_t)spare;
	s->o = (int16_t)master;
	s->p = (int16_t)peer;
	s->n[0] = b->req->rows;
	s->n[1] = b->req->cols;
	s->s[1] = b->req->modes;
}

/* Joins the namespaces, and on the way opens the terminal: before children of ours are in the
 * container's sight. */
static void join_with_terminal(struct ct_builder *b)
{
	uint32_t ns = b->req->namespaces, later = b->req->pty ? ns & CT_NS_PID : 0;
	int spare, master, peer;
	struct ct_step *s;

	spare = b->req->pty ? spare_terminal(b) : CT_SLOT_NONE;
	ct_build_join(b, b->in_pidfd, ns & ~later, NULL);
	ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SETSID, NULL);
	if (!b->req->pty)
		return;
	master = ct_plan_slot(b->plan, "terminal");
	peer = ct_plan_slot(b->plan, "terminal peer");
	open_terminal(b, spare, master, peer);
	ct_build_join(b, b->in_pidfd, later, NULL);
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
	uint32_t n = r->set_uid || r->set_gid ? 0 : b->spec->init_groups.n;
	const char **list;

	n = r->set_groups ? r->n_groups : n;
	list = ct_arena_alloc(b->arena, (n + 1) * sizeof(*list));
	if (!list)
		return ct_oom(b->err);
	for (uint32_t i = 0; i < n; i++)
		list[i] = ct_build_num(b,
				       r->set_groups ? r->groups[i] : b->spec->init_groups.v[i].id);
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
	/* what init has dropped by now is not the container's any more */
	if (b->req->running)
		have &= b->req->running->cap_bounding;
	*keep = have;
	if (b->req->elevated)
		*keep = b->userns ? ct_host_all_caps(b->host)
				  : b->host->cap_bounding & b->host->cap_permitted;
	if (b->req->set_caps)
		*keep = b->req->caps;
	if (b->req->set_caps && !b->req->elevated && (b->req->caps & ~have)) {
		ct_err_hint(b->err, "the container's payload does not have it; "
				    "CT_ATTACH_ELEVATED (ct-attach -e) lifts that");
		return ct_fail(b->err, -EPERM, CT_ERR_PRIVILEGE, "plan",
			       "a capability asked for is not among the container's");
	}
	return 0;
}

static struct ct_step *add_limit(struct ct_builder *b, int resource, const char *name,
				 uint64_t soft, uint64_t hard, const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PRLIMIT, at);

	s->s[0] = name;
	s->n[0] = (uint64_t)resource;
	s->n[1] = soft;
	s->n[2] = hard;
	return s;
}

/* The names of prlimit.*, by number. */
static const char *const limit_names[CT_RUNNING_LIMITS] = {
	"cpu",	   "fsize", "data",  "stack",	   "core",     "rss",  "nproc",	 "nofile",
	"memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"
};

/* The limits that init has, where this process has others; a key's soft limit stays what it says,
 * since a program may move its own. */
static void attach_limits(struct ct_builder *b)
{
	const struct ct_running *run = b->req->elevated ? NULL : b->req->running;
	bool given[CT_RUNNING_LIMITS] = { false };

	for (uint32_t i = 0; i < b->spec->prlimit.n; i++) {
		const struct ct_limit_item *l = &b->spec->prlimit.v[i];
		bool known = run && (unsigned)l->resource < CT_RUNNING_LIMITS &&
			     run->has_limit[l->resource];
		uint64_t hard = known && run->hard[l->resource] < l->hard ? run->hard[l->resource]
									  : l->hard;

		add_limit(b, l->resource, l->name, l->soft < hard ? l->soft : hard, hard, &l->at);
		if ((unsigned)l->resource < CT_RUNNING_LIMITS)
			given[l->resource] = true;
	}
	for (int i = 0; run && i < CT_RUNNING_LIMITS; i++) {
		if (given[i] || !run->has_limit[i])
			continue;
		/* one higher than ours, where raising it needs a right that we do not
		 * have, stays as it is */
		add_limit(b, i, limit_names[i], run->soft[i], run->hard[i], NULL)->flags =
			CT_SF_OPTIONAL;
	}
}

static void write_file(struct ct_builder *b, const char *file, const char *value, bool optional,
		       const struct ct_origin *at)
{
	struct ct_step *s;

	if (!value)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PROC_WRITE, at);
	s->s[0] = file;
	s->s[1] = value;
	s->flags = optional ? (uint8_t)CT_SF_OPTIONAL : 0;
}

/* The files of /proc/PID: those that can be read as init has them, the others as the
 * config says. */
static void attach_files(struct ct_builder *b)
{
	static const char *const read[] = { "oom_score_adj", "coredump_filter", "timerslack_ns" };
	const struct ct_running *run = b->req->elevated ? NULL : b->req->running;

	for (uint32_t i = 0; i < b->spec->proc.n && !b->req->elevated; i++) {
		const struct ct_pair_item *p = &b->spec->proc.v[i];
		bool known = false;

		for (unsigned k = 0; run && k < sizeof(read) / sizeof(*read); k++)
			known |= !strcmp(p->name, read[k]);
		if (!known)
			write_file(b, p->name, p->value, false, &p->at);
	}
	if (!run)
		return;
	write_file(b, read[0], run->oom_score_adj, run->oom_lower, NULL);
	write_file(b, read[1], run->coredump_filter, false, NULL);
	write_file(b, read[2], run->timerslack, false, NULL);
}

/* The nice value of init, and its core scheduling cookie, which a child of ours then has, too. */
static void attach_sched(struct ct_builder *b)
{
	const struct ct_running *run = b->req->running;
	bool cookie = run ? run->sched_core : b->spec->sched_core;

	ct_build_sched(b, run ? run->nice : b->spec->init_nice, !run && b->spec->init_nice_set);
	if (cookie)
		ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_SCHED_CORE, ct_build_at(b, "sched.core"))
			->n[0] = run ? (uint64_t)run->pid : 1;
}

static int attach_identity(struct ct_builder *b)
{
	const struct ct_request *r = b->req;
	const struct ct_spec *sp = b->spec;
	bool nnp = sp->no_new_privs || r->no_new_privs || (r->running && r->running->no_new_privs);
	bool shell = !r->argv && !r->has_exec_fd;
	struct ct_identity id = { .lookup = r->user || (shell && !r->set_uid),
				  .uid = r->set_uid ? r->uid : sp->init_uid,
				  .gid = r->set_gid ? r->gid : sp->init_gid,
				  .no_new_privs = !r->elevated && nnp,
				  .personality = r->running && r->running->has_personality
							 ? r->running->personality
							 : sp->personality,
				  .arch_at = ct_build_at(b, "arch"),
				  .cwd = r->cwd ? r->cwd : "/",
				  .uid_at = ct_build_at(b, "init.uid"),
				  .cap_at = ct_build_at(b, "cap.keep"),
				  .cwd_at = ct_build_at(b, "init.cwd") };
	struct ct_step *s;
	int rc = attach_groups(b, &id);

	rc = rc < 0 ? rc : attach_caps(b, &id.keep);
	if (rc < 0)
		return rc;
	if (sp->keyring_session)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_KEYRING,
			    ct_build_at(b, "keyring.session"));
	if (r->user || shell) {
		s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_LOOKUP_USER, NULL);
		s->s[0] = r->user ? r->user : ct_arena_printf(b->arena, "%u:%u", id.uid, id.gid);
		s->n[0] = shell;
		s->n[1] = id.keep;
	} else if (r->namespaces & CT_NS_MNT) {
		/* else the passwd would be the host's */
		ct_build_home(b, id.uid, id.gid, id.keep, id.uid_at);
	}
	return ct_build_ids(b, &id);
}

static int attach_join(struct ct_builder *b)
{
	struct ct_step *s;
	int r = ct_build_inputs(b);

	if (r < 0)
		return r;
	attach_sched(b);
	join_with_terminal(b);
	r = ct_build_areas(b);
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_CLONE, NULL);
	s->n[0] = 0;
	s->a = (int16_t)b->into;
	attach_limits(b);
	attach_files(b);
	return r;
}

int ct_build_attach(const struct ct_request *r, struct ct_arena *arena, struct ct_plan **out,
		    struct ct_err *e)
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
