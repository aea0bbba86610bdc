/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits and device rules of a running container, changed all or nothing. */
#include <errno.h>
#include <poll.h>
#include <sys/file.h>

#include "backend/cgroup/ops.h"
#include "base/fd.h"
#include "base/sys.h"
#include "run/handle/container.h"

#define TURN_MS 3000 /* for other calls that change limits of the same container */

struct call {
	struct ct_container *c;
	struct ct_err *err;
	struct ct_cgroups_held held;
	struct ct_cgroup_change change;
	int turn; /* state directory, locked; -1: in process, where a handle is one thread's */
};

/* Waits for other handles that change limits: each writes the whole config, so they must not do it
 * at the same time. */
static int take_turn(struct call *ch)
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
			return ct_fail_sys(ch->err, -errno, CT_ERR_STATE, "limits", "flock",
					   "the state directory cannot be locked");
		if (ct_now_ms() >= until)
			return ct_fail(ch->err, -ETIMEDOUT, CT_ERR_TIMEOUT, "limits",
				       "another call that changes its limits does not end");
		poll(NULL, 0, 2);
	}
	return 0;
}

static int begin(struct call *ch)
{
	int r = take_turn(ch);

	if (r >= 0)
		r = ct_running_config(ch->c, &ch->change.config, ch->err);
	ch->change.held = &ch->held;
	ch->change.err = ch->err;
	ch->change.arena = ct_arena_new();
	if (r >= 0 && !ch->change.arena)
		r = ct_oom(ch->err);
	if (r >= 0)
		r = ct_groups_of(ch->c, &ch->held, ch->err);
	return r;
}

static void end(struct call *ch)
{
	ct_close(&ch->turn);
	ct_cgroup_forget(&ch->held);
	ct_config_free(ch->change.config);
	ct_arena_free(ch->change.arena);
}

/* Makes the changed config the one that the container runs with; if that fails, takes the change
 * of its cgroups back. */
static int keep(struct call *ch)
{
	int r = ct_keep_running_config(ch->c, ch->change.config, ch->err);

	if (r < 0)
		ct_cgroup_change_back(&ch->change);
	else
		ch->change.config = NULL;
	return r;
}

/* Removes from the config the keys of the limits that were taken away. */
static int clear_empty(struct call *ch, const char *const *keys, const char *const *values,
		       size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		if (!*values[i])
			r = ct_config_clear(ch->change.config, keys[i], ch->err);
	if (r < 0)
		ct_cgroup_change_back(&ch->change);
	return r;
}

int ct_run_set_limits(struct ct_container *c, const char *const *keys, const char *const *values,
		      size_t n, struct ct_err *e)
{
	struct call ch = { .c = c, .err = e, .turn = -1 };
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (!keys || !values || !keys[i] || !values[i]) {
			ct_err_hint(e, "an empty value takes the limit away");
			r = ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "limits",
				    "a key or a value is NULL");
		}
	if (r == 0)
		r = begin(&ch);
	if (r >= 0)
		r = ct_cgroup_change_limits(&ch.change, keys, values, n);
	if (r >= 0)
		r = clear_empty(&ch, keys, values, n);
	if (r >= 0)
		r = keep(&ch);
	end(&ch);
	return r;
}

int ct_run_devices_set(struct ct_container *c, int allow, const char *rule, struct ct_err *e)
{
	struct call ch = { .c = c, .err = e, .turn = -1 };
	int r;

	/* in a config an empty value takes all rules away */
	if (!*rule) {
		const char *key = "devices.deny";

		if (allow)
			key = "devices.allow";
		ct_err_object(e, key);
		ct_err_hint(e, "write it as c 10:229 rwm, or a for all");
		return ct_fail(e, -EINVAL, CT_ERR_DEVICES, "cgroup", "the rule is empty");
	}
	r = begin(&ch);
	if (r >= 0)
		r = ct_cgroup_change_devices(&ch.change, allow, rule);
	if (r >= 0)
		r = keep(&ch);
	end(&ch);
	return r;
}
