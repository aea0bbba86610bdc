/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the builders of all areas share. */
#include "plan/builder.h"
#include "shared/weak.h"

#include <errno.h>
#include <string.h>

uint32_t ct_build_namespaces(const struct ct_spec *s)
{
	uint32_t ns = CT_NS_MNT | CT_NS_PID | CT_NS_UTS | CT_NS_IPC | CT_NS_NET | CT_NS_CGROUP;

	if (s->ns_clone_set)
		ns = s->ns_clone | CT_NS_MNT;
	if (s->idmap.n)
		ns |= CT_NS_USER;
	if (s->time_boot_set || s->time_monotonic_set)
		ns |= CT_NS_TIME;
	for (uint32_t i = 0; i < s->net.n; i++)
		if (s->net.v[i].type && !strcmp(s->net.v[i].type, "none"))
			ns &= ~CT_NS_NET;
	if (s->ns_keep_set)
		ns &= ~s->ns_keep;
	for (uint32_t i = 0; i < s->ns_share.n; i++)
		ns &= ~s->ns_share.v[i].ns;
	return ns;
}

bool ct_build_bare(const struct ct_spec *s)
{
	return !ct_build_namespaces(s) && !s->ns_share.n && ct_spec_landlock(s);
}

bool ct_build_userns(const struct ct_spec *s)
{
	bool userns = ct_build_namespaces(s) & CT_NS_USER;

	for (uint32_t i = 0; i < s->ns_share.n; i++)
		userns |= s->ns_share.v[i].ns == CT_NS_USER;
	return userns;
}

/* The line of idmap that an id of the container is in; NULL: none. */
static const struct ct_idmap_item *line_of(const struct ct_spec *s, bool group, uint32_t inside)
{
	for (uint32_t i = 0; i < s->idmap.n; i++) {
		const struct ct_idmap_item *m = &s->idmap.v[i];

		if (m->group == group && inside >= m->inside && inside - m->inside < m->count)
			return m;
	}
	return NULL;
}

bool ct_build_mapped(const struct ct_spec *s, bool group, uint32_t inside)
{
	return !s->idmap.n || line_of(s, group, inside);
}

uint32_t ct_build_outside(const struct ct_spec *s, bool group, uint32_t inside)
{
	const struct ct_idmap_item *m = line_of(s, group, inside);

	if (!m)
		return inside;
	return m->outside + (inside - m->inside);
}

const struct ct_origin *ct_build_at(struct ct_builder *b, const char *key)
{
	const struct ct_origin *at = ct_spec_origin(b->spec, key);
	struct ct_origin *own;

	if (at)
		return at;
	own = ct_arena_alloc(b->arena, sizeof(*own));
	if (own)
		own->key = "";
	return own;
}

const char *ct_build_num(struct ct_builder *b, uint64_t v)
{
	const char *s = ct_arena_printf(b->arena, "%llu", (unsigned long long)v);

	if (!s) {
		b->plan->err = -ENOMEM;
		return "";
	}
	return s;
}

int ct_builder_init(struct ct_builder *b, const struct ct_request *r, struct ct_arena *arena,
		    struct ct_err *e)
{
	*b = (struct ct_builder){ .req = r,
				  .spec = r->spec,
				  .host = r->host,
				  .arena = arena,
				  .err = e,
				  .in_rootfs = CT_SLOT_NONE,
				  .in_exec = CT_SLOT_NONE,
				  .in_pidfd = CT_SLOT_NONE,
				  .in_output = CT_SLOT_NONE,
				  .root = CT_SLOT_NONE,
				  .mask = CT_SLOT_NONE,
				  .proc = CT_SLOT_NONE,
				  .sys = CT_SLOT_NONE,
				  .dev = CT_SLOT_NONE,
				  .pts = CT_SLOT_NONE,
				  .into = CT_SLOT_NONE };
	b->plan = ct_plan_new(arena);
	if (!b->plan)
		return ct_oom(e);
	for (uint32_t i = 0; i < r->spec->ns_share.n; i++)
		b->shared |= r->spec->ns_share.v[i].ns;
	b->own = ct_build_namespaces(r->spec);
	if (ct_weak(CT_WEAK_CGROUP_NS))
		b->own &= ~(uint32_t)CT_NS_CGROUP;
	b->userns = (b->own | b->shared) & CT_NS_USER;
	return 0;
}

const char *ct_build_caller_var(const struct ct_request *r, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *e = r->caller_env; e && *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e;
	return NULL;
}

const char *ct_build_variable(struct ct_builder *b, const struct ct_pair_item *item)
{
	const char *kv;

	if (item->value) {
		kv = ct_arena_printf(b->arena, "%s=%s", item->name, item->value);
		if (!kv)
			ct_oom(b->err);
		return kv;
	}
	kv = ct_build_caller_var(b->req, item->name);
	if (kv)
		return kv;
	ct_err_origin(b->err, &item->at);
	ct_err_object(b->err, item->name);
	ct_err_hint(b->err, "set the variable, or give a value: %s = %s=VALUE", item->at.key,
		    item->name);
	ct_fail(b->err, -ENOENT, CT_ERR_ENVIRONMENT, "plan",
		"the caller's environment has no such variable");
	return NULL;
}

void ct_build_area_inputs(struct ct_builder *b)
{
	for (uint32_t i = 0; i < b->req->n_areas; i++)
		if (b->req->areas[i].inputs)
			b->req->areas[i].inputs(b->req->areas[i].state, b);
}

int ct_build_areas(struct ct_builder *b)
{
	int r = 0;

	for (uint32_t i = 0; r >= 0 && i < b->req->n_areas; i++)
		if (b->req->areas[i].plan)
			r = ct_err_go_on(b->err, b->req->areas[i].plan(b->req->areas[i].state, b));
	return r;
}

void ct_build_area_mounts(struct ct_builder *b)
{
	for (uint32_t i = 0; i < b->req->n_areas; i++)
		if (b->req->areas[i].mounts)
			b->req->areas[i].mounts(b->req->areas[i].state, b);
}
