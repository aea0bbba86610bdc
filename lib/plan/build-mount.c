/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mounts of the config, in its order. What needs the caller's rights is cloned before
 * the new namespaces. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "plan/builder.h"

/* File systems that a user namespace may mount by itself. */
static const char *const userns_types[] = { "proc",   "sysfs",	"tmpfs",   "devpts",
					    "mqueue", "cgroup", "cgroup2", "overlay",
					    "ramfs",  "fuse",	"bpf" };

static bool mountable_in_userns(const char *type)
{
	for (unsigned i = 0; i < sizeof(userns_types) / sizeof(*userns_types); i++)
		if (!strcmp(type, userns_types[i]))
			return true;
	return false;
}

static int refuse(struct ct_builder *b, const struct ct_mount_item *m, const char *what,
		  const char *hint)
{
	ct_err_origin(b->err, &m->at);
	ct_err_object(b->err, m->target);
	ct_err_hint(b->err, "%s", hint);
	return ct_fail(b->err, -EOPNOTSUPP, CT_ERR_NOT_YET, "plan", "%s is not supported", what);
}

static uint8_t create_flag(const struct ct_mount_item *m)
{
	static const uint8_t flag[] = { [CT_CREATE_DIR] = CT_SF_CREATE_DIR,
					[CT_CREATE_FILE] = CT_SF_CREATE_FILE,
					[CT_CREATE_LIKE_SOURCE] = CT_SF_CREATE };

	if (m->create >= sizeof(flag))
		return 0;
	return flag[m->create];
}

static uint8_t recursive_flag(bool recursive)
{
	if (recursive)
		return CT_SF_RECURSIVE;
	return 0;
}

/* The tree to bind, in `slot`. Returns the phase in which it was made. */
static enum ct_phase clone_source(struct ct_builder *b, const struct ct_mount_item *m,
				  enum ct_phase inside, int slot, int input, uint8_t optional)
{
	enum ct_phase phase = CT_PHASE_HOST;
	struct ct_step *s;

	if (m->relative)
		phase = inside;
	s = ct_plan_add(b->plan, phase, CT_OP_TREE_CLONE, &m->at);
	s->o = (int16_t)slot;
	s->flags = optional | recursive_flag(m->recursive);
	s->a = (int16_t)input;
	if (input == CT_SLOT_NONE)
		s->s[0] = m->source;
	if (input == CT_SLOT_NONE && m->relative)
		s->a = (int16_t)b->root;
	return phase;
}

static void set_attributes(struct ct_builder *b, const struct ct_mount_item *m, int slot,
			   enum ct_phase phase, uint8_t optional)
{
	struct ct_step *s = ct_plan_add(b->plan, phase, CT_OP_SETATTR, &m->at);

	s->a = (int16_t)slot;
	s->n[0] = m->attr_set;
	s->n[1] = m->attr_clear;
	s->n[2] = MS_SLAVE;
	if (m->propagation)
		s->n[2] = m->propagation;
	s->flags = optional | recursive_flag(m->recursive || m->propagation_recursive);
}

/* Whether init may not make the file system: that takes the rights of the host's root, or a device
 * that the container's list refuses. */
static bool takes_callers_rights(const struct ct_builder *b, const struct ct_mount_item *m)
{
	bool listed = (b->refused & CT_REFUSED_BLOCKS) && m->source && *m->source == '/';

	return (b->userns || listed) && !mountable_in_userns(m->fstype);
}

/* A new file system of the entry's type, in `slot`. */
static void new_fs(struct ct_builder *b, const struct ct_mount_item *m, enum ct_phase inside,
		   int slot, uint8_t optional)
{
	enum ct_phase phase = inside;
	struct ct_step *s;

	if (takes_callers_rights(b, m))
		phase = CT_PHASE_HOST;
	s = ct_plan_add(b->plan, phase, CT_OP_FS_NEW, &m->at);
	s->o = (int16_t)slot;
	s->s[0] = m->fstype;
	s->s[1] = m->data;
	s->s[2] = m->fstype;
	if (m->source && strcmp(m->source, "none") != 0)
		s->s[2] = m->source;
	s->n[0] = m->attr_set;
	s->flags = optional;
	if (!m->propagation)
		return;
	s = ct_plan_add(b->plan, phase, CT_OP_SETATTR, &m->at);
	s->a = (int16_t)slot;
	s->n[2] = m->propagation;
	s->flags = optional;
}

/* One entry of the config. `inside`: the phase of the steps that init carries out. */
static int add_mount(struct ct_builder *b, uint32_t i, enum ct_phase inside)
{
	const struct ct_mount_item *m = &b->spec->mounts.v[i];
	uint8_t optional = m->optional ? CT_SF_OPTIONAL : 0;
	struct ct_step *s;
	int slot;

	if (m->idmap)
		return refuse(b, m, "idmap= on a mount",
			      "take idmap= out, or map the files on the host");
	if (m->move)
		return refuse(b, m, "moving a mount of the host", "use bind or rbind");
	slot = ct_plan_slot(b->plan, ct_arena_printf(b->arena, "mount %u", i));
	if (m->bind)
		set_attributes(b, m, slot,
			       clone_source(b, m, inside, slot, b->in_mount[i], optional),
			       optional);
	else
		new_fs(b, m, inside, slot, optional);
	s = ct_plan_add(b->plan, inside, CT_OP_ATTACH, &m->at);
	s->a = (int16_t)slot;
	s->b = (int16_t)b->root;
	s->s[0] = m->target;
	s->flags = (uint8_t)(optional | create_flag(m));
	return 0;
}

int ct_build_mounts(struct ct_builder *b)
{
	enum ct_hides hides;
	int r = 0;

	for (uint32_t i = 0; i < b->spec->mounts.n && r >= 0; i++)
		if (!ct_build_protected(b, b->spec->mounts.v[i].target, &hides))
			r = ct_err_go_on(b->err, add_mount(b, i, CT_PHASE_MOUNT));
	return r;
}

/* A mount at or below `path`, which is hidden. Below it there is no target, and nobody would see
 * what is mounted on a path that the config hides itself: an entry that is marked optional is left
 * out, another one is refused. */
static int add_on_hidden(struct ct_builder *b, uint32_t i, const char *path, enum ct_hides hides)
{
	const struct ct_mount_item *m = &b->spec->mounts.v[i];

	if (hides == CT_HIDES_BELOW && !strcmp(m->target, path))
		return add_mount(b, i, CT_PHASE_MASK);
	if (m->optional)
		return 0;
	ct_err_origin(b->err, &m->at);
	ct_err_object(b->err, m->target);
	if (hides == CT_HIDES_ALL)
		ct_err_hint(b->err, "take /%s out of mask.path, or the mount out of the config",
			    path);
	else
		ct_err_hint(b->err, "mount on /%s itself, or take the hiding away by mount.auto",
			    path);
	return ct_fail(b->err, -EINVAL, CT_ERR_CONFLICT, "plan",
		       "the target is %s/%s, which is hidden from the container",
		       strcmp(m->target, path) ? "below " : "", path);
}

int ct_build_mounts_on_protected(struct ct_builder *b)
{
	int r = 0;

	for (uint32_t i = 0; i < b->spec->mounts.n && r >= 0; i++) {
		enum ct_hides hides = CT_HIDES_NOTHING;
		const char *path = ct_build_protected(b, b->spec->mounts.v[i].target, &hides);

		if (!path)
			continue;
		if (hides)
			r = add_on_hidden(b, i, path, hides);
		else
			r = add_mount(b, i, CT_PHASE_MASK);
		r = ct_err_go_on(b->err, r);
	}
	return r;
}
