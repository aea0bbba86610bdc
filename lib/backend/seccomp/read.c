/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which reader a text is for. */
#include <string.h>

#include "backend/seccomp/policy.h"

int ct_filter_read(const char *text, size_t len, const char *file,
		   const struct ct_filter_facts *facts, struct ct_arena *arena,
		   struct ct_filter_policy *out, struct ct_err *e)
{
	size_t at = 0;

	while (at < len && memchr(" \t\r\n", text[at], 4))
		at++;
	if (at < len && text[at] == '{')
		return ct_filter_read_json(text, len, file, facts, arena, out, e);
	return ct_filter_read_lxc(text, len, file, arena, out, e);
}
