/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The twin of json.c for builds without json-c or libseccomp. */
#include <errno.h>

#include "backend/seccomp/policy.h"
#include "base/origin.h"

int ct_filter_read_json(const char *text, size_t len, const char *file,
			const struct ct_filter_facts *facts, struct ct_arena *arena,
			struct ct_filter_policy *out, struct ct_err *e)
{
	struct ct_origin at = { NULL, file, 0 };

	(void)text, (void)len, (void)facts, (void)arena;
	*out = (struct ct_filter_policy){ .n_rules = 0 };
	ct_err_origin(e, &at);
	ct_err_hint(e, "build libcontain with -Djson=enabled, which needs libseccomp and json-c");
	return ct_fail(e, -EOPNOTSUPP, CT_ERR_FILTER, "seccomp",
		       "this build of libcontain reads no policies in JSON");
}
