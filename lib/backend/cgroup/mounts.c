/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount.auto's cgroup words: the hierarchies below /sys/fs/cgroup. In a cgroup namespace of its own
 * the payload gets new mounts whose tops are its own cgroups; without one it gets bind mounts of
 * the host's hierarchies, in which, unless "full" is asked for, only its own cgroups are writable.
 */
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "backend/cgroup/state.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define TOP "sys/fs/cgroup"

struct cgroup_mounts {
	struct ct_builder *b;
	const struct ct_cgroup_state *st;
	const struct ct_origin *at;
	bool own_ns, one; /* one: version 2 alone, mounted on TOP itself */
	bool v2_freezes;
	uint64_t whole, own; /* mount attributes of the hierarchies, and of the payload's cgroups */
};

static void attach(struct cgroup_mounts *m, int tree, const char *where, uint8_t flags)
{
	struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_ATTACH, m->at);

	s->a = (int16_t)tree;
	s->b = (int16_t)m->b->root;
	s->s[0] = where;
	s->flags = flags;
}

/* The attributes for the payload's own cgroup. A task that the freezers of both versions hold spins
 * in the kernel (seen with 6.1 on hybrid hosts: get_signal() never ends, and without preemption the
 * processor does nothing else). So where version 2 freezes, version 1's freezer is read-only. */
static uint64_t own_attr(const struct cgroup_mounts *m, const struct ct_cg_dir *d)
{
	if (m->v2_freezes && d->version == 1 && (d->controllers & CT_CG_FREEZER))
		return m->own | MOUNT_ATTR_RDONLY;
	return m->own;
}

/* The name of a hierarchy of version 1 without "name=", which one without controllers has. */
static const char *plain_name(const char *tree)
{
	if (!strncmp(tree, "name=", 5))
		return tree + 5;
	return tree;
}

/* A new mount, whose top is the payload's own cgroup. */
static int instance(struct cgroup_mounts *m, const struct ct_cg_dir *d)
{
	int slot = ct_plan_slot(m->b->plan, ct_arena_printf(m->b->arena, "tree %s", d->tree));
	struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_FS_NEW, m->at);

	s->o = (int16_t)slot;
	s->s[0] = "cgroup2";
	if (d->version == 1) {
		s->s[0] = "cgroup";
		s->s[1] = d->tree;
		/* a hierarchy without controllers */
		if (plain_name(d->tree) != d->tree)
			s->s[1] = ct_arena_printf(m->b->arena, "none,%s", d->tree);
	}
	s->s[2] = "cgroup";
	s->n[0] = own_attr(m, d);
	return slot;
}

/* A bind mount of a hierarchy of the host's, or of a cgroup in it: `path`, or the descriptor in
 * `from`. */
static int copy(struct cgroup_mounts *m, const char *name, const char *path, int from,
		uint64_t attr)
{
	int slot = ct_plan_slot(m->b->plan, name);
	struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_HOST, CT_OP_TREE_CLONE, m->at);

	s->o = (int16_t)slot;
	s->a = (int16_t)from;
	s->s[0] = path;
	s = ct_plan_add(m->b->plan, CT_PHASE_HOST, CT_OP_SETATTR, m->at);
	s->a = (int16_t)slot;
	s->n[0] = attr;
	s->n[1] = ~attr & MOUNT_ATTR_RDONLY;
	s->n[2] = MS_PRIVATE;
	return slot;
}

/* One hierarchy, mounted at `where`. */
static void add_hierarchy(struct cgroup_mounts *m, uint32_t i, const char *where)
{
	const struct ct_cg_dir *d = &m->st->want.v[i];
	uint8_t flags = CT_SF_STRICT | CT_SF_CREATE_DIR;
	struct ct_arena *a = m->b->arena;
	uint64_t own = own_attr(m, d);
	const char *at;

	if (m->own_ns) {
		attach(m, instance(m, d), where, flags);
		return;
	}
	attach(m, copy(m, ct_arena_printf(a, "tree %s", d->tree), d->mount, CT_SLOT_NONE, m->whole),
	       where, flags);
	if (own == m->whole || m->own == m->whole)
		return;
	at = ct_arena_printf(a, "%s%s/%s", where, d->base, d->path);
	if (at && d->inner)
		at = ct_arena_printf(a, "%s/%s", at, d->inner);
	attach(m,
	       copy(m, ct_arena_printf(a, "own %s", d->tree), NULL, ct_cg_payload_slot(m->st, i),
		    own),
	       at, CT_SF_STRICT);
}

