/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/user.h"

#include <errno.h>
#include <string.h>

#include "shared/weak.h"

int ct_user_number(const char *s, size_t n, uint32_t *out)
{
	uint64_t v = 0;

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		/* what is too great stays so, and does not wrap */
		if (v <= CT_USER_MAX || ct_weak(CT_WEAK_ID_RANGE))
			v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v > CT_USER_MAX && !ct_weak(CT_WEAK_ID_RANGE))
		return -ERANGE;
	*out = (uint32_t)v;
	return 0;
}

int ct_user_parse(const char *spec, struct ct_user_query *q)
{
	const char *colon = strchr(spec, ':');
	int err;

	memset(q, 0, sizeof(*q));
	if (!colon && spec[strspn(spec, "0123456789")]) {
		q->by_name = 1;
		q->name = spec;
		if (spec[0] == '-' || spec[0] == '+' || (unsigned char)spec[0] <= ' ')
			return -EINVAL;
		return 0;
	}
	if (!colon)
		return ct_user_number(spec, strlen(spec), &q->uid);
	q->has_gid = 1;
	err = ct_user_number(colon + 1, strlen(colon + 1), &q->gid);
	if (err)
		return err;
	return ct_user_number(spec, (size_t)(colon - spec), &q->uid);
}
