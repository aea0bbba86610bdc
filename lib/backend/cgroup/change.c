/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes limits and device rules of a running container: all of them, or none. */
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
#include "base/origin.h"
#include "base/sys.h"

#define OLD_MAX 4096
#define RECLAIM_TRIES 5

/* One file to write, and its text before. */
struct ct_cgroup_change_item {
	const struct ct_cg_group *g;
	struct ct_cg_write w;
	const char *file, *value; /* of the names in w the one that this kernel has */
	char *old;
	bool done;
};

/* ---- what is to change ----------------------------------------------------------------------- */

static int not_live(struct ct_cgroup_change *ch, const char *key)
{
	ct_err_object(ch->err, key);
	ct_err_hint(ch->err, "limit.memory, limit.pids, limit.cpu and the other limits that a "
			     "cgroup carries out can change");
	return ct_fail(ch->err, -EINVAL, CT_ERR_LIMIT, "limits",
		       "this key cannot change while the container runs");
}

/* Sets a key in the copy of the config. An empty value takes the limit away: "max". */
static int change_key(struct ct_cgroup_change *ch, const char *key, const char *value)
{
	bool away = !*value;
	const char *sub;
	int r;

	/* fails, and reports why there is no such key */
	if (!ct_key_find(key, &sub))
		return ct_config_set(ch->config, key, value, ch->err);
	key = ct_plain_key(key);
	if (!ct_limit_bit(key))
		return not_live(ch, key);
	r = ct_config_clear(ch->config, key, ch->err);
	/* without limit.swap the limit of swap follows from limit.memory */
	if (r >= 0 && away && !strcmp(key, "limit.swap"))
		return 0;
	if (away)
		value = "max";
	if (r >= 0)
		r = ct_config_set(ch->config, key, value, ch->err);
	if (r < 0 && away) {
		ct_err_clear(ch->err);
		ct_err_object(ch->err, key);
		ct_err_hint(ch->err, "set another value");
		return ct_fail(ch->err, -EINVAL, CT_ERR_LIMIT, "limits",
			       "this limit cannot be taken away while the container runs");
	}
	return r;
}

/* Whether a key is written when `changed` is. limit.memory and limit.swap are written together:
 * version 1 counts swap together with memory, and without limit.swap there is no swap. */
static bool goes_with(const char *key, const char *changed)
{
	return !strcmp(key, changed) ||
	       (!strcmp(key, "limit.swap") && !strcmp(changed, "limit.memory")) ||
	       (!strcmp(key, "limit.memory") && !strcmp(changed, "limit.swap"));
}

static bool is_changed(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (goes_with(key, ct_plain_key(keys[i])))
			return true;
	return false;
}

static bool has_file(const struct ct_cg_group *g, const char *file)
{
	return faccessat(g->fd, file, F_OK, 0) == 0;
}

/* A file that may have two names is written by each that there is, as at the start. */
static int add_change(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
		      const struct ct_cg_write *w)
{
	struct ct_cgroup_change_item *v = ct_arena_grow(ch->arena, ch->v, ch->n, ch->n + 2,
							sizeof(*v));
	struct ct_cgroup_change_item x = { .g = g, .w = *w, .file = w->file, .value = w->value };
	bool first = has_file(g, w->file), second = w->file2 && has_file(g, w->file2);

	if (!v)
		return ct_oom(ch->err);
	ch->v = v;
	if (first || (!second && !w->if_there))
		v[ch->n++] = x;
	if (second) {
		x.file = w->file2;
		if (w->value2)
			x.value = w->value2;
		v[ch->n++] = x;
	}
	return 0;
}

static int collect_group(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
			 const struct ct_spec *spec, const char *const *keys, size_t n)
{
	struct ct_cg_writes writes = { NULL, 0 };
	int r = ct_limit_writes(spec, g->version, g->controllers, ch->arena, &writes, ch->err);

	for (uint32_t k = 0; r == 0 && k < writes.n; k++)
		if (writes.v[k].value && is_changed(writes.v[k].at->key, keys, n))
			r = add_change(ch, g, &writes.v[k]);
	return r;
}

