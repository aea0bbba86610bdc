/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits and device rules, changed all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "backend/cgroup/ops.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"

#define OLD_MAX 4096
#define RECLAIM_TRIES 5

/* One file to write, and what it said before. */
struct ct_cgroup_change_item {
	const struct ct_cg_group *g;
	struct ct_cg_write w;
	const char *file, *value; /* as it is here: a file may have another name on other kernels */
	char *old;
	bool done;
};

/* A key without LXC's prefix. */
static const char *plain(const char *key)
{
	return strncmp(key, "lxc.", 4) ? key : key + 4;
}

/* ---- what is to change ----------------------------------------------------------------------- */

static int not_live(struct ct_cgroup_change *ch, const char *key)
{
	ct_err_object(ch->err, key);
	ct_err_hint(ch->err, "limit.memory, limit.pids, limit.cpu and the other limits that a "
			     "cgroup carries out can change");
	return ct_fail(ch->err, -EINVAL, CT_ERR_LIMIT, "limits",
		       "this key cannot change while the container runs");
}

/* A key's new value in the copy of the config. Without one, "max" stands for it until the
 * files are written. */
static int change_key(struct ct_cgroup_change *ch, const char *key, const char *value)
{
	const char *sub;
	int r;

	if (!ct_key_find(key, &sub))
		return ct_config_set(ch->config, key, value, ch->err);
	key = plain(key);
	if (!ct_limit_bit(key))
		return not_live(ch, key);
	r = ct_config_clear(ch->config, key, ch->err);
	/* what then holds is in the config itself: without swap, or with all of it */
	if (r >= 0 && !*value && !strcmp(key, "limit.swap"))
		return 0;
	if (r >= 0)
		r = ct_config_set(ch->config, key, *value ? value : "max", ch->err);
	if (r < 0 && !*value) {
		ct_err_clear(ch->err);
		ct_err_object(ch->err, key);
		ct_err_hint(ch->err, "set another value");
		return ct_fail(ch->err, -EINVAL, CT_ERR_LIMIT, "limits",
			       "this limit cannot be taken away while the container runs");
	}
	return r;
}

/* Version 1 counts swap together with memory, and without a word about swap there is none: the two
 * are written together. */
static bool goes_with(const char *key, const char *changed)
{
	return !strcmp(key, changed) ||
	       (!strcmp(key, "limit.swap") && !strcmp(changed, "limit.memory")) ||
	       (!strcmp(key, "limit.memory") && !strcmp(changed, "limit.swap"));
}

static bool is_changed(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (goes_with(key, plain(keys[i])))
			return true;
	return false;
}

static int add_change(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
		      const struct ct_cg_write *w)
{
	struct ct_cgroup_change_item *v = ct_arena_grow(ch->arena, ch->v, ch->n, ch->n + 2,
							sizeof(*v));
	bool first = faccessat(g->fd, w->file, F_OK, 0) == 0,
	     second = w->file2 && faccessat(g->fd, w->file2, F_OK, 0) == 0;

	if (!v)
		return ct_oom(ch->err);
	ch->v = v;
	/* of two names for one thing each that is there, as at the start */
	if (first || (!second && !w->if_there))
		v[ch->n++] = (struct ct_cgroup_change_item){
			.g = g, .w = *w, .file = w->file, .value = w->value
		};
	if (second)
		v[ch->n++] = (struct ct_cgroup_change_item){
			.g = g, .w = *w, .file = w->file2, .value = w->value2 ? w->value2 : w->value
		};
	return 0;
}

