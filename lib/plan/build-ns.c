/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces: which are new, which are joined, identity maps, clocks, limits of the process. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <inttypes.h>

#include "base/namespaces.h"
#include "plan/builder.h"

uint64_t ct_clone_flags(uint32_t ns)
{
	uint64_t flags = 0;

	for (int i = 0; i < CT_NAMESPACES; i++)
		if (ns & ct_namespaces[i].bit)
			flags |= ct_namespaces[i].clone;
	return flags;
}

/* The key that asks for a time namespace. */
static const char *time_key(const struct ct_spec *s)
{
	if (s->time_boot_set)
		return "time.offset.boot";
	return "time.offset.monotonic";
}

/* No mount namespace of its own: the key that says so. */
static const char *mount_key(const struct ct_spec *s)
{
	if (s->ns_keep_set)
		return "namespace.keep";
	return "namespace.share.mnt";
}

/* A user namespace that is not mapped: the key that asks for it. */
static const char *user_key(const struct ct_spec *s)
{
	if (s->idmap.n)
		return "idmap";
	return "namespace.clone";
}

static const char *kind_key(const struct ct_spec *s, uint32_t ns)
{
	if (ns == CT_NS_TIME)
		return time_key(s);
	return "namespace.clone";
}

/* What has no place without a mount namespace. */
static int refuse_bare(struct ct_builder *b, const struct ct_origin *at, const char *what)
{
	if (at)
		ct_err_origin(b->err, at);
	ct_err_hint(b->err, "leave it out, or take mnt out of namespace.keep");
	return ct_fail(b->err, -EINVAL, CT_ERR_CONFLICT, "plan",
		       "without a mount namespace of its own a container has no %s", what);
}

static int check_bare(struct ct_builder *b)
{
	static const struct {
		const char *key, *what;
	} keys[] = {
		{ "rootfs.mount", "root of its own" },
		{ "rootfs.options", "root of its own" },
		{ "rootfs.readonly", "root of its own" },
		{ "mount.fstab", "mounts" },
		{ "mount.auto", "mounts" },
		{ "autodev", "mounts" },
		{ "autodev.tmpfs.size", "mounts" },
		{ "tty.max", "terminals" },
		{ "tty.dir", "terminals" },
		{ "pty.max", "terminals" },
		{ "hook.pre-mount", "mounts" },
		{ "hook.mount", "mounts" },
		{ "hook.autodev", "mounts" },
	};
	const struct ct_spec *s = b->spec;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct ct_origin *at = ct_spec_origin(s, keys[i].key);

		if (at)
			return refuse_bare(b, at, keys[i].what);
	}
	if (s->mounts.n)
		return refuse_bare(b, &s->mounts.v[0].at, "mounts");
	if (s->rootfs_fd >= 0 || (s->rootfs_path && s->rootfs_path[strspn(s->rootfs_path, "/")]))
		return refuse_bare(b, ct_spec_origin(s, "rootfs.path"), "root of its own");
	if (b->req->pty || b->req->detached)
		return refuse_bare(b, NULL, "terminal or console");
	return 0;
}

/* Fails for namespaces that the config does not go with, or the kernel does not have. */
static int check(struct ct_builder *b)
{
	const struct ct_spec *s = b->spec;

	if (ct_build_bare(s))
		return check_bare(b);
	if (!(b->own & CT_NS_MNT)) {
		ct_err_origin(b->err, ct_build_at(b, mount_key(s)));
		ct_err_hint(b->err,
			    "take mnt out of namespace.keep and namespace.share, or add it "
			    "to namespace.clone; or keep all of them and set landlock.* keys");
		return ct_fail(b->err, -EINVAL, CT_ERR_NAMESPACE, "plan",
			       "a container needs its own mount namespace");
	}
	if ((b->own & CT_NS_USER) &&
	    (!ct_build_mapped(s, false, 0) || !ct_build_mapped(s, true, 0) || !s->idmap.n)) {
		ct_err_origin(b->err, ct_build_at(b, user_key(s)));
		ct_err_hint(b->err, "add idmap = u 0 HOST COUNT and idmap = g 0 HOST COUNT");
		return ct_fail(b->err, -EINVAL, CT_ERR_NAMESPACE, "plan",
			       "a user namespace needs maps that map user 0 and group 0");
	}
	for (int i = 0; i < CT_NAMESPACES; i++) {
		const struct ct_namespace *ns = &ct_namespaces[i];

		if (!((b->own | b->shared) & ns->bit & ~b->host->namespaces))
			continue;
		ct_err_origin(b->err, ct_build_at(b, kind_key(s, ns->bit)));
		ct_err_object(b->err, ns->name);
		return ct_fail(b->err, -ENOSYS, CT_ERR_NAMESPACE, "plan",
			       "this kernel has no %s namespace", ns->name);
	}
	return 0;
}

