/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "backend/lsm/record.h"

#include <string.h>

int ct_label_keep(struct ct_undo *u, const char *name, const char *label, struct ct_err *e)
{
	return ct_undo_after(u, name, label, e);
}

const char *ct_label_kept(const char *journal, const char *name, struct ct_arena *arena)
{
	CT_CLEAN_RECORDS struct ct_undo_records records;

	if (ct_undo_read(journal, strlen(journal), name, &records) < 0 || !records.n ||
	    !*records.v[records.n - 1].text)
		return NULL;
	return ct_arena_strdup(arena, records.v[records.n - 1].text);
}