/* The writes of the changed keys, over all groups. */
static int collect(struct ct_cgroup_change *ch, const struct ct_spec *spec, const char *const *keys,
		   size_t n)
{
	for (uint32_t i = 0; i < ch->held->n; i++) {
		const struct ct_cg_group *g = &ch->held->v[i];
		struct ct_cg_writes writes = { NULL, 0 };
		int r = g->fd < 0 ? 0
				  : ct_limit_writes(spec, g->version, g->controllers, ch->arena,
						    &writes, ch->err);

		for (uint32_t k = 0; r == 0 && k < writes.n; k++)
			if (writes.v[k].value && is_changed(writes.v[k].at->key, keys, n))
				r = add_change(ch, g, &writes.v[k]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A limit that no group of the container could take is not one. */
static int check_all_served(struct ct_cgroup_change *ch, const char *const *keys,
			    const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool served = !strncmp(values[i], "try:", 4);

		for (uint32_t k = 0; k < ch->n; k++)
			served |= is_changed(ch->v[k].w.at->key, &keys[i], 1);
		if (served)
			continue;
		ct_err_object(ch->err, keys[i]);
		ct_err_hint(ch->err, "the container must have been started with a group of this "
				     "controller: give it the limit before, even as max");
		return ct_fail(ch->err, -EOPNOTSUPP, CT_ERR_LIMIT, "limits",
			       "the container has no group with the %s controller",
			       ct_cg_name(ct_limit_bit(keys[i]), 2));
	}
	return 0;
}

/* ---- writing, and taking back ---------------------------------------------------------------- */

/* What brings the file back: its whole text, or of one with a line for each device the
 * line of this device. */
static int keep_old(struct ct_cgroup_change *ch, struct ct_cgroup_change_item *x)
{
	char text[OLD_MAX], *line = text, *next;
	size_t device = strcspn(x->value, " ");
	bool by_device = memchr(x->value, ':', device) != NULL;

	if (ct_cg_read(x->g->fd, x->file, text, sizeof(text)) < 0)
		return 0;
	for (; by_device && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(line, x->value, device) && line[device] == ' ')
			break;
	}
	if (line)
		x->old = ct_arena_strdup(ch->arena, *line ? line : "\n");
	else
		x->old = ct_arena_printf(ch->arena, "%.*s %s", (int)device, x->value,
					 x->g->version == 2
						 ? "rbps=max wbps=max riops=max wiops=max"
						 : "0");
	return x->old ? 0 : ct_oom(ch->err);
}

void ct_cgroup_change_back(struct ct_cgroup_change *ch)
{
	/* twice: version 1 takes memory and memory with swap in one order upwards, in
	 * the other downwards */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = ch->n; i > 0; i--)
			if (ch->v[i - 1].done && ch->v[i - 1].old)
				ct_cg_write_all(ch->v[i - 1].g, ch->v[i - 1].file,
						ch->v[i - 1].old);
}

/* Version 2 takes a memory.max below what is in use, and kills for it what it cannot reclaim:
 * reclaim first, and refuse as version 1 does (Documentation/admin-guide/cgroup-v2.rst,
 * memory.max, memory.reclaim). */
static int make_room(const struct ct_cgroup_change_item *x)
{
	uint64_t max, used;

	if (strcmp(x->file, "memory.max") || ct_parse_u64(x->value, &max))
		return 0;
	for (int i = 0;; i++) {
		char text[32];
		ssize_t n = ct_cg_read(x->g->fd, "memory.current", text, sizeof(text));

		if (n <= 0 || ct_parse_u64(text, &used) || used <= max)
			return 0;
		if (i == RECLAIM_TRIES)
			return -EBUSY;
		snprintf(text, sizeof(text), "%" PRIu64, used - max);
		/* it says itself when there was not that much; an older kernel has no such file */
		ct_cg_write(x->g->fd, "memory.reclaim", text);
	}
}

static int write_one(struct ct_cgroup_change *ch, struct ct_cgroup_change_item *x, struct ct_err *e)
{
	int r = keep_old(ch, x), full = r == 0 ? make_room(x) : 0;

	if (full)
		r = ct_cg_set_failed(x->g, x->file, x->value, full, x->w.optional ? NULL : e);
	else if (r == 0)
		r = ct_cg_set(x->g, x->file, x->value, x->w.optional ? NULL : e);
	x->done = r == 0;
	return x->w.optional ? 0 : r;
}

/* Version 1 does not let memory pass memory with swap: upwards the latter goes first. */
static struct ct_cgroup_change_item *goes_first(struct ct_cgroup_change *ch, uint32_t i)
{
	if (strcmp(ch->v[i].file, "memory.limit_in_bytes"))
		return NULL;
	for (uint32_t k = i + 1; k < ch->n; k++)
		if (!strcmp(ch->v[k].file, "memory.memsw.limit_in_bytes") && !ch->v[k].done)
			return &ch->v[k];
	return NULL;
}

static int write_all_changes(struct ct_cgroup_change *ch)
{
	for (uint32_t i = 0; i < ch->n; i++) {
		struct ct_cgroup_change_item *first = goes_first(ch, i);
		struct ct_err why;
		int r;

		if (ch->v[i].done)
			continue;
		ct_err_clear(&why);
		r = write_one(ch, &ch->v[i], first ? &why : ch->err);
		if (r == -EINVAL && first) {
			r = write_one(ch, first, ch->err);
			r = r < 0 ? r : write_one(ch, &ch->v[i], ch->err);
		} else if (r < 0 && first && ch->err) {
			*ch->err = why;
		}
		if (r < 0) {
			ct_err_origin(ch->err, ch->v[i].w.at);
			ct_cgroup_change_back(ch);
			return r;
		}
	}
	return 0;
}

