/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tree on the host that nothing may ever touch: watched and hashed. */
#ifndef CT_TEST_DECOY_H
#define CT_TEST_DECOY_H

#include <limits.h>
#include <stddef.h>

struct decoy {
	char path[PATH_MAX];
	int watch; /* inotify */
	unsigned long long digest;
};

/* Makes base/decoy with what a runtime might be led to: files, directories, links. 0
 * or negative errno. */
int decoy_make(struct decoy *d, const char *base);
/* Begins to watch, anew. */
int decoy_arm(struct decoy *d);
/* 0 when nothing was opened, made, changed or removed there since decoy_arm(); otherwise 1 and
 * what happened in buf. */
int decoy_touched(struct decoy *d, char *buf, size_t size);
void decoy_close(struct decoy *d);

#endif
