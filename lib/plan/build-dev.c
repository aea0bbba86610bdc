/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /dev: an own tmpfs that is filled through its descriptor, never by a path of the rootfs. */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include "plan/builder.h"

static const struct {
	const char *name, *host;
	unsigned major, minor;
} nodes[] = {
	{ "null", "/dev/null", 1, 3 },	     { "zero", "/dev/zero", 1, 5 },
	{ "full", "/dev/full", 1, 7 },	     { "random", "/dev/random", 1, 8 },
	{ "urandom", "/dev/urandom", 1, 9 }, { "tty", "/dev/tty", 5, 0 },
};

static const struct {
	const char *name, *to;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

/* Makes the node, or binds the host's, which is cloned with the caller's rights, where init may not
 * make one. */
static void add_node(struct ct_builder *b, unsigned i, bool bind, const struct ct_origin *at)
{
	struct ct_step *s;
	int tree;

	if (!bind) {
		s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_MKNOD, at);
		s->b = (int16_t)b->dev;
		s->s[0] = nodes[i].name;
		s->n[0] = S_IFCHR | 0666;
		s->n[1] = nodes[i].major;
		s->n[2] = nodes[i].minor;
		return;
	}
	tree = ct_plan_slot(b->plan, nodes[i].host);
	s = ct_plan_add(b->plan, CT_PHASE_HOST, CT_OP_TREE_CLONE, at);
	s->o = (int16_t)tree;
	s->s[0] = nodes[i].host;
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_TOUCH, at);
	s->b = (int16_t)b->dev;
	s->s[0] = nodes[i].name;
	s->n[0] = 0666;
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_ATTACH, at);
	s->a = (int16_t)tree;
	s->b = (int16_t)b->dev;
	s->s[0] = nodes[i].name;
	s->flags = CT_SF_STRICT;
}

bool ct_build_in_dev(struct ct_builder *b, struct ct_step *s, const char *name)
{
	if (b->dev != CT_SLOT_NONE) {
		s->b = (int16_t)b->dev;
		s->s[0] = name;
		return true;
	}
	s->b = (int16_t)b->root;
	s->s[0] = ct_arena_printf(b->arena, "dev/%s", name);
	return false;
}

/* A new file system, made in the phase `made`, at /dev/NAME. */
static int add_fs(struct ct_builder *b, enum ct_phase made, const char *name, const char *type,
		  const char *options, uint64_t attr, const struct ct_origin *at)
{
	int slot = ct_plan_slot(b->plan, name);
	struct ct_step *s = ct_plan_add(b->plan, made, CT_OP_FS_NEW, at);

	s->o = (int16_t)slot;
	s->s[0] = type;
	s->s[1] = options;
	s->s[2] = type;
	s->n[0] = attr;
	if (b->dev != CT_SLOT_NONE) {
		s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_MKDIR, at);
		s->b = (int16_t)b->dev;
		s->s[0] = name;
		s->n[0] = 0755;
	}
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_ATTACH, at);
	s->a = (int16_t)slot;
	if (ct_build_in_dev(b, s, name))
		s->flags = CT_SF_STRICT;
	else
		s->flags = CT_SF_CREATE_DIR;
	return slot;
}

/* Terminals that the container's list of devices refuses are opened by the launcher, which is not
 * under that list, for the container's root. The ids of root in a user namespace that is only
 * joined are not known. */
static bool early_terminals(const struct ct_builder *b)
{
	return (b->refused & CT_REFUSED_TERMINALS) && (!b->userns || (b->own & CT_NS_USER));
}

static const char *pts_options(struct ct_builder *b)
{
	const char *o = "ptmxmode=0666,mode=0620";
	/* pty.max is the payload's: console and terminals come on top */
	uint32_t own = b->req->pty || b->req->detached, gid = 5;

	if (b->req->detached)
		own += b->spec->tty_max;
	if (b->pts_phase == CT_PHASE_HOST)
		gid = ct_build_outside(b->spec, true, 5);
	if (ct_build_mapped(b->spec, true, 5) && (b->spec->idmap.n || !b->host->no_tty_group))
		o = ct_arena_printf(b->arena, "%s,gid=%u", o, gid);
	if (!o)
		return NULL;
	return ct_arena_printf(b->arena, "%s,max=%u", o, b->spec->pty_max + own);
}

void ct_build_pts(struct ct_builder *b, const struct ct_origin *at)
{
	b->pts_phase = CT_PHASE_DEV;
	if (early_terminals(b))
		b->pts_phase = CT_PHASE_HOST;
	b->pts = add_fs(b, b->pts_phase, "pts", "devpts", pts_options(b),
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, at);
}

static void fill_dev(struct ct_builder *b, const struct ct_origin *at)
{
	const uint64_t quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	bool refused = b->refused & CT_REFUSED_NODES;
	bool bind = b->userns || refused ||
		    !(b->host->cap_permitted & (UINT64_C(1) << CAP_MKNOD)) ||
		    !b->host->initial_userns;
	struct ct_step *s;

	for (unsigned i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		add_node(b, i, bind, at);
	for (unsigned i = 0; i < sizeof(links) / sizeof(*links); i++) {
		s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_SYMLINK, at);
		s->b = (int16_t)b->dev;
		s->s[0] = links[i].name;
		s->s[1] = links[i].to;
	}
	ct_build_pts(b, at);
	add_fs(b, CT_PHASE_DEV, "shm", "tmpfs", "mode=1777", quiet, at);
	/* A message queue file system belongs to an ipc namespace, which must be of the
	 * same user namespace. */
	if (!b->userns || (b->own & CT_NS_IPC))
		add_fs(b, CT_PHASE_DEV, "mqueue", "mqueue", NULL, quiet, at);
}

int ct_build_dev(struct ct_builder *b)
{
	const struct ct_origin *at = ct_build_at(b, "autodev");
	struct ct_step *s;

	if (!b->spec->autodev)
		return 0;
	b->dev = ct_plan_slot(b->plan, "dev");
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_FS_NEW, at);
	s->o = (int16_t)b->dev;
	s->s[0] = "tmpfs";
	s->s[1] = ct_arena_printf(b->arena, "mode=755,size=%" PRIu64, b->spec->autodev_size);
	s->s[2] = "dev";
	s->n[0] = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	s = ct_plan_add(b->plan, CT_PHASE_DEV, CT_OP_ATTACH, at);
	s->a = (int16_t)b->dev;
	s->b = (int16_t)b->root;
	s->s[0] = "dev";
	s->flags = CT_SF_STRICT | CT_SF_CREATE_DIR;
	fill_dev(b, at);
	return 0;
}
