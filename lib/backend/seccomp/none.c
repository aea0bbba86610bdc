/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The twin of calls.c, compile.c, default.c, keys.c, lxc.c and notify-names.c, without
 * libseccomp. */
#include <errno.h>

#include "base/origin.h"
#include "backend/seccomp/calls.h"
#include "backend/seccomp/keys.h"
#include "backend/seccomp/notify.h"
#include "backend/seccomp/ops.h"
#include "backend/seccomp/policy.h"

static int refuse(const char *file, struct ct_err *e)
{
	struct ct_origin at = { NULL, file, 0 };

	if (file)
		ct_err_origin(e, &at);
	ct_err_hint(e, "build libcontain with -Dseccomp=enabled");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_FILTER, "seccomp",
		       "this build of libcontain has no filter of system calls");
}

/* Nothing is loaded. */
uint32_t ct_filter_native(void)
{
	return 0;
}

/* None. */
const char *ct_filter_usual(void)
{
	return NULL;
}

/* Refuses. */
int ct_filter_read_lxc(const char *text, size_t len, const char *file, struct ct_arena *arena,
		       struct ct_filter_policy *out, struct ct_err *e)
{
	(void)text, (void)len, (void)arena, (void)out;
	return refuse(file, e);
}

/* Refuses. */
int ct_filter_default(const struct ct_filter_facts *facts, struct ct_arena *arena,
		      struct ct_filter_policy *out, struct ct_err *e)
{
	(void)facts, (void)arena, (void)out;
	return refuse(NULL, e);
}

/* Refuses. */
int ct_filter_compile(const struct ct_filter_policy *p, const char *file, struct ct_buf *out,
		      struct ct_err *e)
{
	(void)p, (void)out;
	return refuse(file, e);
}

/* No call has a name. */
void ct_filter_call_name(uint32_t arch, int nr, char *buf, size_t size)
{
	(void)arch, (void)nr, (void)size;
	*buf = '\0';
}

/* Refuses. */
int ct_filter_notify(struct ct_filter_policy *p, const struct ct_strs *names,
		     struct ct_arena *arena, struct ct_err *e)
{
	(void)p, (void)names, (void)arena;
	return refuse(NULL, e);
}

/* Refuses. */
int ct_filter_refuse_keys(struct ct_filter_policy *p, bool bare, struct ct_arena *arena,
			  struct ct_err *e)
{
	(void)p, (void)bare, (void)arena;
	return refuse(NULL, e);
}

/* Nothing is loaded. */
bool ct_filter_refuses_keys(const void *program, size_t n)
{
	(void)program, (void)n;
	return false;
}
