/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a setting comes from: its key, and the file and line it was read from. */
#ifndef CT_BASE_ORIGIN_H
#define CT_BASE_ORIGIN_H

#include <string.h>

struct ct_origin {
	const char *key;  /* "mount.entry"; never NULL */
	const char *file; /* NULL when set by a call or by default */
	int line;	  /* 0 when none */
};

/* A key without the prefix "lxc.", which may stand before any key. */
static inline const char *ct_plain_key(const char *key)
{
	if (!strncmp(key, "lxc.", 4))
		return key + 4;
	return key;
}

#endif