/* A step that joins `ns` of `fd` in a phase. */
static void join(struct ct_builder *b, enum ct_phase phase, int fd, uint32_t ns,
		 const struct ct_origin *at)
{
	struct ct_step *s;

	if (!ns)
		return;
	s = ct_plan_add(b->plan, phase, CT_OP_SETNS, at);
	s->a = (int16_t)fd;
	s->n[0] = ct_clone_flags(ns);
}

/* With the mount option nsdelegate a process in a cgroup namespace cannot put a child from outside
 * of the namespace's root into it: where init gets cgroups, it joins that namespace itself. */
void ct_build_join(struct ct_builder *b, int fd, uint32_t ns, const struct ct_origin *at)
{
	join(b, CT_PHASE_SPAWN, fd, ns & ~b->late, at);
	join(b, CT_PHASE_NEW, fd, ns & b->late, at);
}

static void join_shared(struct ct_builder *b)
{
	/* the user namespace first: it gives the rights to join the others */
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < b->spec->ns_share.n; i++) {
			const struct ct_share_item *share = &b->spec->ns_share.v[i];

			if ((share->ns == CT_NS_USER) == (pass == 0))
				ct_build_join(b, b->in_share[__builtin_ctz(share->ns)], share->ns,
					      &share->at);
		}
}

/* One line of /proc/PID/timens_offsets; kernel: seconds and nanoseconds, the latter
 * never negative. */
static void add_offset(struct ct_builder *b, const char *key, const char *clock, bool set,
		       int64_t ns)
{
	int64_t sec = ns / 1000000000, rest = ns % 1000000000;
	struct ct_step *s;

	if (!set)
		return;
	if (rest < 0) {
		rest += 1000000000;
		sec--;
	}
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_TIME_OFFSET, ct_build_at(b, key));
	s->s[0] = ct_arena_printf(b->arena, "%s %" PRId64 " %" PRId64, clock, sec, rest);
}

/* The root of a cgroup namespace is the cgroup of the process that makes it: where init gets
 * cgroups, it makes the namespace once it is in them. */
static uint32_t late(const struct ct_builder *b)
{
	return b->own & b->late;
}

/* The clone of init, with what the backends put before it. */
static int make_own(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	const char *key = "namespace.clone";
	struct ct_step *s;
	int r;

	/* Clocks are set between unshare and the clone: a time namespace is fixed once
	 * a process is in it. */
	if (b->own & CT_NS_TIME) {
		s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_UNSHARE,
				ct_build_at(b, time_key(sp)));
		s->n[0] = CT_CLONE_TIME;
		add_offset(b, "time.offset.boot", "boottime", sp->time_boot_set, sp->time_boot_ns);
		add_offset(b, "time.offset.monotonic", "monotonic", sp->time_monotonic_set,
			   sp->time_monotonic_ns);
	}
	r = ct_build_areas(b);
	if (!sp->ns_clone_set && sp->ns_keep_set)
		key = "namespace.keep";
	s = ct_plan_add(b->plan, CT_PHASE_SPAWN, CT_OP_CLONE, ct_build_at(b, key));
	s->n[0] = ct_clone_flags(b->own & ~(CT_NS_TIME | late(b)));
	s->a = (int16_t)b->into;
	return r;
}

