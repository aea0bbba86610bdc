/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One handle's log: the callback of the caller, nothing else. */
#ifndef CT_RUN_LOG_H
#define CT_RUN_LOG_H

#include <contain/contain.h>

struct ct_log {
	int level;
	ct_log_fn fn;
	void *data;
};

/* Sends a line when its level is wanted. */
void ct_log(const struct ct_log *log, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
