/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits and device rules of a running container, changed all or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backend/cgroup/devices.h"
#include "backend/cgroup/limit.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/sys.h"
#include "run/handle/container.h"

#define OLD_MAX 4096
#define RECLAIM_TRIES 5
#define TURN_MS 3000	/* for other calls that change limits of the same container */

/* One file to write, and what it said before. */
struct change {
	const struct ct_cg_group *g;
	struct ct_cg_write w;
	const char *file, *value;	/* as it is here: a file may have another name on other kernels */
	char *old;
	bool done;
};

struct changes {
	struct ct_container *c;
	struct ct_arena *arena;
	struct ct_err *err;
	struct ct_config *config;	/* the running one with the changes */
	struct ct_cgroups_held held;
	struct change *v;
	uint32_t n;
	int turn;			/* state directory, locked; -1: in process, where a handle is one thread's */
};

/* A key without LXC's prefix. */
static const char *plain(const char *key)
{
	return strncmp(key, "lxc.", 4) ? key : key + 4;
}

/* ---- what is to change --------------------------------------------------------------------------------------------------------- */

static int not_live(struct changes *ch, const char *key)
{
	ct_err_object(ch->err, key);
	ct_err_hint(ch->err, "limit.memory, limit.pids, limit.cpu and the other limits that a cgroup carries out can change");
	return ct_fail(ch->err, -EINVAL, CT_ERR_LIMIT, "limits", "this key cannot change while the container runs");
}

/* A key's new value in the copy of the config. Without one, "max" stands for it until the files are written. */
static int change_key(struct changes *ch, const char *key, const char *value)
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
		return ct_fail(ch->err, -EINVAL, CT_ERR_LIMIT, "limits", "this limit cannot be taken away while the container runs");
	}
	return r;
}

/* Version 1 counts swap together with memory, and without a word about swap there is none: the two are written together. */
static bool goes_with(const char *key, const char *changed)
{
	return !strcmp(key, changed) || (!strcmp(key, "limit.swap") && !strcmp(changed, "limit.memory")) ||
	       (!strcmp(key, "limit.memory") && !strcmp(changed, "limit.swap"));
}

static bool is_changed(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (goes_with(key, plain(keys[i])))
			return true;
	return false;
}

static int add_change(struct changes *ch, const struct ct_cg_group *g, const struct ct_cg_write *w)
{
	struct change *v = ct_arena_grow(ch->arena, ch->v, ch->n, ch->n + 2, sizeof(*v));
	bool first = faccessat(g->fd, w->file, F_OK, 0) == 0, second = w->file2 && faccessat(g->fd, w->file2, F_OK, 0) == 0;

	if (!v)
		return ct_oom(ch->err);
	ch->v = v;
	/* of two names for one thing each that is there, as at the start */
	if (first || (!second && !w->if_there))
		v[ch->n++] = (struct change){ .g = g, .w = *w, .file = w->file, .value = w->value };
	if (second)
		v[ch->n++] = (struct change){ .g = g, .w = *w, .file = w->file2, .value = w->value2 ? w->value2 : w->value };
	return 0;
}

/* The writes of the changed keys, over all groups. */
static int collect(struct changes *ch, const struct ct_spec *spec, const char *const *keys, size_t n)
{
	for (uint32_t i = 0; i < ch->held.n; i++) {
		const struct ct_cg_group *g = &ch->held.v[i];
		struct ct_cg_writes writes = { NULL, 0 };
		int r = g->fd < 0 ? 0 : ct_limit_writes(spec, g->version, g->controllers, ch->arena, &writes, ch->err);

		for (uint32_t k = 0; r == 0 && k < writes.n; k++)
			if (writes.v[k].value && is_changed(writes.v[k].at->key, keys, n))
				r = add_change(ch, g, &writes.v[k]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A limit that no group of the container could take is not one. */
static int check_all_served(struct changes *ch, const char *const *keys, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool served = !strncmp(values[i], "try:", 4);

		for (uint32_t k = 0; k < ch->n; k++)
			served |= is_changed(ch->v[k].w.at->key, &keys[i], 1);
		if (served)
			continue;
		ct_err_object(ch->err, keys[i]);
		ct_err_hint(ch->err, "the container must have been started with a group of this controller: give it the limit before, even as max");
		return ct_fail(ch->err, -EOPNOTSUPP, CT_ERR_LIMIT, "limits", "the container has no group with the %s controller",
			       ct_cg_name(ct_limit_bit(keys[i]), 2));
	}
	return 0;
}

/* ---- writing, and taking back ----------------------------------------------------------------------------------------------------- */

/* What brings the file back: its whole text, or of one with a line for each device the line of this device. */
static int keep_old(struct changes *ch, struct change *x)
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
		x->old = ct_arena_printf(ch->arena, "%.*s %s", (int)device, x->value, x->g->version == 2 ? "rbps=max wbps=max riops=max wiops=max" : "0");
	return x->old ? 0 : ct_oom(ch->err);
}

static void take_back(struct changes *ch)
{
	/* twice: version 1 takes memory and memory with swap in one order upwards, in the other downwards */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = ch->n; i > 0; i--)
			if (ch->v[i - 1].done && ch->v[i - 1].old)
				ct_cg_write_all(ch->v[i - 1].g, ch->v[i - 1].file, ch->v[i - 1].old);
}