/* The writes of the changed keys, over all cgroups. */
static int collect(struct ct_cgroup_change *ch, const struct ct_spec *spec, const char *const *keys,
		   size_t n)
{
	int r = 0;

	for (uint32_t i = 0; r >= 0 && i < ch->held->n; i++)
		if (ch->held->v[i].fd >= 0)
			r = collect_group(ch, &ch->held->v[i], spec, keys, n);
	return r;
}

/* Each limit must have a write, unless it has "try:": without one it would not be in effect. */
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

/* ---- writing, and restoring ------------------------------------------------------------------ */

/* What removes a device's line from a file that has one for each device. */
static const char *default_line(int version)
{
	if (version == 2)
		return "rbps=max wbps=max riops=max wiops=max";
	return "0";
}

/* Keeps what restores the file: its whole text; of a file with a line for each device, the line of
 * this device. */
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
	if (!line)
		x->old = ct_arena_printf(ch->arena, "%.*s %s", (int)device, x->value,
					 default_line(x->g->version));
	else if (!*line)
		x->old = ct_arena_strdup(ch->arena, "\n");
	else
		x->old = ct_arena_strdup(ch->arena, line);
	if (!x->old)
		return ct_oom(ch->err);
	return 0;
}

void ct_cgroup_change_back(struct ct_cgroup_change *ch)
{
	/* twice: version 1's limit of memory must not be above that of memory with swap, so which
	 * of them can be written first depends on the values */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = ch->n; i > 0; i--)
			if (ch->v[i - 1].done && ch->v[i - 1].old)
				ct_cg_write_all(ch->v[i - 1].g, ch->v[i - 1].file,
						ch->v[i - 1].old);
}

/* Version 2 accepts a memory.max below what is in use, and kills processes when it cannot reclaim
 * enough. So reclaim before, and refuse the value as version 1 does when that is not enough
 * (Documentation/admin-guide/cgroup-v2.rst, memory.max, memory.reclaim). */
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
		/* the result does not matter: it fails when it could not reclaim all of that, and
		 * older kernels have no such file */
		ct_cg_write(x->g->fd, "memory.reclaim", text);
	}
}

static int write_one(struct ct_cgroup_change *ch, struct ct_cgroup_change_item *x, struct ct_err *e)
{
	int r = keep_old(ch, x);

	if (x->w.optional)
		e = NULL;
	if (r == 0) {
		int no_room = make_room(x);

		if (no_room)
			r = ct_cg_set_failed(x->g, x->file, x->value, no_room, e);
		else
			r = ct_cg_set(x->g, x->file, x->value, e);
	}
	x->done = r == 0;
	if (x->w.optional)
		return 0;
	return r;
}

/* The file that may have to be written before this one: version 1's limit of memory cannot be
 * raised above that of memory with swap. NULL: none. */
static struct ct_cgroup_change_item *other_first(struct ct_cgroup_change *ch, uint32_t i)
{
	if (strcmp(ch->v[i].file, "memory.limit_in_bytes"))
		return NULL;
	for (uint32_t k = i + 1; k < ch->n; k++)
		if (!strcmp(ch->v[k].file, "memory.memsw.limit_in_bytes") && !ch->v[k].done)
			return &ch->v[k];
	return NULL;
}

/* Writes one file; when the kernel refuses the value, once more after `first` (NULL: none). */
static int write_in_order(struct ct_cgroup_change *ch, struct ct_cgroup_change_item *x,
			  struct ct_cgroup_change_item *first)
{
	struct ct_err why;
	int r;

	if (!first)
		return write_one(ch, x, ch->err);
	ct_err_clear(&why);
	r = write_one(ch, x, &why);
	if (r == -EINVAL) {
		r = write_one(ch, first, ch->err);
		if (r < 0)
			return r;
		return write_one(ch, x, ch->err);
	}
	if (r < 0 && ch->err)
		*ch->err = why;
	return r;
}

