/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root file system: a detached copy of the tree, stacked on the old root, pivoted into. And
 * what is hidden below it. */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "plan/builder.h"

/* Whether hooks run that use the mounted root by its path. */
static bool hooks_use_root(const struct ct_spec *s)
{
	return s->hook[CT_HOOK_MOUNT].n || s->hook[CT_HOOK_AUTODEV].n;
}

/* The tmpfs with the empty file and the empty directory that are mounted on hidden paths. */
static void mask_source(struct ct_builder *b)
{
	struct ct_step *s;

	b->mask = ct_plan_slot(b->plan, "mask");
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_FS_NEW, ct_build_at(b, "mount.auto"));
	s->o = (int16_t)b->mask;
	s->s[0] = "tmpfs";
	s->s[1] = "mode=755,size=4k,nr_inodes=4";
	s->s[2] = "libcontain-mask";
	s->n[0] = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_TOUCH, NULL);
	s->b = (int16_t)b->mask;
	s->s[0] = "file";
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_MKDIR, NULL);
	s->b = (int16_t)b->mask;
	s->s[0] = "dir";
	if (ct_build_own_boot_id(b)) {
		s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_BOOT_ID, ct_build_at(b, "init.cmd"));
		s->b = (int16_t)b->mask;
		s->s[0] = CT_BOOT_ID_FILE;
	}
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_SETATTR, NULL);
	s->a = (int16_t)b->mask;
	s->n[0] = MOUNT_ATTR_RDONLY;
	/* Older kernels clone only what is attached somewhere. */
	if (!b->host->tree_of_detached)
		ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_STACK, NULL)->a = (int16_t)b->mask;
}

/* Where the tree is stacked so that mount hooks find it: rootfs.mount, or the rootfs's own path. */
static const char *stack_path(struct ct_builder *b)
{
	if (!hooks_use_root(b->spec))
		return NULL;
	if (b->spec->rootfs_mount)
		return b->spec->rootfs_mount;
	return b->spec->rootfs_path;
}

/* Whether hooks of this kind may provide the root, by a mount on its path. */
static bool may_provide(const struct ct_builder *b, enum ct_hook_when when)
{
	return b->spec->hook[when].n && b->spec->rootfs_path && b->spec->rootfs_fd < 0;
}

/* What the tree is copied from: the directory that was opened, or its path where an earlier hook
 * may mount the root there. */
static void from_root(struct ct_builder *b, struct ct_step *s)
{
	if (may_provide(b, CT_HOOK_PRE_START) || may_provide(b, CT_HOOK_PRE_MOUNT))
		s->s[0] = b->spec->rootfs_path;
	else
		s->a = (int16_t)b->in_rootfs;
}

/* Only init sees what a pre-mount hook has mounted. */
static enum ct_phase root_phase(const struct ct_builder *b)
{
	if (may_provide(b, CT_HOOK_PRE_MOUNT))
		return CT_PHASE_ROOT;
	return CT_PHASE_HOST;
}

/* The key that sets attributes of the root's mounts. */
static const struct ct_origin *attributes_at(struct ct_builder *b)
{
	if (b->spec->rootfs_readonly)
		return ct_build_at(b, "rootfs.readonly");
	return ct_build_at(b, "rootfs.options");
}

/* In a root that is read-only missing targets of mounts cannot be made: they are made in a second
 * copy of the tree, with the attributes that the root file system has on the host. It is attached
 * nowhere, and closed behind the last mount. */
static void writable_copy(struct ct_builder *b)
{
	const struct ct_origin *at = attributes_at(b);
	int16_t copy = (int16_t)ct_plan_slot(b->plan, "targets");
	struct ct_step *s = ct_plan_add(b->plan, root_phase(b), CT_OP_TREE_CLONE, at);

	from_root(b, s);
	s->o = copy;
	s->flags = CT_SF_RECURSIVE;
	s = ct_plan_add(b->plan, root_phase(b), CT_OP_SETATTR, at);
	s->a = copy;
	s->n[2] = MS_PRIVATE;
	s->flags = CT_SF_RECURSIVE;
	ct_plan_add(b->plan, CT_PHASE_ROOT, CT_OP_TARGETS, at)->a = copy;
	ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_TARGETS, at);
}

