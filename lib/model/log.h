/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One handle's log: the caller's function, or, without one, the file that the config names. */
#ifndef CT_MODEL_LOG_H
#define CT_MODEL_LOG_H

#include <stdbool.h>

#include <contain/contain.h>

#include "model/config.h"

struct ct_log {
	int level;
	ct_log_fn fn; /* NULL: log.file, up to log.level */
	void *data;
	const char *name; /* of the container, for the lines of the file */
	/* where the handle has its config; NULL: this is a copy, which has `file` */
	struct ct_config *const *config;
	const char *file; /* log.file; NULL: none */
	uint32_t file_level;
	char *strings; /* of a copy: its own */
};

/* A copy that outlives the handle. 0 or -ENOMEM. */
int ct_log_copy(struct ct_log *out, const struct ct_log *log);
void ct_log_free(struct ct_log *copy);

/* Whether a line of this level goes anywhere. */
bool ct_log_wants(const struct ct_log *log, int level);
/* Opens the file for a process that logs when the caller has ended, up to *level. -1: none. */
int ct_log_open(const struct ct_log *log, uint32_t *level);
/* Sends a line when its level is wanted. The file is opened for each line, so that no descriptor
 * stays in the caller. */
void ct_log(const struct ct_log *log, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Checks that log.file, where one is needed, can be written to: 0 or a negative errno, recorded.
 * `make`: a file that does not exist is made; else that is -ENOENT. */
int ct_log_check(const struct ct_log *log, bool make, struct ct_err *e);

#endif