static int write_all_changes(struct ct_cgroup_change *ch)
{
	for (uint32_t i = 0; i < ch->n; i++) {
		int r;

		if (ch->v[i].done)
			continue;
		r = write_in_order(ch, &ch->v[i], other_first(ch, i));
		if (r < 0) {
			ct_err_origin(ch->err, ch->v[i].w.at);
			ct_cgroup_change_back(ch);
			return r;
		}
	}
	return 0;
}

/* The version whose keys have the running config's device rules: if it has rules of one version
 * only, they serve both. */
static int version_of_rules(const struct ct_spec *s, int version)
{
	if (!s->devrules.n)
		return version;
	for (uint32_t i = 0; i < s->devrules.n; i++)
		if (s->devrules.v[i].version == version)
			return version;
	return 3 - version;
}

/* The key that a new rule belongs to. */
static const char *rules_key(const struct ct_spec *s, int version, int allow)
{
	static const char *const keys[2][2] = {
		{ "cgroup.devices.deny", "cgroup.devices.allow" },
		{ "cgroup2.devices.deny", "cgroup2.devices.allow" },
	};

	return keys[version_of_rules(s, version) == 2][allow != 0];
}

/* Writes the difference, into the cgroup with the limits and into the payload's own below it: what
 * is allowed later is not passed on to that by the kernel. */
static int apply_v1(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
		    const struct ct_dev_list *was, const struct ct_dev_list *now,
		    const struct ct_origin *at)
{
	struct ct_cg_writes w = { NULL, 0 };
	int r = ct_dev_v1_change(was, now, at, ch->arena, &w, ch->err);

	/* the kernel changes the default only of a cgroup that has none below it */
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

/* Version 2's program is replaced in one step. To version 1 the difference is written. */
static int apply_rules(struct ct_cgroup_change *ch, const struct ct_cg_group *g,
		       const struct ct_spec *was, const struct ct_spec *now)
{
	struct ct_dev_list before, after;
	int r = ct_dev_from_spec(was, g->version, ch->arena, &before, ch->err);

	if (r == 0)
		r = ct_dev_from_spec(now, g->version, ch->arena, &after, ch->err);
	if (r < 0)
		return r;
	if (g->version == 2)
		return ct_dev_attach(g->fd, &after, NULL, ch->err);
	return apply_v1(ch, g, &before, &after, &now->devrules.v[now->devrules.n - 1].at);
}

int ct_cgroup_change_limits(struct ct_cgroup_change *ch, const char *const *keys,
			    const char *const *values, size_t n)
{
	struct ct_spec *spec;
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = change_key(ch, keys[i], values[i]);
	if (r < 0)
		return r;
	spec = ct_spec_read(ch->config, ch->arena, ch->err);
	if (!spec)
		return ch->err->err;
	r = collect(ch, spec, keys, n);
	if (r >= 0)
		r = check_all_served(ch, keys, values, n);
	if (r < 0)
		return r;
	return write_all_changes(ch);
}

int ct_cgroup_change_devices(struct ct_cgroup_change *ch, int allow, const char *rule)
{
	struct ct_err *e = ch->err;
	const struct ct_cg_group *g;
	struct ct_spec *was, *now;
	int r = 0;

	g = ct_cg_group_of(ch->held, CT_CG_DEVICES);
	if (!g) {
		ct_err_hint(e, "start it with limit.devices = default");
		return ct_fail(e, -ENOENT, CT_ERR_DEVICES, "cgroup",
			       "the container's devices are not restricted");
	}
	was = ct_spec_read(ch->config, ch->arena, e);
	if (!was)
		return e->err;
	/* the first rule in a config may decide whether the list begins with all devices, as in
	 * LXC; a rule that is added to a running container must not */
	if (!was->devices_set)
		r = ct_config_set(ch->config, "limit.devices", ct_dev_preset(was, g->version), e);
	if (r >= 0)
		r = ct_config_set(ch->config, rules_key(was, g->version, allow), rule, e);
	if (r < 0)
		return r;
	now = ct_spec_read(ch->config, ch->arena, e);
	if (!now)
		return e->err;
	return apply_rules(ch, g, was, now);
}