static void write_map(struct ct_builder *b, const char *file, bool group)
{
	const char *text = "";
	const struct ct_origin *at = NULL;
	struct ct_step *s;

	for (uint32_t i = 0; i < b->spec->idmap.n && text; i++) {
		const struct ct_idmap_item *m = &b->spec->idmap.v[i];

		if (m->group != group)
			continue;
		text = ct_arena_printf(b->arena, "%s%u %u %u\n", text, m->inside, m->outside,
				       m->count);
		if (!at)
			at = &m->at;
	}
	s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_ID_MAP, at);
	s->s[0] = file;
	s->s[1] = text;
}

static bool has_proc(const struct ct_spec *sp, const char *name)
{
	for (uint32_t i = 0; i < sp->proc.n; i++)
		if (!strcmp(sp->proc.v[i].name, name))
			return true;
	return false;
}

static void process_settings(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;

	/* a negative oom_score_adj is not inherited from the caller: at a limit of memory the
	 * kernel must find a process to kill */
	if (b->req->oom_protected && !has_proc(sp, "oom_score_adj")) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PROC_WRITE, NULL);

		s->s[0] = "oom_score_adj";
		s->s[1] = "0";
	}
	for (uint32_t i = 0; i < sp->proc.n; i++) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PROC_WRITE,
						&sp->proc.v[i].at);

		s->s[0] = sp->proc.v[i].name;
		s->s[1] = sp->proc.v[i].value;
	}
	for (uint32_t i = 0; i < sp->prlimit.n; i++) {
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ENTER, CT_OP_PRLIMIT,
						&sp->prlimit.v[i].at);

		s->s[0] = sp->prlimit.v[i].name;
		s->n[0] = (uint64_t)sp->prlimit.v[i].resource;
		s->n[1] = sp->prlimit.v[i].soft;
		s->n[2] = sp->prlimit.v[i].hard;
	}
}

/* From here on init has the user and group id 0: files and mounts that it makes belong to the
 * mapped root, or without a map to the host's, also when the caller has its rights from file
 * capabilities. */
static void become_root(struct ct_builder *b)
{
	struct ct_step *s;

	if (b->own & CT_NS_USER || !b->host->no_setgroups)
		ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_GROUPS, ct_build_at(b, "idmap"));
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_IDS, ct_build_at(b, "idmap"));
	s->n[0] = s->n[1] = 0;
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_PDEATHSIG, NULL);
	s->n[0] = SIGKILL;
}

/* The container's namespaces for the supervisor, which hands them to the stop hooks: all that are
 * not the caller's. */
static void send_namespaces(struct ct_builder *b)
{
	static const struct {
		enum ct_hook_when when;
		const char *key;
	} rows[] = { { CT_HOOK_STOP, "hook.stop" }, { CT_HOOK_POST_STOP, "hook.post-stop" } };

	for (unsigned i = 0; b->req->detached && i < sizeof(rows) / sizeof(*rows); i++) {
		if (!b->spec->hook[rows[i].when].n)
			continue;
		ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_NS_SEND, ct_build_at(b, rows[i].key))
			->n[0] = ct_clone_flags(b->own | b->shared);
		return;
	}
}

int ct_build_ns(struct ct_builder *b)
{
	const struct ct_origin *net_at = NULL;
	int r = ct_err_go_on(b->err, check(b));

	if (r < 0)
		return r;
	ct_build_sched(b, b->spec->init_nice, b->spec->init_nice_set);
	join_shared(b);
	r = make_own(b);
	if (r < 0)
		return r;
	if (b->own & CT_NS_USER) {
		write_map(b, "uid_map", false);
		write_map(b, "gid_map", true);
	}
	/* not in a user namespace that is only joined: it may have no root */
	if (b->own & CT_NS_USER ||
	    (!b->userns && (b->host->uid || b->host->gid) && !ct_build_bare(b->spec)))
		become_root(b);
	if (late(b))
		ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_UNSHARE, NULL)->n[0] = CT_CLONE_CGROUP;
	process_settings(b);
	ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SETSID, NULL);
	if (b->spec->net.n)
		net_at = &b->spec->net.v[0].at;
	if (b->own & CT_NS_NET)
		ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_LOOPBACK, net_at);
	send_namespaces(b);
	return 0;
}
