/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identity of the payload: host name, keyring, users, capabilities. Shared by start and attach,
 * so that both give the same. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "plan/builder.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* What container engines grant by default. */
#define DEFAULT_CAPS                                                                              \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(MKNOD) | CAP(NET_RAW) | \
	 CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |        \
	 CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE))

/* "sys_resource" of the lowest bit set. */
static void cap_text(uint64_t caps, char *buf, size_t size)
{
	char *name = cap_to_name(__builtin_ctzll(caps));

	if (name && !strncmp(name, "cap_", 4))
		snprintf(buf, size, "%s", name + 4);
	else
		snprintf(buf, size, "?");
	cap_free(name);
}

/* What cap.drop takes away from. On the host's network that is without net_admin: the shutdown of
 * an ordinary system would take the host's interfaces down. cap.keep can have it. */
static uint64_t full_set(const struct ct_spec *s, const struct ct_host *h)
{
	bool own = ct_build_namespaces(s) & CT_NS_NET;

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		own |= s->ns_share.v[i].ns == CT_NS_NET;
	if (own)
		return ct_host_all_caps(h);
	return ct_host_all_caps(h) & ~CAP(NET_ADMIN);
}

uint64_t ct_build_available_caps(const struct ct_host *h, bool userns)
{
	if (userns)
		return ct_host_all_caps(h);
	return h->cap_bounding & h->cap_permitted;
}

int ct_build_caps(const struct ct_spec *s, const struct ct_host *h, uint64_t *keep,
		  struct ct_err *e)
{
	uint64_t have = ct_build_available_caps(h, ct_build_namespaces(s) & CT_NS_USER);
	uint64_t missing = s->cap_keep & ~have;
	char name[40];

	if (s->cap_keep == CT_CAP_MASK_UNSET) {
		*keep = DEFAULT_CAPS & have;
		if (s->cap_drop_set)
			*keep = full_set(s, h) & ~s->cap_drop & have;
		return 0;
	}
	if (missing) {
		cap_text(missing, name, sizeof(name));
		ct_err_origin(e, ct_spec_origin(s, "cap.keep"));
		ct_err_object(e, name);
		ct_err_hint(e, "take it out of cap.keep, or give the caller this capability in its "
			       "bounding and permitted sets");
		return ct_fail(e, -EPERM, CT_ERR_PRIVILEGE, "plan",
			       "the caller itself does not have the capability");
	}
	*keep = s->cap_keep;
	return 0;
}

bool ct_build_userns(const struct ct_spec *s)
{
	bool userns = ct_build_namespaces(s) & CT_NS_USER;

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		userns |= s->ns_share.v[i].ns == CT_NS_USER;
	return userns;
}

bool ct_build_mounts_cgroups(const struct ct_spec *s, const struct ct_host *h)
{
	uint64_t keep;

	return !ct_build_userns(s) && (ct_build_namespaces(s) & CT_NS_CGROUP) &&
	       ct_build_caps(s, h, &keep, NULL) >= 0 && (keep & (UINT64_C(1) << CAP_SYS_ADMIN));
}

bool ct_build_keeps_mknod(const struct ct_spec *s, const struct ct_host *h)
{
	uint64_t keep;

	/* capabilities that a start will refuse count as kept */
	return !ct_build_userns(s) && (ct_build_caps(s, h, &keep, NULL) < 0 || (keep & CAP(MKNOD)));
}

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
	return ct_build_start_hooks(b, id->keep & ~CAP(SYS_PTRACE));
}

/* Without no_new_privs a filter is loaded by a process that has CAP_SYS_ADMIN in its own user
 * namespace (seccomp(2)): it is kept for so long. */
static int check_may_filter(struct ct_builder *b)
{
	if (b->userns || (b->host->cap_permitted & CAP(SYS_ADMIN)))
		return 0;
	ct_err_origin(b->err, ct_build_at(b, "seccomp.profile"));
	ct_err_hint(b->err, "give it an idmap, or set no_new_privs = 1 or seccomp.profile = none");
	return ct_err_go_on(b->err,
			    ct_fail(b->err, -EPERM, CT_ERR_PRIVILEGE, "plan",
				    "a filter needs no_new_privs, or a caller with CAP_SYS_ADMIN"));
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
		s->list[0] = id->groups;
		s->n_list[0] = id->n_groups;
		if (id->lookup) {
			s->list[0] = looked_up;
			s->n_list[0] = 1;
		}
	}
	add_number(b, CT_OP_BOUNDING, id->keep, id->cap_at);
	if (id->no_new_privs)
		ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_NO_NEW_PRIVS,
			    ct_build_at(b, "no_new_privs"));
	if (as_root)
		r = hooks_as_root(b, id);
	if (id->lookup)
		uid = gid = ~UINT64_C(0);
	add_user(b, uid, gid, id->uid_at);
	late = b->filtered && !id->no_new_privs && (id->uid || !(id->keep & CAP(SYS_ADMIN)));
	if (r >= 0 && late)
		r = check_may_filter(b);
	s = ct_plan_add(b->plan, CT_PHASE_IDENTITY, CT_OP_CAPS, id->cap_at);
	s->n[0] = id->keep;
	if (late) {
		b->until_filter = s->n[2] = CAP(SYS_ADMIN);
		ct_plan_add(b->plan, CT_PHASE_CONFINE, CT_OP_CAPS, id->cap_at)->n[0] = id->keep;
	}
	if (r >= 0 && id->start_hooks && !as_root)
		r = ct_build_start_hooks(b, id->keep);
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
				  .cap_at = ct_build_at(b, "cap.keep"),
				  .cwd_at = ct_build_at(b, "init.cwd") };
	int r = ct_err_go_on(b->err, ct_build_caps(sp, b->host, &id.keep, b->err));

	if (r >= 0 && sp->sched_core && !b->host->sched_core) {
		ct_err_origin(b->err, ct_build_at(b, "sched.core"));
		r = ct_err_go_on(b->err,
				 ct_fail(b->err, -ENOSYS, CT_ERR_KERNEL, "plan",
					 "this kernel or processor has no core scheduling"));
	}
	if (r < 0)
		return r;
	if (!id.groups)
		return ct_oom(b->err);
	if (sp->init_cwd)
		id.cwd = sp->init_cwd;
	if (sp->cap_drop_set)
		id.cap_at = ct_build_at(b, "cap.drop");
	add_surroundings(b);
	if (ct_spec_origin(sp, "init.uid"))
		ct_build_home(b, id.uid, id.gid, id.keep, id.uid_at);
	return ct_build_ids(b, &id);
}
