/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asked: key, and the file and line it was read from. */
#ifndef CT_BASE_ORIGIN_H
#define CT_BASE_ORIGIN_H

struct ct_origin {
	const char *key;  /* "mount.entry"; never NULL */
	const char *file; /* NULL when set by a call or by default */
	int line;	  /* 0 when none */
};

#endif
