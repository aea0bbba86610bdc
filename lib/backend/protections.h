/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of ct_protections(): what the config asks for, what the kernel has, and by what. */
#ifndef CT_BACKEND_PROTECTIONS_H
#define CT_BACKEND_PROTECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "host/host.h"
#include "model/spec.h"

/* One row. All strings are the arena's, without control characters, and bounded. */
struct ct_protection {
	const char *name, *asked, *got, *how;
	bool ok; /* got is no weaker than asked */
};

/* The process that enforces limits which must be polled while the container runs. */
enum ct_care {
	CT_CARE_KEEPER, /* in process */
	CT_CARE_SUPERVISOR,
	CT_CARE_NOBODY /* the supervisor has been killed */
};

struct ct_protections {
	struct ct_arena *arena;
	const struct ct_spec *spec; /* of the running container's config */
	const struct ct_host *host;
	const struct ct_cgroups_held *running; /* the container's cgroups as they are */
	const char *records;		       /* the journal of its start: ct_undo_read() */
	/* why the backends could not be opened as for a start now; err 0: they could */
	const struct ct_err *not_opened;
	enum ct_care care;
	struct ct_protection *rows;
	uint32_t n, cap;
	bool oom;
};

/* Text in the table's arena. */
#define CT_ROW_TEXT(r, ...) ct_arena_printf((r)->arena, __VA_ARGS__)

/* Adds a row. The texts are copied without control characters, and shortened. A NULL among them
 * sets r->oom. */
void ct_protections_add(struct ct_protections *r, bool ok, const char *name, const char *asked,
			const char *got, const char *how);
/* The value of a key as written last; NULL: not set. */
const char *ct_protections_asked(const struct ct_protections *r, const char *key);

#endif
