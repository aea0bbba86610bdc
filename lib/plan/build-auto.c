/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mount.auto: /proc, /sys and the shared mounts. */
#include <linux/mount.h>
#include <sys/mount.h>

#include "plan/builder.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static void attach(struct ct_builder *b, int tree, const char *where, uint8_t flags,
		   const struct ct_origin *at)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_ATTACH, at);

	s->a = (int16_t)tree;
	s->b = (int16_t)b->root;
	s->s[0] = where;
	s->flags = flags;
}

/* A new instance, or a copy of the host's mount where the file system's namespace does not belong
 * to the container's user namespace. */
static int instance(struct ct_builder *b, const char *type, const char *host, bool ours,
		    uint64_t attr, enum ct_phase phase, const struct ct_origin *at)
{
	int slot = ct_plan_slot(b->plan, type);
	struct ct_step *s;

	if (ours) {
		s = ct_plan_add(b->plan, phase, CT_OP_FS_NEW, at);
		s->o = (int16_t)slot;
		s->s[0] = type;
		s->s[2] = type;
		s->n[0] = attr;
		return slot;
	}
	s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_TREE_CLONE, at);
	s->o = (int16_t)slot;
	s->s[0] = host;
	s->flags = CT_SF_RECURSIVE;
	s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_SETATTR, at);
	s->a = (int16_t)slot;
	s->n[0] = attr;
	s->n[2] = MS_PRIVATE;
	s->flags = CT_SF_RECURSIVE;
	return slot;
}

static void add_proc(struct ct_builder *b, enum ct_auto_mode mode)
{
	const struct ct_origin *at = ct_build_at(b, "mount.auto");
	bool ours = !b->userns || ((b->own | b->shared) & CT_NS_PID);

	if (mode == CT_AUTO_NO && !b->spec->sysctl.n)
		return;
	b->proc = instance(b, "proc", "/proc", ours, QUIET, CT_PHASE_DEV, at);
	if (mode != CT_AUTO_NO)
		attach(b, b->proc, "proc", CT_SF_STRICT | CT_SF_CREATE_DIR, at);
}

/* sys:mixed: read-only, but the container's own network devices can be set. */
static void add_net_devices(struct ct_builder *b, const struct ct_origin *at)
{
	int rw = instance(b, "sysfs", "/sys", true, QUIET, CT_PHASE_NEW, at),
	    net = ct_plan_slot(b->plan, "net devices");
	struct ct_step *s;

	if (!b->host->tree_of_detached)
		ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_STACK, at)->a = (int16_t)rw;
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_TREE_CLONE, at);
	s->a = (int16_t)rw;
	s->o = (int16_t)net;
	s->s[0] = "devices/virtual/net";
	attach(b, net, "sys/devices/virtual/net", CT_SF_STRICT, at);
}

static void add_sys(struct ct_builder *b, enum ct_auto_mode mode)
{
	const struct ct_origin *at = ct_build_at(b, "mount.auto");
	bool ours = !b->userns || ((b->own | b->shared) & CT_NS_NET);
	uint64_t attr = QUIET;

	if (mode == CT_AUTO_NO)
		return;
	if (mode != CT_AUTO_RW)
		attr |= MOUNT_ATTR_RDONLY;
	b->sys = instance(b, "sysfs", "/sys", ours, attr, CT_PHASE_DEV, at);
	attach(b, b->sys, "sys", CT_SF_STRICT | CT_SF_CREATE_DIR, at);
	if (mode == CT_AUTO_MIXED && ours && ((b->own | b->shared) & CT_NS_NET))
		add_net_devices(b, at);
}

static void add_shared(struct ct_builder *b)
{
	const struct ct_mount_auto *m = &b->spec->mount_auto;
	const struct ct_origin *at = ct_build_at(b, "mount.auto");
	int slot;
	struct ct_step *s;

	if (!m->shm_host)
		return;
	slot = ct_plan_slot(b->plan, "shared mounts");
	s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_TREE_CLONE, at);
	s->o = (int16_t)slot;
	s->s[0] = m->shm_host;
	s->flags = CT_SF_RECURSIVE;
	s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_SETATTR, at);
	s->a = (int16_t)slot;
	s->n[2] = MS_SLAVE;
	s->flags = CT_SF_RECURSIVE;
	attach(b, slot, m->shm_target ? m->shm_target : "dev/.lxc-mounts", CT_SF_CREATE_DIR, at);
}

int ct_build_auto(struct ct_builder *b)
{
	const struct ct_mount_auto *m = &b->spec->mount_auto;

	if (b->spec->mount_auto_set) {
		add_proc(b, m->proc);
		add_sys(b, m->sys);
	} else {
		add_proc(b, CT_AUTO_MIXED);
		add_sys(b, CT_AUTO_RO);
	}
	ct_build_area_mounts(b);
	add_shared(b);
	return 0;
}
