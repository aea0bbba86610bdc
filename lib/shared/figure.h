/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The counters of a container's cgroups by a table, one row for each counter and version: read by
 * the library and by the stage alike. System calls and a few KiB of stack, nothing else.
 */
#ifndef CT_SHARED_FIGURE_H
#define CT_SHARED_FIGURE_H

#include <stdint.h>

#include "shared/controllers.h"
#include "shared/keyed.h"

/* One cgroup of the container. */
struct ct_cg_place {
	uint8_t version;      /* 1 or 2 */
	uint32_t controllers; /* that it serves, CT_CG_* */
	int fd;		      /* its directory, borrowed; O_PATH is enough */
};

/*
 * One row. Of several rows for one counter the first whose file has it is taken. A TREE row is of
 * one that, without a file FILE.local beside FILE, counts for the cgroup alone: then it is read in
 * all cgroups below, too.
 */
struct ct_figure {
	const char *file;
	const char *local; /* FILE.local */
	const char *key;
	uint16_t offset;     /* of its uint64_t in what is filled */
	uint16_t controller; /* CT_CG_* */
	uint16_t divisor;    /* of what is read */
	uint8_t version;
	uint8_t how; /* enum ct_keyed_how */
};
#define CT_FIGURE(type, field, v, bit, name, form, word, scale)                                 \
	{                                                                                       \
		.file = name, .local = name ".local", .key = word,                              \
		.offset = (uint16_t)offsetof(type, field), .controller = bit, .divisor = scale, \
		.version = v, .how = CT_KEYED_##form                                            \
	}

/* Limits of what is read below a cgroup. */
#define CT_FIGURE_DEPTH 8
#define CT_FIGURE_GROUPS 1000

struct ct_figures {
	const struct ct_figure *rows;
	uint32_t n;	 /* at most CT_FIGURE_ROWS */
	uint32_t wanted; /* controllers that no cgroup has served yet */
	void *out;	 /* its counters are CT_ABSENT at the beginning */
};
#define CT_FIGURE_ROWS 128

/*
 * Fills in the counters of one cgroup: of its controllers that no cgroup before it served. So
 * version 1's cgroups come first, and a counter that one of them lacks is not taken from another.
 * `fd` is its directory, O_PATH is enough. Never fails.
 */
void ct_figures_add(struct ct_figures *s, unsigned version, uint32_t controllers, int fd);
/* The same for all places of that version. */
void ct_figures_add_places(struct ct_figures *s, unsigned version, const struct ct_cg_place *v,
			   uint32_t n);

#endif
