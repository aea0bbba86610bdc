/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of an attach: join by pidfd in one call, then the same identity and exec
 * steps as a start. */
#include <errno.h>
#include <string.h>

#include "plan/builder.h"

/* A terminal of the host's, used where the container has no devpts to open one in. */
static int host_terminal(struct ct_builder *b)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_PTY_NEW, NULL);
	int master = ct_plan_slot(b->plan, "host terminal");

	s->o = (int16_t)master;
	s->p = (int16_t)ct_plan_slot(b->plan, "host terminal peer");
	s->flags = CT_SF_OPTIONAL;
	return master;
}

/* The terminal is opened by the launcher: a process in the container's cgroups may be refused it by
 * their list of devices. */
static void open_terminal(struct ct_builder *b, int fallback, int master, int peer)
{
	struct ct_step *s;

	b->pts = ct_plan_slot(b->plan, "devpts");
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_OPEN, NULL);
	s->o = (int16_t)b->pts;
	s->s[0] = "/dev/pts";
	s->flags = CT_SF_STRICT | CT_SF_OPTIONAL;
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_PTY_NEW, NULL);
	s->a = (int16_t)b->pts;
	s->b = (int16_t)fallback;
	s->o = (int16_t)master;
	s->p = (int16_t)peer;
	s->n[0] = b->req->rows;
	s->n[1] = b->req->cols;
	s->s[1] = b->req->modes;
}

/* Opens a terminal between the other namespaces and the pid namespace: children that this takes
 * are made before processes of the container could see them. */
static void join_with_terminal(struct ct_builder *b)
{
	uint32_t ns = b->req->namespaces;
	int fallback = host_terminal(b), master, peer;
	struct ct_step *s;

	ct_build_join(b, b->in_pidfd, ns & ~CT_NS_PID, NULL);
	ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SETSID, NULL);
	master = ct_plan_slot(b->plan, "terminal");
	peer = ct_plan_slot(b->plan, "terminal peer");
	open_terminal(b, fallback, master, peer);
	ct_build_join(b, b->in_pidfd, ns & CT_NS_PID, NULL);
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SEND_FD, NULL);
	s->a = (int16_t)master;
	s->n[0] = CT_FD_TAG_PTY;
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_STDIO, NULL);
	s->a = (int16_t)peer;
	s->n[0] = 1;
}

static void join_namespaces(struct ct_builder *b)
{
	if (b->req->pty) {
		join_with_terminal(b);
		return;
	}
	ct_build_join(b, b->in_pidfd, b->req->namespaces, NULL);
	ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SETSID, NULL);
}

/* The groups of the request, else those of the config, which go with its own user only. */
static int attach_groups(struct ct_builder *b, struct ct_identity *id)
{
	const struct ct_request *r = b->req;
	const struct ct_ids *own = &b->spec->init_groups;
	const char **list;
	uint32_t n = 0;

	if (r->set_groups)
		n = r->n_groups;
	else if (!r->set_uid && !r->set_gid)
		n = own->n;
	list = ct_arena_alloc(b->arena, (n + 1) * sizeof(*list));
	if (!list)
		return ct_oom(b->err);
	for (uint32_t i = 0; i < n; i++) {
		if (r->set_groups)
			list[i] = ct_build_num(b, r->groups[i]);
		else
			list[i] = ct_build_num(b, own->v[i].id);
	}
	id->groups = list;
	id->n_groups = n;
	id->groups_exact = r->set_groups;
	return 0;
}

static void take_away(struct ct_cap_sets *sets, uint64_t lost)
{
	sets->bounding &= ~lost;
	sets->permitted &= ~lost;
	sets->effective &= ~lost;
	sets->inheritable &= ~lost;
	sets->ambient &= ~lost;
}

/* The payload's sets, without what init has taken out of its bounding set since. */
static int caps_of_payload(struct ct_builder *b, struct ct_identity *id)
{
	int r = ct_build_cap_sets(b->spec, b->host, true, &id->root, b->err);
	uint64_t lost;

	if (r >= 0)
		r = ct_build_cap_sets(b->spec, b->host, false, &id->user, b->err);
	if (r < 0 || !b->req->running)
		return r;
	lost = ~b->req->running->cap_bounding;
	take_away(&id->root, lost);
	take_away(&id->user, lost);
	return 0;
}

