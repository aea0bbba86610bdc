/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cgroups: freezing, files, limits, counters, events, protections. */
#include <errno.h>
#include <stdlib.h>

#include "api/call.h"

CT_PUBLIC int ct_freeze(ct_container *c, int timeout_ms)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_unless_ended(c, ct_run_freeze(c, 1, timeout_ms, &e), &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_unfreeze(ct_container *c, int timeout_ms)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_unless_ended(c, ct_run_freeze(c, 0, timeout_ms, &e), &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_kill_all(ct_container *c, int sig)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_unless_ended(c, ct_run_kill_all(c, sig, &e), &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC ssize_t ct_cgroup_get(ct_container *c, const char *file, char *buf, size_t size)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	ssize_t n;
	BEGIN(c, e);

	if (r >= 0 && !buf && size)
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "cgroup", "no place for the text");
	n = r;
	if (r >= 0)
		n = ct_run_cgroup_get(c, file, &text, &e);
	if (n < 0)
		return ct_done(c, &e, ct_unless_ended(c, (int)n, &e));
	if (size) {
		size_t k = size - 1;

		if ((size_t)n < k)
			k = (size_t)n;
		memcpy(buf, ct_buf_text(&text), k);
		buf[k] = 0;
	}
	ct_done(c, &e, 0);
	return n;
}

CT_PUBLIC int ct_cgroup_set(ct_container *c, const char *file, const char *value)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_unless_ended(c, ct_run_cgroup_set(c, file, value, &e), &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_set_limits(ct_container *c, const char *const *keys, const char *const *values,
			    size_t n)
{
	BEGIN(c, e);

	if (r >= 0)
		r = ct_unless_ended(c, ct_run_set_limits(c, keys, values, n, &e), &e);
	return ct_done(c, &e, r);
}

/* Fills the caller's struct, which may be that of an older or newer header: as much as it has room
 * for, and the rest with zeros. */
static void fill_struct(void *out, size_t size, const void *ours, size_t have)
{
	size_t n = have;

	if (size < n)
		n = size;
	memcpy((char *)out + sizeof(size_t), (const char *)ours + sizeof(size_t),
	       n - sizeof(size_t));
	if (size > n)
		memset((char *)out + n, 0, size - n);
}

/* Checks the size that a struct of the caller's begins with. */
static int check_size(const size_t *out, size_t min, const char *init, struct ct_err *e)
{
	if (out && *out >= min && *out <= 65536)
		return 0;
	return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "cgroup",
		       "the size of the struct is not set: begin with %s", init);
}

CT_PUBLIC int ct_stats(ct_container *c, ct_usage *out)
{
	ct_usage u = CT_USAGE_INIT;
	BEGIN(c, e);

	if (r >= 0)
		r = check_size((const size_t *)out, offsetof(ct_usage, memory_peak),
			       "CT_USAGE_INIT", &e);
	if (r >= 0)
		r = ct_unless_ended(c, ct_run_stats(c, &u, &e), &e);
	if (r >= 0)
		fill_struct(out, out->size, &u, sizeof(u));
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_event_fd(ct_container *c, const ct_event_opts *opts)
{
	ct_event_opts o = CT_EVENT_OPTS_INIT;
	BEGIN(c, e);

	if (r >= 0)
		r = ct_take_opts(&o, sizeof(o), opts, offsetof(ct_event_opts, window_us), &o.flags,
				 0, &e);
	if (r >= 0 && opts)
		r = ct_run_event_fd(c, &o, &e);
	else if (r >= 0)
		r = ct_run_event_fd(c, NULL, &e);
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_next_event(ct_container *c, ct_event *out)
{
	ct_event ev = CT_EVENT_INIT;
	BEGIN(c, e);

	if (r >= 0)
		r = check_size((const size_t *)out, offsetof(ct_event, count), "CT_EVENT_INIT", &e);
	if (r >= 0)
		r = ct_run_next_event(c, &ev, &e);
	if (r > 0)
		fill_struct(out, out->size, &ev, sizeof(ev));
	return ct_done(c, &e, r);
}

CT_PUBLIC int ct_protections(ct_container *c, int format, char **out)
{
	CT_CLEAN_BUF struct ct_buf text = CT_BUF_INIT;
	BEGIN(c, e);

	if (r >= 0 && !out)
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "protections", "no place for the text");
	if (r >= 0 && format != CT_FORMAT_TEXT && format != CT_FORMAT_JSON)
		r = ct_fail(&e, -EINVAL, CT_ERR_ARGUMENT, "protections", "%d is no format", format);
	if (r >= 0)
		r = ct_unless_ended(c, ct_run_protections(c, format, &text, &e), &e);
	if (r >= 0) {
		char *copy = ct_buf_take(&text);

		if (copy)
			*out = copy;
		else
			r = ct_oom(&e);
	}
	return ct_done(c, &e, r);
}
