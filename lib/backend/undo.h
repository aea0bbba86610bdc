/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of what a start makes, for its removal: a line before each action and one after it,
 *   ?NAME<TAB>RECORD        about to be done
 *   NAME<TAB>RECORD         done
 * where NAME is a backend's and RECORD its own text. It is kept in memory, and of a detached
 * container also in a file of its state directory, so that after a kill -9 the next call can undo
 * what has been done.
 */
#ifndef CT_BACKEND_UNDO_H
#define CT_BACKEND_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define CT_UNDO_RECORDS_MAX 256 /* of one backend in a journal */

/* A journal that is written. */
struct ct_undo {
	struct ct_buf text;
	int file; /* gets each line at once; -1: in memory alone */
};
#define CT_UNDO_INIT                            \
	{                                       \
		.text = CT_BUF_INIT, .file = -1 \
	}

/* One record that is read. */
struct ct_undo_record {
	bool before; /* it may not have been done */
	const char *text;
};

/* Whether it is also in a file, which outlives the process. */
static inline bool ct_undo_is_kept(const struct ct_undo *u)
{
	return u->file >= 0;
}

/* Adds a line, before or after the action. 0 or a negative errno, recorded. */
int ct_undo_before(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e);
int ct_undo_after(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e);
/* Whether it has a record of this backend. */
bool ct_undo_names(const struct ct_undo *u, const char *backend);
/* Closes the file and frees the memory; nothing is undone. */
void ct_undo_free(struct ct_undo *u);

/* The records of one backend, in the order in which they were written. */
struct ct_undo_records {
	struct ct_undo_record v[CT_UNDO_RECORDS_MAX];
	uint32_t n;
	char *text; /* what they point into */
};
#define CT_CLEAN_RECORDS __attribute__((cleanup(ct_undo_records_free)))

/* Reads them from the text of a journal. 0; -EINVAL: it is no journal; -ENOMEM. They are the
 * caller's to free, also after a failure. */
int ct_undo_read(const char *text, size_t len, const char *backend, struct ct_undo_records *out);
void ct_undo_records_free(struct ct_undo_records *records);
/* Undoes all records of a journal, the backends in reverse order; when one fails the others go on.
 * 0, also for an empty text and one that is no journal, or the errno of the first that failed,
 * recorded. */
int ct_undo_run(const char *text, size_t len, struct ct_err *e);
/* The same for a journal in memory, which is empty afterwards. */
int ct_undo_all(struct ct_undo *u, struct ct_err *e);

#endif