/* The key that the running config has its rules under: those of one version serve both
 * unless both are given. */
static const char *rules_key(const struct ct_spec *s, int version, int allow)
{
	bool one = version == 1;

	for (uint32_t i = 0; i < s->devrules.n; i++) {
		if (s->devrules.v[i].version == version)
			break;
		one = version == 2;
		if (i + 1 == s->devrules.n)
			return one ? (allow ? "cgroup.devices.allow" : "cgroup.devices.deny")
				   : (allow ? "cgroup2.devices.allow" : "cgroup2.devices.deny");
	}
	if (version == 1)
		return allow ? "cgroup.devices.allow" : "cgroup.devices.deny";
	return allow ? "cgroup2.devices.allow" : "cgroup2.devices.deny";
}

/* The difference, in the group with the limits and in the payload's own below it: what is allowed
 * later does not reach that by itself. */
static int apply_v1(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
		    const struct ct_dev_list *was, const struct ct_dev_list *now,
		    const struct ct_origin *at)
{
	struct ct_cg_writes w = { NULL, 0 };
	int r = ct_dev_v1_change(was, now, at, ch->arena, &w, ch->err);

	/* the kernel changes what holds for all others only where there is no group below */
	if (r == 0 && w.n && !strcmp(w.v[0].value, "a") && g->inner_fd >= 0) {
		ct_err_origin(ch->err, at);
		ct_err_hint(ch->err, "leave m out of a rule for what may be made but not opened (c "
				     "1:7 rw), or put the rule into the config");
		return ct_fail(ch->err, -EBUSY, CT_ERR_DEVICES, "cgroup",
			       "version 1 takes this rule only anew with all others, not while the "
			       "payload has a group of its own");
	}
	for (uint32_t i = 0; r == 0 && i < w.n; i++)
		r = ct_cg_set(g, w.v[i].file, w.v[i].value, ch->err);
	for (uint32_t i = 0; r == 0 && g->inner_fd >= 0 && i < w.n; i++)
		r = ct_cg_write(g->inner_fd, w.v[i].file, w.v[i].value);
	return r;
}

/* Version 2's program is replaced in one step; version 1's kernel is told what is different. */
static int apply_rules(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
		       const struct ct_spec *was, const struct ct_spec *now)
{
	struct ct_dev_list before, after;
	int r = ct_dev_from_spec(was, g->version, ch->arena, &before, ch->err);

	if (r == 0)
		r = ct_dev_from_spec(now, g->version, ch->arena, &after, ch->err);
	if (r < 0)
		return r;
	return g->version == 2
		       ? ct_dev_attach(g->fd, &after, ch->err)
		       : apply_v1(ch, g, &before, &after, &now->devrules.v[now->devrules.n - 1].at);
}

int ct_cgroup_change_limits(struct ct_cgroup_change *ch, const char *const *keys,
			    const char *const *values, size_t n)
{
	struct ct_spec *spec = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = change_key(ch, keys[i], values[i]);
	if (r >= 0) {
		spec = ct_spec_read(ch->config, ch->arena, ch->err);
		r = spec ? collect(ch, spec, keys, n) : ch->err->err;
	}
	if (r >= 0)
		r = check_all_served(ch, keys, values, n);
	return r < 0 ? r : write_all_changes(ch);
}

int ct_cgroup_change_devices(struct ct_cgroup_change *ch, int allow, const char *rule)
{
	struct ct_err *e = ch->err;
	const struct ct_cg_group *g;
	struct ct_spec *was, *now = NULL;
	int r;

	g = ct_cg_group_of(ch->held, CT_CG_DEVICES);
	if (!g) {
		ct_err_hint(e, "start it with limit.devices = default");
		return ct_fail(e, -ENOENT, CT_ERR_DEVICES, "cgroup",
			       "the container's devices are not restricted");
	}
	was = ct_spec_read(ch->config, ch->arena, e);
	if (!was)
		return e->err;
	/* what a rule in a config may mean for all others, LXC's "all that is not denied", a
	 * rule of now does not */
	r = was->devices_set
		    ? 0
		    : ct_config_set(ch->config, "limit.devices", ct_dev_preset(was, g->version), e);
	if (r >= 0)
		r = ct_config_set(ch->config, rules_key(was, g->version, allow), rule, e);
	now = r >= 0 ? ct_spec_read(ch->config, ch->arena, e) : NULL;
	if (r >= 0)
		r = now ? apply_rules(ch, g, was, now) : e->err;
	return r;
}