/* Controllers in one hierarchy, "cpu,cpuacct", are also found by the name of each: links. */
static void link_names(struct cgroup_mounts *m, int top, const char *tree)
{
	for (const char *p = tree; strchr(tree, ',') && *p;) {
		size_t n = strcspn(p, ",");
		struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_SYMLINK, m->at);

		s->b = (int16_t)top;
		s->s[0] = ct_arena_strndup(m->b->arena, p, n);
		s->s[1] = tree;
		p += n + (p[n] == ',');
	}
}

/* Several hierarchies are mounted side by side in a tmpfs, which becomes read-only afterwards. */
static void add_side_by_side(struct cgroup_mounts *m)
{
	int top = ct_plan_slot(m->b->plan, "cgroups");
	struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_FS_NEW, m->at);

	s->o = (int16_t)top;
	s->s[0] = "tmpfs";
	s->s[1] = "mode=755,size=64k,nr_inodes=256";
	s->s[2] = "cgroup";
	s->n[0] = QUIET;
	attach(m, top, TOP, CT_SF_STRICT | CT_SF_CREATE_DIR);
	for (uint32_t i = 0; i < m->st->want.n; i++) {
		const struct ct_cg_dir *d = &m->st->want.v[i];
		const char *name = plain_name(d->tree);

		if (d->monitor)
			continue;
		add_hierarchy(m, i, ct_arena_printf(m->b->arena, TOP "/%s", name));
		link_names(m, top, name);
	}
	s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_SETATTR, m->at);
	s->a = (int16_t)top;
	s->n[0] = MOUNT_ATTR_RDONLY;
}

/* The kernel runs the program that a release_agent names as root on the host, outside of any
 * container: the payload must not be able to write it. */
static void protect_release_agents(struct cgroup_mounts *m)
{
	for (uint32_t i = 0; i < m->st->want.n; i++) {
		const struct ct_cg_dir *d = &m->st->want.v[i];
		struct ct_step *s;

		if (d->version != 1 || d->monitor || m->own_ns || (m->whole & MOUNT_ATTR_RDONLY))
			continue;
		s = ct_plan_add(m->b->plan, CT_PHASE_MASK, CT_OP_READONLY, m->at);
		s->b = (int16_t)m->b->root;
		s->s[0] = ct_arena_printf(m->b->arena, TOP "/%s/release_agent",
					  plain_name(d->tree));
		s->flags = CT_SF_STRICT | CT_SF_OPTIONAL;
	}
}

/* The mounts that mount.auto asks for. */
void ct_cg_mounts(void *state, struct ct_builder *b)
{
	const struct ct_cgroup_state *st = state;
	const struct ct_mount_auto *a = &b->spec->mount_auto;
	const struct ct_cg_plan *p = &st->want;
	struct cgroup_mounts m = { .b = b,
				   .st = st,
				   .at = ct_build_at(b, "mount.auto"),
				   .own_ns = (b->own | b->shared) & CT_NS_CGROUP,
				   .whole = QUIET | MOUNT_ATTR_RDONLY,
				   .own = QUIET };

	if (!a->cgroup_kind || !p->n)
		return;
	for (uint32_t i = 0; i < p->n; i++)
		m.v2_freezes |= p->v[i].version == 2 && !p->v[i].monitor;
	if (a->cgroup_mode == CT_AUTO_RO)
		m.own |= MOUNT_ATTR_RDONLY;
	/* only "full" with rw makes all of the host's cgroups writable */
	if (a->cgroup_kind == CT_AUTO_CGROUP_FULL &&
	    (a->cgroup_mode == CT_AUTO_RW || a->cgroup_mode == CT_AUTO_NO))
		m.whole = QUIET;
	m.one = p->v[0].version == 2 && (p->n == 1 || p->v[1].monitor);
	if (m.one)
		add_hierarchy(&m, 0, TOP);
	else
		add_side_by_side(&m);
	protect_release_agents(&m);
}
