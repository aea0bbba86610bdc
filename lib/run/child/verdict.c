/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/child/verdict.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int ct_exit_check(const ct_exit *out, const char *where, struct ct_err *e)
{
	if (out && out->size >= offsetof(ct_exit, core) && out->size <= 4096)
		return 0;
	return ct_fail(e, -EINVAL, CT_ERR_ARGUMENT, where,
		       "ct_exit.size is not set: begin with CT_EXIT_INIT");
}

void ct_exit_fill(const struct ct_verdict *v, const char *call, ct_exit *out)
{
	size_t n = sizeof(*out);
	ct_exit all;

	if (n > out->size)
		n = out->size;
	/* padding, too: callers compare and copy the struct as a whole */
	memset(&all, 0, sizeof(all));
	all.size = out->size;
#define CT_STATUS(field) all.field = v->field;
#define CT_USED(field) all.field = v->field;
#define CT_COUNTER(field) all.field = v->tree.field;
#include "shared/verdict.def"
	all.output_error = v->output_error;
	all.output_lost = v->output_lost;
	memcpy(all.filter_call, call, strnlen(call, sizeof(all.filter_call) - 1));
	memset(out, 0, all.size);
	memcpy(out, &all, n);
}
