/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/call.h"

#include <errno.h>

const ct_error *ct_last_of(struct ct_records *errors)
{
	const ct_error *e = ct_records_get(errors);

	if (e)
		return e;
	return &ct_no_error;
}

int ct_done(struct ct_container *c, const struct ct_err *e, int r)
{
	if (!c || c->owner != getpid())
		return r;
	if (r >= 0) {
		ct_records_set(&c->errors, NULL);
		return r;
	}
	ct_log(&c->log, CT_LOG_ERROR, "%s", e->message);
	ct_records_set(&c->errors, e);
	return r;
}

int ct_done_change(struct ct_container *c, const struct ct_err *e, const char *key, int r)
{
	if (c && c->owner == getpid()) {
		if (r < 0)
			ct_records_hold(&c->errors, e, key);
		else if (key)
			ct_records_let_go(&c->errors, key);
	}
	return ct_done(c, e, r);
}

int ct_check_handle(const struct ct_container *c, struct ct_err *e)
{
	if (!c)
		return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "call", "no handle");
	if (c->owner != getpid())
		return ct_fail(e, -ECHILD, CT_ERR_FORKED, "call",
			       "the handle belongs to the process that this one was forked from");
	return 0;
}

int ct_take_opts(void *dst, size_t dst_size, const void *in, size_t min_size, const uint64_t *flags,
		 uint64_t known, struct ct_err *e)
{
	size_t size, n;

	if (in) {
		memcpy(&size, in, sizeof(size));
		if (size < min_size) {
			ct_err_hint(e, "begin with the struct's _INIT");
			return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, "call",
				       "the option struct's size %zu is too small", size);
		}
		n = dst_size;
		if (size < n)
			n = size;
		for (size_t i = n; i < size; i++)
			if (((const unsigned char *)in)[i])
				return ct_fail(e, -E2BIG, CT_ERR_STRUCT_TAIL, "call",
					       "the option struct is newer than this library and "
					       "uses what it does not know");
		memcpy(dst, in, n);
		memcpy(dst, &dst_size, sizeof(dst_size));
	}
	if (flags && (*flags & ~known))
		return ct_fail(e, -EINVAL, CT_ERR_FLAGS, "call", "unknown flag 0x%llx",
			       (unsigned long long)(*flags & ~known));
	return 0;
}
