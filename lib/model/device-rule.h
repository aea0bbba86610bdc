/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One rule of devices.allow and devices.deny as it is written. */
#ifndef CT_DEVICE_RULE_H
#define CT_DEVICE_RULE_H

#include <stddef.h>
#include <stdint.h>

#define CT_DEVICE_MAJOR_MAX 4095    /* the kernel's dev_t has 12 bits for it */
#define CT_DEVICE_MINOR_MAX 1048575 /* and 20 for this */

struct ct_device_rule {
	char type;	      /* 'c', 'b' or 'a'; 0: a path */
	uint8_t access;	      /* 1: r, 2: w, 4: m */
	int64_t major, minor; /* -1: any */
	const char *path;     /* within the text that was read, path_len bytes of it */
	size_t path_len;
};

/* Reads "a", "c 1:3 rwm", "b *:* m" or "/dev/fuse rw"; the path is not looked up. NULL when it is a
 * rule, else what is wrong with it, a static sentence; *out is untouched then. */
const char *ct_device_rule_read(const char *text, struct ct_device_rule *out);

#endif
