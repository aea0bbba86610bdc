/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Users and groups as people and files write them: the one parser, of the library's keys, of the
 * stage's passwd and group files and of what names a user to enter as. Nothing is looked up.
 */
#ifndef CT_SHARED_USER_H
#define CT_SHARED_USER_H

#include <stddef.h>
#include <stdint.h>

#define CT_USER_MAX (UINT32_MAX - 1) /* the last one is the kernel's "no id" */

/* n bytes, decimal digits and nothing else, as an id. 0, -EINVAL, or -ERANGE above CT_USER_MAX;
 * *out is untouched on failure. */
int ct_user_number(const char *s, size_t n, uint32_t *out);

/* The user to search for. */
struct ct_user_query {
	int by_name, has_gid;
	const char *name;
	uint32_t uid, gid;
};
/* "name", "uid" or "uid:gid". Digits alone, and what has a colon, are numbers and never a name. 0,
 * -EINVAL or -ERANGE. */
int ct_user_parse(const char *spec, struct ct_user_query *q);

#endif