static int attach_caps(struct ct_builder *b, struct ct_identity *id)
{
	const struct ct_request *q = b->req;
	int r = caps_of_payload(b, id);
	uint64_t all;

	if (r < 0)
		return r;
	if (q->set_caps && !q->elevated && (q->caps & ~id->root.bounding)) {
		ct_err_hint(b->err, "the container's payload does not have it; "
				    "CT_ATTACH_ELEVATED (ct-attach -e) lifts that");
		return ct_fail(b->err, -EPERM, CT_ERR_PRIVILEGE, "plan",
			       "a capability asked for is not among the container's");
	}
	if (q->set_caps || q->elevated)
		id->caps_at = id->bounding_at;
	if (q->set_caps) {
		ct_build_cap_rule(q->caps, 0, true, &id->root);
		ct_build_cap_rule(q->caps, q->caps, false, &id->user);
	} else if (q->elevated) {
		all = ct_build_available_caps(b->host, b->userns);
		ct_build_cap_rule(all, id->root.ambient & all, true, &id->root);
		ct_build_cap_rule(all, id->user.ambient & all, false, &id->user);
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

/* A limit of the config. Where init's hard limit is lower by now, that is a bound for both: a soft
 * limit of init's is not taken over, since a program may lower its own. */
static void config_limit(struct ct_builder *b, const struct ct_limit_item *l,
			 const struct ct_running *run)
{
	bool known = run && (unsigned)l->resource < CT_RUNNING_LIMITS &&
		     run->has_limit[l->resource];
	uint64_t soft = l->soft, hard = l->hard;

	if (known && run->hard[l->resource] < hard)
		hard = run->hard[l->resource];
	if (soft > hard)
		soft = hard;
	add_limit(b, l->resource, l->name, soft, hard, &l->at);
}

/* What init has by now and the attached program gets, too; NULL: only the config counts. */
static const struct ct_running *running_limits(const struct ct_builder *b)
{
	if (b->req->elevated)
		return NULL;
	return b->req->running;
}

/* The limits of the config, and init's where this process has others. */
static void attach_limits(struct ct_builder *b)
{
	const struct ct_running *run = running_limits(b);
	bool given[CT_RUNNING_LIMITS] = { false };

	for (uint32_t i = 0; i < b->spec->prlimit.n; i++) {
		const struct ct_limit_item *l = &b->spec->prlimit.v[i];

		config_limit(b, l, run);
		if ((unsigned)l->resource < CT_RUNNING_LIMITS)
			given[l->resource] = true;
	}
	for (int i = 0; run && i < CT_RUNNING_LIMITS; i++) {
		if (given[i] || !run->has_limit[i])
			continue;
		/* best effort: to raise a hard limit takes CAP_SYS_RESOURCE */
		add_limit(b, i, limit_names[i], run->soft[i], run->hard[i], NULL)->flags =
			CT_SF_OPTIONAL;
	}
}

static struct ct_step *write_file(struct ct_builder *b, const char *file, const char *value,
				  const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PROC_WRITE, at);

	s->s[0] = file;
	s->s[1] = value;
	return s;
}

/* The files of /proc/PID that init's values are read from. */
static const char *const read_files[] = { "oom_score_adj", "coredump_filter", "timerslack_ns" };

static bool is_read(const char *file)
{
	for (unsigned i = 0; i < sizeof(read_files) / sizeof(*read_files); i++)
		if (!strcmp(file, read_files[i]))
			return true;
	return false;
}

/* The files of /proc/PID: those that can be read as init has them, the others as the
 * config says. */
static void attach_files(struct ct_builder *b)
{
	const struct ct_running *run = running_limits(b);
	struct ct_step *s;

	for (uint32_t i = 0; i < b->spec->proc.n && !b->req->elevated; i++) {
		const struct ct_pair_item *p = &b->spec->proc.v[i];

		if (p->value && !(run && is_read(p->name)))
			write_file(b, p->name, p->value, &p->at);
	}
	if (!run)
		return;
	if (run->oom_score_adj) {
		s = write_file(b, "oom_score_adj", run->oom_score_adj, NULL);
		if (run->oom_lower)
			s->flags = CT_SF_OPTIONAL;
	}
	if (run->coredump_filter)
		write_file(b, "coredump_filter", run->coredump_filter, NULL);
	if (run->timerslack)
		write_file(b, "timerslack_ns", run->timerslack, NULL);
}

/* The nice value and the core scheduling cookie of init; in a plan that is only printed without a
 * container, those of the config. */
static void attach_sched(struct ct_builder *b)
{
	const struct ct_running *run = b->req->running;
	int nice = b->spec->init_nice;
	bool cookie = b->spec->sched_core;
	uint64_t of = 1;

	if (run) {
		nice = run->nice;
		cookie = run->sched_core;
		of = (uint64_t)run->pid;
	}
	ct_build_sched(b, nice, !run && b->spec->init_nice_set);
	if (cookie)
		ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_SCHED_CORE, ct_build_at(b, "sched.core"))
			->n[0] = of;
}

