/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CT_PLAN_PHASE_H
#define CT_PLAN_PHASE_H

#include "wire/wire.h"

/* The name of a phase ("mount"), and of the process that carries it out ("init"); "?" when
 * unknown. */
const char *ct_phase_name(unsigned phase);
const char *ct_phase_actor(unsigned phase);

#endif
