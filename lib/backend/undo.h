/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of what is to be taken back: a line before each deed and one after it,
 *   ?NAME<TAB>RECORD        about to be done
 *   NAME<TAB>RECORD         done
 * where NAME is a backend's and RECORD its own text. It is kept in memory, and of a detached
 * container in a file of its state directory, too, from which whoever comes after a kill -9 takes
 * back what there is.
 */
#ifndef CT_BACKEND_UNDO_H
#define CT_BACKEND_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define CT_UNDO_RECORDS_MAX 256 /* in one journal */

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

/* Whether it outlives the process. */
static inline bool ct_undo_is_kept(const struct ct_undo *u)
{
	return u->file >= 0;
}

/* Adds a line: what is about to be done, what has been. 0 or a negative errno, recorded. */
int ct_undo_before(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e);
int ct_undo_after(struct ct_undo *u, const char *backend, const char *record, struct ct_err *e);
/* Whether it has a record of this backend. */
bool ct_undo_names(const struct ct_undo *u, const char *backend);
/* Closes the file and frees the memory; nothing is taken back. */
void ct_undo_free(struct ct_undo *u);

/* Those of one backend, in the order they were written. */
struct ct_undo_records {
	struct ct_undo_record v[CT_UNDO_RECORDS_MAX];
	uint32_t n;
	char *text; /* what they point into */
};
#define CT_CLEAN_RECORDS __attribute__((cleanup(ct_undo_records_free)))

/* Reads them from the text of a journal. 0; -EINVAL: it is none; -ENOMEM. They are the caller's to
 * free, also after a failure. */
int ct_undo_read(const char *text, size_t len, const char *backend, struct ct_undo_records *out);
void ct_undo_records_free(struct ct_undo_records *records);
/* Takes back all that a journal tells of, the backends in reverse order. All of them are
 * tried. 0, also for an empty one and one that makes no sense, or the errno of the first
 * that failed, recorded. */
int ct_undo_run(const char *text, size_t len, struct ct_err *e);
/* The same of a journal in memory, which is empty then. */
int ct_undo_all(struct ct_undo *u, struct ct_err *e);

#endif