/* Adds the look-up of the user in the container's passwd. */
static void look_up_user(struct ct_builder *b, const struct ct_identity *id, bool shell)
{
	const char *user = b->req->user;
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_LOOKUP_USER, NULL);

	if (!user)
		user = ct_arena_printf(b->arena, "%u:%u", id->uid, id->gid);
	s->s[0] = user;
	s->n[0] = shell;
	s->n[1] = id->root.bounding;
}

static int attach_identity(struct ct_builder *b)
{
	const struct ct_request *r = b->req;
	const struct ct_spec *sp = b->spec;
	bool nnp = sp->no_new_privs || r->no_new_privs || (r->running && r->running->no_new_privs);
	bool shell = !r->argv && !r->has_exec_fd;
	struct ct_identity id = { .lookup = r->user || (shell && !r->set_uid),
				  .uid = ct_build_uid(sp, b->host),
				  .gid = ct_build_gid(sp, b->host),
				  .no_new_privs = !r->elevated && nnp,
				  .personality = sp->personality,
				  .arch_at = ct_build_at(b, "arch"),
				  .cwd = "/",
				  .uid_at = ct_build_at(b, "init.uid"),
				  .bounding_at = ct_build_bounding_at(b),
				  .caps_at = ct_build_caps_at(b),
				  .cwd_at = ct_build_at(b, "init.cwd") };
	int rc = attach_groups(b, &id);

	if (rc >= 0)
		rc = attach_caps(b, &id);
	if (rc < 0)
		return rc;
	if (r->set_uid)
		id.uid = r->uid;
	if (r->set_gid)
		id.gid = r->gid;
	if (r->running && r->running->has_personality)
		id.personality = r->running->personality;
	if (r->cwd)
		id.cwd = r->cwd;
	if (sp->keyring_session)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_KEYRING,
			    ct_build_at(b, "keyring.session"));
	if (r->user || shell)
		look_up_user(b, &id, shell);
	else if (r->namespaces & CT_NS_MNT) /* else the passwd would be the host's */
		ct_build_home(b, id.uid, id.gid, id.root.bounding, id.uid_at);
	return ct_build_ids(b, &id);
}

static int attach_join(struct ct_builder *b)
{
	struct ct_step *s;
	int r = ct_build_inputs(b);

	if (r < 0)
		return r;
	attach_sched(b);
	join_namespaces(b);
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
	if (rc >= 0)
		rc = attach_identity(&b);
	while (r->argv && r->argv[n])
		n++;
	if (rc >= 0)
		rc = ct_build_finish(&b, r->argv, n, NULL);
	if (rc >= 0)
		rc = ct_plan_freeze(b.plan, e);
	if (rc < 0)
		return rc;
	*out = b.plan;
	return 0;
}