/* Version 2 takes a memory.max below what is in use, and kills for it what it cannot reclaim: reclaim first, and refuse as version 1
 * does (Documentation/admin-guide/cgroup-v2.rst, memory.max, memory.reclaim). */
static int make_room(const struct change *x)
{
	uint64_t max, used;

	if (strcmp(x->file, "memory.max") || ct_parse_u64(x->value, &max))
		return 0;
	for (int i = 0; ; i++) {
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

static int write_one(struct changes *ch, struct change *x, struct ct_err *e)
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
static struct change *goes_first(struct changes *ch, uint32_t i)
{
	if (strcmp(ch->v[i].file, "memory.limit_in_bytes"))
		return NULL;
	for (uint32_t k = i + 1; k < ch->n; k++)
		if (!strcmp(ch->v[k].file, "memory.memsw.limit_in_bytes") && !ch->v[k].done)
			return &ch->v[k];
	return NULL;
}

static int write_all_changes(struct changes *ch)
{
	for (uint32_t i = 0; i < ch->n; i++) {
		struct change *first = goes_first(ch, i);
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
			take_back(ch);
			return r;
		}
	}
	return 0;
}

/* ---- the calls ---------------------------------------------------------------------------------------------------------------------- */

/* Other handles may change limits at the same time, and each writes the whole config: one after the other. */
static int take_turn(struct changes *ch)
{
	int64_t until = ct_now_ms() + TURN_MS;
	struct ct_err own;

	ct_err_clear(&own);
	ch->turn = ct_state_dir(ch->c, &own);
	if (ch->turn == -ENOENT)
		return 0;
	if (ch->turn < 0) {
		*ch->err = own;
		return ch->turn;
	}
	while (flock(ch->turn, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ct_fail_sys(ch->err, -errno, CT_ERR_STATE, "limits", "flock", "the state directory cannot be locked");
		if (ct_now_ms() >= until)
			return ct_fail(ch->err, -ETIMEDOUT, CT_ERR_TIMEOUT, "limits", "another call that changes its limits does not end");
		poll(NULL, 0, 2);
	}
	return 0;
}

static int begin(struct changes *ch)
{
	int r = take_turn(ch);

	if (r >= 0)
		r = ct_running_config(ch->c, &ch->config, ch->err);
	ch->arena = ct_arena_new();
	if (r >= 0 && !ch->arena)
		r = ct_oom(ch->err);
	return r < 0 ? r : ct_groups_of(ch->c, &ch->held, ch->err);
}

static void end(struct changes *ch)
{
	ct_close(&ch->turn);
	ct_cgroup_forget(&ch->held);
	ct_config_free(ch->config);
	ct_arena_free(ch->arena);
}

/* The config that is kept does not have what was taken away. */
static int keep(struct changes *ch, const char *const *keys, const char *const *values, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		if (!*values[i])
			r = ct_config_clear(ch->config, keys[i], ch->err);
	if (r >= 0)
		r = ct_keep_running_config(ch->c, ch->config, ch->err);
	if (r < 0)
		take_back(ch);
	else
		ch->config = NULL;
	return r;
}

int ct_run_set_limits(struct ct_container *c, const char *const *keys, const char *const *values, size_t n, struct ct_err *e)
{
	struct changes ch = { .c = c, .err = e, .turn = -1 };
	struct ct_spec *spec = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (!keys || !values || !keys[i] || !values[i]) {
			ct_err_hint(e, "an empty value takes the limit away");
			r = ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "limits", "a key or a value is NULL");
		}
	if (r == 0)
		r = begin(&ch);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = change_key(&ch, keys[i], values[i]);
	if (r >= 0) {
		spec = ct_spec_read(ch.config, ch.arena, e);
		r = spec ? collect(&ch, spec, keys, n) : e->err;
	}
	if (r >= 0)
		r = check_all_served(&ch, keys, values, n);
	if (r >= 0)
		r = write_all_changes(&ch);
	if (r >= 0)
		r = keep(&ch, keys, values, n);
	end(&ch);
	return r;
}

/* The key that the running config has its rules under: those of one version serve both unless both are given. */
static const char *rules_key(const struct ct_spec *s, int version, int allow)
{
	bool one = version == 1;

	for (uint32_t i = 0; i < s->devrules.n; i++) {
		if (s->devrules.v[i].version == version)
			break;
		one = version == 2;
		if (i + 1 == s->devrules.n)
			return one ? (allow ? "cgroup.devices.allow" : "cgroup.devices.deny") : (allow ? "cgroup2.devices.allow" : "cgroup2.devices.deny");
	}
	if (version == 1)
		return allow ? "cgroup.devices.allow" : "cgroup.devices.deny";
	return allow ? "cgroup2.devices.allow" : "cgroup2.devices.deny";
}

/* The difference, in the group with the limits and in the payload's own below it: what is allowed later does not reach that by
 * itself. */
static int apply_v1(struct changes *ch, const struct ct_cg_group *g, const struct ct_dev_list *was, const struct ct_dev_list *now,
		    const struct ct_origin *at)
{
	struct ct_cg_writes w = { NULL, 0 };
	int r = ct_dev_v1_change(was, now, at, ch->arena, &w, ch->err);

	/* the kernel changes what holds for all others only where there is no group below */
	if (r == 0 && w.n && !strcmp(w.v[0].value, "a") && g->inner_fd >= 0) {
		ct_err_origin(ch->err, at);
		ct_err_hint(ch->err, "leave m out of a rule for what may be made but not opened (c 1:7 rw), or put the rule into the config");
		return ct_fail(ch->err, -EBUSY, CT_ERR_DEVICES, "cgroup",
			       "version 1 takes this rule only anew with all others, not while the payload has a group of its own");
	}
	for (uint32_t i = 0; r == 0 && i < w.n; i++)
		r = ct_cg_set(g, w.v[i].file, w.v[i].value, ch->err);
	for (uint32_t i = 0; r == 0 && g->inner_fd >= 0 && i < w.n; i++)
		r = ct_cg_write(g->inner_fd, w.v[i].file, w.v[i].value);
	return r;
}

/* Version 2's program is replaced in one step; version 1's kernel is told what is different. */
static int apply_rules(struct changes *ch, const struct ct_cg_group *g, const struct ct_spec *was, const struct ct_spec *now)
{
	struct ct_dev_list before, after;
	int r = ct_dev_from_spec(was, g->version, ch->arena, &before, ch->err);

	if (r == 0)
		r = ct_dev_from_spec(now, g->version, ch->arena, &after, ch->err);
	if (r < 0)
		return r;
	return g->version == 2 ? ct_dev_attach(g->fd, &after, ch->err) : apply_v1(ch, g, &before, &after, &now->devrules.v[now->devrules.n - 1].at);
}

int ct_run_devices_set(struct ct_container *c, int allow, const char *rule, struct ct_err *e)
{
	struct changes ch = { .c = c, .err = e, .turn = -1 };
	const struct ct_cg_group *g;
	struct ct_spec *was, *now = NULL;
	int r;

	/* in a config an empty value takes all rules away */
	if (!*rule) {
		ct_err_object(e, allow ? "devices.allow" : "devices.deny");
		ct_err_hint(e, "write it as c 10:229 rwm, or a for all");
		return ct_fail(e, -EINVAL, CT_ERR_DEVICES, "cgroup", "the rule is empty");
	}
	r = begin(&ch);
	g = r < 0 ? NULL : ct_cg_group_of(&ch.held, CT_CG_DEVICES);
	if (r >= 0 && !g) {
		ct_err_hint(e, "start it with limit.devices = default");
		r = ct_fail(e, -ENOENT, CT_ERR_DEVICES, "cgroup", "the container's devices are not restricted");
	}
	was = r < 0 ? NULL : ct_spec_read(ch.config, ch.arena, e);
	/* what a rule in a config may mean for all others, LXC's "all that is not denied", a rule of now does not */
	if (was && !was->devices_set)
		r = ct_config_set(ch.config, "limit.devices", ct_dev_preset(was, g->version), e);
	if (r >= 0)
		r = was ? ct_config_set(ch.config, rules_key(was, g->version, allow), rule, e) : e->err;
	if (r >= 0) {
		now = ct_spec_read(ch.config, ch.arena, e);
		r = now ? apply_rules(&ch, g, was, now) : e->err;
	}
	if (r >= 0) {
		r = ct_keep_running_config(c, ch.config, e);
		ch.config = r < 0 ? ch.config : NULL;
	}
	end(&ch);
	return r;
}
