/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What getdents64(2) gives, struct linux_dirent64 there: for code that reads directories without the C library. */
#ifndef CT_WIRE_DIRENT_H
#define CT_WIRE_DIRENT_H

#include <stdint.h>

#define CT_DIRENT_DIR 4		/* DT_DIR */

struct ct_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

#endif
