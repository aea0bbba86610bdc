/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount.auto's cgroup words: the hierarchies below /sys/fs/cgroup. In a cgroup namespace of its own
 * the payload sees its groups as the tops of fresh instances; without one it gets the host's trees,
 * of which, unless all is asked for, only its own groups can be written to.
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
	uint64_t whole, own; /* attributes of the trees, and of the payload's own groups in them */
};

static void attach(struct cgroup_mounts *m, int tree, const char *where, uint8_t flags)
{
	struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_ATTACH, m->at);

	s->a = (int16_t)tree;
	s->b = (int16_t)m->b->root;
	s->s[0] = where;
	s->flags = flags;
}

/* What the payload may do with its own group. A task that both versions' freezers hold spins in the
 * kernel (seen with 6.1 on hybrid hosts: get_signal() never ends, and on a kernel without
 * preemption that processor does nothing else): where version 2 freezes, version 1's freezer is
 * there to be looked at. */
static uint64_t own_attr(const struct cgroup_mounts *m, const struct ct_cg_dir *d)
{
	bool second = m->v2_freezes && d->version == 1 && (d->controllers & CT_CG_FREEZER);

	return m->own | (second ? MOUNT_ATTR_RDONLY : 0);
}

/* A fresh instance, whose top is the payload's own group. */
static int instance(struct cgroup_mounts *m, const struct ct_cg_dir *d)
{
	int slot = ct_plan_slot(m->b->plan, ct_arena_printf(m->b->arena, "tree %s", d->tree));
	struct ct_step *s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_FS_NEW, m->at);

	s->o = (int16_t)slot;
	s->s[0] = d->version == 2 ? "cgroup2" : "cgroup";
	if (d->version == 1)
		s->s[1] = strncmp(d->tree, "name=", 5)
				  ? d->tree
				  : ct_arena_printf(m->b->arena, "none,%s", d->tree);
	s->s[2] = "cgroup";
	s->n[0] = own_attr(m, d);
	return slot;
}

/* A tree of the host's, or a group of it: `path`, or the descriptor in `from`. */
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
	s->n[1] = attr & MOUNT_ATTR_RDONLY ? 0 : MOUNT_ATTR_RDONLY;
	s->n[2] = MS_PRIVATE;
	return slot;
}

/* One hierarchy at its place. */
static void add_tree(struct cgroup_mounts *m, uint32_t i, const char *where)
{
	const struct ct_cg_dir *d = &m->st->want.v[i];
	uint8_t flags = CT_SF_STRICT | CT_SF_CREATE_DIR;
	struct ct_arena *a = m->b->arena;
	uint64_t own = own_attr(m, d);
	int group = m->st->in_inner[i] != CT_SLOT_NONE ? m->st->in_inner[i] : m->st->in_group[i];

	if (m->own_ns) {
		attach(m, instance(m, d), where, flags);
		return;
	}
	attach(m, copy(m, ct_arena_printf(a, "tree %s", d->tree), d->mount, CT_SLOT_NONE, m->whole),
	       where, flags);
	if (own != m->whole && m->own != m->whole)
		attach(m, copy(m, ct_arena_printf(a, "own %s", d->tree), NULL, group, own),
		       ct_arena_printf(a, "%s%s/%s%s%s", where, d->base, d->path,
				       d->inner ? "/" : "", d->inner ? d->inner : ""),
		       CT_SF_STRICT);
}

/* Joined controllers are looked for by each of their names, too. */
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

/* Several hierarchies stand side by side in a small file system, which becomes
 * read-only once they do. */
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
		const char *name = strncmp(d->tree, "name=", 5) ? d->tree : d->tree + 5;

		if (d->monitor)
			continue;
		add_tree(m, i, ct_arena_printf(m->b->arena, TOP "/%s", name));
		link_names(m, top, name);
	}
	s = ct_plan_add(m->b->plan, CT_PHASE_DEV, CT_OP_SETATTR, m->at);
	s->a = (int16_t)top;
	s->n[0] = MOUNT_ATTR_RDONLY;
}

/* A program named there is run by the host's kernel outside of any container: never
 * the payload's to say. */
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
					  strncmp(d->tree, "name=", 5) ? d->tree : d->tree + 5);
		s->flags = CT_SF_STRICT | CT_SF_OPTIONAL;
	}
}

/* As mount.auto's words have it. */
void ct_cg_mounts(void *state, struct ct_builder *b)
{
	const struct ct_cgroup_state *st = state;
	const struct ct_mount_auto *a = &b->spec->mount_auto;
	const struct ct_cg_plan *p = &st->want;
	struct cgroup_mounts m = { .b = b,
				   .st = st,
				   .at = ct_build_at(b, "mount.auto"),
				   .own_ns = (b->own | b->shared) & CT_NS_CGROUP };
	bool writable = a->cgroup_mode != CT_AUTO_RO;

	if (!a->cgroup_kind || !p->n)
		return;
	for (uint32_t i = 0; i < p->n; i++)
		m.v2_freezes |= p->v[i].version == 2 && !p->v[i].monitor;
	m.own = QUIET | (writable ? 0 : MOUNT_ATTR_RDONLY);
	/* all of the host's groups for writing is what the word "full" with rw says,
	 * and nothing less */
	m.whole = QUIET | (a->cgroup_kind == CT_AUTO_CGROUP_FULL && (a->cgroup_mode == CT_AUTO_RW ||
								     a->cgroup_mode == CT_AUTO_NO)
				   ? 0
				   : MOUNT_ATTR_RDONLY);
	m.one = p->v[0].version == 2 && (p->n == 1 || p->v[1].monitor);
	if (m.one)
		add_tree(&m, 0, TOP);
	else
		add_side_by_side(&m);
	protect_release_agents(&m);
}
