/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is hidden or read-only, and the sysctls that are written before that. The lists of what is
 * so by default are data: doc/SECURITY.md shows them, tests/root/protections.c walks the result.
 * mask.path and readonly.path add to them or replace them. */
#include <linux/mount.h>
#include <string.h>

#include "plan/builder.h"

enum { IN_PROC, IN_SYS };
#define NET "sys/net"
static const char *const tops[] = { [IN_PROC] = "proc/", [IN_SYS] = "sys/" };

struct place {
	uint8_t where;
	const char *path;
};

static const struct place hidden[] = {
	{ IN_PROC, "acpi" },
	{ IN_PROC, "asound" },
	{ IN_PROC, "interrupts" },
	{ IN_PROC, "kcore" },
	{ IN_PROC, "keys" },
	{ IN_PROC, "key-users" },
	{ IN_PROC, "kmsg" },
	{ IN_PROC, "latency_stats" },
	{ IN_PROC, "mem" },
	{ IN_PROC, "sched_debug" },
	{ IN_PROC, "scsi" },
	{ IN_PROC, "timer_list" },
	{ IN_PROC, "timer_stats" },
	{ IN_SYS, "firmware" },
	{ IN_SYS, "devices/virtual/powercap" },
	{ IN_SYS, "kernel/debug" },
	{ IN_SYS, "kernel/security" },
	{ IN_SYS, "kernel/tracing" },
	{ IN_SYS, "fs/bpf" },
};

static const struct place readonly[] = {
	{ IN_PROC, "bus" },	 { IN_PROC, "driver" }, { IN_PROC, "dynamic_debug" },
	{ IN_PROC, "fs" },	 { IN_PROC, "irq" },	{ IN_PROC, "mtrr" },
	{ IN_PROC, "pressure" }, { IN_PROC, "sys" },	{ IN_PROC, "sysrq-trigger" },
};

/* The path of a sysctl: sys/net/ipv4/ip_forward of net.ipv4.ip_forward. A slash in the name stands
 * for a dot in the path, as in sysctl(8). */
static const char *sysctl_path(struct ct_builder *b, const char *name)
{
	char *path = ct_arena_printf(b->arena, "sys/%s", name);

	if (!path)
		return NULL;
	for (char *p = strpbrk(path + strlen("sys/"), "./"); p; p = strpbrk(p + 1, "./")) {
		if (*p == '.')
			*p = '/';
		else
			*p = '.';
	}
	return path;
}

static void add_sysctls(struct ct_builder *b)
{
	for (uint32_t i = 0; i < b->spec->sysctl.n; i++) {
		const struct ct_pair_item *item = &b->spec->sysctl.v[i];
		struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_WRITE, &item->at);

		s->b = (int16_t)b->proc;
		s->s[0] = sysctl_path(b, item->name);
		s->s[1] = item->value;
	}
}

/* Whether mount.auto asks for the places of /proc, or of /sys, that are in this table to be
 * covered, and the config's own list does not replace it. */
static bool covered(struct ct_builder *b, const struct place *table, uint8_t where)
{
	const struct ct_mount_auto *m = &b->spec->mount_auto;
	const struct ct_covers *own = &b->spec->readonly_path;

	if (table == hidden)
		own = &b->spec->mask_path;
	if (own->none)
		return false;
	if (!b->spec->mount_auto_set)
		return true;
	if (where == IN_PROC)
		return m->proc == CT_AUTO_MIXED || m->proc == CT_AUTO_RO;
	return m->sys == CT_AUTO_MIXED || m->sys == CT_AUTO_RO;
}

/* Whether a target is, or lies below, a path of /proc or /sys. */
static bool lies_at(const char *target, uint8_t where, const char *path)
{
	size_t top = strlen(tops[where]), n = strlen(path);

	if (strncmp(target, tops[where], top) || strncmp(target + top, path, n))
		return false;
	return !target[top + n] || target[top + n] == '/';
}

/* The one of these places that a target is, or lies below; NULL: none. */
static const char *find_place(struct ct_builder *b, const char *target, const struct place *places,
			      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (covered(b, places, places[i].where) &&
		    lies_at(target, places[i].where, places[i].path))
			return ct_arena_printf(b->arena, "%s%s", tops[places[i].where],
					       places[i].path);
	return NULL;
}

/* Whether a path is another one, or lies below it; both relative to the root. */
static bool lies_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

const char *ct_build_protected(struct ct_builder *b, const char *target, enum ct_hides *hides)
{
	const struct ct_covers *own = &b->spec->mask_path;
	const char *path = NULL;

	*hides = CT_HIDES_ALL;
	for (uint32_t i = 0; i < own->n; i++)
		if (lies_below(target, own->v[i].value))
			return own->v[i].value;
	path = find_place(b, target, hidden, sizeof(hidden) / sizeof(*hidden));
	*hides = CT_HIDES_BELOW;
	if (path)
		return path;
	*hides = CT_HIDES_NOTHING;
	return find_place(b, target, readonly, sizeof(readonly) / sizeof(*readonly));
}

