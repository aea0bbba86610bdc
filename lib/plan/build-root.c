/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The root file system: a detached copy of the tree, stacked on the old root, pivoted into. And
 * what is hidden below it. */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "plan/builder.h"

/* Do hooks run that look at the mounted root by path? */
static bool hooks_look_at_root(const struct ct_spec *s)
{
	return s->hook[CT_HOOK_MOUNT].n || s->hook[CT_HOOK_AUTODEV].n;
}

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
	if (!hooks_look_at_root(b->spec))
		return NULL;
	return b->spec->rootfs_mount ? b->spec->rootfs_mount : b->spec->rootfs_path;
}

/* Whether hooks of this kind may provide the root, by a mount on its path. */
static bool may_provide(const struct ct_builder *b, enum ct_hook_when when)
{
	return b->spec->hook[when].n && b->spec->rootfs_path && b->spec->rootfs_fd < 0;
}

/* Where the tree is copied from. A hook before that may provide it, by a mount on its path:
 * then the directory that was opened before is not the root, and what pre-mount mounts is
 * seen by init alone. */
static void from_root(struct ct_builder *b, struct ct_step *s)
{
	if (may_provide(b, CT_HOOK_PRE_START) || may_provide(b, CT_HOOK_PRE_MOUNT))
		s->s[0] = b->spec->rootfs_path;
	else
		s->a = (int16_t)b->in_rootfs;
}

static enum ct_phase root_phase(const struct ct_builder *b)
{
	return may_provide(b, CT_HOOK_PRE_MOUNT) ? CT_PHASE_ROOT : CT_PHASE_HOST;
}

/* A root that is read-only from the start, as all its mounts, cannot be given the targets of
 * mounts: they are made in a second copy of the tree, which nobody sees and which goes with the
 * last of them. It is as the rootfs was found: what is read-only there stays so. */
static void writable_twin(struct ct_builder *b)
{
	const struct ct_origin *at = ct_build_at(b, b->spec->rootfs_readonly ? "rootfs.readonly"
									     : "rootfs.options");
	int16_t twin = (int16_t)ct_plan_slot(b->plan, "targets");
	struct ct_step *s = ct_plan_add(b->plan, root_phase(b), CT_OP_TREE_CLONE, at);

	from_root(b, s);
	s->o = twin;
	s->flags = CT_SF_RECURSIVE;
	s = ct_plan_add(b->plan, root_phase(b), CT_OP_SETATTR, at);
	s->a = twin;
	s->n[2] = MS_PRIVATE;
	s->flags = CT_SF_RECURSIVE;
	ct_plan_add(b->plan, CT_PHASE_ROOT, CT_OP_TARGETS, at)->a = twin;
	ct_plan_add(b->plan, CT_PHASE_MASK, CT_OP_TARGETS, at);
}

int ct_build_root(struct ct_builder *b)
{
	const struct ct_spec *sp = b->spec;
	const struct ct_rootfs_opts *o = &sp->rootfs_options;
	struct ct_step *s;
	int r = ct_build_pre_start_hooks(b);

	if (r < 0)
		return r;
	/* The copy is made with the caller's rights, before the new namespaces, and at once cut off
	 * from the host's peers. */
	b->root = ct_plan_slot(b->plan, "root");
	s = ct_plan_add(b->plan, root_phase(b), CT_OP_TREE_CLONE, ct_build_at(b, "rootfs.path"));
	from_root(b, s);
	s->o = (int16_t)b->root;
	s->flags = CT_SF_RECURSIVE;
	s = ct_plan_add(b->plan, root_phase(b), CT_OP_SETATTR,
			ct_build_at(b, sp->rootfs_readonly ? "rootfs.readonly" : "rootfs.options"));
	s->a = (int16_t)b->root;
	s->n[0] = o->attr_set | (sp->rootfs_readonly ? MOUNT_ATTR_RDONLY : 0);
	s->n[1] = o->attr_clear;
	/* pivot_root(2) takes no shared mount: the root is made one behind it */
	s->n[2] = o->propagation && o->propagation != MS_SHARED ? o->propagation : MS_SLAVE;
	s->flags = CT_SF_RECURSIVE;

	if (sp->rootfs_readonly || (o->attr_set & MOUNT_ATTR_RDONLY))
		writable_twin(b);
	s = ct_plan_add(b->plan, CT_PHASE_NEW, CT_OP_PROPAGATION, NULL);
	s->n[0] = MS_PRIVATE;
	if (sp->mount_auto.proc == CT_AUTO_MIXED || sp->mount_auto.proc == CT_AUTO_RO ||
	    !sp->mount_auto_set || sp->mount_auto.sys == CT_AUTO_RO ||
	    sp->mount_auto.sys == CT_AUTO_MIXED || b->req->n_hidden || ct_build_own_boot_id(b))
		mask_source(b);
	s = ct_plan_add(b->plan, CT_PHASE_ROOT, CT_OP_STACK,
			ct_build_at(b, stack_path(b) && sp->rootfs_mount ? "rootfs.mount"
									 : "rootfs.path"));
	s->a = (int16_t)b->root;
	s->s[0] = stack_path(b);
	s = ct_plan_add(b->plan, CT_PHASE_PIVOT, CT_OP_PIVOT, ct_build_at(b, "rootfs.path"));
	s->a = (int16_t)b->root;
	if (o->propagation == MS_SHARED) {
		s = ct_plan_add(b->plan, CT_PHASE_PIVOT, CT_OP_SETATTR,
				ct_build_at(b, "rootfs.options"));
		s->a = (int16_t)b->root;
		s->n[2] = MS_SHARED;
		s->flags = CT_SF_RECURSIVE;
	}
	if (hooks_look_at_root(sp) && !s->s[0] && !stack_path(b)) {
		ct_err_origin(b->err,
			      &sp->hook[sp->hook[CT_HOOK_MOUNT].n ? CT_HOOK_MOUNT : CT_HOOK_AUTODEV]
				       .v[0]
				       .at);
		ct_err_hint(b->err, "set rootfs.mount to an empty directory");
		return ct_fail(b->err, -EINVAL, CT_ERR_HOOK, "plan",
			       "the hook needs a path to the root file system, which was given as "
			       "a descriptor");
	}
	return 0;
}
