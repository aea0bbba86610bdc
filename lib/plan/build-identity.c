/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identity of the payload: host name, keyring, users, the steps that set capabilities. Shared
 * by start and attach, so that both give the same. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "plan/builder.h"

#define CAP(name) CT_CAP_BIT(CAP_##name)

static void add_number(struct ct_builder *b, enum ct_op op, uint64_t n, const struct ct_origin *at)
{
	ct_plan_add(b->plan, CT_PHASE_IDENTITY, op, at)->n[0] = n;
}

void ct_build_sched(struct ct_builder *b, int nice, bool required)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_SCHED,
					ct_build_at(b, "init.nice"));

	s->s[0] = ct_arena_printf(b->arena, "%d", nice);
	if (!required)
		s->flags = CT_SF_OPTIONAL;
	if (!s->s[0])
		b->plan->err = -ENOMEM;
}

static void add_user(struct ct_builder *b, uint64_t uid, uint64_t gid, const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_IDS, at);

	s->n[0] = uid;
	s->n[1] = gid;
}

/* Whether the payload, which begins as another user, can become root by a setuid program of its
 * root file system. Then start hooks run as root, as LXC's do; else as the payload's user. */
static bool can_become_root(const struct ct_builder *b, const struct ct_identity *id)
{
	return id->uid && !id->no_new_privs &&
	       !(b->spec->rootfs_options.attr_set & MOUNT_ATTR_NOSUID);
}

/* Start hooks as root, before init has the payload's user. They get no CAP_SYS_PTRACE: init still
 * has the caller's capabilities, and a process that traces it could use them. */
static int hooks_as_root(struct ct_builder *b, const struct ct_identity *id)
{
	if (!b->spec->hook[CT_HOOK_START].n)
		return 0;
	add_user(b, 0, 0, id->uid_at);
	return ct_build_start_hooks(b, id->root.bounding & ~CAP(SYS_PTRACE));
}

/* Without no_new_privs a filter is loaded by a process that has CAP_SYS_ADMIN in its own user
 * namespace (seccomp(2)): it is kept for so long. */
static int check_may_filter(struct ct_builder *b)
{
	if (b->userns || (b->host->cap_permitted & CAP(SYS_ADMIN)))
		return 0;
	ct_err_origin(b->err, ct_build_at(b, "seccomp.profile"));
	ct_err_hint(b->err, "give it an idmap, or set no_new_privs = 1, or seccomp.profile = none "
			    "and keyring.user = 1");
	return ct_err_go_on(b->err,
			    ct_fail(b->err, -EPERM, CT_ERR_PRIVILEGE, "plan",
				    "a filter needs no_new_privs, or a caller with CAP_SYS_ADMIN"));
}

static void add_sets(struct ct_builder *b, enum ct_phase phase, enum ct_op op,
		     const struct ct_cap_sets *sets, uint64_t more, const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, phase, op, at);

	s->n[0] = sets->permitted | more;
	s->n[1] = sets->effective | more;
	s->n[2] = sets->inheritable;
	s->n[3] = sets->ambient;
}

/* The sets of whom the payload is; of a user who is looked up those of root first, which go where
 * it is another user. `more` is permitted and effective besides; more will be set then, and what
 * root has stays permitted until it is. */
static void add_caps(struct ct_builder *b, enum ct_phase phase, const struct ct_identity *id,
		     uint64_t more)
{
	struct ct_cap_sets user = id->user;

	if (!id->lookup) {
		add_sets(b, phase, CT_OP_CAPS, id->uid ? &user : &id->root, more, id->caps_at);
		return;
	}
	add_sets(b, phase, CT_OP_CAPS, &id->root, more, id->caps_at);
	if (!memcmp(&id->root, &user, sizeof(user)))
		return;
	if (more)
		user.permitted |= id->root.permitted;
	add_sets(b, phase, CT_OP_USER_CAPS, &user, more, id->caps_at);
}

/* Whether the payload, whoever it is, could load a filter without no_new_privs. */
static bool may_filter(const struct ct_identity *id)
{
	bool root = id->root.effective & CAP(SYS_ADMIN), user = id->user.effective & CAP(SYS_ADMIN);

	if (id->lookup)
		return root && user;
	if (id->uid)
		return user;
	return root;
}

/* The supplementary groups, *n of them: the primary group, too, unless it is root's. Else a program
 * with a set-group-ID bit would take a process out of it, and give it what files refuse to that
 * group. NULL: no memory. */
static const char *const *all_groups(struct ct_builder *b, const struct ct_identity *id,
				     uint32_t *n)
{
	const char *gid = ct_build_num(b, id->gid), **v;

	*n = id->n_groups;
	if (id->groups_exact || b->host->no_setgroups || !id->gid || !gid)
		return id->groups;
	for (uint32_t i = 0; i < id->n_groups; i++)
		if (!strcmp(id->groups[i], gid))
			return id->groups;
	v = ct_arena_alloc(b->arena, (id->n_groups + 1) * sizeof(*v));
	if (!v)
		return NULL;
	v[0] = gid;
	*n = id->n_groups + 1;
	for (uint32_t i = 0; i < id->n_groups; i++)
		v[i + 1] = id->groups[i];
	return v;
}