/* The copy is made with the caller's rights, before the new namespaces, and at once cut off from
 * the host's peers. */
static void copy_root(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	const struct ct_rootfs_opts *o = &sp->rootfs_options;
	struct ct_step *s;

	b->root = ct_plan_slot(b->plan, "root");
	s = ct_plan_add(b->plan, root_phase(b), CT_OP_TREE_CLONE, ct_build_at(b, "rootfs.path"));
	from_root(b, s);
	s->o = (int16_t)b->root;
	s->flags = CT_SF_RECURSIVE;
	s = ct_plan_add(b->plan, root_phase(b), CT_OP_SETATTR, attributes_at(b));
	s->a = (int16_t)b->root;
	s->n[0] = o->attr_set;
	if (sp->rootfs_readonly)
		s->n[0] |= MOUNT_ATTR_RDONLY;
	s->n[1] = o->attr_clear;
	/* pivot_root(2) takes no shared mount: the root is made one behind it */
	s->n[2] = MS_SLAVE;
	if (o->propagation && o->propagation != MS_SHARED)
		s->n[2] = o->propagation;
	s->flags = CT_SF_RECURSIVE;
}

/* Whether the plan hides any path. */
static bool needs_mask(const struct ct_builder *b)
{
	const struct ct_mount_auto *m = &b->spec->mount_auto;

	if (b->spec->mask_path.n || b->req->n_hidden || ct_build_own_boot_id(b))
		return true;
	if (b->spec->mask_path.none)
		return false;
	if (!b->spec->mount_auto_set)
		return true;
	return m->proc == CT_AUTO_MIXED || m->proc == CT_AUTO_RO || m->sys == CT_AUTO_RO ||
	       m->sys == CT_AUTO_MIXED;
}

static const struct ct_origin *stack_at(struct ct_builder *b)
{
	if (stack_path(b) && b->spec->rootfs_mount)
		return ct_build_at(b, "rootfs.mount");
	return ct_build_at(b, "rootfs.path");
}

/* Stacks the root on the old one and pivots into it. */
static void enter_root(struct ct_builder *b)
{
	struct ct_step *s = ct_plan_add(b->plan, CT_PHASE_ROOT, CT_OP_STACK, stack_at(b));

	s->a = (int16_t)b->root;
	s->s[0] = stack_path(b);
	s = ct_plan_add(b->plan, CT_PHASE_PIVOT, CT_OP_PIVOT, ct_build_at(b, "rootfs.path"));
	s->a = (int16_t)b->root;
	if (b->spec->rootfs_options.propagation != MS_SHARED)
		return;
	s = ct_plan_add(b->plan, CT_PHASE_PIVOT, CT_OP_SETATTR, ct_build_at(b, "rootfs.options"));
	s->a = (int16_t)b->root;
	s->n[2] = MS_SHARED;
	s->flags = CT_SF_RECURSIVE;
}

static int refuse_hook(struct ct_builder *b)
{
	const struct ct_cmds *hooks = &b->spec->hook[CT_HOOK_MOUNT];

	if (!hooks->n)
		hooks = &b->spec->hook[CT_HOOK_AUTODEV];
	ct_err_origin(b->err, &hooks->v[0].at);
	ct_err_hint(b->err, "set rootfs.mount to an empty directory");
	return ct_fail(b->err, -EINVAL, CT_ERR_HOOK, "plan",
		       "the hook needs a path to the root file system, which was given as "
		       "a descriptor");
}

int ct_build_root(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	struct ct_step *s;
	int r = ct_build_pre_start_hooks(b);

	if (r < 0)
		return r;
	copy_root(b);
	if (sp->rootfs_readonly || (sp->rootfs_options.attr_set & MOUNT_ATTR_RDONLY))
		writable_copy(b);
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_PROPAGATION, NULL);
	s->n[0] = MS_PRIVATE;
	if (needs_mask(b))
		mask_source(b);
	enter_root(b);
	if (hooks_use_root(sp) && !stack_path(b))
		return refuse_hook(b);
	return 0;
}