/* One step on a path of /proc or /sys; the stage skips one that this kernel does not have. */
static struct ct_step *protect(struct ct_builder *b, enum ct_op op, uint8_t where, const char *path,
			       const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_MASK, op, at);

	s->b = (int16_t)b->sys;
	if (where == IN_PROC)
		s->b = (int16_t)b->proc;
	s->s[0] = path;
	s->flags = CT_SF_OPTIONAL | CT_SF_STRICT;
	return s;
}

/* With proc:mixed the container may set the parameters of a network of its own, as with LXC. Their
 * directory is cloned while /proc/sys is writable, and attached on the read-only one. Where
 * mount.auto is not set, all of /proc/sys stays read-only. */
static int copy_net(struct ct_builder *b, const struct ct_origin *at)
{
	int slot = ct_plan_slot(b->plan, "sys-net");
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_TREE_CLONE, at);

	s->o = (int16_t)slot;
	s->a = (int16_t)b->proc;
	s->s[0] = NET;
	s->flags = CT_SF_OPTIONAL;
	return slot;
}

bool ct_build_own_boot_id(const struct ct_builder *b)
{
	return !b->req->execute && !b->spec->init_reaper;
}

/* Whether the config mounts a file system of its own at the path. */
static bool is_mounted_by_entry(const struct ct_builder *b, const char *path)
{
	for (uint32_t i = 0; i < b->spec->mounts.n; i++)
		if (!strcmp(b->spec->mounts.v[i].target, path))
			return true;
	return false;
}

/* Where to look a path up: in our own /proc or /sys, which nobody can rename meanwhile, else from
 * the root on. *path becomes relative to it. */
static int find_top(const struct ct_builder *b, const char **path)
{
	const bool proc = !b->spec->mount_auto_set || b->spec->mount_auto.proc != CT_AUTO_NO;

	if (proc && b->proc != CT_SLOT_NONE && !strncmp(*path, "proc/", 5) &&
	    !is_mounted_by_entry(b, "proc")) {
		*path += 5;
		return b->proc;
	}
	if (b->sys != CT_SLOT_NONE && !strncmp(*path, "sys/", 4) &&
	    !is_mounted_by_entry(b, "sys")) {
		*path += 4;
		return b->sys;
	}
	return b->root;
}

static struct ct_step *cover(struct ct_builder *b, enum ct_op op, const struct ct_str_item *item)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_MASK, op, &item->at);

	s->s[0] = item->value;
	s->b = (int16_t)find_top(b, &s->s[0]);
	s->flags = CT_SF_OPTIONAL | CT_SF_STRICT;
	return s;
}

/* Behind all mounts of the config, which are covered, too. What lies below a read-only path and is
 * a mount of its own stays there, and becomes read-only. */
int ct_build_own_covers(struct ct_builder *b)
{
	const struct ct_covers *hide = &b->spec->mask_path, *readonly_too = &b->spec->readonly_path;

	for (uint32_t i = 0; i < readonly_too->n; i++)
		cover(b, CT_OP_READONLY, &readonly_too->v[i])->flags |= CT_SF_RECURSIVE;
	for (uint32_t i = 0; i < hide->n; i++)
		cover(b, CT_OP_MASK, &hide->v[i])->a = (int16_t)b->mask;
	return 0;
}

int ct_build_protect(struct ct_builder *b)
{
	const struct ct_origin *at = ct_build_at(b, "mount.auto");
	bool some_readonly = covered(b, readonly, IN_PROC) &&
			     b->spec->mount_auto.proc != CT_AUTO_RO;
	int net = CT_SLOT_NONE;
	struct ct_step *s;

	add_sysctls(b);
	if (some_readonly && b->spec->mount_auto_set && (b->own & CT_NS_NET))
		net = copy_net(b, at);
	for (unsigned i = 0; i < sizeof(readonly) / sizeof(*readonly); i++)
		if (some_readonly)
			protect(b, CT_OP_READONLY, readonly[i].where, readonly[i].path, at);
	if (net != CT_SLOT_NONE)
		protect(b, CT_OP_ATTACH, IN_PROC, NET, at)->a = (int16_t)net;
	if (b->spec->mount_auto_set && b->spec->mount_auto.proc == CT_AUTO_RO) {
		s = ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_SETATTR, at);
		s->a = (int16_t)b->proc;
		s->n[0] = MOUNT_ATTR_RDONLY;
	}
	for (unsigned i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (covered(b, hidden, hidden[i].where))
			protect(b, CT_OP_MASK, hidden[i].where, hidden[i].path, at)->a =
				(int16_t)b->mask;
	if (ct_build_own_boot_id(b) && b->proc != CT_SLOT_NONE) {
		s = protect(b, CT_OP_MASK, IN_PROC, "sys/kernel/random/boot_id",
			    ct_build_at(b, "init.cmd"));
		s->a = (int16_t)b->mask;
		s->s[1] = CT_BOOT_ID_FILE;
	}
	/* best effort: a path that does not exist has nothing to hide */
	for (uint32_t i = 0; i < b->req->n_hidden; i++) {
		s = ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_MASK, ct_build_at(b, "rootfs.path"));
		s->a = (int16_t)b->mask;
		s->b = (int16_t)b->root;
		s->s[0] = b->req->hidden[i];
		s->flags = CT_SF_OPTIONAL;
	}
	return 0;
}