int ct_build_ids(struct ct_builder *b, const struct ct_identity *id)
{
	static const char *const looked_up[] = { "@" };
	uint64_t uid = id->uid, gid = id->gid;
	bool as_root = id->start_hooks && can_become_root(b, id), late;
	struct ct_step *s;
	int r = 0;

	ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_DEFAULTS, NULL);
	add_number(b, CT_OP_PERSONALITY, id->personality, id->arch_at);
	/* where the kernel refuses setgroups(2), an empty list leaves the groups as they are */
	if (id->lookup || id->n_groups || !b->host->no_setgroups) {
		s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_GROUPS, id->uid_at);
		if (id->lookup) {
			s->list[0] = looked_up;
			s->n_list[0] = 1;
		} else {
			s->list[0] = all_groups(b, id, &s->n_list[0]);
			if (!s->list[0])
				return ct_oom(b->err);
		}
	}
	add_number(b, CT_OP_BOUNDING, id->root.bounding, id->bounding_at);
	if (id->no_new_privs)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_NO_NEW_PRIVS,
			    ct_build_at(b, "no_new_privs"));
	if (as_root)
		r = hooks_as_root(b, id);
	if (id->lookup)
		uid = gid = ~UINT64_C(0);
	add_user(b, uid, gid, id->uid_at);
	late = b->filtered && !id->no_new_privs && !may_filter(id);
	if (r >= 0 && late)
		r = check_may_filter(b);
	if (late) {
		b->until_filter = CAP(SYS_ADMIN);
		add_caps(b, CT_PHASE_CONFINE, id, 0);
	}
	add_caps(b, CT_PHASE_IDENTITY, id, b->until_filter);
	if (r >= 0 && id->start_hooks && !as_root)
		r = ct_build_start_hooks(b, id->root.bounding);
	ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_CHDIR, id->cwd_at)->s[0] = id->cwd;
	return r;
}

void ct_build_home(struct ct_builder *b, uint32_t uid, uint32_t gid, uint64_t caps,
		   const struct ct_origin *at)
{
	struct ct_step *s;

	if (b->req->clear_env)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_LOOKUP_USER, at);
	s->s[0] = ct_arena_printf(b->arena, "%u:%u", uid, gid);
	s->n[1] = caps;
	s->flags = CT_SF_OPTIONAL;
	if (!s->s[0])
		b->plan->err = -ENOMEM;
}

/* init.groups as decimal numbers; NULL: no memory. */
static const char *const *group_list(struct ct_builder *b)
{
	const struct ct_ids *ids = &b->spec->init_groups;
	const char **list = ct_arena_alloc(b->arena, (ids->n + 1) * sizeof(*list));

	for (uint32_t i = 0; list && i < ids->n; i++)
		list[i] = ct_build_num(b, ids->v[i].id);
	return list;
}

static void add_surroundings(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	const char *host = sp->uts_name;

	/* the container's own name may be longer than the kernel takes */
	if (!host)
		host = ct_arena_printf(b->arena, "%.*s", CT_HOST_NAME_BYTES, b->req->name);
	if ((b->own & CT_NS_UTS) && host && *host)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_HOSTNAME, ct_build_at(b, "uts.name"))
			->s[0] = host;
	if ((b->own & CT_NS_UTS) && sp->uts_domain)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_DOMAINNAME,
			    ct_build_at(b, "uts.domain"))
			->s[0] = sp->uts_domain;
	if (sp->keyring_session)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_KEYRING,
			    ct_build_at(b, "keyring.session"));
	if (sp->sched_core)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_SCHED_CORE,
			    ct_build_at(b, "sched.core"));
}

int ct_build_identity(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	struct ct_identity id = { .uid = sp->init_uid,
				  .gid = sp->init_gid,
				  .groups = group_list(b),
				  .n_groups = sp->init_groups.n,
				  .no_new_privs = sp->no_new_privs || b->req->no_new_privs,
				  .start_hooks = true,
				  .personality = sp->personality,
				  .arch_at = ct_build_at(b, "arch"),
				  .cwd = "/",
				  .uid_at = ct_build_at(b, "init.uid"),
				  .bounding_at = ct_build_bounding_at(b),
				  .caps_at = ct_build_caps_at(b),
				  .cwd_at = ct_build_at(b, "init.cwd") };
	int r = ct_err_go_on(b->err, ct_build_cap_sets(sp, b->host, true, &id.root, b->err));

	if (r >= 0 && sp->sched_core && !b->host->sched_core) {
		ct_err_origin(b->err, ct_build_at(b, "sched.core"));
		r = ct_err_go_on(b->err,
				 ct_fail(b->err, -ENOSYS, CT_ERR_KERNEL, "plan",
					 "this kernel or processor has no core scheduling"));
	}
	if (r < 0)
		return r;
	ct_build_cap_sets(sp, b->host, false, &id.user, NULL);
	if (!id.groups)
		return ct_oom(b->err);
	if (sp->init_cwd)
		id.cwd = sp->init_cwd;
	add_surroundings(b);
	if (ct_spec_origin(sp, "init.uid"))
		ct_build_home(b, id.uid, id.gid, id.root.bounding, id.uid_at);
	return ct_build_ids(b, &id);
}
