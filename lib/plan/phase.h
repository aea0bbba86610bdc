/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_PLAN_PHASE_H
#define CT_PLAN_PHASE_H

#include "wire/wire.h"

struct ct_phase_row {
	const char *name;	/* as printed */
	const char *actor;	/* which process */
	const char *where;	/* in whose namespaces */
};

/* Indexed by enum ct_phase. */
extern const struct ct_phase_row ct_phases[CT_PHASE_COUNT];

/* "mount", "?" when unknown. */
const char *ct_phase_name(unsigned phase);

#endif
